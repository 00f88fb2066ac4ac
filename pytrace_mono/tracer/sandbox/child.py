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
from types import CodeType, ModuleType, TracebackType
from typing import Any, NamedTuple, NoReturn

from pytrace_mono.tracer.limits import Limits
from pytrace_mono.tracer.recorder import Recorder
from pytrace_mono.tracer.sandbox import wire
from pytrace_mono.tracer.sandbox.confine import RESULT_FD, Jail
from pytrace_mono.tracer.sandbox.report import Report, Reserve, to_json
from pytrace_mono.tracer.scope import PROGRAM_FILE, Scope
from pytrace_mono.tracer.snapshot import Snapshotter

PROGRAM_NAME = "__program__"
"""``__name__`` of a program: not ``__main__``, so that only what a Call asks for runs."""

_TIMER_REPEAT_SECONDS = 0.05
_FOREVER = 1e8  # About three years; timers and limits refuse numbers that are much larger.

# Kept from before the program runs, which may replace the names in `builtins`.
_exec, _eval, _compile = builtins.exec, builtins.eval, builtins.compile


class Parent(NamedTuple):
    """What a child has to know of its warm parent.

    Attributes:
        pid: its process id.
        address_space: bytes it had mapped when it forked.
        reserve: address space to give back before the result is written.
    """

    pid: int
    address_space: int
    reserve: Reserve


class _Codes(NamedTuple):
    program: CodeType
    setup: CodeType | None
    call: CodeType | None


def main(request: dict[str, Any], jail: Jail, parent: Parent, result_fd: int) -> NoReturn:
    """Run one request in this forked process and end it.

    Args:
        request: ``source``, ``call``, ``setup``, ``limits`` (by name) and ``traced``.
        jail: the layers to enter before anything of the program is looked at.
        parent: the process that forked this one.
        result_fd: write end of the pipe for the result.
    """
    try:
        os.dup2(result_fd, RESULT_FD, inheritable=False)
        limits = Limits(**request["limits"])
        try:
            jail.enter(limits, parent.pid, parent.address_space)
        except Exception as error:
            message = {"message": f"{type(error).__name__}: {error}"}
            wire.write_all(RESULT_FD, wire.UNCONFINED * 2 + wire.pack_json(message))
            os._exit(1)
        wire.write_all(RESULT_FD, wire.CONFINED)
        codes = _compile_all(request)
        report = Report(limits.output_bytes, parent.reserve)
        try:
            _run(request, codes, limits, report)
        except MemoryError:
            report.cut("over_limit", f"memory_bytes ({limits.memory_bytes}) exhausted")
        except Exception as error:
            report.cut("crashed", f"the harness failed: {type(error).__name__}: {error}")
    finally:
        os._exit(70)


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


def _compile_all(request: dict[str, Any]) -> _Codes:
    """Compile the three texts; what does not compile is reported and ends the process."""
    codes: list[CodeType | None] = []
    for part, file, mode in (
        ("source", PROGRAM_FILE, "exec"),
        ("setup", "<setup>", "exec"),
        ("call", "<call>", "eval"),
    ):
        text = request[part]
        if not text and part != "source":
            codes.append(None)
            continue
        try:
            codes.append(_compile(text, file, mode, dont_inherit=True))
        except Exception as error:
            line = error.lineno if isinstance(error, SyntaxError) else None
            cause = error.msg if isinstance(error, SyntaxError) else str(error)
            fault = {"part": part, "line": line, "cause": f"{type(error).__name__}: {cause}"}
            wire.write_all(RESULT_FD, wire.INVALID + wire.pack_json(fault))
            os._exit(1)
    program, setup, call = codes
    assert program is not None
    return _Codes(program, setup, call)


def _run(request: dict[str, Any], codes: _Codes, limits: Limits, report: Report) -> None:
    recorder = None
    if request["traced"]:
        recorder = Recorder(
            limits,
            Scope.of_files(PROGRAM_FILE),
            on_limit=lambda reason: report.cut("over_limit", reason),
        )
        report.rows = recorder.rows
    snapshotter = Snapshotter(limits)
    namespace = _prepare(request["source"], report)
    wire.write_all(RESULT_FD, wire.RUNNING)
    _start_clocks(limits, report)
    reason = "the program ended before the Call"
    value: Any = None
    raised: BaseException | None = None
    try:
        if recorder is not None:
            recorder.start()
        _exec(codes.program, namespace)
        reason = "setup raised"
        if codes.setup is not None:
            _exec(codes.setup, namespace)
        report.call_start = len(report.rows)
        if codes.call is not None:
            value = _eval(codes.call, namespace)
    except BaseException as error:
        raised = error
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


def _prepare(source: str, report: Report) -> dict[str, Any]:
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
    namespace["__builtins__"] = builtins
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # The warm parent has a handler of its own.
    random.seed(0)  # Equal runs are to have equal recordings.
    gc.enable()
    return namespace


def _start_clocks(limits: Limits, report: Report) -> None:
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
