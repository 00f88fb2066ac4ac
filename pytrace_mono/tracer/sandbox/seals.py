"""Seals: are these mappings what they were? Asked after every Call, so it must be cheap.

Looking at a value in Python counts a reference to it, which writes to it, and in a freshly forked
process every first write to a page costs a copy of that page. CPython gives each dict a number that
no dict had before whenever something in it changes (PEP 509). These numbers are read from memory, all
in one call; only where one is new are names and values looked at.
"""

from __future__ import annotations

import ctypes
import struct
import sys
from collections.abc import Callable, Mapping
from functools import partial
from gc import get_referents
from itertools import compress, pairwise
from operator import is_, ne
from typing import Any

# CPython's PyDictObject of a 64-bit build (Include/cpython/dictobject.h, 3.10 to 3.13): count, type,
# used, version, keys, values, a word each.
_DICT_BYTES = 48
_VERSION_AT = 24
_WORD = 8


class Seals:
    """What some mappings hold, as it was when this was made; compared by identity.

    Args:
        mappings: dicts, or the ``vars`` of classes.
        kept: for each, the names that must stay as they are; all where it is None.
    """

    def __init__(self, mappings: list[tuple[Mapping[Any, Any], tuple[Any, ...] | None]]) -> None:
        seals = [_Seal(mapping, kept) for mapping, kept in mappings]
        # In the order in which their tables lie in memory, each of which is read once.
        tables = {id(s.table): s for s in seals if _VERSIONS_KNOWN and s.table is not None}
        self._sealed = [tables[place] for place in sorted(tables)]
        self._closely = [seal for seal in seals if seal not in self._sealed]
        self._versions = _versions_of([seal.table for seal in self._sealed])
        self.renew()

    def renew(self) -> None:
        """Suspect nothing of what changed until now."""
        self._then = self._versions()

    def suspects(self) -> list[_Seal]:
        """Those of the mappings in which something may have changed."""
        now = self._versions()
        if now == self._then:
            return self._closely
        return self._closely + list(compress(self._sealed, map(ne, now, self._then)))

    def changed(self) -> list[str]:
        """Names that stand for something else now, or for nothing."""
        return [name for seal in self.suspects() for name in seal.changed()]


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


def _versions_of(tables: list[Any]) -> Callable[[], tuple[int, ...]]:
    """What reads the versions of these dicts, which come by place in memory and must live as long."""
    if not tables:
        return tuple
    places = [id(table) + _VERSION_AT for table in tables]
    lowest, size = places[0], places[-1] + _WORD - places[0]
    # One view of the memory from the first to the last of them, of which only their words are read.
    memory = (ctypes.c_ubyte * size).from_address(lowest)
    gaps = [place - earlier - _WORD for earlier, place in pairwise(places)]
    words = struct.Struct("@Q" + "".join(f"{gap}xQ" for gap in gaps))
    return partial(words.unpack_from, memory)


def _versions_are_known() -> bool:
    """Does every kind of change to a dict give it another version in this interpreter?"""
    if (
        sys.implementation.name != "cpython"
        or not (3, 10) <= sys.version_info[:2] <= (3, 13)
        or ctypes.sizeof(ctypes.c_void_p) != _WORD
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
        version = _versions_of([table])
        before = version()
        if version() != before or change(table) is table or version() == before:
            return False
    return True


_VERSIONS_KNOWN = _versions_are_known()
