"""SemCoder's concise scratchpad (arXiv 2406.01006): the first two states of a line and the last."""

from __future__ import annotations

from pytrace_mono.tracer.render.scratchpad import states
from pytrace_mono.tracer.types import Trace


def concise(trace: Trace) -> str:
    """The scratchpad with long runs of one statement cut, and how many states were left out."""
    return states(trace, first=2, last=1)
