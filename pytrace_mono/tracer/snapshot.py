"""Values as text, bounded, and made without running a line of the traced program.

No ``repr``, ``==``, ``hash``, ``isinstance`` or attribute of a user's class is ever used: values are
told apart by exact type, and instances are read through :mod:`pytrace_mono.tracer.classes`.
"""

from __future__ import annotations

import array
import collections
import datetime
import decimal
import enum
import math
import re
import sys
import types
from collections.abc import Callable, Iterable
from typing import Any

from pytrace_mono.tracer import classes
from pytrace_mono.tracer.limits import Limits

SnapshotRow = dict[str, Any]
"""A Snapshot as JSON: ``{"text": str, "type": str, "exact": bool}``."""

CUT = "..."
_MODULE_DICT: Any = vars(types.ModuleType)["__dict__"]

# repr() of exactly these types is C code over data that is bounded and holds no user object.
_PLAIN_REPR: frozenset[type] = frozenset(
    {type(None), bool, decimal.Decimal, datetime.date, datetime.timedelta, re.Pattern}
)
_EXACT: frozenset[type] = frozenset({type(None), bool})
_NAMED: dict[type, str] = {
    types.FunctionType: "function",
    types.BuiltinFunctionType: "built-in function",
    types.GeneratorType: "generator",
    types.CoroutineType: "coroutine",
    types.AsyncGeneratorType: "async generator",
}


class Snapshotter:
    """Makes snapshots within limits.

    Args:
        limits: bounds on characters, items, depth and int bits.
    """

    def __init__(self, limits: Limits) -> None:
        self._max_chars = limits.max_chars
        self._max_items = limits.max_items
        self._max_depth = limits.max_depth
        self._max_int_bits = limits.max_int_bits
        self._exact = True
        self._left = 0
        self._active: set[int] = set()

    def take(self, value: object) -> SnapshotRow:
        """Snapshot any value; never raises for what the value is, never runs its code."""
        self._exact = True
        self._left = self._max_chars
        self._active.clear()
        text = self._text(value)
        if len(text) > self._max_chars:
            text = text[: self._max_chars - len(CUT)] + CUT
            self._exact = False
        return {"text": text, "type": classes.name_of(type(value)), "exact": self._exact}

    def exception(self, error: BaseException) -> dict[str, str]:
        """Type and message of an exception, without calling a ``__str__`` of the user's."""
        return {"type": classes.name_of(type(error)), "message": self._message(error)}

    def raised(self, kind: type, value: object) -> SnapshotRow:
        """Snapshot of what a trace function is told about an exception.

        Before 3.12 ``value`` may not be an exception yet but its argument (cpython#77757).
        """
        if issubclass(type(value), BaseException):
            return self.take(value)
        row = self.take(value)
        inner = "" if value is None else row["text"]
        name = classes.name_of(kind)
        return {"text": f"{name}({inner})", "type": name, "exact": False}

    def _message(self, error: BaseException) -> str:
        args = BaseException.args.__get__(error)  # type: ignore[attr-defined]
        to_str = classes.lookup(type(error), "__str__")
        if all(type(arg) in (str, int, float, bool, type(None)) for arg in args):
            # The C implementations of BaseException and KeyError, over plain data: safe to ask.
            if to_str in (BaseException.__str__, KeyError.__str__) and all(
                type(arg) is not int or arg.bit_length() <= self._max_int_bits for arg in args
            ):
                return str(to_str(error))[: self._max_chars]
            if len(args) == 1 and type(args[0]) is str:
                return args[0][: self._max_chars]
        if len(args) >= 2 and to_str is OSError.__str__:
            args = (f"[Errno {self.take(args[0])['text']}] {self.take(args[1])['text']}",)
        return ", ".join(arg if type(arg) is str else str(self.take(arg)["text"]) for arg in args)[
            : self._max_chars
        ]

    # Each _method returns text and clears self._exact when the text does not rebuild the value.

    def _text(self, value: Any) -> str:
        if self._left <= 0:
            self._exact = False
            return CUT
        kind = type(value)
        if kind is int:
            text = self._int(value)
        elif kind is str or kind is bytes:
            text = self._string(value)
        elif kind is float:
            text = repr(value)
            if not math.isfinite(value):
                self._exact = False
        elif kind in _PLAIN_REPR:
            text = repr(value)
            if kind not in _EXACT:
                self._exact = False
        else:
            return self._compound(kind, value)
        self._left -= len(text)
        return text

    def _int(self, value: int) -> str:
        bits = int.bit_length(value)
        if bits > self._max_int_bits:
            self._exact = False
            return f"<int of {bits} bits>"
        return int.__repr__(value)

    def _string(self, value: str | bytes) -> str:
        if len(value) > self._max_chars:
            self._exact = False
            return repr(value[: self._max_chars])[: self._max_chars] + CUT
        return repr(value)

    def _compound(self, kind: type, value: Any) -> str:
        if kind is list:
            return self._nested(value, "[", value, "]")
        if kind is tuple:
            return self._nested(value, "(", value, ",)" if len(value) == 1 else ")")
        if kind is dict:
            return self._nested(value, "{", value.items(), "}", self._pair)
        if kind is set:
            return self._nested(value, "{", self._ordered(value), "}") if value else "set()"
        if kind is complex:
            parts = (value.real, value.imag)
            # literal_eval("(-0+1j)") loses the sign of a zero, and nan and inf have no literal.
            if not all(math.isfinite(p) and (p or math.copysign(1, p) > 0) for p in parts):
                self._exact = False
            return repr(value)
        self._exact = False
        return self._inexact(kind, value)

    def _inexact(self, kind: type, value: Any) -> str:
        """Everything that has no literal: shown for reading, never to be rebuilt."""
        name = classes.name_of(kind)
        if kind is frozenset:
            if not value:
                return "frozenset()"
            return self._nested(value, "frozenset({", self._ordered(value), "})")
        if kind is range:
            return self._range(value)
        if kind in _NAMED:
            return f"<{_NAMED[kind]} {value.__name__}>"
        if kind is types.MethodType:
            return f"<bound method {_function_name(value.__func__)}>"
        if kind is types.ModuleType:
            inner = _MODULE_DICT.__get__(value).get("__name__")
            return f"<module {inner if type(inner) is str else '?'}>"
        if kind is datetime.datetime or kind is datetime.time:
            return repr(value) if value.tzinfo is None else f"<{name} with a time zone>"
        if kind is array.array or kind is bytearray:
            return f"{name}({self._text(list(value[: self._max_items + 1]))})"
        if kind is collections.deque:
            return self._nested(value, "deque([", value.copy(), "])")
        if kind is collections.defaultdict:
            factory = value.default_factory
            label = _function_name(factory) if factory is not None else "None"
            return self._nested(value, f"defaultdict({label}, {{", value.items(), "})", self._pair)
        if kind is collections.OrderedDict:
            return self._nested(value, "OrderedDict({", value.items(), "})", self._pair)
        if issubclass(kind, type):
            return f"<class {classes.name_of(value)}>"
        return self._instance(kind, name, value)

    def _instance(self, kind: type, name: str, value: Any) -> str:
        if type(kind) is enum.EnumMeta:
            label = dict(classes.attributes(value)[0]).get("_name_")
            return f"{name}.{label}" if type(label) is str else f"<{name}>"
        if issubclass(kind, BaseException):
            args = BaseException.args.__get__(value)  # type: ignore[attr-defined]
            return self._nested(value, f"{name}(", args, ")")
        fractions = sys.modules.get("fractions")
        if fractions is not None and kind is getattr(fractions, "Fraction", None):
            stored = dict(classes.attributes(value)[0])
            return f"Fraction({self._text(stored.get('_numerator'))}, " + (
                f"{self._text(stored.get('_denominator'))})"
            )
        if issubclass(kind, dict):
            return self._nested(value, f"{name}({{", dict.items(value), "})", self._pair)
        if issubclass(kind, list):
            return self._nested(value, f"{name}([", list.__getitem__(value, slice(None)), "])")
        if issubclass(kind, tuple):
            items = tuple.__getitem__(value, slice(None))
            fields = classes.lookup(kind, "_fields")
            if type(fields) is tuple and len(fields) == len(items):
                return self._nested(
                    value, f"{name}(", zip(fields, items, strict=True), ")", self._keyword
                )
            return self._nested(value, f"{name}((", items, "))")
        if issubclass(kind, (set, frozenset)):
            base = set if issubclass(kind, set) else frozenset
            members = list(base.__iter__(value))
            return self._nested(value, f"{name}({{", self._ordered(members), "})")
        for base_type, to_text in (
            (str, self._string),
            (bytes, self._string),
            (int, self._int),
            (float, float.__repr__),
        ):
            if issubclass(kind, base_type):
                return f"{name}({_plain_base(base_type, value, to_text)})"
        stored_attributes, is_dataclass = classes.attributes(value)
        if is_dataclass:
            return self._nested(value, f"{name}(", stored_attributes, ")", self._keyword)
        if not stored_attributes:
            return f"<{name} object>"
        return self._nested(value, f"<{name} ", stored_attributes, ">", self._keyword)

    def _nested(
        self,
        value: object,
        opening: str,
        items: Iterable[Any],
        closing: str,
        to_text: Callable[[Any], str] | None = None,
    ) -> str:
        if id(value) in self._active or len(self._active) >= self._max_depth:
            self._exact = False  # a cycle, or deeper than we show
            return opening + CUT + closing
        to_text = to_text or self._text
        self._active.add(id(value))
        self._left -= len(opening) + len(closing)
        parts: list[str] = []
        for item in items:
            if len(parts) >= self._max_items or self._left <= 0:
                self._exact = False
                parts.append(CUT)
                break
            self._left -= 2
            parts.append(to_text(item))
        self._active.discard(id(value))
        return opening + ", ".join(parts) + closing

    def _pair(self, item: tuple[Any, Any]) -> str:
        return f"{self._text(item[0])}: {self._text(item[1])}"

    def _keyword(self, item: tuple[Any, Any]) -> str:
        return f"{item[0]}={self._text(item[1])}"

    def _ordered(self, members: Any) -> list[Any]:
        """Members of a set in an order that does not depend on hashes, where types allow it."""
        listed = list(members)
        kinds = {type(member) for member in listed}
        if len(listed) <= self._max_items and len(kinds) == 1 and kinds <= {int, str, bytes}:
            listed.sort()
        return listed

    def _range(self, value: range) -> str:
        parts = (value.start, value.stop) + ((value.step,) if value.step != 1 else ())
        return f"range({', '.join(self._int(part) for part in parts)})"


def _function_name(function: object) -> str:
    if type(function) in (types.FunctionType, types.BuiltinFunctionType):
        return str(function.__name__)  # type: ignore[attr-defined]
    if issubclass(type(function), type):
        return classes.name_of(function)  # type: ignore[arg-type]
    return f"<{classes.name_of(type(function))}>"


def _plain_base(base: type, value: Any, to_text: Callable[[Any], str]) -> str:
    """Text of the built-in value inside an instance of a subclass, as the base class stores it."""
    if base is str:
        return to_text(str.__getitem__(value, slice(None)) + "")
    if base is bytes:
        return to_text(bytes.__getitem__(value, slice(None)) + b"")
    return to_text(value)
