"""Hold what a model restated against a recording: each statement at the place that it gives."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, ItemsView, KeysView
from contextlib import suppress

from pytrace_mono.verify.checking import restated_calls as of_calls
from pytrace_mono.verify.checking.comparing import equal
from pytrace_mono.verify.checking.conditions import came_out
from pytrace_mono.verify.checking.context import NO_RUN, Answer, Context, where
from pytrace_mono.verify.checking.places import NoSuchPass
from pytrace_mono.verify.checking.restated_places import untold, visits_of
from pytrace_mono.verify.claims import Claim, Restated
from pytrace_mono.verify.expressions import NotEvaluated, evaluate
from pytrace_mono.verify.frames import Visit
from pytrace_mono.verify.source import literal_of, parsed

_PARTS = (ast.Name, ast.Attribute, ast.Subscript)
_OF_AN_EXPRESSION = ("before", "after", "input", "output")


def restated(context: Context, claim: Claim, said: Restated) -> Answer:
    """Whether it is so at its place."""
    if said.verb == "misread":
        return None, "the model took it back when it looked again", None
    if said.verb in _OF_AN_EXPRESSION and parsed(said.what) is None:
        return None, f"no expression: {said.what:.200}", None
    why = untold(context, claim, said)
    if why is not None:
        return None, why, None
    try:
        return _CHECKS[said.verb](context, claim, said)
    except NoSuchPass as none:
        return said.times == 0, str(none), None


def _moment(context: Context, claim: Claim, said: Restated) -> Answer:
    node = parsed(said.what)
    assert node is not None  # looked at before
    after = said.verb == "after"
    if context.run.work.left < 0:
        return None, "the claims of this text ask for too much", None
    visits = visits_of(context, claim, said)
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
    visits = visits_of(context, claim, said)
    step = visits[0].start if visits else None
    fact = f"line {claim.place.line} runs {len(visits)} times there"
    each = Counter(v.frame for v in visits).values() if claim.place.call is not None else ()
    return of_calls.counted(len(visits), said) or said.times in each, fact, step


def _loops(context: Context, claim: Claim, said: Restated) -> Answer:
    rounds = [r for r in context.places.rounds(claim.place) if r.loop.lineno == claim.place.line]
    if any(not running.counted for running in rounds):
        return None, "its passes cannot be told apart by lines", None
    passes = [len(running.passes) for running in rounds]
    holds = said.times in passes or sum(passes) == said.times
    step = rounds[0].begins if rounds else None
    return holds, f"the loop runs {' or '.join(map(str, passes)) or 0} times", step


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


_CHECKS: dict[str, Callable[[Context, Claim, Restated], Answer]] = {
    "before": _moment,
    "after": _moment,
    "runs": _runs,
    "loops": _loops,
    "returns": of_calls.returns,
    "yields": of_calls.yields,
    "calls": of_calls.calls,
    "raises": of_calls.raises,
    "input": _whole,
    "output": _whole,
}
