"""Have fork copy at once the pages that children write to anyway.

Usually fork shares all memory, and the first write to a page ends in a page fault, in which the kernel
copies it. Pages that are *pinned* for a device it copies within fork (since Linux 5.9), so that the
device goes on with this process's memory whoever writes first: that takes half as long as a fault, and
spares this process, which writes to many of the same pages after each fork, its own. Memory is pinned
here as buffers of an io_uring to which nothing is ever submitted.
"""

from __future__ import annotations

import contextlib

from pytrace_mono.tracer.sandbox import kernel
from pytrace_mono.tracer.sandbox.written import Run


class Pinned:
    """The pinned pages of this process; none where the kernel refuses.

    Made while this process may still lock memory: root gives that up, and a user's limit on locked
    memory bounds how many warm parents have pinned pages.
    """

    def __init__(self) -> None:
        self._ring = -1
        self._any = False
        with contextlib.suppress(OSError):
            self._ring = kernel.io_uring_setup()

    @property
    def possible(self) -> bool:
        """Whether there is anything to be gained by finding out what to pin."""
        return self._ring >= 0

    def set(self, runs: list[Run]) -> None:
        """Pin these, and nothing else."""
        if not self.possible:
            return
        if self._any:
            kernel.io_uring_unregister_buffers(self._ring)
        self._any = False
        # Before Linux 6.5 the kernel refuses all where one is of a file.
        for several in (runs, [run for run in runs if not run.of_file]):
            with contextlib.suppress(OSError):
                kernel.io_uring_register_buffers(self._ring, [run[:2] for run in several])
                self._any = True
                break
