"""NExT's inline trace comments (Ni et al. 2024, arXiv 2404.14662).

``# (1) x=1; (4) x=2;``: the number counts the changes over the whole run in the order of execution.
"""

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
from pytrace_mono.tracer.types import Trace

_FIRST, _LAST = 2, 1


def next_inline(trace: Trace) -> str:
    """The program with the changed variables of each statement, numbered in order."""
    found = statements(trace.program)
    notes: dict[int, list[str]] = {}
    number = 0
    for step in own_steps(trace):
        parts = [f"{name}={one_line(value.text)};" for name, value in step.changes.items()]
        parts += [f"del {name};" for name in step.deleted]
        if parts:
            note = f"({number}) {' '.join(parts)}"
            notes.setdefault(statement_of(found, step.line), []).append(note)
            number += 1
    shown = {line: " ".join(elide(all_of, _FIRST, _LAST)) for line, all_of in notes.items()}
    return with_comments(trace, shown) + "".join(ending(trace))
