"""What one Call runs on: its module, builtins, streams and report, and the recorder.

Making these costs a freshly forked child more than running a small program does, so the warm parent
makes the first one and every child begins with a copy of it; a second Call gets a new one.
"""

from __future__ import annotations

import builtins
import gc
import io
import linecache
import os
import random
import signal
import sys
from types import ModuleType

from pytrace_mono.tracer.activation import Activation
from pytrace_mono.tracer.headroom import Rearm
from pytrace_mono.tracer.limits import Limits
from pytrace_mono.tracer.recorder import Recorder
from pytrace_mono.tracer.sandbox import signals
from pytrace_mono.tracer.sandbox.report import Channel, Output, Report, Reserve
from pytrace_mono.tracer.sandbox.seals import Seals
from pytrace_mono.tracer.scope import PROGRAM_FILE, Scope
from pytrace_mono.tracer.snapshot import Snapshotter

PROGRAM_NAME = "__program__"
"""``__name__`` of a program: not ``__main__``, so that only what a Call asks for runs."""

_TIMER_REPEAT_SECONDS = 0.05
_FOREVER = 1e8  # About three years; timers and limits refuse numbers that are much larger.

# Kept from before the program runs, which may replace what it finds.
_BUILTINS = dict(vars(builtins))
_set_timer, _REAL, _PROF = signal.setitimer, signal.ITIMER_REAL, signal.ITIMER_PROF
_CLOCKS = (signals.ALARM, signals.PROFILE)
_set_mask, _wait = signals.set_mask, signals.wait
_enable = gc.enable
# Letting go of these would close them.
_STREAMS = sys.stdin, sys.stdout, sys.stderr


class Stage:
    """Everything for one Call, in its first state.

    Args:
        limits: the Call's.
        traced: whether its steps are recorded.
        aliases: and with them, which places hold the same object.
        reserve: address space to give back before the result is written.
        channel: where the result goes.
        fresh: nothing of this request will have run in the process before.

    Attributes:
        report: sends the result.
        recorder: None where nothing is recorded.
        snapshotter: of the Call's value.
        namespace: of the program.
        builtins: the program's own copy.
    """

    def __init__(
        self,
        limits: Limits,
        traced: bool,
        aliases: bool,
        reserve: Reserve,
        channel: Channel,
        fresh: bool,
    ) -> None:
        report = Report(limits.output_bytes, reserve, channel, fresh)
        self.report = report
        self.recorder: Recorder | None = None
        if traced:
            self.recorder = Recorder(
                limits,
                Scope.of_files(PROGRAM_FILE),
                on_limit=lambda reason: report.cut("over_limit", reason),
                aliases=aliases,
            )
            report.rows = self.recorder.rows
            if self.recorder.aliases is not None:
                report.aliases = self.recorder.aliases.entries
        self.snapshotter = Snapshotter(limits)
        self._streams = (
            io.TextIOWrapper(io.BytesIO(), "utf-8"),
            report.stdout.stream(),
            report.stderr.stream(),
        )
        self._module = ModuleType(PROGRAM_NAME)
        self.namespace = self._module.__dict__
        # A copy of its own: what a program changes there reaches neither the harness nor the next Call.
        self._builtins = ModuleType("builtins", builtins.__doc__)
        self.builtins = self._builtins.__dict__
        self.builtins.update(_BUILTINS)
        self.namespace["__builtins__"] = self._builtins
        self._clocks = tuple(min(s, _FOREVER) for s in (limits.wall_seconds, limits.cpu_seconds))

        self._limits = limits
        self._fresh = fresh
        self._held = False

    def enter(self) -> None:
        """Give the program its module, its streams, and the handlers of its clocks."""
        sys.stdin, sys.stdout, sys.stderr = self._streams
        sys.__stdout__, sys.__stderr__ = self._streams[1:]  # type: ignore[misc]  # Final there
        sys.argv = [PROGRAM_FILE]
        sys.modules[PROGRAM_NAME] = self._module
        sys.modules["builtins"] = self._builtins
        global _entered
        _entered = self
        for clock, handler in zip(_CLOCKS, HANDLERS, strict=True):
            if signals.get_handler(clock) is not handler:
                signals.set_handler(clock, handler)

    def set(self, source: str) -> None:
        """Give the program its source for tracebacks, and a collector as it usually is."""
        lines = source.splitlines(keepends=True)
        linecache.cache[PROGRAM_FILE] = (len(source), None, lines, PROGRAM_FILE)
        _enable()

    def hold_clocks(self) -> None:
        """Until they start no clock is heard: this process has not put back those of its last run."""
        self._held = True
        _set_mask(signals.BLOCK, _CLOCKS)

    def start_clocks(self) -> None:
        """Begin to count; the handlers end the run."""
        # They repeat: a handler that ran into the program's recursion limit gets another chance.
        _set_timer(_REAL, self._clocks[0], _TIMER_REPEAT_SECONDS)
        _set_timer(_PROF, self._clocks[1], _TIMER_REPEAT_SECONDS)
        if self._held:
            while _wait(_CLOCKS, 0) is not None:
                pass
            _set_mask(signals.UNBLOCK, _CLOCKS)

    def wall_passed(self) -> None:
        self.report.cut("timed_out", f"wall_seconds ({self._limits.wall_seconds:g}) passed")

    def processor_passed(self) -> None:
        self.report.cut("over_limit", f"cpu_seconds ({self._limits.cpu_seconds:g}) used")


_entered: Stage | None = None


def _wall_passed(signum: int, frame: object) -> None:
    if _entered is not None:
        _entered.wall_passed()


def _processor_passed(signum: int, frame: object) -> None:
    if _entered is not None:
        _entered.processor_passed()


HANDLERS = (_wall_passed, _processor_passed)
"""Of SIGALRM and SIGPROF, for every stage the same: to set one would be a system call."""

ENTRIES = (
    *HANDLERS,
    Output.write,
    Recorder._on_call,
    Recorder._on_thread,
    Activation.trace,
    Rearm.__call__,
    Rearm.__del__,
)
"""By which the kernel, streams and CPython's tracing enter the harness while a program runs."""


def stop_clocks() -> None:
    """The program is done; what is left is bounded by the warm parent's patience alone."""
    _set_timer(_REAL, 0)
    _set_timer(_PROF, 0)


class Clean:
    """What a Call may leave changed outside its namespace, as it was before the first one.

    Made in the warm parent, where it also brings about that state.
    """

    def __init__(self) -> None:
        random.seed(0)  # Equal runs are to have equal recordings.
        # The names that every Call sets are there from the start, so that a Call that imports
        # nothing leaves the table of modules as it was.
        sys.modules[PROGRAM_NAME] = ModuleType(PROGRAM_NAME)
        self._recursion_limit = sys.getrecursionlimit()
        self._modules = dict(sys.modules)
        self._path = list(sys.path)
        self._environment = dict(os.environ)
        self._seals = Seals([(sys.modules, ()), (vars(os.environ)["_data"], ())])

    def enter(self, stage: Stage) -> None:
        """Begin a Call; what its stage changes is no trace of an earlier one."""
        stage.enter()
        self._seals.renew()

    def restore(self) -> None:
        sys.settrace(None)
        sys.setrecursionlimit(self._recursion_limit)
        sys.path[:] = self._path
        suspected = self._seals.suspects()
        for name in (PROGRAM_NAME, "builtins"):
            sys.modules[name] = self._modules[name]
        if suspected:
            if "__main__" not in self._modules:
                sys.modules.pop("__main__", None)
            sys.modules.update(self._modules)
            if dict(os.environ) != self._environment:
                os.environ.clear()
                os.environ.update(self._environment)
        linecache.cache.pop(PROGRAM_FILE, None)
        random.seed(0)
