"""Has a value changed since it was last seen? Decided by identity, at any depth, within bounds.

Equality is never asked: it would run user code, and ``1 == True``. A value made wholly of exact
built-in types is remembered as a :class:`Copy`, a shallow copy per level, and compared element by
element with ``is``. Anything else (an instance, or what holds one) is remembered as an
:class:`Outline`, which holds no reference to it or to other objects of the program: that would delay
their ``__del__``.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import repeat
from math import isfinite
from operator import is_, length_hint
from typing import TYPE_CHECKING, Any, cast

from pytrace_mono.tracer.classes import Layouts, ident
from pytrace_mono.tracer.parts import parts_of

if TYPE_CHECKING:
    from pytrace_mono.tracer.snapshot import Snapshotter

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
_CONTAINERS: frozenset[int] = frozenset(map(ident, (list, tuple, set, frozenset, dict)))
_WRITTEN_IN_ORDER: frozenset[int] = frozenset(map(ident, (list, tuple, dict)))
_SIMPLE: frozenset[int] = frozenset(map(ident, (int, str, bool, type(None))))
_FLOATS = {ident(float)}
_NONE = type(None)
_MAX_NODES = 10_000
"""Elements remembered for one value; above it its text and size alone decide."""
_MAX_DEPTH = 20
_MOST_KNOWN = 256


def is_atomic(kind: type) -> bool:
    """Is this a type whose instances never change?"""
    if kind is int or kind is str or kind is bool or kind is _NONE or kind is float:
        return True  # told without a look at the table, because these are most
    return kind is not list and kind is not dict and ident(kind) in ATOMIC


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


class Large:
    """What is remembered of a container with more elements than are compared.

    Attributes:
        size: how many elements it has.
        is_plain: all of them were of atomic types when it was first seen.
    """

    __slots__ = ("is_plain", "size")

    def __init__(self, size: int, is_plain: bool) -> None:
        self.size = size
        self.is_plain = is_plain


_NOTHING: Mapping[int, Any] = {}
_EQUAL_IF_ALIKE: frozenset[int] = frozenset(map(ident, (int, str, bytes, bool)))
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

    def outline(self, value: Any, outdated: Outline | None = None) -> Outline | None:
        """None where there are too many parts to remember.

        Args:
            value: anything.
            outdated: an outline that was right before; its parts are kept where they still are.
        """
        return self._outline(value, [_MAX_NODES], set(), outdated)

    def _outline(
        self, value: Any, left: list[int], path: set[int], outdated: Outline | None = None
    ) -> Outline | None:
        if ident(type(value)) in _CONTAINERS and len(value) > left[0]:
            return None  # before its parts are listed, which takes long where there are millions
        parts = parts_of(value, self._layouts, _MAX_NODES)
        if parts is None:
            return Outline(type(value), [], [], [], self._to_text(value))
        left[0] -= len(parts)
        if left[0] < 0 or len(path) == _MAX_DEPTH:
            return None
        before = dict(outdated.inner) if outdated is not None else {}
        path.add(ident(value))
        inner: list[tuple[int, Copy | Outline]] = []
        held: list[Any] = []
        for index, part in enumerate(parts):
            if is_atomic(type(part)):
                held.append(part)
                continue
            held.append(_INNER)
            if ident(part) in path:
                continue  # a cycle; it is the id that tells whether it still is one
            old = before.get(index)
            known: Copy | Outline | None
            if type(old) is Copy:
                known = renewed(old, part)
                left[0] -= 0 if known is None else known.count
            else:
                known = _copy(part, left, path)
            known = known or self._outline(part, left, path, old if type(old) is Outline else None)
            if known is None or left[0] < 0:
                return None
            inner.append((index, known))
        path.discard(ident(value))
        return Outline(type(value), list(map(ident, parts)), held, inner, None)

    def same(self, outline: Outline, value: Any) -> bool:
        """True when ``value`` is of the outlined type and has the same parts, at every level."""
        if type(value) is not outline.kind:
            return False
        if outline.text is not None:
            return outline.text == self._to_text(value)
        parts = parts_of(value, self._layouts, _MAX_NODES)
        if parts is None or len(parts) != len(outline.ids):
            return False
        ids = list(map(ident, parts))
        if ids != outline.ids:
            known = {index for index, _ in outline.inner}
            for index, (part, held) in enumerate(zip(parts, outline.held, strict=True)):
                if ids[index] == outline.ids[index] or index in known:
                    continue
                if held is _INNER or not _alike(part, held):
                    return False
        for index, inner in outline.inner:
            if type(inner) is Copy:
                if renewed(inner, parts[index]) is not inner:
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
    return kind is type(held) and ident(kind) in _EQUAL_IF_ALIKE and bool(part == held)


def _copy(
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
    if ident(kind) not in _CONTAINERS or len(path) == _MAX_DEPTH or ident(value) in path:
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
        deeper = known.get(ident(item)) or _copy(item, left, path)
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
    elif not all(map(is_, items, value)):
        return _exchanged(copy, value) if kind is list else _anew(copy, value)
    inner = copy.inner
    if not inner:
        return copy
    changed = False
    now: list[tuple[Any, Copy]] = []
    for item, deeper in inner:
        new = renewed(deeper, item)
        if new is None:
            return None
        changed = changed or new is not deeper
        now.append((item, new))
    if not changed:
        return copy
    other = Copy(kind, items, now)
    if any(type(item) is tuple for item in items):
        return _anew(copy, value)  # tuples that cannot change have no copy to add up
    # A simple copy has simple parts; of the others it is not known why they are not.
    _summed(other, copy.is_simple)
    return other if _is_within(other) else None


def copy_of(value: Any) -> Copy | None:
    """Remember a container of exact built-in values; None for anything else, or for too many."""
    if type(value) is list and len(value) <= _MAX_NODES:
        kinds = kinds_of(value)
        if kinds <= ATOMIC:  # which is what most lists are, and quickly done
            copy = Copy(list, list(value), [])
            copy.is_simple = _is_simple(kinds, value)
            return copy
    return _copy(value, [_MAX_NODES], set())


def _anew(copy: Copy, value: Any) -> Copy | None:
    """A copy after other elements came in, in which those that were there are kept if they are right.

    One that is right has nothing changed in it, so ``value`` cannot have come into it either.
    """
    known = {ident(item): deeper for item, deeper in copy.inner if renewed(deeper, item) is deeper}
    made = _copy(value, [_MAX_NODES], set(), known)
    return made if made is not None and _is_within(made) else None


def _is_within(copy: Copy) -> bool:
    return copy.count <= 2 * _MAX_NODES and copy.depth <= _MAX_DEPTH


def _longer(copy: Copy, value: list[Any]) -> Copy | None:
    """For a list that got more at its end, or less; so that a loop that appends is cheap."""
    size = min(len(copy.items), len(value))
    tail = value[size:]
    if copy.inner or len(value) > _MAX_NODES or not all(map(is_, copy.items, value)):
        return _anew(copy, value)
    kinds = kinds_of(tail)
    if not kinds <= ATOMIC:
        return _anew(copy, value)
    other = Copy(list, list(value), [])
    other.is_simple = copy.is_simple and _is_simple(kinds, tail)
    return other


def _exchanged(copy: Copy, value: list[Any]) -> Copy | None:
    """For a list in which some elements were set; so that the others need not be looked at."""
    if copy.inner:
        return _anew(copy, value)
    before, now = iter(copy.items), iter(value)
    new: list[Any] = []
    while not all(map(is_, before, now)):
        new.append(value[len(value) - length_hint(now) - 1])
    kinds = kinds_of(new)
    if not kinds <= ATOMIC:
        return _anew(copy, value)
    other = Copy(list, list(value), [])
    other.is_simple = copy.is_simple and _is_simple(kinds, new)
    return other


Memory = Copy | Outline | Large


class Known:
    """Containers that were shown before, so that one seen by many frames is written out once.

    Told apart by id, which is safe to be reused: a container with the very same elements has the same
    text, whichever it is.

    Args:
        snapshotter: writes what is not known yet.
    """

    def __init__(self, snapshotter: Snapshotter) -> None:
        self._snapshotter = snapshotter
        self._outlines = Outlines(
            snapshotter.layouts, lambda value: str(snapshotter.take(value)["text"])
        )
        self._entries: dict[int, tuple[Copy | Outline, str, int | None]] = {}

    def look(
        self, value: Any, before: Memory | None, now: Copy | None = None
    ) -> tuple[Memory | None, str | None]:
        """What to remember of ``value``, and its Snapshot as JSON.

        Args:
            value: anything that is not atomic.
            before: what was to be remembered of it when it was last seen. The very same is returned,
                with no Snapshot, where it has not changed.
            now: the copy that is right, where it is known that ``before`` is not.
        """
        if type(before) is Large and len(value) > _MAX_NODES:
            return Large(len(value), before.is_plain), self._snapshotter.fragment(value)
        copy: Copy | Outline | None = now
        if now is None and type(before) is Copy:
            copy = renewed(before, value)
            if copy is before:
                return before, None
        elif type(before) is Outline and self._outlines.same(before, value):
            return before, None
        entry = self._entries.get(ident(value))
        if entry is not None and entry[0] is not before:
            known, text, _ = entry
            if type(known) is Copy:
                if renewed(known, value) is known:
                    return known, text
            elif self._outlines.same(cast(Outline, known), value):
                return known, text
        if copy is None:
            copy = copy_of(value)
        if copy is None:
            old = before if type(before) is Outline else None
            copy = self._outlines.outline(value, old)
        if copy is None:
            return _large(value), self._snapshotter.fragment(value)
        if type(copy) is Copy:
            hidden = _first_shown_alike(copy, entry, before)
            if hidden is not None and entry is not None:
                text = entry[1]
                shown: int | None = hidden
            else:
                text = self._snapshotter.of_copy(value, copy)
                shown = self._snapshotter.shown
        else:
            text = self._snapshotter.fragment(value)
            shown = None
        if len(self._entries) >= _MOST_KNOWN:
            self._entries.clear()
        self._entries[ident(value)] = copy, text, shown
        return copy, text

    def clear(self) -> None:
        self._entries.clear()


def _large(value: Any) -> Large | None:
    """None where it is not the number of its own elements that is too large."""
    if ident(type(value)) not in _CONTAINERS or len(value) <= _MAX_NODES:
        return None
    is_plain = kinds_of(value) <= ATOMIC
    if type(value) is dict:
        is_plain = is_plain and kinds_of(value.values()) <= ATOMIC
    return Large(len(value), is_plain)


def _first_shown_alike(
    copy: Copy, entry: tuple[Copy | Outline, str, int | None] | None, before: object
) -> int | None:
    """How many elements the known text of a list shows, where these are the same and it is cut there."""
    if entry is None or entry[0] is not before or copy.kind is not list:
        return None
    known, _, shown = entry
    if (
        shown is None
        or type(known) is not Copy
        or known.inner
        or copy.inner
        or known.kind is not list
    ):
        return None
    if shown >= min(len(known.items), len(copy.items)):
        return None
    return shown if all(map(is_, known.items[:shown], copy.items[:shown])) else None
