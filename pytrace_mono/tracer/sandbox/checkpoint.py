"""A stopped child as it is now, and how to put it back to that later on, from outside.

This is what checkpoint/restore does (criu.org), for processes that between the two have made no system
call that changes them otherwise: then registers and the contents of memory are all there is. Fuzzers
that reset their target, instead of forking it anew for each input, work in the same way.
"""

from __future__ import annotations

import ctypes
import os
from bisect import bisect, bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from mmap import MADV_DONTFORK, MADV_HUGEPAGE, MAP_ANONYMOUS, MAP_PRIVATE, PAGESIZE, mmap
from typing import NamedTuple

from pytrace_mono.tracer.sandbox import kernel
from pytrace_mono.tracer.sandbox.ptrace import Copy, Tracee
from pytrace_mono.tracer.sandbox.userfaultfd import Span, Written, populated

_LEARNT_FROM = 3
"""How many runs it takes to know which pages nearly every run writes to."""


class Room:
    """Memory to save children in, one after another: new memory costs more than to copy into it."""

    def __init__(self) -> None:
        self._map = mmap(-1, PAGESIZE, MAP_PRIVATE | MAP_ANONYMOUS)

    def of(self, size: int) -> int:
        """The address of at least so many bytes, which may hold anything."""
        if len(self._map) < size:
            self._map = mmap(-1, size, MAP_PRIVATE | MAP_ANONYMOUS)
            self._map.madvise(MADV_DONTFORK)  # Or each fork would take longer for it.
            self._map.madvise(MADV_HUGEPAGE)
        return kernel.address(self._map)


class Checkpoint:
    """What a stopped child is like now.

    Args:
        pid: the child, which must not have :func:`kernel.forbid_inspection` in force now.
        tracee: the same.
        fault_fd: what :func:`userfaultfd.userfaultfd` gave in it.
        proc: its directory under /proc.
        room: where to save it; it must be the only one there.

    Raises:
        OSError: the kernel refuses to tell, or to copy.
    """

    def __init__(self, pid: int, tracee: Tracee, fault_fd: int, proc: int, room: Room) -> None:
        self._pid = pid
        self._tracee = tracee
        self._runs = 0
        self._counts: Counter[int] = Counter()
        self._pagemap = os.open("pagemap", os.O_RDONLY | os.O_CLOEXEC, dir_fd=proc)
        try:
            with open(os.open("maps", os.O_RDONLY | os.O_CLOEXEC, dir_fd=proc)) as maps:
                areas = _writable(maps)
            tracee.save_registers()
            self._save(areas, room, proc)
            self._written = Written(fault_fd, self._pagemap, self._areas)
            self._copy_unasked([])
            self._put_back()  # What cannot be done is to be known before it is needed.
        except BaseException:  # whatever it is: nobody else could close it
            os.close(self._pagemap)
            raise

    def restore(self) -> None:
        """Put the child, which must be stopped where it was, back.

        Raises:
            OSError: that cannot be done: end the child.
        """
        written = self._put_back()
        if self._runs < _LEARNT_FROM:
            self._learn(written)

    def _put_back(self) -> set[Span]:
        """Do so, and return what was written to since the last time."""
        written = set(self._written.spans())
        self._usual.make()
        if unusual := [
            part for span in written - self._as_usual for part in _outside(span, self._spans)
        ]:
            self._pieces(unusual).make()
            self._written.protect(unusual)
        self._tracee.restore_registers()
        return written

    def _learn(self, written: Iterable[Span]) -> None:
        for start, end in written:
            self._counts.update(range(start, end, PAGESIZE))
        self._runs += 1
        if self._runs == _LEARNT_FROM:
            counts = sorted(self._counts.items())
            self._copy_unasked([page for page, count in counts if count > _LEARNT_FROM // 2])

    def close(self) -> None:
        os.close(self._pagemap)

    def _save(self, areas: list[_Area], room: Room, proc: int) -> None:
        self._areas = [area.span for area in areas]
        self._starts = [start for start, _ in self._areas]
        self._offsets = [0]
        for start, end in self._areas:
            self._offsets.append(self._offsets[-1] + end - start)
        self._base = room.of(self._offsets[-1])
        # What a page holds that is not there yet is the file's, or zero.
        present: list[Span] = []
        for area in areas:
            present += [area.span] if area.of_file else populated(self._pagemap, area.span)
        self._read(present, proc)
        for area in areas:
            for _, here, size in self._parts(list(_outside(area.span, present))):
                ctypes.memset(here, 0, size)

    def _read(self, spans: list[Span], proc: int) -> None:
        # Not by process_vm_readv, which has each page copied that the child still shares.
        memory = os.open("mem", os.O_RDONLY | os.O_CLOEXEC, dir_fd=proc)
        try:
            for start, here, size in self._parts(spans):
                into = (ctypes.c_char * size).from_address(here)
                os.lseek(memory, start, os.SEEK_SET)
                if os.readv(memory, [into]) != size:
                    raise OSError("memory could not be read")
        finally:
            os.close(memory)

    def _copy_unasked(self, pages: list[int]) -> None:
        """Copy back these whether they were written to or not, which is known only by a page fault.

        That takes longer than to copy one. To be copied leaves a page written.
        """
        self._spans: list[Span] = []
        for start, end in self._areas:
            inside = pages[bisect_left(pages, start) : bisect_left(pages, end)]
            self._spans += _side_by_side(inside)
        self._as_usual = set(self._spans)
        self._usual = self._pieces(self._spans)

    def _pieces(self, spans: list[Span]) -> Copy:
        return Copy(self._pid, self._parts(spans))

    def _parts(self, spans: list[Span]) -> Iterator[tuple[int, int, int]]:
        """The spans, area by area: address, that of the saved copy, size."""
        for start, end in spans:
            while start < end:
                area = bisect(self._starts, start) - 1
                first, last = self._areas[area]
                if not first <= start < last:
                    raise OSError("there is memory that was not there")
                after = min(end, last)
                yield start, self._base + self._offsets[area] + start - first, after - start
                start = after


class _Area(NamedTuple):
    span: Span
    of_file: bool


def _writable(maps: Iterable[str]) -> list[_Area]:
    """The memory that a process can write to."""
    areas: list[_Area] = []
    for line in maps:
        addresses, permissions, _, _, inode, *_ = line.split()
        start, end = (int(address, 16) for address in addresses.split("-"))
        if "w" in permissions:
            if "s" in permissions:
                raise OSError("memory that others share cannot be restored")
            areas.append(_Area((start, end), inode != "0"))
    return areas


def _side_by_side(pages: list[int]) -> list[Span]:
    """Pages in ascending order as spans."""
    spans: list[Span] = []
    for page in pages:
        start = spans.pop()[0] if spans and spans[-1][1] == page else page
        spans.append((start, page + PAGESIZE))
    return spans


def _outside(span: Span, holes: list[Span]) -> Iterator[Span]:
    """What of the span is in none of the holes, which are in ascending order."""
    start, end = span
    first = bisect(holes, (start, start))
    # The one before may reach into the span.
    for hole_start, hole_end in holes[max(0, first - 1) :]:
        if hole_start >= end:
            break
        if start < hole_start:
            yield start, hole_start
        start = max(start, hole_end)
    if start < end:
        yield start, end
