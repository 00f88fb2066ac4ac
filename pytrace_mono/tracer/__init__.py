"""Record Python programs line by line: exact, bounded, and without running their code to look at it.

Standard library only. The public names::

    trace_call(f, *args)        one call of your own function     -> Trace
    with record() as recording  a block of your own code          -> recording.trace
    @traced                     each call of a function         -> function.traces
    Sandbox(Limits(...))        a program you do not trust        -> .trace(), .run(), .map()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytrace_mono.tracer.limits import Limits
from pytrace_mono.tracer.live import Recording, record, trace_call
from pytrace_mono.tracer.scope import Scope
from pytrace_mono.tracer.traced import traced
from pytrace_mono.tracer.types import Outcome, Raised, Snapshot, Status, Step, Trace

if TYPE_CHECKING:
    from pytrace_mono.tracer.sandbox import Job, Program, Sandbox

__all__ = [
    "Job",
    "Limits",
    "Outcome",
    "Program",
    "Raised",
    "Recording",
    "Sandbox",
    "Scope",
    "Snapshot",
    "Status",
    "Step",
    "Trace",
    "record",
    "trace_call",
    "traced",
]


def __getattr__(name: str) -> Any:
    # The sandbox brings subprocess and ctypes, which a live recording does not need.
    if name in ("Job", "Program", "Sandbox"):
        from pytrace_mono.tracer import sandbox

        return getattr(sandbox, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
