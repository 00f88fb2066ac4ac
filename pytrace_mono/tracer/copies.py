"""Copies of values made wholly of exact built-in types, by which a change of them is noticed.

A copy is a shallow one per level, and is compared element by element with ``is``: equality would run
user code, and ``1 == True``.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import repeat
from math import isfinite
from operator import is_, length_hint
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
_NONE = type(None)
MAX_NODES = 10_000
"""Elements remembered for one value; above it its text and size alone decide."""
MAX_DEPTH = 20
_FEW = 12
"""Items that are looked at sooner one by one than by functions written in C, each of which is a call."""
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
    if len(items) > _FEW:
        return kinds_of(items) <= _SIMPLE
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


def kinds_of(items: Collection[Any]) -> set[int]:
    """The types of the items, as in :data:`ATOMIC`."""
    for first in items:
        kind = type(first)
        # Mostly all are of one type, which is quicker to see.
        if all(map(is_, map(type, items), repeat(kind))):
            return {ident(kind)}
        return set(map(ident, map(type, items)))
    return set()


class Copy:
    """What is remembered of a value made wholly of exact built-in types.

    Attributes:
        kind: the container's type.
        items: its elements; of a dict the keys and then the values.
        inner: (element, copy) for those elements that can change themselves.
        count: how many elements there are at all levels, or a few more.
        depth: how many levels there are.
        widest: the size of the largest container.
        is_simple: ``repr`` of the value is its text, where that is within the limits.
    """

    __slots__ = ("count", "depth", "inner", "is_simple", "items", "kind", "widest")

    def __init__(self, kind: type, items: list[Any], inner: list[tuple[Any, Copy]]) -> None:
        self.kind = kind
        self.items = items
        self.inner = inner
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
    kinds = kinds_of(items)
    if kinds <= ATOMIC:
        copy.is_simple = ident(kind) in _WRITTEN_IN_ORDER and _is_simple(kinds, items)
        return copy
    simple = ident(kind) in _WRITTEN_IN_ORDER
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
            return None
        inner.append((item, deeper))
    path.discard(ident(value))
    if left[0] < 0:
        return None
    return _summed(copy, simple)


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
    known = {ident(item): deeper for item, deeper in copy.inner if renewed(deeper, item) is deeper}
    made = copy_within(value, [MAX_NODES], set(), known)
    return made if made is not None and _is_within(made) else None


def _is_within(copy: Copy) -> bool:
    return copy.count <= 2 * MAX_NODES and copy.depth <= MAX_DEPTH


def _longer(copy: Copy, value: list[Any]) -> Copy | None:
    """For a list that got more at its end, or less; so that a loop that appends is cheap."""
    size = min(len(copy.items), len(value))
    tail = value[size:]
    if copy.inner or len(value) > MAX_NODES or not all(map(is_, copy.items, value)):
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
    if copy.inner:
        return _anew(copy, value)
    new = _from_here(value, old, now)
    kinds = kinds_of(new)
    if not kinds <= ATOMIC:
        return _anew(copy, value)
    other = Copy(list, list(value), [])
    other.is_simple = copy.is_simple and _is_simple(kinds, new)
    return other
