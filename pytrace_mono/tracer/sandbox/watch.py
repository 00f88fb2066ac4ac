"""The warm parent's side of one child: what it says, how long it may take, and its end."""

from __future__ import annotations

import contextlib
import mmap
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
_pidfd_open = getattr(os, "pidfd_open", None)


class MainProcessGone(Exception):
    """Whoever asked has died; nothing is to outlive it."""


class Main:
    """The process that asked, and whether it is still there.

    Args:
        ended: a descriptor that becomes readable when it has ended, or -1.
        requests: the pipe that it holds the other end of.

    Attributes:
        ended: as given.
        requests: as given.
        longest_wait: seconds after which to look again at the latest.
    """

    def __init__(self, ended: int, requests: int) -> None:
        self.requests = requests
        # A copy of our standard input in some other child of the main process would keep the pipe
        # open, so its end is not the only sign of the main process's death.
        self.ended = ended
        self._parent = os.getppid()
        self.longest_wait = _LONGEST_POLL_SECONDS if ended >= 0 else _PARENT_CHECK_SECONDS
        self._idle = select.poll()
        self.register(self._idle, select.POLLIN)

    def register(self, poll: select.poll, events: int = 0) -> None:
        """Have ``poll`` tell of its end, and of these events of its requests."""
        poll.register(self.requests, events)
        if self.ended >= 0:
            poll.register(self.ended, select.POLLIN)

    def asks(self) -> bool:
        """Wait for a request; False when none can come any more."""
        while True:
            ready = dict(self._idle.poll(self.longest_wait * 1000))
            if self.ended in ready or (not ready and self.is_gone()):
                return False
            if ready:
                return True

    def is_gone(self) -> bool:
        """Where nothing becomes readable when it ends: has it?"""
        return self.ended < 0 and os.getppid() != self._parent


class Heard(NamedTuple):
    """What came of one Call.

    Attributes:
        end: frame, died, timeout, oversized, forged; invalid, unconfined or unbegun where the child
            did not get as far as a program; again where only a fresh one can tell.
        body: the result, or the message that belongs to ``end``.
        notes: what was tampered with, as far as the child knew.
    """

    end: str
    body: bytes = b""
    notes: tuple[str, ...] = ()


class _Ended(Exception):
    pass


class Begun:
    """Whether a child has begun to run programs, which it can tell once and never take back.

    A byte in memory that warm parent and child share until then. A message would say it too, but
    the warm parent would wake up for each.
    """

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, mmap.PAGESIZE)

    def reset(self) -> None:
        """In the warm parent, before it forks."""
        self._shared[0] = 0

    def tell(self) -> None:
        """In the child; its programs find nothing mapped there any more."""
        if not self._shared.closed:
            self._shared[0] = 1
            self._shared.close()

    def __bool__(self) -> bool:
        return self._shared[0] != 0


class Child:
    """One forked child.

    Args:
        pid: its process id.
        reader: read end of its result pipe.
        nonce: what its messages carry.
        begun: tells whether it has begun.
        main: the process that asked.
    """

    def __init__(self, pid: int, reader: int, nonce: bytes, begun: Begun, main: Main) -> None:
        self.pid = pid
        self._reader = reader
        self._main = main
        self._buffer = bytearray()
        self._nonce = nonce
        self._begun = begun
        self._ended = pidfd(pid)
        self._poll = select.poll()
        self._poll.register(reader, select.POLLIN)
        if self._ended >= 0:
            self._poll.register(self._ended, select.POLLIN)
        main.register(self._poll)

    def hear(self, deadline: float) -> Heard:
        """Wait for what comes of the next Call.

        Raises:
            MainProcessGone: nobody waits for it any more.
        """
        notes: list[str] = []
        try:
            while True:
                tag, body = self._message(deadline)
                if tag == wire.NOTE:
                    if len(notes) < _MAX_NOTES:
                        notes.append(body.decode("utf-8", "replace")[:200])
                elif self._begun:
                    if tag == wire.RESULT:
                        return Heard("frame", body, tuple(notes))
                    return Heard("again" if tag == wire.AGAIN else "forged", b"", tuple(notes))
                elif tag == wire.INVALID:
                    return Heard("invalid", body)
                elif tag == wire.UNCONFINED:
                    return Heard("unconfined", body)
                else:
                    return Heard("forged", b"", tuple(notes))
        except _Ended as ended:
            end = str(ended)
            if end == "died" and not self._begun:
                end = "unbegun"
            return Heard(end, b"", tuple(notes))

    def end(self) -> tuple[int, float]:
        """End it and whatever it left behind; return its wait status and processor seconds."""
        if self._ended >= 0:
            os.close(self._ended)
        os.close(self._reader)
        os.kill(self.pid, signal.SIGKILL)
        try:  # noqa: SIM105 - the function would cost more than the call
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass  # It may have died before it had a group of its own.
        _, status, usage = os.wait4(self.pid, 0)
        _end_strays()
        return status, usage.ru_utime + usage.ru_stime

    def _message(self, deadline: float) -> tuple[bytes, bytes]:
        """Tag and body of its next message."""
        data = self._buffer
        while True:
            if len(data) >= wire.MESSAGE.size:
                tag, nonce, size = wire.MESSAGE.unpack_from(data)
                if nonce != self._nonce:
                    raise _Ended("forged")
                if size > wire.RESULT_CAP:
                    raise _Ended("oversized")
                end = wire.MESSAGE.size + size
                if len(data) >= end:
                    body = bytes(memoryview(data)[wire.MESSAGE.size : end])
                    del data[:end]
                    return tag, body
            left = deadline - time.monotonic()
            if left <= 0:
                raise _Ended("timeout")
            ready = dict(self._poll.poll(min(left, self._main.longest_wait) * 1000))
            for fd in ready:
                if fd != self._reader and fd != self._ended:
                    raise MainProcessGone
            if self._reader in ready:
                piece = os.read(self._reader, _CHUNK)
                data += piece
                if not piece:
                    if self._ended < 0:
                        raise _Ended("died")
                    # Without a pipe it can tell us nothing, but it may still be running.
                    self._poll.unregister(self._reader)
            elif ready:
                # Something else may hold the pipe open; nothing more comes from the child.
                raise _Ended("died")
            elif self._main.is_gone():
                raise MainProcessGone


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
        return _pidfd_open(pid) if _pidfd_open else -1
    except OSError:
        return -1
