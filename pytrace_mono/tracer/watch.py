"""Has a value changed since it was last seen? Decided by identity, at any depth, within bounds.

Equality is never asked: it would run user code, and ``1 == True``. A value made wholly of exact
built-in types is remembered as a :data:`Copy`, a shallow copy per level, and compared element by
element with ``is``. Anything else (an instance, or what holds one) is remembered as an
:class:`Outline`, which holds no reference to it or to other objects of the program: that would delay
their ``__del__``.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable, Mapping
from itertools import repeat
from operator import is_
from typing import Any, cast

from pytrace_mono.tracer.classes import Layouts
from pytrace_mono.tracer.parts import parts_of

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


_NOTHING: Mapping[int, Any] = {}
_EQUAL_IF_ALIKE: frozenset[int] = frozenset(map(id, (int, str, bytes, bool)))
_INNER = object()


class Outlines:
    """Makes outlines of values that are not made wholly of exact built-in types.

    Args:
        layouts: knows how to read instances.
        to_text: how a value that has no parts, such as a function, is told from another.
    """

    def __init__(self, layouts: Layouts, to_text: Callable[[Any], str]) -> None:
        self._layouts = layouts
        self._to_text = to_text

    def outline(self, value: Any) -> Outline | None:
        """None where there are too many parts to remember."""
        return self._outline(value, [_MAX_NODES], set())

    def _outline(self, value: Any, left: list[int], path: set[int]) -> Outline | None:
        if id(type(value)) in _CONTAINERS and len(value) > left[0]:
            return None  # before its parts are listed, which takes long where there are millions
        parts = parts_of(value, self._layouts, _MAX_NODES)
        if parts is None:
            return Outline(type(value), [], [], [], self._to_text(value))
        left[0] -= len(parts)
        if left[0] < 0 or len(path) == _MAX_DEPTH:
            return None
        path.add(id(value))
        inner: list[tuple[int, Copy | Outline]] = []
        held: list[Any] = []
        for index, part in enumerate(parts):
            if id(type(part)) in ATOMIC:
                held.append(part)
                continue
            held.append(_INNER)
            if id(part) in path:
                continue  # a cycle; it is the id that tells whether it still is one
            known = _copy(part, left, path) or self._outline(part, left, path)
            if known is None:
                return None
            inner.append((index, known))
        path.discard(id(value))
        return Outline(type(value), list(map(id, parts)), held, inner, None)

    def same(self, outline: Outline, value: Any) -> bool:
        """True when ``value`` is of the outlined type and has the same parts, at every level."""
        if type(value) is not outline.kind:
            return False
        if outline.text is not None:
            return outline.text == self._to_text(value)
        parts = parts_of(value, self._layouts, _MAX_NODES)
        if parts is None or len(parts) != len(outline.ids):
            return False
        ids = list(map(id, parts))
        if ids != outline.ids:
            known = {index for index, _ in outline.inner}
            for index, (part, held) in enumerate(zip(parts, outline.held, strict=True)):
                if ids[index] == outline.ids[index] or index in known:
                    continue
                if held is _INNER or not _alike(part, held):
                    return False
        for index, inner in outline.inner:
            if type(inner) is tuple:
                if not unchanged(inner, parts[index]):
                    return False
            elif not self.same(cast(Outline, inner), parts[index]):
                return False
        return True


class Outline:
    """What is remembered of a value with parts that may have code: no reference to any of these.

    Attributes:
        kind: its type.
        ids: of its parts.
        held: those of its parts that never change, and a marker in place of the others.
        inner: index of a part that may change, and what is remembered of it.
        text: instead of all these, where the value has no parts.
    """

    __slots__ = ("held", "ids", "inner", "kind", "text")

    def __init__(
        self,
        kind: type,
        ids: list[int],
        held: list[Any],
        inner: list[tuple[int, Copy | Outline]],
        text: str | None,
    ) -> None:
        self.kind = kind
        self.ids = ids
        self.held = held
        self.inner = inner
        self.text = text


def _alike(part: Any, held: Any) -> bool:
    """Equal values of an exact type for which equal means written alike (unlike -0.0 and 0.0)."""
    kind = type(part)
    return kind is type(held) and id(kind) in _EQUAL_IF_ALIKE and bool(part == held)


def copy_of(value: Any, outdated: Copy | None = None) -> Copy | None:
    """Remember a container of exact built-in values; None for anything else.

    Args:
        value: the container.
        outdated: a copy of it that is no longer right as a whole, though parts of it may be.
    """
    known = {id(item): copy for item, copy in outdated[2]} if outdated is not None else {}
    return _copy(value, [_MAX_NODES], set(), known)


def _copy(
    value: Any, left: list[int], path: set[int], known: Mapping[int, Copy] = _NOTHING
) -> Copy | None:
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
            copy = known.get(id(item))
            if copy is None or copy[2] or not unchanged(copy, item):
                copy = _copy(item, left, path)
            else:
                left[0] -= len(item)
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

    def __init__(self, outlines: Outlines) -> None:
        self._outlines = outlines
        self._entries: dict[int, tuple[Copy | Outline, Any, int | None]] = {}

    def unchanged(self, known: Copy | Outline, value: Any) -> bool:
        """True when ``value`` is as it was when :meth:`find` gave ``known`` for it."""
        if type(known) is tuple:
            return unchanged(known, value)
        return self._outlines.same(cast(Outline, known), value)

    def find(self, value: Any, outdated: object) -> tuple[Copy | Outline | None, Any]:
        """What to remember of ``value`` (None if it is too large), and its snapshot if that is known.

        Args:
            value: the container.
            outdated: a copy that is known to be no longer right.
        """
        known = self._entries.get(id(value))
        if known is None:
            return self._new(value), None
        copy, snapshot, shown = known
        if copy is not outdated and self.unchanged(copy, value):
            return copy, snapshot
        if type(copy) is not tuple:
            return self._new(value), None
        longer = grown(copy, value)
        if longer is None:
            return copy_of(value, copy) or self._new(value), None
        if shown is not None and shown < min(len(longer[1]), len(copy[1])):
            self.add(value, longer, snapshot, shown)
            return longer, snapshot  # what differs is behind what the text shows
        return longer, None

    def _new(self, value: Any) -> Copy | Outline | None:
        return copy_of(value) or self._outlines.outline(value)

    def add(self, value: Any, copy: Copy | Outline, snapshot: Any, shown: int | None) -> None:
        """Remember a snapshot; ``shown`` as in :class:`Snapshotter`."""
        if len(self._entries) >= _MOST_KNOWN:
            self._entries.clear()
        self._entries[id(value)] = (copy, snapshot, shown)

    def clear(self) -> None:
        self._entries.clear()
