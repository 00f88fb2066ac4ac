"""Look at a class and its instances without running any of its code.

A class can override nearly every way of asking about it (``__class__``, ``__dict__``, a metaclass's
``__name__``). What it cannot override are the descriptors of ``type`` itself, so only those are used.
"""

from __future__ import annotations

import types
from typing import Any

_MRO = type.__dict__["__mro__"]
_DICT = type.__dict__["__dict__"]
_NAME = type.__dict__["__name__"]
_QUALNAME = type.__dict__["__qualname__"]

Layout = tuple[Any, tuple[tuple[str, Any], ...], bool]
"""How to read an instance: getter of its ``__dict__`` or None, its slots, is it a dataclass."""

_layouts: dict[type, Layout] = {}


def name_of(cls: type) -> str:
    """The class's qualified name without the ``f.<locals>.`` before it."""
    name: str = _QUALNAME.__get__(cls)
    return name.rsplit(">.", 1)[-1]


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


def attributes(value: object) -> tuple[list[tuple[str, Any]], bool]:
    """The attributes stored in an instance (slots first, then ``__dict__``) and: is it a dataclass.

    A property or ``__getattr__`` is code, not storage, and is not asked.
    """
    cls = type(value)
    layout = _layouts.get(cls)
    if layout is None:
        layout = _layouts[cls] = _read_layout(cls)
    get_dict, slots, is_dataclass = layout
    found: list[tuple[str, Any]] = []
    for name, descriptor in slots:
        try:
            found.append((name, descriptor.__get__(value)))
        except AttributeError:
            continue  # a slot that holds nothing
    if get_dict is not None:
        # dict.items, not .items: the program may have assigned an instance of a dict subclass.
        found.extend((k, v) for k, v in dict.items(get_dict.__get__(value)) if type(k) is str)
    return found, is_dataclass


def _read_layout(cls: type) -> Layout:
    get_dict = lookup(cls, "__dict__")
    if type(get_dict) is not types.GetSetDescriptorType:
        get_dict = None  # a property called __dict__ would run user code
    slots: dict[str, Any] = {}
    for base in reversed(mro_of(cls)):
        for name, attribute in dict_of(base).items():
            if type(attribute) is types.MemberDescriptorType and name != "__weakref__":
                slots[name] = attribute
    return get_dict, tuple(slots.items()), lookup(cls, "__dataclass_fields__") is not None
