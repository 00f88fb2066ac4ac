"""Record Python programs line by line: exact, bounded, and without running their code to look at it.

Standard library only. The public names::

    trace_call(f, *args)        one call of your own function     -> Trace
    with record() as recording  a block of your own code          -> recording.trace
    Sandbox(Limits(...))        a program you do not trust        -> .trace(), .run(), .map()
"""

from pytrace_mono.tracer.limits import Limits
from pytrace_mono.tracer.live import Recording, record, trace_call
from pytrace_mono.tracer.scope import Scope
from pytrace_mono.tracer.types import Outcome, Raised, Snapshot, Status, Step, Trace

__all__ = [
    "Limits",
    "Outcome",
    "Raised",
    "Recording",
    "Scope",
    "Snapshot",
    "Status",
    "Step",
    "Trace",
    "record",
    "trace_call",
]
