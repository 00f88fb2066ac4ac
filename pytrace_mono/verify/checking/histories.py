"""How a variable moved through a run: its values, its growth, the lines that changed it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from pytrace_mono.tracer.types import Snapshot
from pytrace_mono.verify.checking.comparing import fits, shows
from pytrace_mono.verify.checking.context import NO_RUN, Answer, Context
from pytrace_mono.verify.claims import Changes, Claim, Growth, History, Shown, Taken
from pytrace_mono.verify.frames import Frame
from pytrace_mono.verify.program import targets_of
from pytrace_mono.verify.source import NoLiteral, literal_of


def taken(context: Context, claim: Claim, said: Taken) -> Answer:
    """The values that a loop gave its target."""
    main, line = context.main, claim.place.line
    if main is None:
        return NO_RUN
    names = [n.strip(" ()") for n in said.target.split(",")]
    rounds = [
        r
        for r in context.run.rounds
        if r.frame is main and (line is None or r.loop.lineno == line) and r.counted
    ]
    for running in rounds:
        if not isinstance(running.loop, (ast.For, ast.AsyncFor)):
            continue
        if len(names) != 1 or names[0] not in targets_of(running.loop):
            continue
        begun = set(running.passes)
        headers = [v for v in main.visits if v.start in begun]
        values = [v.after(names[0]) for v in headers]
        answer = _sequence(said.values, values, said.elided)
        if answer is not False:
            return answer, "not recorded exactly", running.begins
        told = ", ".join(v.text[:40] if v else "?" for v in values[:20])
        return False, f"{said.target} took {told}", running.begins
    return None, "no such loop was recorded", None


def _sequence(
    said: Sequence[Shown], values: Sequence[Snapshot | None], elided: bool
) -> bool | None:
    """Whether values are as shown; ``elided``: the last one shown is the end, the others the start."""
    if elided and said:
        if len(said) > len(values):
            return False
        values = [*values[: len(said) - 1], values[-1]]
    if len(said) != len(values):
        return False
    answers = [v is not None and fits(s, v) for s, v in zip(said, values, strict=True)]
    if False in answers:
        return False
    return None if None in answers else True


def _in_some_frame(context: Context, name: str, test: Callable[[Frame], Answer]) -> Answer:
    """What is said of a variable's changes is about the main activation, or one further down."""
    main = context.main
    if main is None:
        return NO_RUN
    answer = test(main)
    if answer[0] is True:
        return answer
    others = [
        f
        for f in context.run.called
        if f is not main and name in f.histories and any(name in v.changes for v in f.visits)
    ]
    told = [other for f in others if (other := test(f))[0] is True]
    return told[0] if told else answer


def history(context: Context, claim: Claim, said: History) -> Answer:
    """The values a variable had, as far as they are told."""
    return _in_some_frame(context, said.name, lambda frame: _history(frame, said))


def _history(main: Frame, said: History) -> Answer:
    changed = [v for v in main.visits if said.name in v.changes]
    if not changed:
        return None, f"{said.name} is not seen to change", None
    first = changed[0].had(said.name)
    values: list[Snapshot | None] = [v.changes[said.name] for v in changed]
    bound = [
        v.after(said.name)
        for v in main.visits
        if said.name in targets_of(v.statement) or said.name in v.changes
    ]
    known: list[list[Snapshot | None]] = [values, bound]
    if first is not None:
        known += [[first, *values], [first, *bound]]
    for line in {v.label for v in changed}:
        own = [v for v in main.visits if v.label == line]
        known.append([v.after(said.name) for v in own])
        known.append([own[0].had(said.name), *(v.after(said.name) for v in own)])
    unknown = False
    for sequence in known:
        ordered = sequence if said.forwards else sequence[::-1]
        if said.elided and len(said.values) == 1:
            answer = ordered[0 if not said.forwards else -1]
            holds = answer is not None and fits(said.values[0], answer)
        else:
            holds = _sequence(said.values, ordered, said.elided)
        if holds:
            return True, "", changed[-1].start
        unknown = unknown or holds is None
    if unknown:
        return None, "not all of its values were recorded exactly", None
    told = ", ".join(v.text[:40] if v else "?" for v in values[:20])
    return False, f"{said.name} was {told}", changed[-1].start


def growth(context: Context, claim: Claim, said: Growth) -> Answer:
    """By how much a variable moved at each change, or what came behind what it held."""
    return _in_some_frame(context, said.name, lambda frame: _growth(frame, said))


def _growth(main: Frame, said: Growth) -> Answer:
    changed = [v for v in main.visits if said.name in v.changes and v.had(said.name)]
    sequences = [changed]
    sequences += [[v for v in changed if v.label == line] for line in {v.label for v in changed}]
    told = ""
    for visits in sequences:
        amounts: list[Any] = []
        for visit in visits:
            try:
                before = visit.had(said.name)
                assert before is not None
                after = literal_of(visit.changes[said.name].text)
                amounts += _added(literal_of(before.text), after)
            except NoLiteral:
                return None, "not all of its values were recorded exactly", None
        shown = said.amounts * len(amounts) if said.each else said.amounts
        if amounts and len(shown) == len(amounts) and all(map(shows, shown, amounts)):
            return True, "", visits[-1].start
        told = told or ", ".join(repr(amount)[:40] for amount in amounts[:20])
    return False, f"{said.name} moved by {told or 'nothing'}", None


def _added(before: Any, after: Any) -> list[Any]:
    if isinstance(before, (str, list)) and type(before) is type(after):
        if after[: len(before)] != before or len(after) == len(before):
            return [None]
        return [after[len(before) :]] if isinstance(after, str) else after[len(before) :]
    if isinstance(before, (int, float)) and isinstance(after, (int, float)):
        return [after - before]
    return [None]


def changes(context: Context, claim: Claim, said: Changes) -> Answer:
    """Which lines changed a variable, and how often."""
    return _in_some_frame(context, said.name, lambda frame: _changes(frame, said))


def _changes(main: Frame, said: Changes) -> Answer:
    changed = [v for v in main.visits if said.name in v.changes]
    lines = set(said.lines)
    counts = set()
    for visits in (changed, changed[1:]):
        if {v.label for v in visits} == lines:
            counts.add(len(visits))
    ran = [v for v in main.visits if v.label in lines]
    if lines <= {v.label for v in changed}:
        counts.add(len(ran))
    if said.times in counts or (said.times is None and counts):
        return True, "", changed[-1].start if changed else None
    told = sorted({v.label for v in changed})
    where = ", ".join(map(str, told)) or "no line"
    return False, f"{said.name} is changed {len(changed)} times, by {where}", None
