"""Seals: are these mappings what they were? Asked after every Call, so it must be cheap.

Looking at a value in Python counts a reference to it, which writes to it, and in a freshly forked
process every first write to a page costs a copy of that page. So the memory of a mapping's table is
compared as bytes with a copy of it; only where they differ are names and values looked at.
"""

from __future__ import annotations

import ctypes
import struct
import sys
from collections.abc import Callable, Mapping
from gc import get_referents
from operator import is_
from typing import Any, NamedTuple

# CPython's PyDictObject of a 64-bit build (Include/cpython/dictobject.h, 3.10 to 3.13): count, type,
# used, version, keys, values, a word each. The table's head holds counters that change harmlessly.
_DICT_BYTES = 48
_KEYS_AT = 32
_WORDS = 16
_HEAD_BYTES = 40

_AT_ONCE = 4096
"""About how many bytes are compared at once: more would take fresh pages to put them together."""


class Seals:
    """What some mappings hold, as it was when this was made; compared by identity.

    Args:
        mappings: dicts, or the ``vars`` of classes.
        kept: for each, the names that must stay as they are; all where it is None.
    """

    def __init__(self, mappings: list[tuple[Mapping[Any, Any], tuple[Any, ...] | None]]) -> None:
        seals = [_Seal(mapping, kept) for mapping, kept in mappings]
        found = [(seal, _table_of(seal.table) if _LAYOUT_KNOWN else None) for seal in seals]
        self._closely = [seal for seal, table in found if table is None]
        tables = [(seal, table) for seal, table in found if table is not None]
        self._compared = [seal for seal, _ in tables]
        self._words = _Places.at([(table.words_at, _WORDS) for _, table in tables])
        self._entries: list[tuple[_Places, list[_Seal]]] = []
        few: list[tuple[_Seal, _Table]] = []
        for number, (seal, table) in enumerate(tables, 1):
            few.append((seal, table))
            if number == len(tables) or sum(each.size for _, each in few) >= _AT_ONCE:
                places = _Places.at([(each.entries_at, each.size) for _, each in few])
                self._entries.append((places, [each for each, _ in few]))
                few = []

    def suspects(self) -> list[_Seal]:
        """Those of the mappings that may be different now."""
        # A table that has moved must not be read at its old place.
        if self._words.differ():
            return self._closely + self._compared
        found = self._closely
        for places, seals in self._entries:
            if places.differ():
                found = found + seals
        return found

    def changed(self) -> list[str]:
        """Names that stand for something else now, or for nothing."""
        return [name for seal in self.suspects() for name in seal.changed()]


class _Places(NamedTuple):
    """Places in memory, and what was there, one after another."""

    now: tuple[ctypes.Array[ctypes.c_char], ...]
    then: bytes

    @classmethod
    def at(cls, places: list[tuple[int, int]]) -> _Places:
        """Remember so many bytes at each address."""
        now = tuple((ctypes.c_char * size).from_address(address) for address, size in places)
        return cls(now, b"".join(now))

    def differ(self) -> bool:
        return b"".join(self.now) != self.then


class _Seal:
    def __init__(self, mapping: Mapping[Any, Any], kept: tuple[Any, ...] | None) -> None:
        self.table = mapping if type(mapping) is dict else _table_behind(mapping)
        self._names = tuple(mapping) if kept is None else kept
        self._values = tuple(mapping[name] for name in self._names)
        self._get: Callable[[Any], Any] = mapping.get

    def changed(self) -> list[str]:
        if all(map(is_, map(self._get, self._names), self._values)):
            return []
        pairs = zip(self._names, self._values, strict=True)
        return [str(name) for name, value in pairs if self._get(name) is not value]


def _table_behind(mapping: Mapping[Any, Any]) -> Any:
    """The dict of a class, of which ``vars`` shows a view."""
    found = get_referents(mapping)
    return found[0] if len(found) == 1 and type(found[0]) is dict else None


class _Table(NamedTuple):
    """Where a dict keeps what it holds: two words that lead to its entries, and these."""

    words_at: int
    entries_at: int
    size: int

    def content(self) -> bytes:
        return ctypes.string_at(self.words_at, _WORDS) + ctypes.string_at(
            self.entries_at, self.size
        )


def _table_of(mapping: Any) -> _Table | None:
    """None where it cannot be read like that."""
    if mapping is None:
        return None
    words_at = id(mapping) + _KEYS_AT
    keys, values = struct.unpack("=QQ", ctypes.string_at(words_at, _WORDS))
    size = dict.__sizeof__(mapping) - _DICT_BYTES - _HEAD_BYTES
    if values or size <= 0:
        return None
    return _Table(words_at, keys + _HEAD_BYTES, size)


def _layout_is_known() -> bool:
    """Does a comparison of bytes notice every kind of change to a dict in this interpreter?"""
    if (
        sys.implementation.name != "cpython"
        or not (3, 10) <= sys.version_info[:2] <= (3, 13)
        or ctypes.sizeof(ctypes.c_void_p) != 8
        or dict.__basicsize__ != _DICT_BYTES
        or hasattr(sys, "gettotalrefcount")
    ):
        return False
    changes: tuple[Callable[[dict[str, object]], object], ...] = (
        lambda table: table.update(b=0.5),
        lambda table: table.update(d=1),
        lambda table: table.pop("c"),
        lambda table: table.clear(),
        lambda table: table.update((f"x{n}", n) for n in range(99)),
    )
    for change in changes:
        table: dict[str, object] = {name: object() for name in "abc"}
        before = _table_of(table)
        if before is None or _table_of(table) != before:
            return False
        content = before.content()
        change(table)
        after = _table_of(table)
        if after == before and after.content() == content:
            return False
    return True


_LAYOUT_KNOWN = _layout_is_known()
