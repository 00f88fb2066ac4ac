"""Run programs nobody has to trust, in confined processes, and record what they do.

The public names::

    Sandbox(limits, isolation, workers)     .trace(), .trace_all(), .run(), .map(), .check(), .level;
                                            more options: determinism, profiles, imports, ...
    Job(source, call, setup)                one run, for Sandbox.map
    Program(source, calls)                  several Calls of one program, for Sandbox.map
    layers()                                which Layers of protection are active on this machine

How it works: the main process starts one *warm parent* per worker (``worker``, ``zygote``), which
forks a *child* per run (``child``); the child shuts itself in (``confine``, ``landlock``,
``seccomp``), runs the program under the recorder, and sends one JSON frame (``report``, ``wire``),
which the main process checks and turns into a Trace (``result``). ``jails`` starts a warm parent inside
another program. ``confine`` says what is covered and what is not.
"""

from pytrace_mono.tracer.sandbox.job import Job, Program
from pytrace_mono.tracer.sandbox.levels import Layer, layers
from pytrace_mono.tracer.sandbox.sandbox import Sandbox

__all__ = ["Job", "Layer", "Program", "Sandbox", "layers"]
