"""Which pages of a process's memory a forked copy of it writes to, as Linux tells.

Such a page is the copy's own afterwards, and every other one is still shared: ``/proc/PID/pagemap``
has a bit for that (Documentation/admin-guide/mm/pagemap.rst).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from itertools import groupby
from mmap import PAGESIZE, mmap
from typing import NamedTuple

from pytrace_mono.tracer.sandbox import kernel

# Of the 64 bits of a page: present, of a file or shared, mapped by this process alone.
_PRESENT, _SHARED, _ALONE = 1 << 63, 1 << 61, 1 << 56
_BITS = _PRESENT | _SHARED | _ALONE
_WRITTEN = _PRESENT | _ALONE
_WORD = 8
_KEPT_FD = 1
"""Children keep this descriptor; here the copy finds its pagemap there."""


class Run(NamedTuple):
    """Pages side by side.

    Attributes:
        start: address of the first.
        size: of all, in bytes.
        of_file: they are a private copy of a file's, as a library's variables are.
    """

    start: int
    size: int
    of_file: bool


class Memory:
    """The private memory of this process that can be written to; made before namespaces hide /proc."""

    def __init__(self) -> None:
        self._proc = -1
        with contextlib.suppress(OSError):
            self._proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY)

    def close(self) -> None:
        """Keep no way to what lies outside."""
        if self._proc >= 0:
            os.close(self._proc)

    def written_by(self, *runs: Callable[[], object]) -> list[Run]:
        """The pages that these write to, each run in a forked copy of this process.

        Args:
            runs: may shut the copy in as a child does.

        Returns:
            Those that the kernel tells of: none without /proc, and none of a run that does not return.
        """
        try:
            areas = self._areas()
        except OSError:
            return []
        bits = map(any, zip(*(self._bits(areas, run) for run in runs), strict=True))
        found: list[Run] = []
        for area in areas:
            pages = [
                page for page in range(area.start, area.start + area.size, PAGESIZE) if next(bits)
            ]
            # Those side by side have this difference in common.
            by_gap = groupby(enumerate(pages), lambda one: one[1] - one[0] * PAGESIZE)
            for _, group in by_gap:
                side_by_side = [page for _, page in group]
                found.append(Run(side_by_side[0], len(side_by_side) * PAGESIZE, area.of_file))
        return found

    def _bits(self, areas: list[Run], run: Callable[[], object]) -> list[bool]:
        """For each page of the areas: is it written to?"""
        words = mmap(-1, max(1, sum(area.size for area in areas) // PAGESIZE * _WORD))
        view = memoryview(words)
        reads = []
        at = 0
        for area in areas:
            size = area.size // PAGESIZE * _WORD
            reads.append((area.start // PAGESIZE * _WORD, [view[at : at + size]]))
            at += size
        pid = kernel.fork()
        if pid == 0:
            try:
                kernel.permit_inspection()  # Who has changed its user may not look at itself.
                os.dup2(os.open("self/pagemap", os.O_RDONLY, dir_fd=self._proc), _KEPT_FD)
                run()
                for place, parts in reads:
                    os.lseek(_KEPT_FD, place, os.SEEK_SET)
                    os.readv(_KEPT_FD, parts)
            finally:
                kernel.leave(0)
        os.waitpid(pid, 0)
        with view.cast("Q") as all_bits:
            return [word & _BITS == _WRITTEN for word in all_bits]

    def _areas(self) -> list[Run]:
        """Without those that have huge pages, which are shared and copied in one piece."""
        areas: list[Run] = []
        last: list[Run] = []
        with open(os.open("self/smaps", os.O_RDONLY, dir_fd=self._proc)) as smaps:
            for line in smaps:
                fields = line.split()
                if not fields[0].endswith(":"):
                    areas += last
                    start, end = (int(address, 16) for address in fields[0].split("-"))
                    area = Run(start, end - start, of_file=fields[4] != "0")
                    last = [area] if fields[1] == "rw-p" else []
                elif fields[0] == "AnonHugePages:" and fields[1] != "0":
                    last = []
        return areas + last
