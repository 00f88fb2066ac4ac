"""What a child does once it is forked: shut itself in, run the program, report, and end.

Nothing here returns to the warm parent's code: every path ends in ``kernel.leave``.
"""

from __future__ import annotations

import builtins
import gc
import math
import os
import resource
import time
from dataclasses import dataclass
from sys import _getframe
from types import CodeType, TracebackType
from typing import Any, NoReturn

from pytrace_mono.tracer.limits import Limits
from pytrace_mono.tracer.sandbox import kernel, ptrace, signals, wire
from pytrace_mono.tracer.sandbox.confine import MOST_SECONDS, Entry, Jail, limit_processor
from pytrace_mono.tracer.sandbox.integrity import Guard
from pytrace_mono.tracer.sandbox.report import Channel, Reserve, to_json
from pytrace_mono.tracer.sandbox.stage import HANDLERS, Clean, Stage, stop_clocks
from pytrace_mono.tracer.sandbox.surroundings import Surroundings
from pytrace_mono.tracer.sandbox.syscalls import BEGUN_FD, RESULT_FD, WORK_FD
from pytrace_mono.tracer.sandbox.userfaultfd import userfaultfd
from pytrace_mono.tracer.scope import PROGRAM_FILE

Item = tuple[str, str | None, str]
"""Program, Call and setup."""

_REHEARSALS = 12
_PROGRAM = """\
def f(n):
    d = {'k': [n]}
    for i in range(n):
        d[i] = str(i)
    return [str(i) for i in range(n)], d, 0.5, (n, {n})
print(f(1))
"""
REHEARSED: list[Item] = [(_PROGRAM, "f(2)", "")]
"""What is run where nobody asked for anything: it meets much of what programs do."""

# Kept from before the program runs, which may replace the names in `builtins`.
_exec, _eval, _compile = builtins.exec, builtins.eval, builtins.compile
_write = kernel.write_with_secret
_process_time = time.process_time

BLOCKED = (signals.CHILD,)
"""Signals that a warm parent blocks, because it waits for its children by other ways."""


@dataclass(slots=True)
class Parent:
    """What a child has from its warm parent.

    Attributes:
        pid: the warm parent's process id.
        jail: the layers to enter before anything of the program is looked at.
        reserve: address space to give back before a result is written.
        guard: watches over the harness in the child.
        clean: what every Call of a request finds.
        surroundings: what the program is to find beyond the usual.
        owner: what the frames of the warm parent hold on to.
    """

    pid: int
    jail: Jail
    reserve: Reserve
    guard: Guard
    clean: Clean
    surroundings: Surroundings
    owner: object


@dataclass(slots=True)
class Request:
    """What is run alike, made ready in the warm parent: most requests are like the one before.

    Attributes:
        limits: of each Call.
        traced: whether steps are recorded.
        aliases: and with them, which places hold the same object.
        entry: the way into the jail.
        entry_of_restored: that of children that are restored from run to run; None where there are none.
        cpu_seconds: processor time after which the kernel ends a Call.
        channel: where results go.
        stage: of the first Call.
    """

    limits: Limits
    traced: bool
    aliases: bool
    entry: Entry
    entry_of_restored: Entry | None
    cpu_seconds: int
    channel: Channel
    stage: Stage

    @classmethod
    def prepare(
        cls, limits: Limits, traced: bool, aliases: bool, parent: Parent, restored: bool = False
    ) -> Request:
        channel = Channel(parent.guard.is_own_doing)
        stage = Stage(limits, traced, aliases, parent.reserve, channel, fresh=True)
        parent.clean.enter(stage)
        # One second above the timer that ends a run in good order.
        seconds = math.ceil(limits.cpu_seconds) + 1
        entry = parent.jail.entry(limits)
        entry_of_restored = parent.jail.entry(limits, restored=True) if restored else None
        return cls(limits, traced, aliases, entry, entry_of_restored, seconds, channel, stage)

    def open(self, count: int) -> bytes:
        """In the warm parent: make ready for the next child, with ``count`` Calls; return its nonce."""
        return self._open(self.entry, count * self.cpu_seconds)

    def open_restored(self) -> None:
        """In the warm parent: make ready for a child that is restored; each run has another nonce."""
        assert self.entry_of_restored is not None
        self._open(self.entry_of_restored, MOST_SECONDS)

    def _open(self, entry: Entry, cpu_seconds: int) -> bytes:
        nonce = os.urandom(wire.NONCE_BYTES)
        self.channel.open(nonce)
        self.channel.lock(nonce)
        entry.open(cpu_seconds, self.channel.secret)
        # What was made up to here stays. A first collection in the child that searched it would write to
        # its pages, and so copy them; and it would come at once, because the counts were going up.
        gc.freeze()
        return nonce


def main(items: list[Item], request: Request, parent: Parent) -> NoReturn:
    """Run the items of one request in this forked process, one after another, and end it.

    Args:
        items: what to run.
        request: what all of them share; it was opened for this process.
        parent: the process that forked this one.
    """
    try:
        signals.set_mask(signals.UNBLOCK, BLOCKED)
        # Not by run_all: programs are to find the stack as deep as in a child that is restored.
        parent.guard.begin(_getframe())
        _enter(request.entry, request, parent)
        _run_all(items, request, parent, bounded=True)
        kernel.leave(0)
    finally:
        kernel.leave(70)


def main_of_restored(request: Request, parent: Parent) -> NoReturn:
    """Run one list of items after another in this forked process, which its warm parent restores.

    Args:
        request: what all of them share; it was opened for this process.
        parent: the process that forked this one.
    """
    try:
        kernel.permit_inspection()
        _write(RESULT_FD, bytes([userfaultfd()]), 0)
        ptrace.stop_traced()
        signals.set_mask(signals.UNBLOCK, BLOCKED)
        request.stage.hold_clocks()
        parent.guard.begin(_getframe())
        assert request.entry_of_restored is not None
        _enter(request.entry_of_restored, request, parent)
        kernel.permit_inspection()  # After this it is saved, and every run begins.
        kernel.forbid_inspection()
        nonce, items = wire.receive_work(WORK_FD)
        request.channel.open(nonce)
        _run_all(items, request, parent, bounded=False)
        kernel.permit_inspection()  # After this it is put back to where it was after the first.
    finally:
        kernel.leave(70)


def rehearse(parent: Parent) -> None:
    """Run a small program in the warm parent as a child would, more than once.

    So forked children find every cache filled, and the harness's own code as the interpreter adapts it
    to what it meets: in a child, adapting would take time, and write to pages that are shared.
    """
    own_limit = resource.getrlimit(resource.RLIMIT_CPU)
    for traced in (False, True):
        request = Request.prepare(Limits(), traced, False, parent)
        request.entry = parent.jail.rehearsal()
        for _ in range(_REHEARSALS):
            request.open(1)
            request.stage = _next_stage(request, parent)
            run_all(REHEARSED, request, parent)
            if parent.guard.disarm():
                raise RuntimeError("the guard suspects the harness's own doing")
            parent.clean.restore()
    parent.guard.begin(None)  # Or a child, which begins anew, would have all of this to give up.
    resource.setrlimit(resource.RLIMIT_CPU, own_limit)


def run_all(items: list[Item], request: Request, parent: Parent) -> None:
    """What :func:`main` does, for a process that goes on afterwards.

    Args:
        items: what to run.
        request: what all of them share.
        parent: the process that forked this one.
    """
    parent.guard.begin(_getframe())
    _enter(request.entry, request, parent)
    _run_all(items, request, parent, bounded=True)


def _enter(entry: Entry, request: Request, parent: Parent) -> None:
    signals.set_handler(signals.TERMINATE, signals.DEFAULT)  # The warm parent has one of its own.
    try:
        entry.enter(parent.pid)
    # Whatever the reason, the program must not run, and the main process has to be told why.
    except Exception as error:
        request.channel.send(wire.UNCONFINED, f"{type(error).__name__}: {error}".encode())
        kernel.leave(1)


def _run_all(items: list[Item], request: Request, parent: Parent, bounded: bool) -> None:
    """Run the items.

    Args:
        items: what to run.
        request: what all of them share.
        parent: the process that forked this one.
        bounded: the kernel is to bound the processor time of each; it bounds that of all in any case.
    """
    guard, channel, stage = parent.guard, request.channel, request.stage
    fresh = True
    latest, program = "", None
    for source, call, setup in items:
        if not fresh:
            if guard.disarm() or parent.surroundings.spent():
                return  # What was tampered with, or left, must not meet the next Call.
            parent.clean.restore()
            if bounded:
                limit_processor(request.limits, _process_time())
            stage = _next_stage(request, parent)
        try:
            if program is None or source != latest:
                program = _compiled("source", source, PROGRAM_FILE, "exec")
                latest = source
            codes = (
                program,
                _compiled("setup", setup, "<setup>", "exec") if setup else None,
                _compiled("call", call, "<call>", "eval") if call else None,
            )
        except _Invalid as invalid:
            if fresh:
                channel.send(wire.INVALID, to_json(invalid.args[0]))
            else:
                channel.send(wire.AGAIN)  # A program has run here, which may have made it up.
            return
        try:
            _run(source, codes, stage, channel, parent, fresh)
        except MemoryError:
            stage.report.out_of_memory(f"memory_bytes ({request.limits.memory_bytes}) exhausted")
        # A defect of ours must not end without a word; what the program raises does not come here.
        except Exception as error:
            stage.report.cut("crashed", f"the harness failed: {type(error).__name__}: {error}")
        fresh = False


def _next_stage(request: Request, parent: Parent) -> Stage:
    stage = Stage(
        request.limits,
        request.traced,
        request.aliases,
        parent.reserve,
        request.channel,
        fresh=False,
    )
    parent.clean.enter(stage)
    return stage


class _Invalid(Exception):
    """Part, line and cause of what does not compile."""


def _compiled(part: str, text: str, file: str, mode: str) -> CodeType:
    """Compile source, setup or call, under a file name and in one of the compiler's modes.

    Raises:
        _Invalid: it does not compile.
    """
    try:
        code: CodeType = _compile(text, file, mode, dont_inherit=True)
    # The compiler raises many kinds (SyntaxError, ValueError, RecursionError, MemoryError).
    except Exception as error:
        line, cause = None, str(error)
        if isinstance(error, SyntaxError):
            line, cause = error.lineno, error.msg
        elif isinstance(error, (RecursionError, MemoryError)):
            cause = "it is nested too deeply, or too large"
        raise _Invalid({"part": part, "line": line, "cause": cause}) from None
    return code


def _run(
    source: str,
    codes: tuple[CodeType, CodeType | None, CodeType | None],
    stage: Stage,
    channel: Channel,
    parent: Parent,
    fresh: bool,
) -> None:
    program, setup, call = codes
    report, recorder, namespace = stage.report, stage.recorder, stage.namespace
    stage.set(source)
    if parent.surroundings.asked:
        parent.surroundings.enter(stage.builtins)
    if fresh:
        _write(BEGUN_FD, b"1", 0)
    stage.start_clocks()
    reason = "the program ended before the Call"
    value: Any = None
    raised: BaseException | None = None
    guard = parent.guard
    guard.arm(channel.note, (parent, parent.owner))
    if recorder is not None:
        recorder.start()  # Now: it is told of every call, those of the harness too.
    try:
        _exec(program, namespace)
        reason = "setup raised"
        if setup is not None:
            _exec(setup, namespace)
        report.call_start = len(report.rows)
        if call is not None:
            value = _eval(call, namespace)
    except BaseException as error:  # all that a program can end with is its outcome
        raised = error
    guard.inspect(HANDLERS)
    stop_clocks()
    status = {"state": "complete"}
    if recorder is not None:
        switched_off = not recorder.active
        status = recorder.stop()
        if switched_off and status == {"state": "complete"}:  # It gives a reason for what it does.
            guard.say("switched the recording off")
    if report.call_start is None and (call or setup):
        status.setdefault("reason", reason)
    if raised is None:
        outcome: dict[str, Any] = {"kind": "returned"}
        if call is not None:
            outcome["value"] = stage.snapshotter.take(value)
    elif type(raised) is MemoryError:
        raise raised
    else:
        # By type, because a class can claim any other class in its __class__.
        kind = "exited" if issubclass(type(raised), SystemExit) else "raised"
        exception = {**stage.snapshotter.exception(raised), "line": _line_of(raised)}
        outcome = {"kind": kind, "exception": exception}
        # Its traceback holds this frame, and with it what the next Call's references are counted of.
        raised = None
    report.end(outcome, status)


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
