"""The warm parent's side of one child: what it says, how long it may take, and its end."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from typing import NamedTuple

from pytrace_mono.tracer.sandbox import wire

_CHUNK = 1 << 16
_PARENT_CHECK_SECONDS = 0.4
_LONGEST_POLL_SECONDS = 3600.0  # The system call takes milliseconds in 31 bits.
_MAX_NOTES = 16
_SCHEDULER_CLOCK = 2  # CPUCLOCK_SCHED of the kernel's posix-timers.h


class MainProcessGone(Exception):
    """Whoever asked has died; nothing is to outlive it."""


class Main:
    """The process that asked, and whether it is still there.

    Args:
        ended: a descriptor that becomes readable when it has ended, or -1.
        requests: the pipe that it holds the other end of.
    """

    def __init__(self, ended: int, requests: int) -> None:
        self.requests = requests
        # A copy of our standard input in some other child of the main process would keep the pipe
        # open, so its end is not the only sign of the main process's death.
        self.ended = ended
        self._parent = os.getppid()

    def register(self, poll: select.poll, hangup_only: bool) -> None:
        poll.register(self.requests, 0 if hangup_only else select.POLLIN)
        if self.ended >= 0:
            poll.register(self.ended, select.POLLIN)

    def longest_wait(self) -> float:
        """Seconds after which to look again at the latest."""
        return _LONGEST_POLL_SECONDS if self.ended >= 0 else _PARENT_CHECK_SECONDS

    def is_gone(self, ready: dict[int, int]) -> bool:
        if self.ended >= 0:
            return self.ended in ready
        return os.getppid() != self._parent


class Heard(NamedTuple):
    """What came of one Call.

    Attributes:
        end: frame, invalid, again, died, timeout, oversized, forged; unconfined or unbegun where the
            child did not get as far as the program.
        body: the result, or the message that belongs to ``end``.
        notes: what was tampered with, as far as the child knew.
        cpu: processor seconds used for it.
    """

    end: str
    body: bytes = b""
    notes: tuple[str, ...] = ()
    cpu: float = 0.0


class _Ended(Exception):
    pass


class Child:
    """One forked child.

    Args:
        pid: its process id.
        reader: read end of its result pipe.
        nonce: what its messages carry.
        main: the process that asked.
    """

    def __init__(self, pid: int, reader: int, nonce: bytes, main: Main) -> None:
        self.pid = pid
        self._reader = reader
        self._main = main
        self._buffer = bytearray()
        self._nonce = nonce
        self._cpu = 0.0
        self._ended = pidfd(pid)
        self._poll = select.poll()
        self._poll.register(reader, select.POLLIN)
        if self._ended >= 0:
            self._poll.register(self._ended, select.POLLIN)
        main.register(self._poll, hangup_only=True)

    def hear(self, deadline: float) -> Heard:
        """Wait for what comes of the next Call.

        Raises:
            MainProcessGone: nobody waits for it any more.
        """
        notes: list[str] = []
        running = False
        try:
            while True:
                tag, body = self._message(deadline)
                if tag == wire.RUNNING:
                    running = True
                elif tag == wire.NOTE and len(notes) < _MAX_NOTES:
                    notes.append(body.decode("utf-8", "replace")[:200])
                elif tag == wire.RESULT and running:
                    return Heard("frame", body, tuple(notes), self._cpu_since())
                elif tag == wire.INVALID and not running:
                    return Heard("invalid", body)
                elif tag == wire.UNCONFINED and not running:
                    return Heard("unconfined", body)
                elif tag == wire.AGAIN:
                    return Heard("again")
                elif tag != wire.NOTE:
                    return Heard("forged", b"", tuple(notes))
        except _Ended as ended:
            end = str(ended)
            if end == "died" and not running:
                end = "unbegun"
            return Heard(end, b"", tuple(notes))

    def end(self) -> tuple[int, float]:
        """End it and whatever it left behind; return its wait status and processor seconds."""
        if self._ended >= 0:
            os.close(self._ended)
        os.close(self._reader)
        os.kill(self.pid, signal.SIGKILL)
        # It may have died before it had a group of its own.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        _, status, usage = os.wait4(self.pid, 0)
        _end_strays()
        return status, usage.ru_utime + usage.ru_stime - self._cpu

    def _message(self, deadline: float) -> tuple[bytes, bytes]:
        tag, nonce, size = wire.MESSAGE.unpack(self._take(wire.MESSAGE.size, deadline))
        if nonce != self._nonce:
            raise _Ended("forged")
        if size > wire.RESULT_CAP:
            raise _Ended("oversized")
        return tag, self._take(size, deadline)

    def _take(self, size: int, deadline: float) -> bytes:
        while len(self._buffer) < size:
            left = deadline - time.monotonic()
            if left <= 0:
                raise _Ended("timeout")
            wait = self._main.longest_wait()
            ready = dict(self._poll.poll(min(left, wait) * 1000))
            if self._main.requests in ready or self._main.is_gone(ready):
                raise MainProcessGone
            if self._reader in ready:
                piece = os.read(self._reader, max(_CHUNK, size - len(self._buffer)))
                self._buffer += piece
                if not piece:
                    if self._ended < 0:
                        raise _Ended("died")
                    # Without a pipe it can tell us nothing, but it may still be running.
                    self._poll.unregister(self._reader)
            elif self._ended in ready:
                # Something else may hold the pipe open; nothing more comes from the child.
                raise _Ended("died")
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def _cpu_since(self) -> float:
        try:
            total = time.clock_gettime((~self.pid << 3) | _SCHEDULER_CLOCK)
        except OSError:
            return 0.0
        used, self._cpu = total - self._cpu, total
        return used


def _end_strays() -> None:
    """End what the program forked away from its group: it has become our child."""
    while True:
        try:
            stray, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if stray == 0 and not _kill_strays():
            return


def _kill_strays() -> bool:
    """Kill every child of this process; False where the system does not list them."""
    me = os.getpid()
    if me == 1:
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)  # all of this process-id namespace but ourselves
        return True
    try:
        with open(f"/proc/{me}/task/{me}/children") as children:
            strays = children.read().split()
    except OSError:
        return False
    for stray in strays:
        os.kill(int(stray), signal.SIGKILL)
    return True


def pidfd(pid: int) -> int:
    """A descriptor that becomes readable when the process ends; -1 where there are none."""
    try:
        return os.pidfd_open(pid) if hasattr(os, "pidfd_open") else -1
    except OSError:
        return -1
