"""What a child does once it is forked: shut itself in, run the program, report, and end.

Nothing here returns to the warm parent's code: every path ends in ``os._exit``.
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
import time
from types import CodeType, ModuleType, TracebackType
from typing import Any, NamedTuple, NoReturn

from pytrace_mono.tracer.limits import Limits
from pytrace_mono.tracer.recorder import Recorder
from pytrace_mono.tracer.sandbox import wire
from pytrace_mono.tracer.sandbox.confine import RESULT_FD, Jail, limit_processor
from pytrace_mono.tracer.sandbox.integrity import Guard
from pytrace_mono.tracer.sandbox.report import Channel, Report, Reserve, to_json
from pytrace_mono.tracer.sandbox.surroundings import Surroundings
from pytrace_mono.tracer.scope import PROGRAM_FILE, Scope
from pytrace_mono.tracer.snapshot import Snapshotter

PROGRAM_NAME = "__program__"
"""``__name__`` of a program: not ``__main__``, so that only what a Call asks for runs."""

_TIMER_REPEAT_SECONDS = 0.05
_FOREVER = 1e8  # About three years; timers and limits refuse numbers that are much larger.

# Kept from before the program runs, which may replace the names in `builtins`.
_exec, _eval, _compile = builtins.exec, builtins.eval, builtins.compile
_BUILTINS = dict(vars(builtins))
_process_time = time.process_time


class Parent(NamedTuple):
    """What a child has to know of its warm parent.

    Attributes:
        pid: its process id.
        address_space: bytes it had mapped when it forked.
        reserve: address space to give back before the result is written.
        guard: watches over the harness in the child.
        surroundings: what the program is to find.
    """

    pid: int
    address_space: int
    reserve: Reserve
    guard: Guard
    surroundings: Surroundings


class _Codes(NamedTuple):
    program: CodeType
    setup: CodeType | None
    call: CodeType | None


def main(request: dict[str, Any], jail: Jail, parent: Parent, result_fd: int) -> NoReturn:
    """Run the items of one request in this forked process, one after another, and end it.

    Args:
        request: ``items`` (each with ``source``, ``call``, ``setup``), ``limits`` (by name) and
            ``traced``.
        jail: the layers to enter before anything of the program is looked at.
        parent: the process that forked this one.
        result_fd: write end of the pipe for the result.
    """
    try:
        os.dup2(result_fd, RESULT_FD, inheritable=False)
        limits = Limits(**request["limits"])
        nonce = os.urandom(wire.NONCE_BYTES)
        secret = int.from_bytes(nonce, "big")
        items = request["items"]
        try:
            jail.enter(limits, parent.pid, parent.address_space, secret, len(items))
        # Whatever the reason, the program must not run, and the main process has to be told why.
        except Exception as error:
            wire.write_all(RESULT_FD, wire.UNCONFINED + f"{type(error).__name__}: {error}".encode())
            os._exit(1)
        channel = Channel(nonce)
        clean = _Clean()
        for number, item in enumerate(items):
            if number:
                clean.restore(limits)
            _run_item(item, request["traced"], limits, channel, parent, fresh=number == 0)
            if parent.guard.disarm() or parent.surroundings.spent():
                break  # What was tampered with, or left, must not meet the next Call.
        os._exit(0)
    finally:
        os._exit(70)


def _run_item(
    item: dict[str, Any],
    traced: bool,
    limits: Limits,
    channel: Channel,
    parent: Parent,
    fresh: bool,
) -> None:
    codes = _compile_all(item, channel)
    report = Report(limits.output_bytes, parent.reserve, channel, fresh)
    try:
        _run(item["source"], traced, codes, limits, report, channel, parent)
    except MemoryError:
        report.out_of_memory(f"memory_bytes ({limits.memory_bytes}) exhausted")
    # A defect of ours must not end without a word; what the program raises does not come here.
    except Exception as error:
        report.cut("crashed", f"the harness failed: {type(error).__name__}: {error}")


class _Clean:
    """What a Call may leave changed outside its namespace, as it was before the first one."""

    def __init__(self) -> None:
        self._recursion_limit = sys.getrecursionlimit()
        self._modules = dict(sys.modules)
        self._path = list(sys.path)
        self._environment = dict(os.environ)

    def restore(self, limits: Limits) -> None:
        sys.settrace(None)
        sys.setrecursionlimit(self._recursion_limit)
        sys.path[:] = self._path
        for name in [name for name in sys.modules if name not in self._modules]:
            if name in (PROGRAM_NAME, "__main__"):
                del sys.modules[name]
        sys.modules.update(self._modules)
        if dict(os.environ) != self._environment:
            os.environ.clear()
            os.environ.update(self._environment)
        random.seed(0)
        limit_processor(limits, _process_time())


def warm_up() -> None:
    """Run a small program as a child would, so that forked children find every cache filled."""
    limits = Limits()
    recorder = Recorder(limits, Scope.of_files(PROGRAM_FILE))
    source = (
        "def f(n):\n    d = {'k': [n]}\n    return [str(i) for i in range(n)], d, 0.5, (n, {n})\n"
    )
    namespace: dict[str, Any] = {}
    recorder.start()
    _exec(_compile(source, PROGRAM_FILE, "exec", dont_inherit=True), namespace)
    value = _eval("f(2)", namespace)
    recorder.stop()
    snapshotter = Snapshotter(limits)
    recorder.rows.json()
    to_json({"value": snapshotter.take(value)})
    snapshotter.exception(ValueError("x"))


def _compile_all(item: dict[str, Any], channel: Channel) -> _Codes:
    """Compile the three texts; what does not compile is reported and ends the process."""
    codes: list[CodeType | None] = []
    for part, file, mode in (
        ("source", PROGRAM_FILE, "exec"),
        ("setup", "<setup>", "exec"),
        ("call", "<call>", "eval"),
    ):
        text = item[part]
        if not text and part != "source":
            codes.append(None)
            continue
        try:
            codes.append(_compile(text, file, mode, dont_inherit=True))
        # The compiler raises many kinds (SyntaxError, ValueError, RecursionError, MemoryError).
        except Exception as error:
            line = error.lineno if isinstance(error, SyntaxError) else None
            cause = error.msg if isinstance(error, SyntaxError) else str(error)
            fault = {"part": part, "line": line, "cause": f"{type(error).__name__}: {cause}"}
            channel.send(wire.INVALID, to_json(fault))
            os._exit(1)
    program, setup, call = codes
    assert program is not None
    return _Codes(program, setup, call)


def _run(
    source: str,
    traced: bool,
    codes: _Codes,
    limits: Limits,
    report: Report,
    channel: Channel,
    parent: Parent,
) -> None:
    recorder = None
    if traced:
        recorder = Recorder(
            limits,
            Scope.of_files(PROGRAM_FILE),
            on_limit=lambda reason: report.cut("over_limit", reason),
        )
        report.rows = recorder.rows
    snapshotter = Snapshotter(limits)
    namespace = _prepare(source, report, parent.surroundings)
    channel.send(wire.RUNNING)
    handlers = _start_clocks(limits, report)
    reason = "the program ended before the Call"
    value: Any = None
    raised: BaseException | None = None
    if recorder is not None:
        recorder.start()
    hook = sys.gettrace()
    guard = parent.guard
    guard.arm(channel.note)
    try:
        for code in codes:
            if code is not None:
                guard.read(code)
        _exec(codes.program, namespace)
        reason = "setup raised"
        if codes.setup is not None:
            _exec(codes.setup, namespace)
        report.call_start = len(report.rows)
        if codes.call is not None:
            value = _eval(codes.call, namespace)
    except BaseException as error:
        raised = error
    guard.inspect(handlers, hook)
    _stop_clocks()
    status = {"state": "complete"} if recorder is None else recorder.stop()
    if report.call_start is None and (codes.call or codes.setup):
        status.setdefault("reason", reason)
    if raised is None:
        outcome: dict[str, Any] = {"kind": "returned"}
        if codes.call is not None:
            outcome["value"] = snapshotter.take(value)
    elif type(raised) is MemoryError:
        raise raised
    else:
        # By type, because a class can claim any other class in its __class__.
        kind = "exited" if issubclass(type(raised), SystemExit) else "raised"
        exception = {**snapshotter.exception(raised), "line": _line_of(raised)}
        outcome = {"kind": kind, "exception": exception}
    report.end(outcome, status)


def _prepare(source: str, report: Report, surroundings: Surroundings) -> dict[str, Any]:
    """Give the program its module, its streams and its source for tracebacks."""
    sys.stdin = io.TextIOWrapper(io.BytesIO(), "utf-8")
    sys.stdout = sys.__stdout__ = report.stdout.stream()  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = report.stderr.stream()  # type: ignore[misc]
    sys.argv = [PROGRAM_FILE]
    lines = source.splitlines(keepends=True)
    linecache.cache[PROGRAM_FILE] = (len(source), None, lines, PROGRAM_FILE)
    module = ModuleType(PROGRAM_NAME)
    sys.modules[PROGRAM_NAME] = module
    namespace = module.__dict__
    # A copy of its own: what a program changes there reaches neither the harness nor the next Call.
    own_builtins = ModuleType("builtins", builtins.__doc__)
    own_builtins.__dict__.update(_BUILTINS)
    sys.modules["builtins"] = own_builtins
    namespace["__builtins__"] = own_builtins
    surroundings.enter(own_builtins.__dict__)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # The warm parent has a handler of its own.
    random.seed(0)  # Equal runs are to have equal recordings.
    gc.enable()
    return namespace


def _start_clocks(limits: Limits, report: Report) -> tuple[Any, Any]:
    """Begin to count; returns the handlers that end the run."""

    def wall_passed(signum: int, frame: object) -> None:
        report.cut("timed_out", f"wall_seconds ({limits.wall_seconds:g}) passed")

    def processor_passed(signum: int, frame: object) -> None:
        report.cut("over_limit", f"cpu_seconds ({limits.cpu_seconds:g}) used")

    signal.signal(signal.SIGALRM, wall_passed)
    signal.signal(signal.SIGPROF, processor_passed)
    # They repeat: a handler that ran into the program's recursion limit gets another chance.
    wall, processor = (min(s, _FOREVER) for s in (limits.wall_seconds, limits.cpu_seconds))
    signal.setitimer(signal.ITIMER_REAL, wall, _TIMER_REPEAT_SECONDS)
    signal.setitimer(signal.ITIMER_PROF, processor, _TIMER_REPEAT_SECONDS)
    return wall_passed, processor_passed


def _stop_clocks() -> None:
    """The program is done; what is left is bounded by the warm parent's patience alone."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.setitimer(signal.ITIMER_PROF, 0)


def _line_of(error: BaseException) -> int | None:
    """Line of the program that was being executed when ``error`` was raised."""
    line = None
    # The descriptor of BaseException, because a subclass may define its own __traceback__.
    traceback: TracebackType | None = BaseException.__dict__["__traceback__"].__get__(error)
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == PROGRAM_FILE:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line
