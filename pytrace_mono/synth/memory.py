"""Memory that a long run has let go of."""

from __future__ import annotations

import ctypes
from collections.abc import Callable


def _trim() -> Callable[[int], int] | None:
    try:
        found: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # not glibc, or no such call at all
        return None
    return found


_malloc_trim = _trim()


def give_back() -> None:
    """Have the C library give free pages back to the system, where it knows how (glibc does).

    asyncio reads every answer into a block of 256 KiB and shrinks it to what came. What is kept for
    longer comes to lie between such blocks, so that the heap grows, although less and less of it is
    in use.
    """
    if _malloc_trim is not None:
        _malloc_trim(0)
