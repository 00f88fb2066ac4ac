"""Hold what a model restated against a recording: each statement at the place that it gives."""

from __future__ import annotations

import ast
from collections.abc import Callable
from contextlib import suppress

from pytrace_mono.tracer.types import Snapshot
from pytrace_mono.verify.checking.comparing import equal, fits
from pytrace_mono.verify.checking.conditions import came_out
from pytrace_mono.verify.checking.context import NO_RUN, Answer, Context, where
from pytrace_mono.verify.checking.places import NoSuchPass
from pytrace_mono.verify.claims import Claim, Restated, Shown
from pytrace_mono.verify.expressions import NotEvaluated, evaluate
from pytrace_mono.verify.frames import LATE, Visit
from pytrace_mono.verify.source import literal_of, parsed

_PARTS = (ast.Name, ast.Attribute, ast.Subscript)
_OF_AN_EXPRESSION = ("before", "after", "input", "output")


def restated(context: Context, claim: Claim, said: Restated) -> Answer:
    """Whether it is so at its place."""
    place = claim.place
    if said.verb == "misread":
        return None, "the model took it back when it looked again", None
    if said.verb == "unclear":
        return None, f"not in the form of a statement: {said.form:.200}", None
    if said.verb in _OF_AN_EXPRESSION and parsed(said.what) is None:
        return None, f"no expression: {said.what:.200}", None
    if any(line not in context.run.program.loop_lines for line, _ in place.passes):
        return None, "there is no loop at that line", None
    if place.call is not None and not context.places.called(place.call):
        return None, f"{place.call} was not recorded", None
    try:
        return _CHECKS[said.verb](context, claim, said)
    except NoSuchPass as none:
        return said.times == 0, str(none), None


def _visits(context: Context, claim: Claim, said: Restated) -> list[Visit]:
    """The visits meant; not those of deeper calls of the same function."""
    place = claim.place
    visits = context.places.visits(place)
    owners = {w.frame for w in context.places.windows(place) if w.frame is not None}
    again = {owner.definition for owner in owners}
    visits = [v for v in visits if v.frame in owners or v.frame.definition not in again]
    if not said.visit:
        return visits
    index = said.visit if said.visit < 0 else said.visit - 1
    return visits[index:][:1]


def _moment(context: Context, claim: Claim, said: Restated) -> Answer:
    node = parsed(said.what)
    assert node is not None  # looked at before
    after = said.verb == "after"
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
        return equal(right, left)
    except NotEvaluated:
        return None if after else came_out(context, node, visit)


def _sides(node: ast.expr) -> tuple[ast.expr, ast.expr] | None:
    """Of ``a == b``, which means of the same type, too: as a text shows a value, so it is."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq):
        return node.left, node.comparators[0]
    return None


def _runs(context: Context, claim: Claim, said: Restated) -> Answer:
    visits = _visits(context, claim, said)
    step = visits[0].start if visits else None
    fact = f"line {claim.place.line} runs {len(visits)} times there"
    return _counted(len(visits), said), fact, step


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
        given = [(f.ends, f.value) for f in frames if f.ending == "return" and f.value is not None]
        outcome = context.run.trace.outcome.value
        if place.call is None and outcome is not None:
            given.append((LATE, outcome))
    if said.times is not None:
        return len(given) == said.times, f"it yields {len(given)} times", None
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
    windows = context.places.windows(claim.place)
    made = [frame for frame in made if any(window.holds(frame.begins) for window in windows)]
    step = made[0].begins if made else None
    # A call that the place is in is none of those made there; those that these make may be left out.
    owners = {window.frame for window in windows}
    inside = [frame for frame in made if frame not in owners]
    direct = [f for f in inside if f.caller is not None and f.caller.frame in owners]
    holds = _counted(len(made if said.times is None else inside), said)
    holds = holds or (bool(direct) and _counted(len(direct), said))
    return holds, f"{said.what} is called {len(inside)} times there", step


def _raises(context: Context, claim: Claim, said: Restated) -> Answer:
    found = {v.raised.type for v in context.places.visits(claim.place) if v.raised is not None}
    outcome = context.run.trace.outcome.exception
    if outcome is not None:
        found.add(outcome.type)
    names = {name.rpartition(".")[2] for name in found}
    holds = said.what.rpartition(".")[2] in names
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
            holds = equal(*(evaluate(side, names) for side in reversed(sides)))
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
