"""What a model restated of calls: that they were made, how often, and what they gave or raised.

Calls with the same arguments are not told apart: what is so of one of them, or of all together, holds.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_left
from collections.abc import Iterable

from pytrace_mono.tracer.types import Snapshot
from pytrace_mono.verify.checking.comparing import fits
from pytrace_mono.verify.checking.context import Answer, Context
from pytrace_mono.verify.checking.places import Window
from pytrace_mono.verify.checking.restated_places import visits_of
from pytrace_mono.verify.claims import Claim, Restated, Shown
from pytrace_mono.verify.frames import LATE, Frame

_NAMED = re.compile(r"([A-Za-z_][\w.]*)\s*(?:\(.*|:.*)?", re.DOTALL)
_PLAIN = frozenset({"staticmethod", "classmethod", "property"})


def counted(count: int, said: Restated) -> bool:
    """Whether something took place as often as is said; at all, where no number is."""
    return count > 0 if said.times is None else count == said.times


def returns(context: Context, claim: Claim, said: Restated) -> Answer:
    """Whether a call gave a value: that of the place, or at a line one that ended or was made there."""
    place, outcome = claim.place, context.run.trace.outcome.value
    if place.line is not None:
        visits = dict.fromkeys(visits_of(context, claim, said))
        frames = [visit.frame for visit in visits if visit.end == visit.frame.ends]
        frames += [f for f in context.run.called if f.caller in visits and f.name[0] != "<"]
    elif place.passes:
        return None, "a pass returns nothing", None
    else:
        frames = _activations(context, claim)
    given = [(f.ends, f.value) for f in frames if f.ending == "return" and f.value is not None]
    if place.line is None and place.call is None and outcome is not None:
        given.append((LATE, outcome))
    found = _one_of(said.what, given)
    if found[0] is False and any(f.definition and f.definition.decorator_list for f in frames):
        return None, "what its decorator makes of it was not recorded", None
    return found


def yields(context: Context, claim: Claim, said: Restated) -> Answer:
    """Whether a generator gave a value, or so many."""
    each: list[list[tuple[int, Snapshot]]]
    if claim.place.line is None:
        each = [frame.yields for frame in _activations(context, claim)]
    else:
        at: dict[Frame, list[tuple[int, Snapshot]]] = {}
        for visit in visits_of(context, claim, said):
            own = at.setdefault(visit.frame, [])
            own += [one for one in visit.frame.yields if visit.start <= one[0] <= visit.end]
        each = list(at.values())
    given = [one for own in each for one in own]
    if said.times is None:
        return _one_of(said.what, given)
    holds = said.times in {len(given), *map(len, each)}
    return holds, f"it yields {len(given)} times", None


def calls(context: Context, claim: Claim, said: Restated) -> Answer:
    """Whether a call was made, or so often; those may be left out that it makes in its turn."""
    run, place, name = context.run, claim.place, said.what.partition("(")[0].rpartition(".")[2]
    made = context.places.called(said.what)
    if not made and name not in run.program.function_names:
        return None, f"calls of {name} were not recorded", None
    windows = context.places.windows(place)
    if place.line is not None:
        windows = [Window(v.start, v.end, v.frame) for v in visits_of(context, claim, said)]
    begins = [frame.begins for frame in made]
    each = [made[bisect_left(begins, w.start) : bisect_left(begins, w.end)] for w in windows]
    there = _distinct(each)
    # A call that the place is in is none of those made there.
    inside = [[f for f in own if f is not w.frame] for w, own in zip(windows, each, strict=True)]
    direct = [
        [f for f in own if f.caller is not None and f.caller.frame is w.frame]
        for w, own in zip(windows, inside, strict=True)
    ]
    total = len(_distinct(inside))
    counts = {len(there) if said.times is None else total}
    for some in (inside, direct) if any(direct) else (inside,):
        counts.add(len(_distinct(some)))
        if place.call is not None:
            counts.update(map(len, some))
    holds = any(counted(count, said) for count in counts)
    if not holds and _may_be_hidden(context, name):
        return None, f"not every call of {name} is recorded", None
    step = there[0].begins if there else None
    return holds, f"{said.what} is called {total} times there", step


def raises(context: Context, claim: Claim, said: Restated) -> Answer:
    """Whether an exception of a type was raised at the place, or ended the run."""
    found = {v.raised.type for v in context.places.visits(claim.place) if v.raised is not None}
    outcome = context.run.trace.outcome.exception
    if outcome is not None:
        found.add(outcome.type)
    names = {name.rpartition(".")[2] for name in found}
    name = _NAMED.fullmatch(said.what)
    if name is None:
        return None, f"no type: {said.what:.200}", None
    holds = name[1].rpartition(".")[2] in names
    return holds, f"{' and '.join(sorted(names)) or 'nothing'} is raised there", None


def _activations(context: Context, claim: Claim) -> list[Frame]:
    if claim.place.call is not None:
        return context.places.called(claim.place.call)
    return [] if context.main is None else [context.main]


def _one_of(value: str, given: list[tuple[int, Snapshot]]) -> Answer:
    answers = [(fits(Shown(value), snapshot), time) for time, snapshot in given]
    for answer, time in answers:
        if answer:
            return True, "", None if time == LATE else time
    if not given or any(answer is None for answer, _ in answers):
        return None, "the value was not recorded exactly", None
    return False, f"it is {given[0][1].text:.200}", None


def _distinct(lots: Iterable[list[Frame]]) -> list[Frame]:
    return list(dict.fromkeys(frame for lot in lots for frame in lot))


def _may_be_hidden(context: Context, name: str) -> bool:
    """Whether calls may leave no activation of that name: of a class, or behind a decorator."""
    for node in context.run.program.parents:
        if isinstance(node, ast.ClassDef) and node.name == name:
            methods = (part for part in node.body if isinstance(part, ast.FunctionDef))
            return all(method.name != "__init__" for method in methods)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == name:
            return any(ast.unparse(part) not in _PLAIN for part in node.decorator_list)
    return False
