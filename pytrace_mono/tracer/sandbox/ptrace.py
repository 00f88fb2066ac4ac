"""Another process's registers and memory, by ptrace(2) and process_vm_writev(2), on x86-64."""

from __future__ import annotations

import os
import signal
import struct
from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

from pytrace_mono.tracer.sandbox import kernel

POSSIBLE = kernel.LINUX and os.uname().machine == "x86_64"

# linux/ptrace.h, linux/elf.h
_TRACE_ME, _CONTINUE, _TO_END_OF_CALL = 0, 7, 24
_SET_OPTIONS, _GET_EVENT_MESSAGE = 0x4200, 0x4201
_GET_REGISTER_SET, _SET_REGISTER_SET = 0x4204, 0x4205
_GET_SIGNAL_MASK, _SET_SIGNAL_MASK = 0x420A, 0x420B
_MARK_CALLS, _STOP_AT_SECCOMP, _KILL_WITH_TRACER = 1, 1 << 7, 1 << 20
_STOPPED_BY_SECCOMP = signal.SIGTRAP | 7 << 8
_STOPPED_AFTER_CALL = signal.SIGTRAP | 0x80
_GENERAL, _EXTENDED = 1, 0x202
"""NT_PRSTATUS and NT_X86_XSTATE: the general registers; those of floating point and of vectors."""

_MOST_STATE_BYTES = 1 << 14
_WORD = 8
_PIECE = struct.Struct("@PN")
"""``struct iovec``"""
_AT_ONCE = 1024
"""UIO_MAXIOV"""


def stop_traced() -> None:
    """Stop this process, with the one that forked it as its tracer.

    Raises:
        OSError: the kernel refuses that.
    """
    kernel.system_call("ptrace", _TRACE_ME)
    kernel.stop()


class Stop(NamedTuple):
    """Why a process stopped.

    Attributes:
        signal: the one that it is about to get, or 0.
        answer: the data of the filter's answer to the system call that it is about to make, or 0.
    """

    signal: int
    answer: int


class Tracee:
    """A child of this process that calls :func:`stop_traced`, and dies with this process.

    Args:
        pid: its process id.

    Raises:
        OSError: it ended instead.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._message = bytearray(_WORD)
        self._message_at = kernel.address(self._message)
        self._wait(0)
        options = _MARK_CALLS | _STOP_AT_SECCOMP | _KILL_WITH_TRACER
        kernel.system_call("ptrace", _SET_OPTIONS, pid, 0, options)
        self._restore, self._go_on = kernel.Calls(), kernel.Calls()
        self._go_on.add("ptrace", _CONTINUE, pid)

    def go_on(self) -> None:
        self._go_on.make()

    def go_on_with(self, number: int) -> None:
        """Get the signal of this number, if any, and go on."""
        kernel.system_call("ptrace", _CONTINUE, self._pid, 0, number)

    def finish_call(self) -> None:
        """From the stop before a system call to one after it.

        Raises:
            OSError: it did not come to that.
        """
        kernel.system_call("ptrace", _TO_END_OF_CALL, self._pid)
        if self._wait(0) != _STOPPED_AFTER_CALL:
            raise OSError("a system call did not return")

    def stop(self, wait: bool = False) -> Stop | None:
        """Where it has stopped since it went on; None when it has not, or has ended."""
        try:
            code = self._wait(0 if wait else os.WNOHANG)
        except ChildProcessError:
            return None
        if code is None:
            return None
        if code != _STOPPED_BY_SECCOMP:
            return Stop(code & 0x7F, 0)
        kernel.system_call("ptrace", _GET_EVENT_MESSAGE, self._pid, 0, self._message_at)
        return Stop(0, int.from_bytes(self._message, "little"))

    def save_registers(self) -> None:
        """Keep all that it goes on with beside its memory, which signals it blocks among that."""
        self._saved, general = self._registers(_GENERAL)
        _, extended = self._registers(_EXTENDED)
        mask = bytearray(_WORD)
        kernel.system_call("ptrace", _GET_SIGNAL_MASK, self._pid, _WORD, kernel.address(mask))
        self._found, again = self._registers(_GENERAL)
        for request, what, memory in (
            (_SET_REGISTER_SET, _GENERAL, general),
            (_SET_REGISTER_SET, _EXTENDED, extended),
            (_SET_SIGNAL_MASK, _WORD, mask),
            (_GET_REGISTER_SET, _GENERAL, again),
        ):
            self._restore.add("ptrace", request, self._pid, what, memory)

    def restore_registers(self) -> None:
        """Give it what was saved.

        Raises:
            OSError: it did not take all of that; there are flags that the kernel leaves as they are.
        """
        self._restore.make()
        if self._found != self._saved:
            raise OSError("a register could not be restored")

    def _registers(self, kind: int) -> tuple[bytearray, bytearray]:
        """A set of registers, and the ``struct iovec`` of where they lie."""
        state = bytearray(_MOST_STATE_BYTES)
        vector = bytearray(_PIECE.pack(kernel.address(state), len(state)))
        # It shortens the length to that of what there is.
        kernel.system_call("ptrace", _GET_REGISTER_SET, self._pid, kind, kernel.address(vector))
        self._restore.keep(state)
        return state, vector

    def _wait(self, options: int) -> int | None:
        """Signal, and event above it, of its next stop; its end is left to others."""
        found = os.waitid(os.P_PID, self._pid, os.WSTOPPED | options)
        return None if found is None else found.si_status


class Copy:
    """From this process's memory to another's; made once, copied as often as wanted.

    Args:
        pid: the other process.
        pieces: address there, address here, length in bytes.
    """

    def __init__(self, pid: int, pieces: Iterable[tuple[int, int, int]]) -> None:
        self._calls = kernel.Calls()
        self._size = 0
        rest = iter(pieces)
        while some := list(islice(rest, _AT_ONCE)):
            there = bytearray().join(_PIECE.pack(other, size) for other, _, size in some)
            here = bytearray().join(_PIECE.pack(own, size) for _, own, size in some)
            self._calls.add("process_vm_writev", pid, here, len(some), there, len(some), 0)
            self._size += sum(size for _, _, size in some)

    def make(self) -> None:
        """Copy.

        Raises:
            OSError: the kernel refused, or not all could be copied.
        """
        copied = self._calls.make()
        if copied != self._size:
            raise OSError(f"process_vm_writev: {copied} of {self._size} bytes")
