"""Has a value changed since it was last seen? Decided by identity, at any depth, within bounds.

Equality is never asked: it would run user code, and ``1 == True``. A value made wholly of exact
built-in types is remembered as a shallow copy per level and compared element by element with ``is``.
Anything else (instances, functions, iterators) is remembered by its text only: holding a reference
would delay the ``__del__`` of the program's objects.
"""

from __future__ import annotations

import datetime
import decimal
from itertools import repeat
from operator import is_
from typing import Any, cast

ATOMIC: frozenset[int] = frozenset(
    map(
        id,
        (
            int,
            str,
            float,
            bool,
            type(None),
            bytes,
            complex,
            range,
            type(Ellipsis),
            decimal.Decimal,
            datetime.date,
            datetime.timedelta,
        ),
    )
)
"""Ids of the types whose instances never change; by id, because a metaclass may define ``__hash__``."""
_CONTAINERS: frozenset[int] = frozenset(map(id, (list, tuple, set, frozenset, dict)))
_MAX_NODES = 10_000
"""Elements remembered for one value; above it the text alone decides."""
_MAX_DEPTH = 20
_MOST_KNOWN = 256

Copy = tuple[type, list[Any], list[tuple[Any, Any]]]
"""A container's type, its elements, and (element, copy) for those that can change themselves."""


def copy_of(value: Any) -> Copy | None:
    """Remember a container of exact built-in values; None where only its text can be compared."""
    return _copy(value, [_MAX_NODES], set())


def _copy(value: Any, left: list[int], path: set[int]) -> Copy | None:
    kind = type(value)
    if id(kind) not in _CONTAINERS or len(path) == _MAX_DEPTH or id(value) in path:
        return None
    left[0] -= len(value)
    if left[0] < 0:
        return None
    items = [*value, *value.values()] if kind is dict else list(value)
    inner: list[tuple[Any, Any]] = []
    if not _all_atomic(items):
        path.add(id(value))
        for item in items:
            if id(type(item)) in ATOMIC:
                continue
            if type(item) is tuple and _all_atomic(item):
                left[0] -= len(item)
                continue  # cannot change, so its identity is enough
            copy = _copy(item, left, path)
            if copy is None:
                return None
            inner.append((item, copy))
        path.discard(id(value))
    return kind, items, inner


def _all_atomic(items: Any) -> bool:
    for first in items:
        kind = type(first)
        # Mostly all of one type, which is quicker to see.
        if id(kind) in ATOMIC and all(map(is_, map(type, items), repeat(kind))):
            return True
        return set(map(id, map(type, items))) <= ATOMIC
    return True


def grown(copy: Copy, value: Any) -> Copy | None:
    """The copy of a list that only got more at its end since ``copy``, or less; None for all else.

    Spares a program that appends in a loop to have each element looked at each time.
    """
    kind, items, inner = copy
    if kind is not list or type(value) is not list or len(value) > _MAX_NODES:
        return None
    if len(value) == len(items):
        return None
    if not all(map(is_, items, value)):
        return None
    tail = value[len(items) :]
    if not _all_atomic(tail) and not all(type(t) is tuple and _all_atomic(t) for t in tail):
        return None
    if inner and (len(value) < len(items) or not all(unchanged(c, item) for item, c in inner)):
        return None
    return list, list(value), inner


def unchanged(copy: Copy, value: Any) -> bool:
    """True when ``value`` is of the copied type and holds the very same elements, at every level."""
    kind, items, inner = copy
    if type(value) is not kind:
        return False
    value = cast(Any, value)
    if kind is dict:
        size = len(value)
        if 2 * size != len(items) or not all(map(is_, items, value)):
            return False
        if not all(map(is_, items[size:], value.values())):
            return False
    elif len(value) != len(items) or not all(map(is_, items, value)):
        return False
    return not inner or all(unchanged(deeper, item) for item, deeper in inner)


class Known:
    """Containers that were shown before, so that one seen by many frames is written out once.

    Told apart by id, which is safe to be reused: a container with the very same elements has the same
    text, whichever it is.
    """

    def __init__(self) -> None:
        self._entries: dict[int, tuple[Copy, Any, int | None]] = {}

    def find(self, value: Any, outdated: object) -> tuple[Copy | None, Any]:
        """A copy of ``value`` (None where there can be none), and its snapshot if that is known.

        Args:
            value: the container.
            outdated: a copy that is known to be no longer right.
        """
        known = self._entries.get(id(value))
        if known is None:
            return copy_of(value), None
        copy, snapshot, shown = known
        if copy is not outdated and unchanged(copy, value):
            return copy, snapshot
        longer = grown(copy, value)
        if longer is None:
            return copy_of(value), None
        if shown is not None and shown < min(len(longer[1]), len(copy[1])):
            self.add(value, longer, snapshot, shown)
            return longer, snapshot  # what differs is behind what the text shows
        return longer, None

    def add(self, value: Any, copy: Copy, snapshot: Any, shown: int | None) -> None:
        """Remember a snapshot; ``shown`` as in :class:`Snapshotter`."""
        if len(self._entries) >= _MOST_KNOWN:
            self._entries.clear()
        self._entries[id(value)] = (copy, snapshot, shown)

    def clear(self) -> None:
        self._entries.clear()
