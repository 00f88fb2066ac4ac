"""The parts a value is made of, as they are now, read without running a line of the program.

What counts as a part is what :class:`pytrace_mono.tracer.snapshot.Snapshotter` shows of a value, without
its limits: two values of one type whose parts are the same have the same text.
"""

from __future__ import annotations

import array
import collections
import datetime
import enum
import re
import types
from collections.abc import Iterable
from itertools import chain
from typing import Any

from pytrace_mono.tracer import classes
from pytrace_mono.tracer.classes import ident
from pytrace_mono.tracer.kept import BUILTINS

__builtins__ = BUILTINS

_LISTED: frozenset[int] = frozenset(
    map(ident, (list, tuple, set, frozenset, type({}.keys()), type({}.values())))
)
_WITHOUT: frozenset[int] = frozenset(
    map(
        ident,
        (
            types.FunctionType,
            types.BuiltinFunctionType,
            types.GeneratorType,
            types.CoroutineType,
            types.AsyncGeneratorType,
            types.MethodType,
            types.ModuleType,
            re.Pattern,
            datetime.datetime,
            datetime.time,
        ),
    )
)
_ARGS: Any = vars(BaseException)["args"]
_HASHED_IN_C: frozenset[int] = frozenset(map(ident, (int, str, float, bool, bytes, type(None))))


def parts_of(value: Any, layouts: classes.Layouts, most: int) -> list[Any] | None:
    """The parts of a value; None for one that is known by its text alone, such as a function.

    Args:
        value: anything but an immutable built-in value.
        layouts: knows how to read instances.
        most: how many attributes of an instance are read.
    """
    kind = type(value)
    if ident(kind) in _LISTED:
        return list(value)
    if layouts.is_ordinary(kind):
        return [*chain.from_iterable(layouts.attributes(value, most)[0])]
    if ident(kind) in _WITHOUT or issubclass(kind, type):
        return None
    if kind is dict:
        return [*value, *value.values()]
    if kind is type({}.items()):
        return _flat(value)
    if kind is collections.deque:
        return [value.maxlen, *value]
    if kind is collections.defaultdict:
        return [value.default_factory, *_flat(dict.items(value))]
    if kind is collections.OrderedDict:
        return _flat(in_order(value))
    if kind is bytearray or kind is array.array:
        return [bytes(value)]
    return _parts_of_instance(kind, value, layouts, most)


def _parts_of_instance(
    kind: type, value: Any, layouts: classes.Layouts, most: int
) -> list[Any] | None:
    if issubclass(kind, BaseException):
        return list(_ARGS.__get__(value))
    if type(kind) is enum.EnumMeta:
        stored = dict(layouts.attributes(value, most)[0])
        return [stored.get("_name_"), stored.get("_value_")]
    if issubclass(kind, dict):
        return _flat(dict.items(value))
    if issubclass(kind, list):
        return list.__getitem__(value, slice(None))
    if issubclass(kind, tuple):
        return list(tuple.__getitem__(value, slice(None)))
    if issubclass(kind, set):
        return list(set.__iter__(value))
    if issubclass(kind, frozenset):
        return list(frozenset.__iter__(value))
    if issubclass(kind, str):
        return [str.__getitem__(value, slice(None)) + ""]
    if issubclass(kind, bytes):
        return [bytes.__getitem__(value, slice(None)) + b""]
    if issubclass(kind, int):
        return [int.__add__(value, 0)]
    if issubclass(kind, float):
        return None
    return _flat(layouts.attributes(value, most)[0])


def in_order(value: Any) -> Any:
    """Items of an OrderedDict; looking up its order hashes the keys, which may run their code."""
    if all(ident(type(key)) in _HASHED_IN_C for key in dict.keys(value)):
        try:
            return list(value.items())
        except (KeyError, RuntimeError):
            pass  # the program went behind its back with dict.__setitem__
    return dict.items(value)


def _flat(pairs: Iterable[tuple[Any, Any]]) -> list[Any]:
    return [part for pair in pairs for part in pair]
