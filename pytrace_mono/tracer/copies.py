"""Copies of values made wholly of exact built-in types, by which a change of them is noticed.

A copy is a shallow one per level, and is compared element by element with ``is``: equality would run
user code, and ``1 == True``.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from math import isfinite
from operator import eq, is_, length_hint
from typing import Any, cast

from pytrace_mono.tracer.classes import ident
from pytrace_mono.tracer.kept import BUILTINS

__builtins__ = BUILTINS

ATOMIC: frozenset[int] = frozenset(
    map(
        ident,
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
CONTAINERS: frozenset[int] = frozenset(map(ident, (list, tuple, set, frozenset, dict)))
_WRITTEN_IN_ORDER: frozenset[int] = frozenset(map(ident, (list, tuple, dict)))
_SIMPLE: frozenset[int] = frozenset(map(ident, (int, str, bool, type(None))))
_FLOATS = {ident(float)}
_LISTS, _TUPLES = {ident(list)}, {ident(tuple)}
_NONE = type(None)
MAX_NODES = 10_000
"""Elements remembered for one value; above it its text and size alone decide."""
MAX_DEPTH = 20
_NOTHING: Mapping[int, Any] = {}


def is_atomic(kind: type) -> bool:
    """Is this a type whose instances never change?"""
    if kind is int or kind is str or kind is bool or kind is _NONE or kind is float:
        return True  # told without a look at the table, because these are most
    return kind is not list and kind is not dict and ident(kind) in ATOMIC


Flat = list[Any] | dict[Any, Any] | tuple[Any, ...]
"""A shallow copy that is all there is to be remembered: of a list, dict or tuple of which every element
is an exact int, str, bool or None. Most values are."""


def is_same(flat: Any, value: Any) -> bool:
    """Is this a :data:`Flat` of a value with the very same elements?"""
    kind = type(flat)
    if kind is not type(value):
        return False
    if kind is list:
        return len(flat) == len(value) and all(map(is_, flat, value))
    if kind is dict:
        return (
            len(flat) == len(value)
            and all(map(is_, flat, value))
            and all(map(is_, flat.values(), value.values()))
        )
    return kind is tuple and flat is value


def are_simple(items: Collection[Any]) -> bool:
    """Are these items such that a :data:`Flat` may be made of them?"""
    for item in items:
        kind = type(item)
        if kind is not int and kind is not str and kind is not bool and item is not None:
            return False
    return True


def _from_here(value: list[Any], old: Iterator[Any], now: Iterator[Any]) -> list[Any]:
    """The elements of a list that are not what they were.

    Args:
        old, now: iterators over what it was and is, right after the first such element.
    """
    new = [value[len(value) - length_hint(now) - 1]]
    while not all(map(is_, old, now)):
        new.append(value[len(value) - length_hint(now) - 1])
    return new


def kinds_of(items: Iterable[Any]) -> set[int]:
    """The types of the items, as in :data:`ATOMIC`."""
    found: set[int] = set()
    latest = None
    for item in items:  # twice as quick as `map` over `type`, because that is a call for each
        kind = type(item)
        if kind is not latest:
            latest = kind
            found.add(ident(kind))
    return found


class Copy:
    """What is remembered of a value made wholly of exact built-in types.

    Attributes:
        kind: the container's type.
        items: its elements; of a dict the keys and then the values.
        inner: (element, copy) for those elements that can change themselves.
        rows: instead of these, a shallow copy of each element (of a dict, of each value), where all are
            lists of atomic values; None where they are not.
        count: how many elements there are at all levels, or a few more.
        depth: how many levels there are.
        widest: the size of the largest container.
        is_simple: ``repr`` of the value is its text, where that is within the limits.
    """

    __slots__ = ("count", "depth", "inner", "is_simple", "items", "kind", "rows", "widest")

    def __init__(self, kind: type, items: list[Any], inner: list[tuple[Any, Copy]]) -> None:
        self.kind = kind
        self.items = items
        self.inner = inner
        self.rows: list[list[Any]] | None = None
        self.count = self.widest = len(items)
        self.depth = 1
        self.is_simple = False


def copy_within(
    value: Any, left: list[int], path: set[int], known: Mapping[int, Copy] = _NOTHING
) -> Copy | None:
    """Remember a container of exact built-in values; None for anything else.

    Args:
        value: the container.
        left: how many elements may be remembered yet.
        path: ids of the containers that this one is in.
        known: by id, elements that are still right.
    """
    kind = type(value)
    if ident(kind) not in CONTAINERS or len(path) == MAX_DEPTH or ident(value) in path:
        return None
    left[0] -= len(value)
    if left[0] < 0:
        return None
    items = [*value, *value.values()] if kind is dict else list(value)
    copy = Copy(kind, items, [])
    simple = ident(kind) in _WRITTEN_IN_ORDER
    latest: Any = type(items[-1]) if simple and items else None
    may_be_rows = (latest is list or latest is tuple) and len(path) + 1 < MAX_DEPTH
    if may_be_rows and _take_rows(copy, value, latest, left):
        return copy
    kinds = kinds_of(items)
    if kinds <= ATOMIC:
        copy.is_simple = simple and _is_simple(kinds, items)
        return copy
    path.add(ident(value))
    inner: list[tuple[Any, Copy]] = copy.inner
    for item in items:
        if is_atomic(type(item)):
            simple = simple and ident(type(item)) in _SIMPLE
            continue
        if type(item) is tuple:
            kinds = kinds_of(item)
            if kinds <= ATOMIC:  # cannot change, so its identity is enough
                left[0] -= len(item)
                copy.count += len(item)
                copy.widest = max(copy.widest, len(item))
                copy.depth = 2
                simple = simple and _is_simple(kinds, item)
                continue
        deeper = known.get(ident(item)) or copy_within(item, left, path)
        if deeper is None:
            path.discard(ident(value))
            return None
        inner.append((item, deeper))
    path.discard(ident(value))
    if left[0] < 0:
        return None
    return _summed(copy, simple)


def _take_rows(copy: Copy, value: Any, kind: Any, left: list[int]) -> bool:
    """Remember elements that are all lists, or all tuples, of atomic values; False where they are not.

    The same as :func:`copy_within` does with them one by one, but quickly.
    """
    is_dict = copy.kind is dict
    rows: Collection[Any] = value.values() if is_dict else value
    parts: list[Any] = []
    for row in rows:
        if type(row) is not kind or len(row) > left[0] - len(parts):
            return False
        parts += row
    kinds = kinds_of(parts)
    kinds_of_keys = kinds_of(value) if is_dict else set()
    if not kinds <= ATOMIC or not kinds_of_keys <= ATOMIC:
        return False
    left[0] -= len(parts)
    copy.count += len(parts)
    copy.widest = max(copy.widest, max(map(len, rows)))
    copy.depth = 2
    copy.is_simple = kinds_of_keys <= _SIMPLE and _is_simple(kinds, parts)
    if kind is list:
        copy.rows = list(map(list, rows))
    return True


def _summed(copy: Copy, simple: bool) -> Copy:
    """The copy, with what is known of its parts added up."""
    for _, deeper in copy.inner:
        copy.count += deeper.count
        copy.widest = max(copy.widest, deeper.widest)
        copy.depth = max(copy.depth, deeper.depth + 1)
        simple = simple and deeper.is_simple
    copy.is_simple = simple
    return copy


def _is_simple(kinds: set[int], items: Sequence[Any]) -> bool:
    if kinds <= _SIMPLE:
        return True
    return kinds == _FLOATS and all(map(isfinite, items))


def renewed(copy: Copy, value: Any) -> Copy | None:
    """The same copy where ``value`` is still of that type and holds the very same elements, at every
    level; where not, another that is right, or None where there is none.

    What is alike at one level is not looked at again to make the other copy.
    """
    kind = copy.kind
    if type(value) is not kind:
        return copy_of(value)
    value = cast(Any, value)
    items = copy.items
    if kind is dict:
        size = len(value)
        if (
            2 * size != len(items)
            or not all(map(is_, items, value))
            or not all(map(is_, items[size:], value.values()))
        ):
            return _anew(copy, value)
    elif len(value) != len(items):
        return _longer(copy, value) if kind is list else _anew(copy, value)
    elif kind is list:
        old, now = iter(items), iter(value)
        if not all(map(is_, old, now)):
            return _exchanged(copy, value, old, now)
    elif not all(map(is_, items, value)):
        return _anew(copy, value)
    if copy.rows is not None:
        rows = value.values() if kind is dict else value
        return copy if _has_rows(rows, copy.rows) else copy_of(value)
    inner = copy.inner
    if not inner:
        return copy
    changed = False
    found: list[tuple[Any, Copy]] = []
    for item, deeper in inner:
        new = renewed(deeper, item)
        if new is None:
            return None
        changed = changed or new is not deeper
        found.append((item, new))
    if not changed:
        return copy
    other = Copy(kind, items, found)
    if any(type(item) is tuple for item in items):
        return _anew(copy, value)  # tuples that cannot change have no copy to add up
    # A simple copy has simple parts; of the others it is not known why they are not.
    _summed(other, copy.is_simple)
    return other if _is_within(other) else None


def _has_rows(lists: Collection[list[Any]], rows: list[list[Any]]) -> bool:
    """Are these copies of the lists?"""
    return all(map(eq, map(len, lists), map(len, rows))) and all(
        map(is_, chain.from_iterable(lists), chain.from_iterable(rows))
    )


def copy_of(value: Any) -> Copy | None:
    """Remember a container of exact built-in values; None for anything else, or for too many."""
    if type(value) is list and len(value) <= MAX_NODES:
        kinds = kinds_of(value)
        if kinds <= ATOMIC:  # which is what most lists are, and quickly done
            copy = Copy(list, list(value), [])
            copy.is_simple = _is_simple(kinds, value)
            return copy
    return copy_within(value, [MAX_NODES], set())


def _anew(copy: Copy, value: Any) -> Copy | None:
    """A copy after other elements came in, in which those that were there are kept if they are right.

    One that is right has nothing changed in it, so ``value`` cannot have come into it either.
    """
    if not copy.inner:
        return copy_of(value)
    known = {ident(item): deeper for item, deeper in copy.inner if renewed(deeper, item) is deeper}
    made = copy_within(value, [MAX_NODES], set(), known)
    return made if made is not None and _is_within(made) else None


def _is_within(copy: Copy) -> bool:
    return copy.count <= 2 * MAX_NODES and copy.depth <= MAX_DEPTH


def _longer(copy: Copy, value: list[Any]) -> Copy | None:
    """For a list that got more at its end, or less; so that a loop that appends is cheap."""
    size = min(len(copy.items), len(value))
    tail = value[size:]
    if copy.depth > 1 or len(value) > MAX_NODES or not all(map(is_, copy.items, value)):
        return _anew(copy, value)
    kinds = kinds_of(tail)
    if not kinds <= ATOMIC:
        return _anew(copy, value)
    other = Copy(list, list(value), [])
    other.is_simple = copy.is_simple and _is_simple(kinds, tail)
    return other


def _exchanged(copy: Copy, value: list[Any], old: Iterator[Any], now: Iterator[Any]) -> Copy | None:
    """For a list in which some elements were set; so that the others need not be looked at.

    Args:
        old, now: what is to be looked at yet of the copy and the list, after the first such element.
    """
    if copy.depth > 1:
        return _anew(copy, value)
    new = _from_here(value, old, now)
    kinds = kinds_of(new)
    if not kinds <= ATOMIC:
        return _anew(copy, value)
    other = Copy(list, list(value), [])
    other.is_simple = copy.is_simple and _is_simple(kinds, new)
    return other
