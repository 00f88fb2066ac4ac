"""Hold what a model restated against a recording: each statement at the place that it gives."""

from __future__ import annotations

import ast
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, ItemsView, KeysView
from contextlib import suppress

from pytrace_mono.tracer.types import Snapshot
from pytrace_mono.verify.checking.comparing import equal, fits
from pytrace_mono.verify.checking.conditions import came_out
from pytrace_mono.verify.checking.context import NO_RUN, Answer, Context, where
from pytrace_mono.verify.checking.places import NoSuchPass, Window
from pytrace_mono.verify.claims import Claim, Place, Restated, Shown
from pytrace_mono.verify.expressions import NotEvaluated, evaluate
from pytrace_mono.verify.frames import LATE, Visit
from pytrace_mono.verify.program import is_endless
from pytrace_mono.verify.source import literal_of, parsed

_NAMED = re.compile(r"([A-Za-z_][\w.]*)\s*(?:\(.*|:.*)?$", re.DOTALL)
_PARTS = (ast.Name, ast.Attribute, ast.Subscript)
_OF_AN_EXPRESSION = ("before", "after", "input", "output")


def restated(context: Context, claim: Claim, said: Restated) -> Answer:
    """Whether it is so at its place."""
    place = claim.place
    if said.verb == "misread":
        return None, "the model took it back when it looked again", None
    if said.verb in _OF_AN_EXPRESSION and parsed(said.what) is None:
        return None, f"no expression: {said.what:.200}", None
    if any(line not in context.run.program.loop_lines for line, _ in place.passes):
        return None, "there is no loop at that line", None
    if place.call is not None and not context.places.called(place.call):
        return None, f"{place.call} was not recorded", None
    untold = None if place.line is None else _untold(context, place.line, said)
    if untold is not None:
        return None, untold, None
    try:
        return _CHECKS[said.verb](context, claim, said)
    except NoSuchPass as none:
        return said.times == 0, str(none), None


def _untold(context: Context, line: int, said: Restated) -> str | None:
    """Why the visits of a line do not decide what is said of it, whatever they are."""
    program = context.run.program
    statement = program.at.get(line, (None, line))[0]
    is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    if statement is None or is_text or isinstance(statement, (ast.Global, ast.Nonlocal)):
        return "no step of a recording is on such a line"  # `else:`, a docstring
    if isinstance(statement, ast.While) and is_endless(statement) and said.verb == "runs":
        return "some versions of Python leave out the header of an endless loop"
    if said.verb == "loops" and line not in program.loop_lines:
        return "there is no loop at that line"
    around: ast.AST | None = statement
    while around is not None and not isinstance(around, (ast.FunctionDef, ast.AsyncFunctionDef)):
        around = program.parents.get(around)
    of_a_function = around is not None and around is not statement
    if not of_a_function and not context.places.visits(Place(line)):
        return "that line ran before the Call"
    return None


def _is_an_exit(context: Context, visit: Visit) -> bool:
    """Whether it is the ``with`` once more, when its body is done."""
    found = visit.statement
    if not isinstance(found, (ast.With, ast.AsyncWith)):
        return False
    own = visit.frame.visits
    index = bisect_left(own, visit.start, key=lambda other: other.start)
    return index > 0 and context.run.program.in_block(own[index - 1].statement, found.body)


def _visits(context: Context, claim: Claim, said: Restated) -> list[Visit]:
    """The visits meant; not those of deeper calls of the same function."""
    place = claim.place
    visits = context.places.visits(place)
    owners = {w.frame for w in context.places.windows(place) if w.frame is not None}
    again = {owner.definition for owner in owners}
    visits = [v for v in visits if v.frame in owners or v.frame.definition not in again]
    # Comprehensions and lambdas run on the line, too; it is the line itself that is told of.
    visits = [v for v in visits if v.frame.name[0] != "<"] or visits
    visits = [v for v in visits if not _is_an_exit(context, v)]
    if not said.visit:
        return visits
    index = said.visit if said.visit < 0 else said.visit - 1
    return visits[index:][:1]


def _moment(context: Context, claim: Claim, said: Restated) -> Answer:
    node = parsed(said.what)
    assert node is not None  # looked at before
    after = said.verb == "after"
    if context.run.work.left < 0:
        return None, "the claims of this text ask for too much", None
    visits = _visits(context, claim, said)
    if not visits:
        return False, f"line {claim.place.line} does not run there", None
    answers = [_is_so(context, node, visit, after=after) for visit in visits]
    if said.visit == 0 and False in answers:
        visit = visits[answers.index(False)]
    elif said.visit != 0 and True in answers:
        visit = visits[answers.index(True)]
        context.told.add(visit.label)
        return True, "", visit.start
    elif None in answers:
        return None, "the recording does not tell", None
    else:
        visit = visits[0]
    fact = f"{said.what} is false {where(visit)}{_values(context, node, visit, after=after)}"
    return said.visit == 0 and False not in answers, fact, visit.start


def _values(context: Context, node: ast.expr, visit: Visit, *, after: bool) -> str:
    """What the parts of an expression are, behind a fact."""
    parts = {ast.unparse(part): part for part in ast.walk(node) if isinstance(part, _PARTS)}
    shown: list[str] = []
    for text, part in parts.items():
        with suppress(NotEvaluated):
            shown.append(f"{text} is {context.run.evaluate(part, visit, after=after)!r:.80}")
    return f", where {', '.join(shown)}" if shown else ""


def _is_so(context: Context, node: ast.expr, visit: Visit, *, after: bool) -> bool | None:
    run, sides = context.run, _sides(node)
    try:
        if sides is None:
            return bool(run.evaluate(node, visit, after=after))
        left, right = (run.evaluate(side, visit, after=after) for side in sides)
        return equal(_plain(right), _plain(left))
    except NotEvaluated:
        # What a line assigns has no value before it, and not the one that it is given.
        tests = isinstance(visit.statement, (ast.If, ast.While))
        return came_out(context, node, visit) if tests and not after else None


def _plain(value: object) -> object:
    """A view of a dict as the set that it is equal to."""
    return set(value) if isinstance(value, (KeysView, ItemsView)) else value


def _sides(node: ast.expr) -> tuple[ast.expr, ast.expr] | None:
    """Of ``a == b``, which means of the same type, too: as a text shows a value, so it is."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq):
        return node.left, node.comparators[0]
    return None


def _runs(context: Context, claim: Claim, said: Restated) -> Answer:
    visits = _visits(context, claim, said)
    step = visits[0].start if visits else None
    fact = f"line {claim.place.line} runs {len(visits)} times there"
    each = Counter(v.frame for v in visits).values() if claim.place.call is not None else ()
    return _counted(len(visits), said) or said.times in each, fact, step


def _loops(context: Context, claim: Claim, said: Restated) -> Answer:
    rounds = [r for r in context.places.rounds(claim.place) if r.loop.lineno == claim.place.line]
    if any(not running.counted for running in rounds):
        return None, "its passes cannot be told apart by lines", None
    passes = [len(running.passes) for running in rounds]
    holds = said.times in passes or sum(passes) == said.times
    step = rounds[0].begins if rounds else None
    return holds, f"the loop runs {' or '.join(map(str, passes)) or 0} times", step


def _gives(context: Context, claim: Claim, said: Restated) -> Answer:
    place = claim.place
    visits = None if place.line is None else _visits(context, claim, said)
    if place.call is not None:
        frames = context.places.called(place.call)
    elif visits is not None:
        frames = list(dict.fromkeys(visit.frame for visit in visits))
    else:
        frames = [] if context.main is None else [context.main]
    if said.verb == "yields":
        given = [
            (time, value)
            for frame in frames
            for time, value in frame.yields
            if visits is None or any(v.frame is frame and v.start <= time <= v.end for v in visits)
        ]
    else:
        if visits is not None and place.line is not None:  # of the calls made there, or by it
            frames = [f for f in frames if any(v.frame is f and v.end == f.ends for v in visits)]
            frames += [f for f in context.run.called if f.caller in visits and f.name[0] != "<"]
        elif place.passes:
            return None, "a pass returns nothing", None
        given = [(f.ends, f.value) for f in frames if f.ending == "return" and f.value is not None]
        outcome = context.run.trace.outcome.value
        if place.call is None and place.line is None and outcome is not None:
            given.append((LATE, outcome))
        decorated = any(f.definition is not None and f.definition.decorator_list for f in frames)
        if decorated and _one_of(said.what, given)[0] is False:
            return None, "what its decorator makes of it was not recorded", None
    if said.times is not None:
        each = [
            sum(frame.begins < t <= frame.ends and (t, v) in frame.yields for t, v in given)
            for frame in frames
        ]
        holds = len(given) == said.times or (len(frames) > 1 and said.times in each)
        return holds, f"it yields {len(given)} times", None
    return _one_of(said.what, given)


def _one_of(value: str, given: list[tuple[int, Snapshot]]) -> Answer:
    answers = [(fits(Shown(value), snapshot), time) for time, snapshot in given]
    for answer, time in answers:
        if answer:
            return True, "", None if time == LATE else time
    if not given or any(answer is None for answer, _ in answers):
        return None, "the value was not recorded exactly", None
    return False, f"it is {given[0][1].text:.200}", None


def _calls(context: Context, claim: Claim, said: Restated) -> Answer:
    run, name = context.run, said.what.partition("(")[0].rpartition(".")[2]
    made = context.places.called(said.what)
    if not made and name not in run.program.function_names:
        return None, f"calls of {name} were not recorded", None
    if claim.place.line is None:
        windows = context.places.windows(claim.place)
    else:
        windows = [Window(v.start, v.end, v.frame) for v in _visits(context, claim, said)]
    made = [frame for frame in made if any(window.holds(frame.begins) for window in windows)]
    step = made[0].begins if made else None
    # A call that the place is in is none of those made there; those that these make may be left out.
    owners = {window.frame for window in windows}
    inside = [f for f in made if any(w.holds(f.begins) and w.frame is not f for w in windows)]
    direct = [f for f in inside if f.caller is not None and f.caller.frame in owners]
    holds = _counted(len(made if said.times is None else inside), said)
    holds = holds or (bool(direct) and _counted(len(direct), said))
    if said.times is not None and not holds and len(windows) > 1:  # calls that are not told apart
        holds = said.times in [
            sum(
                w.holds(f.begins)
                and f is not w.frame
                and f.caller is not None
                and (not direct or f.caller.frame is w.frame)
                for f in made
            )
            for w in windows
        ]
    if not holds and _may_be_hidden(context, name):
        return None, f"not every call of {name} is recorded", None
    return holds, f"{said.what} is called {len(inside)} times there", step


def _may_be_hidden(context: Context, name: str) -> bool:
    """Whether calls may leave no activation of that name: of a class, or behind a decorator."""
    for node in context.run.program.parents:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return not any(
                isinstance(n, ast.FunctionDef) and n.name == "__init__" for n in node.body
            )
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == name:
            plain = ("staticmethod", "classmethod", "property")
            return any(ast.unparse(d) not in plain for d in node.decorator_list)
    return False


def _raises(context: Context, claim: Claim, said: Restated) -> Answer:
    found = {v.raised.type for v in context.places.visits(claim.place) if v.raised is not None}
    outcome = context.run.trace.outcome.exception
    if outcome is not None:
        found.add(outcome.type)
    names = {name.rpartition(".")[2] for name in found}
    name = _NAMED.match(said.what)
    if name is None:
        return None, f"no type: {said.what:.200}", None
    holds = name[1].rpartition(".")[2] in names
    return holds, f"{' and '.join(sorted(names)) or 'nothing'} is raised there", None


def _whole(context: Context, claim: Claim, said: Restated) -> Answer:
    main = context.main
    if main is None:
        return NO_RUN
    node = parsed(said.what)
    assert node is not None  # looked at before
    known = {"result": context.run.trace.outcome.value, **main.arguments}
    names = {n: literal_of(s.text) for n, s in known.items() if s is not None and s.exact}
    sides = _sides(node)
    try:
        if sides is None:
            holds = bool(evaluate(node, names))
        else:
            holds = equal(*(_plain(evaluate(side, names)) for side in reversed(sides)))
    except NotEvaluated as error:
        return None, str(error), None
    return holds, f"{said.what} is false of this run", None


def _counted(count: int, said: Restated) -> bool:
    return count > 0 if said.times is None else count == said.times


_CHECKS: dict[str, Callable[[Context, Claim, Restated], Answer]] = {
    "before": _moment,
    "after": _moment,
    "runs": _runs,
    "loops": _loops,
    "returns": _gives,
    "yields": _gives,
    "calls": _calls,
    "raises": _raises,
    "input": _whole,
    "output": _whole,
}
