"""Keep together in memory what children write to: each page of it is copied for each of them.

Whatever Python looks at it counts a reference to, which writes to it. A warm parent that imports as it
comes has the harness spread over everything else, and free blocks between all of it, from which its
children allocate. So the rest is imported first, and the free blocks are taken before the harness is
imported, and once more before the first child.
"""

from __future__ import annotations

import importlib

# What programs import most. More would spare the others an import, and make every fork dearer.
_COMMON = (
    "abc array ast bisect cmath collections collections.abc contextlib copy dataclasses datetime "
    "decimal enum fractions functools heapq inspect io itertools json keyword math numbers "
    "operator random re string struct time types typing warnings weakref"
)
_OF_HARNESS = (
    "_opcode ctypes dis errno gc importlib.util json.encoder linecache mmap resource select signal site "
    "sysconfig threading"
)

# CPython's allocator for small objects (Objects/obmalloc.c, 3.10 to 3.13): pools of blocks of one size,
# each a multiple of 16 up to 512 bytes, behind a head of 48; what is larger comes from the C library.
_POOL_BYTES = 1 << 14
_POOL_HEAD = 48
_SMALL = range(512, 0, -16)
_LARGE = (16384, 8192, 4096, 2048, 1024, 528)
_BYTES_HEAD = bytes.__basicsize__
_MOST = 1 << 14  # of one size, in case that there is another allocator

_fillers: list[object] = []


def import_others() -> None:
    """Import what is not the harness: what programs import most, and what the harness itself needs."""
    for name in (*_COMMON.split(), *_OF_HARNESS.split()):
        importlib.import_module(name)


def fill_gaps() -> None:
    """Take the free blocks between others, for good, so that what is allocated next lies together."""
    for size in _SMALL:
        previous = 0
        for count in range(_MOST):
            _fillers.append(_block(size, count))
            place = id(_fillers[-1])
            if previous % _POOL_BYTES == _POOL_HEAD and place == previous + size:
                break  # The second block of a pool that nothing else uses.
            previous = place
    for size in _LARGE:
        previous, row = 0, 0
        for count in range(_MOST):
            _fillers.append(_block(size, count))
            place = id(_fillers[-1])
            row = row + 1 if 0 < place - previous <= size + 16 else 0
            if row == 2:
                del _fillers[-3:]  # Three in a row fit into no gap but the room at the end.
                break
            previous = place


def _block(size: int, count: int) -> object:
    if size > _BYTES_HEAD:
        return bytes(size - _BYTES_HEAD)
    return float(count) if size > object.__basicsize__ else object()
