"""Have fork copy at once the pages that children write to anyway.

Usually fork shares all memory, and the first write to a page ends in a page fault, in which the kernel
copies it. Pages that are *pinned* for a device it copies within fork (since Linux 5.9), so that the
device goes on with this process's memory whoever writes first: that takes half as long as a fault, and
spares this process, which writes to many of the same pages after each fork, its own. Memory is pinned
here as buffers of an io_uring to which nothing is ever submitted.
"""

from __future__ import annotations

import contextlib
import ctypes
import struct

from pytrace_mono.tracer.sandbox import kernel
from pytrace_mono.tracer.sandbox.written import Run

# The same on every architecture; linux/io_uring.h.
_SYS_IO_URING_SETUP, _SYS_IO_URING_REGISTER = 425, 427
_IORING_REGISTER_BUFFERS, _IORING_UNREGISTER_BUFFERS = 0, 1
_IO_URING_PARAMS_BYTES = 120


class Pinned:
    """The pinned pages of this process; none where the kernel refuses.

    Made while this process may still lock memory: root gives that up, and a user's limit on locked
    memory bounds how many warm parents have pinned pages.
    """

    def __init__(self) -> None:
        self._ring = -1
        self._any = False
        with contextlib.suppress(OSError):
            self._ring = _set_up()

    @property
    def possible(self) -> bool:
        """Whether there is anything to be gained by finding out what to pin."""
        return self._ring >= 0

    def set(self, runs: list[Run]) -> None:
        """Pin these, and nothing else."""
        if not self.possible:
            return
        if self._any:
            _unregister_buffers(self._ring)
        self._any = False
        # Before Linux 6.5 the kernel refuses all where one is of a file.
        for several in (runs, [run for run in runs if not run.of_file]):
            with contextlib.suppress(OSError):
                _register_buffers(self._ring, [run[:2] for run in several])
                self._any = True
                break


def _set_up() -> int:
    """The descriptor of a new io_uring with room for one entry."""
    return kernel.syscall(
        _SYS_IO_URING_SETUP, 1, ctypes.create_string_buffer(_IO_URING_PARAMS_BYTES)
    )


def _register_buffers(ring: int, buffers: list[tuple[int, int]]) -> None:
    """Pin memory for this ring.

    Args:
        ring: its descriptor, which has no buffers yet.
        buffers: address and length of each, in bytes; whole pages, private and writable.
    """
    vector = struct.pack(f"@{2 * len(buffers)}P", *(word for one in buffers for word in one))
    kernel.syscall(_SYS_IO_URING_REGISTER, ring, _IORING_REGISTER_BUFFERS, vector, len(buffers))


def _unregister_buffers(ring: int) -> None:
    """Let go of all of them."""
    kernel.syscall(_SYS_IO_URING_REGISTER, ring, _IORING_UNREGISTER_BUFFERS, None, 0)
