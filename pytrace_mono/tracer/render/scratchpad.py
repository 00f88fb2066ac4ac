"""SemCoder's scratchpad: states as comments behind the lines that made them.

After the scratchpad baseline of SemCoder (Ding et al. 2024, arXiv 2406.01006), itself after Nye et
al. 2021 (arXiv 2112.00114). A state holds the variables that its line changed; a deleted one is
written ``"<deleted>"``.
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
from pytrace_mono.tracer.types import Step, Trace


def scratchpad(trace: Trace) -> str:
    """``[INPUT]`` for arguments, ``[STATE-k]`` for changes in order, ``[OUTPUT]`` for the result."""
    return states(trace)


def states(trace: Trace, first: int | None = None, last: int = 0) -> str:
    """The scratchpad; of one statement's states only the ``first`` and ``last``, where given."""
    found = statements(trace.program)
    notes: dict[int, list[str]] = {}
    number = 0
    for step in own_steps(trace):
        note = ""
        if step.kind == "call":
            note = f"[INPUT] {_state(step)} [/INPUT]"
        elif step.changes or step.deleted:
            note = f"[STATE-{number}] {_state(step)} [/STATE-{number}]"
            number += 1
        elif step.kind == "return" and step.value is not None:
            note = f"[OUTPUT] {one_line(step.value.text)} [/OUTPUT]"
        if note:
            notes.setdefault(statement_of(found, step.line), []).append(note)
    shown = {
        line: " ".join(all_of if first is None else elide(all_of, first, last))
        for line, all_of in notes.items()
    }
    return with_comments(trace, shown) + "".join(ending(trace))


def _state(step: Step) -> str:
    parts = [f'"{name}": {one_line(value.text)}' for name, value in step.changes.items()]
    parts += [f'"{name}": "<deleted>"' for name in step.deleted]
    return "{" + ", ".join(parts) + "}"
