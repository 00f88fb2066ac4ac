"""Which pages a process writes to: write-protected by userfaultfd(2), found by PAGEMAP_SCAN.

The first write to a protected page takes the protection off, without telling anyone (the mode
``UFFD_FEATURE_WP_ASYNC``, Linux 6.7; Documentation/admin-guide/mm/pagemap.rst): a page that is there
and not protected was written to. That cannot be missed; only a page that was merely read may be told
of as well.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from pytrace_mono.tracer.sandbox import kernel

# linux/userfaultfd.h, linux/fs.h
_USER_MODE_ONLY, _CLOSE_ON_EXEC = 1, 0x80000
_API, _REGISTER, _PROTECT = 0xC018AA3F, 0xC020AA00, 0xC018AA06
_VERSION = 0xAA
_PROTECT_UNPOPULATED, _PROTECT_ASYNC = 1 << 13, 1 << 15
_MODE_PROTECT = 2
_ON = 1
_SCAN = 0xC0606610
_PROTECTABLE, _WRITTEN, _PRESENT, _SWAPPED = 1, 2, 8, 16
_QUERY_BYTES, _GOT_TO_AT, _REGION_BYTES = 96, 32, 24
_MOST_REGIONS = 4096

Span = tuple[int, int]
"""Address of the first byte, and of the one after the last; whole pages."""


def userfaultfd() -> int:
    """A descriptor by which the memory of this process can be protected; any process may have one.

    Raises:
        OSError: this kernel cannot do what is needed here.
    """
    fd = kernel.system_call("userfaultfd", _CLOSE_ON_EXEC | _USER_MODE_ONLY)
    _control(fd, _API, _VERSION, _PROTECT_UNPOPULATED | _PROTECT_ASYNC, 0)
    return fd


class Written:
    """The pages that a process writes to, in the memory named here.

    Args:
        fault_fd: what :func:`userfaultfd` gave in that process.
        pagemap: its ``/proc/PID/pagemap``, open for reading.
        spans: the memory, in ascending order; nothing in it is written so far.

    Raises:
        OSError: the kernel refuses.
    """

    def __init__(self, fault_fd: int, pagemap: int, spans: list[Span]) -> None:
        self._fault_fd = fault_fd
        for start, end in spans:
            _control(fault_fd, _REGISTER, start, end - start, _MODE_PROTECT, 0)
        self.protect(spans)
        self._scan = Scan(pagemap, (spans[0][0], spans[-1][1]), _PROTECTABLE | _WRITTEN)

    def protect(self, spans: Iterable[Span]) -> None:
        """Of these nothing is written so far; of all else it stays told what is."""
        for start, end in spans:
            _control(self._fault_fd, _PROTECT, start, end - start, _ON)

    def spans(self) -> Iterator[Span]:
        """What is written since it was protected, in ascending order."""
        return self._scan.make()


class Scan:
    """A search for pages of a process; made once, and done as often as wanted.

    Args:
        pagemap: its ``/proc/PID/pagemap``, open for reading.
        span: where to look.
        all_of: categories that a page has to have.
        any_of: and of these one.
    """

    def __init__(self, pagemap: int, span: Span, all_of: int, any_of: int = 0) -> None:
        regions = bytearray(_MOST_REGIONS * _REGION_BYTES)
        self._words = memoryview(regions).cast("Q")
        # struct pm_scan_arg
        place = kernel.address(regions)
        query = (
            _QUERY_BYTES,
            0,
            *span,
            0,
            place,
            _MOST_REGIONS,
            0,
            0,
            all_of,
            any_of,
            all_of | any_of,
        )
        self._query = bytearray(struct.pack("@12Q", *query))
        self._call = kernel.Calls()
        self._call.add("ioctl", pagemap, _SCAN, self._query)
        self._end = span[1]

    def make(self) -> Iterator[Span]:
        """Those side by side as one, in ascending order.

        Raises:
            OSError: the kernel refuses, or there are too many.
        """
        words = self._words[: 3 * self._call.make()].tolist()
        if struct.unpack_from("@Q", self._query, _GOT_TO_AT)[0] < self._end:
            raise OSError("more pieces of memory than can be told")
        return zip(words[::3], words[1::3], strict=True)


def populated(pagemap: int, span: Span) -> list[Span]:
    """What of this memory of a process has pages at all, in memory or swapped out."""
    return list(Scan(pagemap, span, 0, _PRESENT | _SWAPPED).make())


def _control(fd: int, request: int, *words: int) -> None:
    memory = bytearray(struct.pack(f"@{len(words)}Q", *words))
    kernel.system_call("ioctl", fd, request, kernel.address(memory))
