"""The warm parent: imports once, then forks one child per request and watches over it.

Started by :mod:`pytrace_mono.tracer.sandbox.worker` with requests on its standard input and replies
on its standard output. It has one thread and one child at a time, and ends when its pipes do.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import sys
import time
from typing import Any

from pytrace_mono.tracer.sandbox import child, wire
from pytrace_mono.tracer.sandbox.confine import RESULT_FD, Jail
from pytrace_mono.tracer.sandbox.report import Reserve

GRACE_SECONDS = 0.5
"""How long after ``wall_seconds`` a child that has not ended by itself is killed."""

_PARENT_CHECK_SECONDS = 2.0

_COMMON = (
    "abc array ast base64 bisect calendar cmath collections collections.abc contextlib copy csv "
    "dataclasses datetime decimal enum fractions functools hashlib heapq inspect io itertools json "
    "keyword math numbers operator pprint queue random re secrets statistics string struct textwrap "
    "time traceback types typing unicodedata uuid warnings weakref zoneinfo"
)


def main(level: str) -> None:
    """Serve requests until the pipes end.

    Args:
        level: the isolation level of every child.
    """
    # Children put their result pipe at this number, so nothing of ours may live there.
    while (null := os.open(os.devnull, os.O_RDWR)) < RESULT_FD:
        pass
    requests, replies = os.dup(0), os.dup(1)
    os.dup2(null, 0)
    os.dup2(null, 1)
    signal.signal(signal.SIGTERM, lambda signum, frame: sys.exit(0))
    # A broken pipe: whoever asked is gone.
    with contextlib.suppress(BrokenPipeError):
        _Zygote(level, requests, replies).serve()


class _Zygote:
    def __init__(self, level: str, requests: int, replies: int) -> None:
        self._requests = requests
        self._replies = replies
        self._main = os.getppid()
        for name in _COMMON.split():
            importlib.import_module(name)
        child.warm_up()
        self._jail = Jail(level)
        reserve = Reserve()
        gc.collect()
        gc.disable()
        gc.freeze()
        self._parent = child.Parent(os.getpid(), _address_space(), reserve)

    def serve(self) -> None:
        wire.write_all(self._replies, wire.pack_json({"ready": os.getpid()}))
        poll = select.poll()
        poll.register(self._requests, select.POLLIN)
        while True:
            # A copy of our standard input in some other child of the main process would keep the
            # pipe open, so its end is not the only sign of the main process's death.
            while not poll.poll(_PARENT_CHECK_SECONDS * 1000):
                if os.getppid() != self._main:
                    return
            body = wire.read_frame(self._requests, wire.REQUEST_CAP)
            if body is None:
                return
            ending, result = self._run(json.loads(body))
            wire.write_all(self._replies, wire.pack_json(ending) + wire.pack(result))

    def _run(self, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        deadline = time.monotonic() + request["limits"]["wall_seconds"] + GRACE_SECONDS
        reader, writer = os.pipe()
        try:
            try:
                pid = os.fork()
            except OSError as error:
                os.close(writer)
                return {"end": "unforked", "message": str(error)}, b""
            if pid == 0:
                child.main(request, self._jail, self._parent, writer)
            try:
                os.close(writer)
                frame = wire.Frame(wire.RESULT_CAP, tags=2)
                end = self._watch(pid, reader, frame, deadline)
            finally:
                status, cpu_seconds = _kill(pid)
        finally:
            os.close(reader)
        return {"end": end, "status": status, "cpu": cpu_seconds}, bytes(frame.data)

    def _watch(self, pid: int, reader: int, frame: wire.Frame, deadline: float) -> str:
        """Read the child's result; say why that ended: frame, died, timeout or oversized."""
        poll = select.poll()
        poll.register(reader, select.POLLIN)
        poll.register(self._requests, 0)  # Only its hang-up matters now.
        ended = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else -1
        if ended >= 0:
            poll.register(ended, select.POLLIN)
        try:
            while frame.wanted:
                left = deadline - time.monotonic()
                if left <= 0:
                    return "timeout"
                ready = dict(poll.poll(min(left, _PARENT_CHECK_SECONDS) * 1000))
                if self._requests in ready or os.getppid() != self._main:
                    sys.exit(0)
                if reader in ready:
                    if not frame.read_from(reader):
                        if ended < 0:
                            return "died"
                        # Without a pipe it can tell us nothing, but it may still be running.
                        poll.unregister(reader)
                elif ended in ready:
                    # Something else may hold the pipe open; nothing more comes from the child.
                    return "died"
            return "frame"
        except wire.FrameError:
            return "oversized"
        finally:
            if ended >= 0:
                os.close(ended)


def _kill(pid: int) -> tuple[int, float]:
    """End the child and whatever it left behind; return its wait status and processor seconds."""
    os.kill(pid, signal.SIGKILL)
    # It may have died before it had a group of its own.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    _, status, usage = os.wait4(pid, 0)
    while True:
        # What the program forked away from its group has become our child (see adopt_orphans).
        try:
            stray, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return status, usage.ru_utime + usage.ru_stime
        if stray == 0 and not _kill_strays():
            return status, usage.ru_utime + usage.ru_stime


def _kill_strays() -> bool:
    """Kill every child of this process; False where the system does not list them."""
    me = os.getpid()
    try:
        with open(f"/proc/{me}/task/{me}/children") as children:
            strays = children.read().split()
    except OSError:
        return False
    for stray in strays:
        os.kill(int(stray), signal.SIGKILL)
    return True


def _address_space() -> int:
    """Bytes mapped by this process; 0 where the system does not say."""
    try:
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
