"""What the renderings that write into the source share: comments, elision, one line a value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from pytrace_mono.tracer.render.text import describe
from pytrace_mono.tracer.statements import source_lines, statements
from pytrace_mono.tracer.types import Step, Trace


def elide(items: Sequence[str], first: int, last: int) -> list[str]:
    """The first and last items and, between them, how many were left out."""
    left_out = len(items) - first - last
    if left_out <= 0:
        return list(items)
    return [*items[:first], f"... {left_out} more ...", *items[len(items) - last :]]


def one_line(text: str) -> str:
    """``text`` without a line break, so that it can stand in a comment."""
    return "\\n".join(source_lines(text))


def own_steps(trace: Trace) -> Iterator[Step]:
    """The Call's steps in the program; all of them where there was no Call."""
    steps = trace.steps if trace.call is None else trace.call_steps
    return (step for step in steps if step.file is None)


def with_comments(trace: Trace, notes: Mapping[int, str]) -> str:
    """The program with a comment behind the last line of each statement that has one."""
    found = statements(trace.program)
    lines = source_lines(trace.program)
    at: dict[int, list[str]] = {}
    for line, note in sorted(notes.items()):
        last = found[line][-1] if line in found else line
        at.setdefault(last, []).append(note)
    for line, behind in at.items():
        if 0 < line <= len(lines):
            lines[line - 1] = f"{lines[line - 1].rstrip()}  # {' '.join(behind)}"
    return "\n".join(lines).rstrip("\n") + "\n"


def statement_of(found: Mapping[int, range], line: int) -> int:
    """The line under which a statement's visits are gathered: its first."""
    return found[line][0] if line in found else line


def ending(trace: Trace) -> Iterable[str]:
    """Comments for what the source has no place for: another outcome than a value, what is missing."""
    if trace.outcome.kind != "returned":
        yield f"# {one_line(describe(trace.outcome))}\n"
    if not trace.complete:
        yield f"# recording {trace.status.state}: {one_line(trace.status.reason or 'no reason')}\n"
