"""Annotated source: behind each statement how often it ran and what it changed."""

from __future__ import annotations

from pytrace_mono.tracer.render.inline import (
    elide,
    ending,
    one_line,
    own_steps,
    statement_of,
    with_comments,
)
from pytrace_mono.tracer.statements import statements
from pytrace_mono.tracer.types import Step, Trace

_FIRST, _LAST = 3, 1


def annotated(trace: Trace) -> str:
    """The program with, as comments, the visits of each statement and its first and last values.

    ``3x`` counts how often an activation came to the statement (before Python 3.12 a comprehension
    is one of its own); changes beyond what is shown of a value are told as ``(changed further in)``.
    """
    found = statements(trace.program)
    at: dict[int, int] = {}
    visits: dict[int, int] = {}
    told: dict[int, list[str]] = {}
    for step in own_steps(trace):
        line = statement_of(found, step.line)
        if step.kind == "line":
            # A statement over several lines comes back to its first without running again.
            several = line in found and len(found[line]) > 1
            if not (several and at.get(step.frame) == line):
                visits[line] = visits.get(line, 0) + 1
            at[step.frame] = line
        if text := _told(step):
            told.setdefault(line, []).append(text)
    notes: dict[int, str] = {}
    for line in visits.keys() | told.keys():
        count = [f"{visits[line]}x"] if line in visits else []
        values = [" | ".join(elide(told[line], _FIRST, _LAST))] if line in told else []
        notes[line] = ": ".join([*count, *values])
    return with_comments(trace, notes) + "".join(ending(trace))


def _told(step: Step) -> str:
    beyond = step.changed_beyond_preview
    parts = [
        f"{name} = {one_line(value.text)}" + (" (changed further in)" if name in beyond else "")
        for name, value in step.changes.items()
    ]
    parts += [f"del {name}" for name in step.deleted]
    if step.kind in ("return", "yield", "await", "exception") and step.value is not None:
        verb = "raises" if step.kind == "exception" else f"{step.kind}s"
        parts.append(f"{verb} {one_line(step.value.text)}")
    return ", ".join(parts)
