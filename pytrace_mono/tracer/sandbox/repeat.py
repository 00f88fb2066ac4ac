"""Two runs of the same thing: what differs between them, if anything does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pytrace_mono.tracer.types import Outcome, Snapshot, Status, Step, Trace

_SHOWN = 60


def compare(first: Trace, second: Trace) -> Trace:
    """The first Trace, its status ``nondeterministic`` with the first difference where there is one.

    One that was cut short by a clock is compared as far as both go. A program that tampered is not
    excused: its status stays.
    """
    if first.status.state == "tampered":
        return first
    found = next(_differences(first, second), None)
    if found is None:
        return first
    reason = f"a second run of {_what(first)} differs: {found}"
    if first.status.reason is not None:
        reason += f" ({first.status.reason})"
    return replace(first, status=Status("nondeterministic", reason))


def confirm(traced: Trace, plain: Trace) -> Trace:
    """The first Trace, its status ``tampered`` where a run without tracing ended otherwise.

    Tracing takes time, so a recording that was cut short by a limit is not held against the other.
    """
    if traced.status.state == "tampered" or traced.outcome.kind in ("timed_out", "over_limit"):
        return traced
    found = next(_differences_of_ends(traced, plain), None)
    if found is None and plain.status.state == "tampered":
        found = plain.status.reason
    if found is None:
        return traced
    reason = f"a run of {_what(traced)} without tracing ended otherwise: {found}"
    if traced.status.reason is not None:
        reason += f" ({traced.status.reason})"
    return replace(traced, status=Status("tampered", reason))


def _differences_of_ends(first: Trace, second: Trace) -> Iterator[str]:
    if first.outcome != second.outcome:
        yield f"the outcome is {_of_outcome(first.outcome)}, then {_of_outcome(second.outcome)}"
    for stream in ("stdout", "stderr"):
        one_text, other_text = getattr(first, stream), getattr(second, stream)
        if one_text != other_text:
            yield f"{stream} is {one_text!r:.{_SHOWN}}, then {other_text!r:.{_SHOWN}}"


def _differences(first: Trace, second: Trace) -> Iterator[str]:
    for number, (one, other) in enumerate(zip(first.steps, second.steps, strict=False)):
        if one != other:
            yield f"step {number} (line {one.line} of {one.function}): {_of_steps(one, other)}"
    cut = first.outcome.kind in ("timed_out", "over_limit")
    if not cut and len(first.steps) != len(second.steps):
        yield f"{len(first.steps)} steps, then {len(second.steps)}"
    if first.outcome != second.outcome:
        yield f"the outcome is {_of_outcome(first.outcome)}, then {_of_outcome(second.outcome)}"
    for stream in ("stdout", "stderr"):
        one_text, other_text = getattr(first, stream), getattr(second, stream)
        if not cut and one_text != other_text:
            yield f"{stream} is {one_text!r:.{_SHOWN}}, then {other_text!r:.{_SHOWN}}"
    if first.status.state != second.status.state:
        yield f"the recording is {first.status.state}, then {second.status.state}"


def _of_steps(one: Step, other: Step) -> str:
    for name in one.changes:
        if name in other.changes and one.changes[name] != other.changes[name]:
            return f"`{name}` is {_text(one.changes[name])}, then {_text(other.changes[name])}"
    if (one.kind, one.line) != (other.kind, other.line):
        return f"a {one.kind}, then a {other.kind} at line {other.line}"
    if one.value != other.value:
        return f"its value is {_text(one.value)}, then {_text(other.value)}"
    return f"changed {sorted(one.changes)}, then {sorted(other.changes)}"


def _of_outcome(outcome: Outcome) -> str:
    if outcome.exception is not None:
        return f"{outcome.kind} {outcome.exception.type}: {outcome.exception.message:.{_SHOWN}}"
    return f"{outcome.kind} {_text(outcome.value)}" if outcome.value else outcome.kind


def _text(snapshot: Snapshot | None) -> str:
    return "nothing" if snapshot is None else f"{snapshot.text:.{_SHOWN}}"


def _what(trace: Trace) -> str:
    return "the module's body" if trace.call is None else f"{trace.call:.{_SHOWN}}"
