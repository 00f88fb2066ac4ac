"""What a child does once it is forked: shut itself in, run the program, report, and end.

Nothing here returns to the warm parent's code: every path ends in ``kernel.leave``.
"""

from __future__ import annotations

import builtins
import gc
import math
import os
import resource
from dataclasses import dataclass
from mmap import PAGESIZE, mmap
from sys import _getframe
from types import CodeType, TracebackType
from typing import Any, NoReturn

from pytrace_mono.tracer.limits import Limits
from pytrace_mono.tracer.sandbox import kernel, wire
from pytrace_mono.tracer.sandbox.confine import Entry, Jail
from pytrace_mono.tracer.sandbox.integrity import Guard
from pytrace_mono.tracer.sandbox.report import Channel, Reserve, to_json
from pytrace_mono.tracer.sandbox.stage import Clean, Stage, stop_clocks
from pytrace_mono.tracer.sandbox.surroundings import Surroundings
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
        begun: where a child tells that it runs programs, as :func:`not_begun` made it.
        owner: what the frames of the warm parent hold on to.
    """

    pid: int
    jail: Jail
    reserve: Reserve
    guard: Guard
    clean: Clean
    surroundings: Surroundings
    begun: mmap
    owner: object


@dataclass(slots=True)
class Request:
    """What is run alike, made ready in the warm parent: most requests are like the one before.

    Attributes:
        limits: of each Call.
        traced: whether steps are recorded.
        aliases: and with them, which places hold the same object.
        entry: the way into the jail.
        cpu_seconds: processor time after which the kernel ends a Call.
        channel: where results go.
        stage: of the first Call.
    """

    limits: Limits
    traced: bool
    aliases: bool
    entry: Entry
    cpu_seconds: int
    channel: Channel
    stage: Stage

    @classmethod
    def prepare(cls, limits: Limits, traced: bool, aliases: bool, parent: Parent) -> Request:
        channel = Channel(parent.guard.is_own_doing)
        stage = Stage(limits, traced, aliases, parent.reserve, channel, fresh=True)
        parent.clean.enter(stage)
        # One second above the timer that ends a run in good order.
        seconds = math.ceil(limits.cpu_seconds) + 1
        return cls(limits, traced, aliases, parent.jail.entry(limits), seconds, channel, stage)

    def open(self, count: int) -> bytes:
        """In the warm parent: make ready for the next child, with ``count`` Calls; return its nonce."""
        nonce = os.urandom(wire.NONCE_BYTES)
        self.channel.open(nonce)
        self.entry.open(count * self.cpu_seconds, self.channel.secret)
        # What was made up to here stays. A first collection in the child that searched it would write to
        # its pages, and so copy them; and it would come at once, because the counts were going up.
        gc.freeze()
        return nonce


def not_begun() -> mmap:
    """A byte in memory that warm parent and child share until the child begins to run programs.

    It sets it then, and unmaps it: what it tells it cannot take back. A message would say the same, but
    wake the warm parent up.
    """
    return mmap(-1, PAGESIZE)


def main(items: list[Item], request: Request, parent: Parent) -> NoReturn:
    """Run the items of one request in this forked process, one after another, and end it.

    Args:
        items: what to run.
        request: what all of them share; it was opened for this process.
        parent: the process that forked this one.
    """
    try:
        run_all(items, request, parent)
        kernel.leave(0)
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
            parent.begun = not_begun()
            run_all(REHEARSED, request, parent)
            if parent.guard.disarm():
                raise RuntimeError("the guard suspects the harness's own doing")
            parent.clean.restore(request.limits)
    parent.guard.begin(None)  # Or a child, which begins anew, would have all of this to give up.
    resource.setrlimit(resource.RLIMIT_CPU, own_limit)


def run_all(items: list[Item], request: Request, parent: Parent) -> None:
    """Shut this process in and run the items in it; where it must not go on, it ends.

    Args:
        items: what to run.
        request: what all of them share.
        parent: the process that forked this one.
    """
    guard, channel, stage = parent.guard, request.channel, request.stage
    guard.begin(_getframe())
    try:
        request.entry.enter(parent.pid)
    # Whatever the reason, the program must not run, and the main process has to be told why.
    except Exception as error:
        channel.send(wire.UNCONFINED, f"{type(error).__name__}: {error}".encode())
        kernel.leave(1)
    fresh = True
    latest, program = "", None
    for source, call, setup in items:
        if not fresh:
            if guard.disarm() or parent.surroundings.spent():
                return  # What was tampered with, or left, must not meet the next Call.
            parent.clean.restore(request.limits)
            stage = _next_stage(request, parent)
        if program is None or source != latest:
            program = _compiled("source", source, PROGRAM_FILE, "exec", channel, fresh)
            latest = source
        codes = (
            program,
            _compiled("setup", setup, "<setup>", "exec", channel, fresh) if setup else None,
            _compiled("call", call, "<call>", "eval", channel, fresh) if call else None,
        )
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


def _compiled(
    part: str, text: str, file: str, mode: str, channel: Channel, fresh: bool
) -> CodeType:
    """Compile one text; where it does not compile, that is reported and ends the process.

    Args:
        part: source, setup or call.
        text: what to compile.
        file: the name that it is compiled under.
        mode: as the compiler has it.
        channel: where the report goes.
        fresh: no program has run in this process, so that the report can be believed.
    """
    try:
        code: CodeType = _compile(text, file, mode, dont_inherit=True)
    # The compiler raises many kinds (SyntaxError, ValueError, RecursionError, MemoryError).
    except Exception as error:
        if not fresh:
            channel.send(wire.AGAIN)
            kernel.leave(1)
        line, cause = None, str(error)
        if isinstance(error, SyntaxError):
            line, cause = error.lineno, error.msg
        elif isinstance(error, (RecursionError, MemoryError)):
            cause = "it is nested too deeply, or too large"
        fault = {"part": part, "line": line, "cause": cause}
        channel.send(wire.INVALID, to_json(fault))
        kernel.leave(1)
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
        parent.begun[0] = 1
        parent.begun.close()
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
    guard.inspect(stage.handlers)
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
