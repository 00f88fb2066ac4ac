"""The warm parent's side of one child: what it says, how long it may take, and its end."""

from __future__ import annotations

import os
import select
import time

from pytrace_mono.tracer.sandbox import kernel, wire
from pytrace_mono.tracer.sandbox.syscalls import BEGUN_FD

_CHUNK = 1 << 16
_PARENT_CHECK_SECONDS = 0.4
_LONGEST_POLL_SECONDS = 3600.0  # The system call takes milliseconds in 31 bits.
_MAX_NOTES = 16
_HEAD_BYTES, _read_head = wire.MESSAGE.size, wire.MESSAGE.unpack_from
_pidfd_open = getattr(os, "pidfd_open", None)


class MainProcessGone(Exception):
    """Whoever asked has died; nothing is to outlive it."""


class Begun:
    """Whether the child has begun to run programs: it then writes to a pipe, and cannot take that back.

    The pipe is looked into only when a message came, so that this wakes nobody up.
    """

    def __init__(self) -> None:
        if kernel.LINUX:
            self._reader, writer = os.pipe2(os.O_NONBLOCK)
        else:
            self._reader, writer = os.pipe()
            os.set_blocking(self._reader, False)
            os.set_blocking(writer, False)
        os.dup2(writer, BEGUN_FD)
        os.close(writer)
        self._told = False

    def forget(self) -> None:
        """Begin anew, with another child or with one that stands still."""
        while self._read() == _CHUNK:
            pass
        self._told = False

    def told(self) -> bool:
        self._told = self._told or self._read() > 0
        return self._told

    def _read(self) -> int:
        """How many bytes there were, up to as many as are read at once."""
        try:
            return len(os.read(self._reader, _CHUNK))
        except BlockingIOError:
            return 0


class Main:
    """The process that asked, and whether it is still there.

    Args:
        ended: a descriptor that becomes readable when it has ended, or -1.
        requests: the pipe by which it asks.

    Attributes:
        ended: as given.
        longest_wait: seconds after which to look again at the latest.
        signs: descriptors to poll, and the events by which they tell that it has ended.
    """

    def __init__(self, ended: int, requests: int) -> None:
        self.ended = ended
        self._parent = os.getppid()
        self.longest_wait = _LONGEST_POLL_SECONDS if ended >= 0 else _PARENT_CHECK_SECONDS
        # A copy of our standard input in some other child of the main process would keep the pipe
        # open, so its end is not the only sign of the main process's death.
        self.signs = [(requests, 0), *([(ended, select.POLLIN)] if ended >= 0 else [])]
        self._idle = select.poll()
        for fd, events in self.signs:
            self._idle.register(fd, events)
        self._idle.register(requests, select.POLLIN)

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


Heard = tuple[str, bytes, tuple[str, ...]]
"""What came of one Call: its end, the result or the message that belongs to it, and what was tampered
with as far as the child knew.

The end is frame, died, timeout, oversized or forged; invalid, unconfined or unbegun where the child did
not get as far as a program; again where only a fresh one can tell.
"""


class Ended(Exception):
    """No further message can be had of a child; how it ended."""


class Child:
    """One forked child.

    Args:
        pid: its process id.
        reader: read end of its result pipe.
        nonce: what its messages carry.
        begun: tells whether the child has begun to run programs.
        main: the process that asked.
        is_alone: all that lives on when it has ended was left by it, and is to end.

    Attributes:
        has_a_past: that it did not begin may be due to what happened to it before.
    """

    has_a_past = False
    __slots__ = (
        "_begun",
        "_buffer",
        "_ended",
        "_is_alone",
        "_main",
        "_nonce",
        "_pid",
        "_poll",
        "_reader",
    )

    def __init__(
        self, pid: int, reader: int, nonce: bytes, begun: Begun, main: Main, is_alone: bool
    ) -> None:
        self._pid = pid
        self._reader = reader
        self._main = main
        self._buffer = bytearray()
        self._nonce = nonce
        self._begun = begun
        self._is_alone = is_alone
        self._ended = pidfd(pid)
        poll = self._poll = select.poll()
        poll.register(reader, select.POLLIN)
        if self._ended >= 0:
            poll.register(self._ended, select.POLLIN)
        for fd, events in main.signs:
            poll.register(fd, events)

    def hear(self, deadline: float) -> Heard:
        """Wait for what comes of the next Call.

        Raises:
            MainProcessGone: nobody waits for it any more.
        """
        notes: tuple[str, ...] = ()
        try:
            while True:
                tag, body = self._message(deadline)
                if tag == wire.NOTE:
                    if len(notes) < _MAX_NOTES:
                        notes = (*notes, body.decode("utf-8", "replace")[:200])
                elif self._begun.told():
                    if tag == wire.RESULT:
                        return "frame", body, notes
                    return "again" if tag == wire.AGAIN else "forged", b"", notes
                elif tag == wire.INVALID:
                    return "invalid", body, ()
                elif tag == wire.UNCONFINED:
                    return "unconfined", body, ()
                else:
                    return "forged", b"", notes
        except Ended as ended:
            end = str(ended)
            if end == "died" and not self._begun.told():
                end = "unbegun"
            return end, b"", notes

    def rests(self) -> bool:
        """After its last result: does it stand still, so that it can be restored?"""
        return False

    def restore(self) -> bool:
        """Put it back to what it was before the run; False where it has to be ended."""
        return False

    def end(self, tell: bool) -> tuple[int, float]:
        """End it and whatever it left behind.

        Args:
            tell: return its wait status and the processor seconds it used; otherwise zeros.
        """
        if self._ended >= 0:
            os.close(self._ended)
        os.close(self._reader)
        if not kernel.kill(self._pid):
            raise OSError("a child cannot be ended")
        kernel.kill(-self._pid)  # It may have died before it had a group of its own.
        status, seconds = 0, 0.0
        if tell:
            _, status, usage = os.wait4(self._pid, 0)
            seconds = usage.ru_utime + usage.ru_stime
        else:
            os.waitpid(self._pid, 0)
        # What it forked away from its group has become our child.
        while self._is_alone and (stray := kernel.reap()) >= 0:
            if stray == 0 and not _kill_strays():
                break
        return status, seconds

    def _message(self, deadline: float) -> tuple[bytes, bytes]:
        """Tag and body of its next message."""
        data = self._buffer
        while True:
            if len(data) >= _HEAD_BYTES:
                tag, nonce, size = _read_head(data)
                if nonce != self._nonce:
                    raise Ended("forged")
                if size > wire.RESULT_CAP:
                    raise Ended("oversized")
                end = _HEAD_BYTES + size
                if len(data) >= end:
                    body = bytes(data[_HEAD_BYTES:end])
                    del data[:end]
                    return tag, body
            left = deadline - time.monotonic()
            if left <= 0:
                raise Ended("timeout")
            ready = self._wait(min(left, self._main.longest_wait) * 1000)
            if self._reader in ready:
                piece = os.read(self._reader, _CHUNK)
                data += piece
                if not piece:
                    if self._ended < 0:
                        raise Ended("died")
                    # Without a pipe it can tell us nothing, but it may still be running.
                    self._poll.unregister(self._reader)
            elif ready:
                # Something else may hold the pipe open; nothing more comes from the child.
                raise Ended("died")
            elif self._main.is_gone():
                raise MainProcessGone

    def _wait(self, milliseconds: float) -> dict[int, int]:
        """Its descriptors that are readable: the result pipe, and the one that tells of its end."""
        return self._of_child(dict(self._poll.poll(milliseconds)))

    def _of_child(self, ready: dict[int, int]) -> dict[int, int]:
        for fd in ready:
            if fd != self._reader and fd != self._ended:
                raise MainProcessGone
        return ready


def _kill_strays() -> bool:
    """Kill every child of this process; False where the system does not list them."""
    me = os.getpid()
    if me == 1:
        kernel.kill(-1)  # all of this process-id namespace but ourselves
        return True
    try:
        with open(f"/proc/{me}/task/{me}/children") as children:
            strays = children.read().split()
    except OSError:
        return False
    for stray in strays:
        kernel.kill(int(stray))
    return True


def pidfd(pid: int) -> int:
    """A descriptor that becomes readable when the process ends; -1 where there are none."""
    try:
        return _pidfd_open(pid) if _pidfd_open else -1
    except OSError:
        return -1
