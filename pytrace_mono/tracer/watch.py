"""Has a value changed since it was last seen? Decided by identity, at any depth, within bounds.

Equality is never asked: it would run user code, and ``1 == True``. A value made wholly of exact
built-in types is remembered as a shallow copy per level and compared element by element with ``is``.
Anything else (instances, functions, iterators) is remembered by its text only: holding a reference
would delay the ``__del__`` of the program's objects.
"""

from __future__ import annotations

import datetime
import decimal
from operator import is_
from typing import Any, cast

ATOMIC: frozenset[type] = frozenset(
    {
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
    }
)
_CONTAINERS: frozenset[type] = frozenset({list, tuple, set, frozenset, dict})
_MAX_NODES = 10_000
"""Elements remembered for one value; above it the text alone decides."""
_MAX_DEPTH = 20

Copy = tuple[type, list[Any], list[tuple[Any, Any]]]
"""A container's type, its elements, and (element, copy) for those that can change themselves."""


def copy_of(value: Any) -> Copy | None:
    """Remember a container of exact built-in values; None where only its text can be compared."""
    return _copy(value, [_MAX_NODES], _MAX_DEPTH)


def _copy(value: Any, left: list[int], depth: int) -> Copy | None:
    kind = type(value)
    if kind not in _CONTAINERS or depth == 0:
        return None
    left[0] -= len(value)
    if left[0] < 0:
        return None
    items = [*value, *value.values()] if kind is dict else list(value)
    inner: list[tuple[Any, Any]] = []
    for item in items:
        if type(item) not in ATOMIC:
            copy = _copy(item, left, depth - 1)
            if copy is None:
                return None
            inner.append((item, copy))
    return kind, items, inner


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
