"""Has a value changed since it was last seen? Decided by identity, at any depth, within bounds.

Equality is never asked: it would run user code, and ``1 == True``. A value made wholly of exact
built-in types is remembered as a shallow copy per level (:mod:`pytrace_mono.tracer.copies`), and
compared element by element with ``is``. Anything else (an instance, or what holds one) is remembered
as an :class:`Outline`, which holds no reference to it or to other objects of the program: that would
delay their ``__del__``.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import is_
from typing import TYPE_CHECKING, Any, cast

from pytrace_mono.tracer.classes import Layouts, ident
from pytrace_mono.tracer.copies import (
    ATOMIC,
    CONTAINERS,
    MAX_DEPTH,
    MAX_NODES,
    Copy,
    Flat,
    are_simple,
    copy_of,
    copy_within,
    is_atomic,
    is_same,
    kinds_of,
    renewed,
)
from pytrace_mono.tracer.kept import BUILTINS
from pytrace_mono.tracer.parts import parts_of

if TYPE_CHECKING:
    from pytrace_mono.tracer.fragments import Fragments

__builtins__ = BUILTINS

_MOST_KNOWN = 256


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
        return self._outline(value, [MAX_NODES], set(), outdated)

    def _outline(
        self, value: Any, left: list[int], path: set[int], outdated: Outline | None = None
    ) -> Outline | None:
        if ident(type(value)) in CONTAINERS and len(value) > left[0]:
            return None  # before its parts are listed, which takes long where there are millions
        parts = parts_of(value, self._layouts, MAX_NODES)
        if parts is None:
            return Outline(type(value), [], [], [], self._to_text(value))
        left[0] -= len(parts)
        if left[0] < 0 or len(path) == MAX_DEPTH:
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
                allowed = left[0]
                known = copy_within(part, left, path)
                if known is None:
                    left[0] = allowed
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
        parts = parts_of(value, self._layouts, MAX_NODES)
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


Memory = Flat | Copy | Outline | Large


class Known:
    """Containers that were shown before, so that one seen by many frames is written out once.

    Told apart by id, which is safe to be reused: a container with the very same elements has the same
    text, whichever it is.

    Args:
        snapshotter: writes what is not known yet.
    """

    __slots__ = ("_entries", "_most", "_outlines", "_snapshotter")

    def __init__(self, snapshotter: Fragments) -> None:
        self._snapshotter = snapshotter
        self._most = snapshotter.max_flat
        self._outlines: Outlines | None = None
        self._entries: dict[int, tuple[Flat | Copy | Outline, str, int | None]] = {}

    def look(
        self, value: Any, before: Any, now: Copy | None = None
    ) -> tuple[Memory | None, str | None]:
        """What to remember of ``value``, and its Snapshot as JSON.

        Args:
            value: anything that is not atomic.
            before: what was to be remembered of it when it was last seen. The very same is returned,
                with no Snapshot, where it has not changed; but for a :data:`Flat`, which is known to.
            now: the copy that is right, where it is known that ``before`` is not.
        """
        key = ident(value)
        entry = self._entries.get(key)
        kind = type(value)
        if kind is list or kind is dict or kind is tuple:
            if entry is not None and entry[0] is not before and is_same(entry[0], value):
                return entry[0], entry[1]
            if (
                len(value) <= self._most
                and are_simple(value)
                and (kind is not dict or are_simple(value.values()))
            ):
                text = self._snapshotter.of_flat(value)
                if text is not None:
                    flat = dict.copy(value) if kind is dict else value[:]
                    if len(self._entries) >= _MOST_KNOWN:
                        self._entries.clear()
                    self._entries[key] = flat, text, None
                    return flat, text
        elif kind is set and len(value) <= self._most:
            items = list(value)
            text = self._snapshotter.of_flat_set(items.copy())
            if text is not None:
                return Copy(set, items, []), text
        if type(before) is Large and len(value) > MAX_NODES:
            return Large(len(value), before.is_plain), self._snapshotter.fragment(value)
        outlines = self._outlines or self._make_outlines()
        copy: Copy | Outline | None = now
        if now is None and type(before) is Copy:
            copy = renewed(before, value)
            if copy is before:
                return before, None
        elif type(before) is Outline and outlines.same(before, value):
            return before, None
        if entry is not None and entry[0] is not before:
            known, text, _ = entry
            if type(known) is Copy:
                if renewed(known, value) is known:
                    return known, text
            elif type(known) is Outline and outlines.same(known, value):
                return known, text
        if copy is None:
            copy = copy_of(value)
        if copy is None:
            copy = outlines.outline(value, before if type(before) is Outline else None)
        if copy is None:
            return _large(value), self._snapshotter.fragment(value)
        shown: int | None = None
        if type(copy) is Copy:
            shown = _first_shown_alike(copy, entry, before)
            if shown is not None and entry is not None:
                text = entry[1]
            else:
                text = self._snapshotter.of_copy(value, copy)
                shown = self._snapshotter.shown
        else:
            text = self._snapshotter.fragment(value)
        if len(self._entries) >= _MOST_KNOWN:
            self._entries.clear()
        self._entries[key] = copy, text, shown
        return copy, text

    def _make_outlines(self) -> Outlines:
        snapshotter = self._snapshotter
        self._outlines = Outlines(
            snapshotter.layouts, lambda value: str(snapshotter.take(value)["text"])
        )
        return self._outlines

    def clear(self) -> None:
        self._entries.clear()


def _large(value: Any) -> Large | None:
    """None where it is not the number of its own elements that is too large."""
    if ident(type(value)) not in CONTAINERS or len(value) <= MAX_NODES:
        return None
    is_plain = kinds_of(value) <= ATOMIC
    if type(value) is dict:
        is_plain = is_plain and kinds_of(value.values()) <= ATOMIC
    return Large(len(value), is_plain)


def _first_shown_alike(
    copy: Copy, entry: tuple[Flat | Copy | Outline, str, int | None] | None, before: object
) -> int | None:
    """How many elements the known text of a list shows, where these are the same and it is cut there."""
    if entry is None or entry[0] is not before or copy.kind is not list:
        return None
    known, _, shown = entry
    if (
        shown is None
        or type(known) is not Copy
        or known.depth > 1
        or copy.depth > 1
        or known.kind is not list
    ):
        return None
    if shown >= min(len(known.items), len(copy.items)):
        return None
    return shown if all(map(is_, known.items[:shown], copy.items[:shown])) else None
