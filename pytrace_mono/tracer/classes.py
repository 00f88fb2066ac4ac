"""Look at a class and its instances without running any of its code.

A class can override nearly every way of asking about it (``__class__``, ``__dict__``, a metaclass's
``__name__``, ``__hash__`` or ``__eq__``). What it cannot override are the descriptors of ``type``
itself and ``id()``, so only those are used, and no table is keyed by a class.
"""

from __future__ import annotations

import array
import collections
import datetime
import decimal
import enum
import re
import types
from collections.abc import Callable
from itertools import islice
from typing import Any

from pytrace_mono.tracer.kept import BUILTINS

__builtins__ = BUILTINS

_MRO = type.__dict__["__mro__"]
_DICT = type.__dict__["__dict__"]
_QUALNAME = type.__dict__["__qualname__"]
_MAX_NAME = 200
_OURS = ("pytrace_mono.tracer.live", "pytrace_mono.tracer.recorder", "pytrace_mono.tracer.types")

ident: Callable[[object], int] = object.__hash__
"""A number that no other object has as long as this one lives, as ``id()``; but ``id()`` is told to
audit hooks (``builtins.id``), of which a recording needs one."""

_SPECIAL: tuple[type, ...] = (
    *(BaseException, dict, list, tuple, set, frozenset, str, bytes, bytearray, int, float, complex),
    *(type, range, type(None), type(Ellipsis), decimal.Decimal, datetime.date, datetime.timedelta),
    *(types.FunctionType, types.BuiltinFunctionType, types.GeneratorType, types.CoroutineType),
    *(types.AsyncGeneratorType, types.MethodType, types.ModuleType, re.Pattern, datetime.time),
    *(collections.deque, array.array, type({}.keys()), type({}.values()), type({}.items())),
)
"""What is more than its attributes, or is told by other means than these."""

Layout = tuple[Any, tuple[tuple[str, Any], ...], bool]
"""How to read an instance: getter of its ``__dict__`` or None, its slots, is it a dataclass."""


def plain(name: str) -> str:
    """A name that the program chose, as an exact ``str`` of reasonable length that UTF-8 can carry."""
    # str's own slot, because the name may be of a subclass with methods of its own.
    name = str.__str__(name)[:_MAX_NAME]
    if name.isascii():
        return name
    return name.encode("utf-8", "backslashreplace").decode()


def name_of(cls: type) -> str:
    """The class's qualified name without the ``f.<locals>.`` before it."""
    return plain(_QUALNAME.__get__(cls)).rsplit(">.", 1)[-1]


def mro_of(cls: type) -> tuple[type, ...]:
    mro: tuple[type, ...] = _MRO.__get__(cls)
    return mro


def dict_of(cls: type) -> types.MappingProxyType[str, Any]:
    mapping: types.MappingProxyType[str, Any] = _DICT.__get__(cls)
    return mapping


def lookup(cls: type, name: str) -> Any:
    """The attribute as the class itself stores it, found along the MRO; None when there is none."""
    for base in mro_of(cls):
        namespace = dict_of(base)
        if name in namespace:
            return namespace[name]
    return None


class Layouts:
    """Reads the attributes that instances store, remembering how for each class.

    The classes seen are kept alive, because they are told apart by ``id``; so keep a Layouts no longer
    than a recording.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[type, Layout]] = {}
        self._ordinary: dict[int, tuple[type, bool]] = {}

    def is_ordinary(self, cls: type) -> bool:
        """Is an instance nothing more than its attributes?"""
        known = self._ordinary.get(ident(cls))
        if known is None:
            ordinary = not issubclass(cls, _SPECIAL) and type(cls) is not enum.EnumMeta
            known = self._ordinary[ident(cls)] = (cls, ordinary)
        return known[1]

    def attributes(self, value: object, most: int) -> tuple[list[tuple[str, Any]], bool]:
        """The attributes stored in an instance (slots first, then ``__dict__``) and: is it a dataclass.

        A property or ``__getattr__`` is code, not storage, and is not asked.

        Args:
            value: any instance.
            most: how many entries of its ``__dict__`` are read.
        """
        cls = type(value)
        known = self._known.get(ident(cls))
        if known is None:
            known = self._known[ident(cls)] = (cls, _read_layout(cls))
        get_dict, slots, is_dataclass = known[1]
        found: list[tuple[str, Any]] = []
        for name, descriptor in slots:
            try:
                found.append((name, descriptor.__get__(value)))
            except AttributeError:
                continue  # a slot that holds nothing
        if get_dict is not None:
            stored = get_dict.__get__(value)
            if issubclass(type(stored), dict):
                # dict.items, because the program may have assigned an instance of a subclass.
                for key, part in islice(dict.items(stored), most):
                    if type(key) is str:
                        is_plain = key.isascii() and len(key) <= _MAX_NAME
                        found.append((key if is_plain else plain(key), part))
        return found, is_dataclass


def _read_layout(cls: type) -> Layout:
    mro = mro_of(cls)
    module = lookup(cls, "__module__")
    if type(module) is str and module in _OURS:
        return None, (), False  # a recording must not record itself
    get_dict = lookup(cls, "__dict__")
    # A property called __dict__ would run user code, and one borrowed from elsewhere would raise.
    if type(get_dict) is not types.GetSetDescriptorType or not _belongs(get_dict, mro):
        get_dict = None
    slots: dict[str, Any] = {}
    for base in reversed(mro):
        for name, attribute in dict_of(base).items():
            if (
                type(name) is str
                and type(attribute) is types.MemberDescriptorType
                and name != "__weakref__"
                and _belongs(attribute, mro)
            ):
                slots[plain(name)] = attribute
    return get_dict, tuple(slots.items()), lookup(cls, "__dataclass_fields__") is not None


def _belongs(descriptor: Any, mro: tuple[type, ...]) -> bool:
    return any(base is descriptor.__objclass__ for base in mro)
