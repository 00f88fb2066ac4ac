"""How conditions came out, which lines were reached and which passed over."""

from __future__ import annotations

import ast

from pytrace_mono.verify.checking.code import OPPOSITE, is_test, opposite, written
from pytrace_mono.verify.checking.context import Answer, Context, where
from pytrace_mono.verify.checking.places import Window
from pytrace_mono.verify.claims import Claim, Condition, Place, Reached
from pytrace_mono.verify.expressions import NotEvaluated, evaluate
from pytrace_mono.verify.frames import Visit
from pytrace_mono.verify.literals import same_value
from pytrace_mono.verify.program import Loop, names_in
from pytrace_mono.verify.source import parsed


def condition(context: Context, claim: Claim, said: Condition) -> Answer:
    """Whether a condition came out as is said."""
    visits = context.places.visits(claim.place)
    node = parsed(said.expression)
    if said.share is not None:
        return _share(context, visits, said, node)
    if said.expression.startswith("case "):
        return _case(context, claim, visits, said)
    if node is None:
        return None, "not an expression", None
    if not names_in(node):
        try:
            value = bool(evaluate(node, {}, context.run.program.bound))
        except NotEvaluated as why:
            return None, str(why), None
        return value is said.held, f"{said.expression} is {value}", None
    normal = written(node)
    visits = [v for v in visits if is_test(v, normal)] or visits

    def test(visit: Visit) -> bool | None:
        outcome = came_out(context, node, visit)
        return None if outcome is None else outcome is said.held

    def fact(visit: Visit) -> str:
        return f"{said.expression} {'fails' if said.held else 'holds'} {where(visit)}"

    none = f"line {claim.place.line} does not run there"
    return context.some(claim, visits, test, fact, none)


def came_out(context: Context, node: ast.expr, visit: Visit) -> bool | None:
    """A condition at a visit: by where the run went where it is the test, else by its value."""
    test = getattr(visit.statement, "test", None)
    text = written(node)
    if test is not None and isinstance(visit.statement, (ast.If, ast.While)):
        if written(test) == text:
            return context.run.outcome(visit)
        if text in (opposite(test), f"not {written(test)}"):
            outcome = context.run.outcome(visit)
            return None if outcome is None else not outcome
    try:
        return bool(context.run.evaluate(node, visit, after=False))
    except NotEvaluated:
        pass
    try:
        return bool(context.run.evaluate(node, visit, after=True))
    except NotEvaluated:
        return _as_tested(context, node, visit)


def _as_tested(context: Context, node: ast.expr, visit: Visit) -> bool | None:
    """The comparison that was tested, with the value of a part: ``'m' in units``, not ``unit``."""
    test = getattr(visit.statement, "test", None)
    if not (isinstance(node, ast.Compare) and isinstance(test, ast.Compare)):
        return None
    if len(node.ops) != 1 or len(test.ops) != 1:
        return None
    asked, tested = type(node.ops[0]), type(test.ops[0])
    outcome = context.run.outcome(visit)
    if outcome is None or asked not in (tested, OPPOSITE[tested]):
        return None
    parts = zip((node.left, *node.comparators), (test.left, *test.comparators), strict=True)
    if not all(_is_same(context, part, other, visit) for part, other in parts):
        return None
    return outcome is (asked is tested)


def _is_same(context: Context, part: ast.expr, other: ast.expr, visit: Visit) -> bool:
    if written(part) == written(other):
        return True
    try:
        values = [context.run.evaluate(node, visit, after=False) for node in (part, other)]
    except NotEvaluated:
        return False
    return same_value(*values)


def _share(context: Context, visits: list[Visit], said: Condition, node: ast.expr | None) -> Answer:
    assert said.share is not None
    if node is None:
        return None, "not an expression", None
    if not context.forward:  # told of one activation, mostly of the main one
        frames = dict.fromkeys(v.frame for v in visits)
        for frame in frames if context.main not in frames else [context.main]:
            own = [v for v in visits if v.frame is frame]
            came = [came_out(context, node, v) for v in own]
            if None not in came and (came.count(said.held), len(came)) == said.share:
                return True, "", own[0].start
        visits = [v for v in visits if v.frame is context.main] or visits
    outcomes = [came_out(context, node, v) for v in visits]
    count, of = said.share
    if None in outcomes:
        return None, "the recording does not tell", None
    held = [bool(o) is said.held for o in outcomes]
    fact = f"{said.expression} held {sum(held)} of {len(held)} times"
    if not context.forward:
        return (sum(held), len(held)) == (count, of), fact, None
    spans = (held[i : i + of] for i in range(len(held) - of + 1))
    return any(sum(span) == count for span in spans), fact, None


def _case(context: Context, claim: Claim, visits: list[Visit], said: Condition) -> Answer:
    pattern = said.expression.removeprefix("case ")

    def test(visit: Visit) -> bool | None:
        cases = getattr(visit.statement, "cases", ())
        for case in cases:
            if case.pattern.lineno == visit.label and ast.unparse(case.pattern) == pattern:
                follower = visit.next.statement if visit.next is not None else None
                return context.run.program.in_block(follower, case.body) is said.held
        return False

    return context.some(claim, visits, test, lambda v: f"not so {where(v)}", "not reached")


def reached(context: Context, claim: Claim, said: Reached) -> Answer:
    """Whether lines were reached, or passed over."""
    place = claim.place
    there = Place(None, place.passes, place.call)
    around = context.places.visits(there, line=False, deeper=said.ran)
    visits = [v for v in around if said.first <= v.label <= said.last]
    if said.ran:
        if not visits and not context.run.program.at.get(said.first):
            return None, f"line {said.first} is no statement", None
        fact = f"line {said.first} does not run there"
        return bool(visits), fact, visits[0].start if visits else None
    if not visits:
        return True, "", None
    on_its_line = [v for v in visits if _passed_over(context, v)]
    if on_its_line and all(v.label == said.first for v in visits):
        return True, "", on_its_line[0].start  # `if x: y` on one line
    if place.passes:
        if _in_inner_loop(context, said.first, place):
            return None, "the pass has several visits", None
        ahead = [w for w in context.places.windows(there) if w.end > context.cursor]
        ran = [[v for v in visits if _is_of(v, window)] for window in ahead]
        if not all(ran):
            return True, "", None
        visits = ran[0] if ran else visits
        return False, f"line {visits[0].label} runs there", visits[0].start
    # Outside of any iteration it is passed over this time, and may run another time.
    asked = context.run.program.parents.get(context.statement(said.first) or ast.Pass())
    passed = [v for v in context.run.visits if v.statement is asked]
    if any(_went_elsewhere(context, v, said) for v in passed):
        return True, "", None
    if not context.forward and context.main is not None:
        visits = [v for v in visits if v.frame is context.main]
        if not visits:
            return True, "", None
    return False, f"line {visits[0].label} runs {where(visits[0])}", visits[0].start


def _passed_over(context: Context, visit: Visit) -> bool:
    """Whether a body that stands on the line of its header did not run."""
    statement = visit.statement
    if not isinstance(statement, Loop):
        return context.run.outcome(visit) is False
    # Each pass comes back to the header, unless it leaves the loop.
    begins = any(r.loop is statement and r.begins == visit.start for r in context.run.rounds)
    leaves = any(isinstance(n, (ast.Break, ast.Return)) for n in ast.walk(statement))
    again = visit.next is not None and visit.next.statement is statement
    return begins and not leaves and not again and visit.raised is None


def _is_of(visit: Visit, window: Window) -> bool:
    """Whether a visit is part of a pass: not of a deeper call of the same function within it."""
    if not window.holds(visit.start):
        return False
    frame = window.frame
    if frame is None or visit.frame is frame:
        return True
    return visit.frame.definition is not frame.definition


def _went_elsewhere(context: Context, visit: Visit, said: Reached) -> bool:
    return visit.next is None or not said.first <= visit.next.label <= said.last


def _in_inner_loop(context: Context, line: int, place: Place) -> bool:
    statement = context.statement(line)
    if statement is None:
        return False
    return len(context.run.program.loops_around(statement)) > len(place.passes)
