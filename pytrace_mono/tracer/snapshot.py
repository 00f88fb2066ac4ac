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
import types
from collections.abc import Callable, Iterable
from itertools import chain, islice
from typing import Any

from pytrace_mono.tracer import classes
from pytrace_mono.tracer.classes import ident
from pytrace_mono.tracer.copies import kinds_of
from pytrace_mono.tracer.kept import BUILTINS
from pytrace_mono.tracer.limits import Limits
from pytrace_mono.tracer.messages import message_of
from pytrace_mono.tracer.parts import in_order

__builtins__ = BUILTINS

SnapshotRow = dict[str, Any]
"""A Snapshot as JSON: ``{"text": str, "type": str, "exact": bool}``."""

CUT = "..."
_MODULE_DICT: Any = vars(types.ModuleType)["__dict__"]

# repr() of exactly these types is C code over data that holds no user object. Types are told apart
# by id throughout, because a metaclass may define __hash__ and __eq__.
_PLAIN_REPR: frozenset[int] = frozenset(
    map(ident, (type(Ellipsis), decimal.Decimal, datetime.date, datetime.timedelta))
)
_SORTABLE: tuple[set[int], ...] = ({ident(int)}, {ident(str)}, {ident(bytes)})
_NAMED: dict[int, str] = {
    ident(types.FunctionType): "function",
    ident(types.BuiltinFunctionType): "built-in function",
    ident(types.GeneratorType): "generator",
    ident(types.CoroutineType): "coroutine",
    ident(types.AsyncGeneratorType): "async generator",
}
_ARGS: Any = vars(BaseException)["args"]
_FRACTION = ["_denominator", "_numerator"]  # slots are kept in alphabetical order
_ROWS = {ident(list), ident(tuple)}
_INTS, _FLOATS, _STRINGS = {ident(int), ident(bool)}, {ident(float)}, {ident(str)}
_VIEWS: frozenset[int] = frozenset(
    map(ident, (type({}.keys()), type({}.values()), type({}.items())))
)


class Snapshotter:
    """Makes snapshots within limits.

    Args:
        limits: bounds on characters, items, depth and int bits.

    Attributes:
        layouts: how instances are read.
        shown: how many items of the latest value are in its text, when some are left out at the end.
    """

    def __init__(self, limits: Limits) -> None:
        self._max_chars = limits.max_chars
        self._max_items = limits.max_items
        self._max_depth = limits.max_depth
        self._max_int_bits = limits.max_int_bits
        self._exact = True
        self._left = 0
        self._active: set[int] = set()
        self.layouts = classes.Layouts()
        self.shown: int | None = None

    def take(self, value: object) -> SnapshotRow:
        """Snapshot any value; never raises for what the value is, never runs its code."""
        text, kind, exact = self._read(value)
        return {"text": text, "type": kind, "exact": exact}

    def _read(self, value: object) -> tuple[str, str, bool]:
        self._exact = True
        self._left = self._max_chars
        self._active.clear()
        self.shown = None
        text = self._text(value)
        if len(text) > self._max_chars:
            text = (text[: max(0, self._max_chars - len(CUT))] + CUT)[: self._max_chars]
            self._exact = False
        return text, classes.name_of(type(value)), self._exact

    def exception(self, error: BaseException) -> dict[str, str]:
        """Type and message of an exception, without calling a ``__str__`` of the user's."""
        message = message_of(error, self._max_chars, lambda value: str(self.take(value)["text"]))
        return {"type": classes.name_of(type(error)), "message": message}

    def raised(self, kind: type, value: object) -> SnapshotRow:
        """Snapshot of what a trace function is told about an exception.

        Before 3.12 ``value`` may not be an exception yet but its argument (cpython#77757).
        """
        row = self.take(value)
        if issubclass(type(value), BaseException):
            return row
        inner = "" if value is None else row["text"]
        name = classes.name_of(kind)
        return {"text": f"{name}({inner})", "type": name, "exact": False}

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
        elif kind is bool or value is None:
            text = repr(value)
        elif ident(kind) in _PLAIN_REPR:
            text = repr(value)
            self._exact = False
        else:
            before = self._left
            if self.layouts.is_ordinary(kind):
                text = self._ordinary(classes.name_of(kind), value)
            else:
                text = self._compound(kind, value)
            if self._left != before:
                return text  # its parts are counted already
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
            return self._flat(value) or self._nested(value, "[", value, "]")
        if kind is tuple:
            closing = ",)" if len(value) == 1 else ")"
            return self._flat(value) or self._nested(value, "(", value, closing)
        if kind is dict:
            return self._nested(value, "{", value.items(), "}", self._pair)
        if kind is set:
            return self._nested(value, "{", self._ordered(value), "}") if value else "set()"
        if kind is complex:
            # A complex literal is a sum of two parts, in which the sign of a zero gets lost; and nan
            # and inf have no literal.
            parts = (value.real, value.imag)
            signs_kept = all(part or math.copysign(1, part) > 0 for part in parts)
            if not signs_kept or not all(map(math.isfinite, parts)) or value.imag < 0 == value.real:
                self._exact = False
            return repr(value)
        self._exact = False
        return self._inexact(kind, value)

    def _flat(self, value: Any) -> str:
        """Text of a list or tuple of numbers or strings, or of such rows; "" if it may be cut.

        The same text as :meth:`_nested` gives, and the same room taken; made in C, several times faster.
        """
        size = len(value)
        depth = len(self._active)
        if size < 2 or depth >= self._max_depth:
            return ""
        is_cut = size > self._max_items
        if is_cut:
            value = value[: self._max_items]
        marks = 2  # _nested counts a comma after the last item too
        kinds = kinds_of(value)
        if kinds <= _ROWS and not is_cut:
            sizes = set(map(len, value))
            if min(sizes) == 0 or max(sizes) > self._max_items or depth + 1 >= self._max_depth:
                return ""
            marks += 2 * size
            items = list(chain.from_iterable(value))
            kinds = kinds_of(items)
        else:
            items = value
        if kinds <= _INTS:
            if max(map(int.bit_length, items)) > self._max_int_bits:
                return ""
        elif kinds == _FLOATS:
            if not all(map(math.isfinite, items)):
                return ""
        elif kinds != _STRINGS or sum(map(len, items)) > self._left:
            return ""
        text = repr(value)
        if len(text) + marks >= self._left:
            return ""
        self._left -= len(text) + marks
        if is_cut:
            self._exact = False
            if depth == 0:
                self.shown = len(value)
            return f"{text[:-1].rstrip(',')}, {CUT}{text[-1]}"
        return text

    def _inexact(self, kind: type, value: Any) -> str:
        """Everything that has no literal: shown for reading, never to be rebuilt."""
        name = classes.name_of(kind)
        if kind is frozenset:
            if not value:
                return "frozenset()"
            return self._nested(value, "frozenset({", self._ordered(value), "})")
        if kind is range:
            return self._range(value)
        if ident(kind) in _NAMED:
            return f"<{_NAMED[ident(kind)]} {classes.plain(value.__name__)}>"
        if kind is types.MethodType:
            return f"<bound method {_function_name(value.__func__)}>"
        if kind is types.ModuleType:
            inner = _MODULE_DICT.__get__(value).get("__name__")
            return f"<module {classes.plain(inner) if type(inner) is str else '?'}>"
        if kind is re.Pattern:
            return f"re.compile({self._text(value.pattern)})"
        if kind is datetime.datetime or kind is datetime.time:
            return repr(value) if value.tzinfo is None else f"<{name} with a time zone>"
        if kind is bytearray:
            return f"bytearray({self._string(bytes(value[: self._max_chars + 1]))})"
        if kind is array.array:
            head = list(value[: self._max_items + 1])
            return f"array({value.typecode!r}, {self._text(head)})"
        if ident(kind) in _VIEWS:
            is_items = kind is type({}.items())
            return self._nested(value, f"{name}([", value, "])", self._item if is_items else None)
        if kind is collections.deque:
            head = list(islice(value, self._max_items + 1))
            limit = "" if value.maxlen is None else f", maxlen={value.maxlen}"
            return self._nested(value, "deque([", head, f"]{limit})")
        if kind is collections.defaultdict:
            factory = value.default_factory
            label = _function_name(factory) if factory is not None else "None"
            return self._nested(value, f"defaultdict({label}, {{", value.items(), "})", self._pair)
        if kind is collections.OrderedDict:
            pairs = in_order(value)
            return self._nested(value, "OrderedDict({", pairs, "})", self._pair)
        if issubclass(kind, type):
            return f"<class {classes.name_of(value)}>"
        return self._instance(kind, name, value)

    def _instance(self, kind: type, name: str, value: Any) -> str:
        most = self._max_items + 1
        if issubclass(kind, BaseException):
            return self._nested(value, f"{name}(", _ARGS.__get__(value), ")")
        if type(kind) is enum.EnumMeta:
            return self._member(name, value)
        if issubclass(kind, dict):
            return self._nested(value, f"{name}({{", dict.items(value), "})", self._pair)
        if issubclass(kind, list):
            head = list.__getitem__(value, slice(0, most))
            return self._nested(value, f"{name}([", head, "])")
        if issubclass(kind, tuple):
            items = tuple.__getitem__(value, slice(0, most))
            fields = classes.lookup(kind, "_fields")
            # _fields may be anything: the class is the program's.
            if type(fields) is tuple and tuple.__len__(value) == len(fields) and len(items) < most:
                names = [classes.plain(field) for field in fields if type(field) is str]
                if len(names) == len(items):
                    pairs = zip(names, items, strict=True)
                    return self._nested(value, f"{name}(", pairs, ")", self._keyword)
            return self._nested(value, f"{name}((", items, "))")
        if issubclass(kind, (set, frozenset)):
            base = set if issubclass(kind, set) else frozenset
            members = list(islice(base.__iter__(value), most))
            return self._nested(value, f"{name}({{", self._ordered(members), "})")
        for base_type, to_text in (
            (str, self._string),
            (bytes, self._string),
            (int, self._int),
            (float, float.__repr__),
        ):
            if issubclass(kind, base_type):
                stored = self._plain_base(base_type, value)
                return f"{name}({to_text(stored)})"
        return self._ordinary(name, value)

    def _ordinary(self, name: str, value: Any) -> str:
        """An instance that is its attributes."""
        self._exact = False
        stored_attributes, is_dataclass = self.layouts.attributes(value, self._max_items + 1)
        if is_dataclass:
            return self._nested(value, f"{name}(", stored_attributes, ")", self._keyword)
        if name == "Fraction" and [n for n, _ in stored_attributes] == _FRACTION:
            under, over = (self._text(part) for _, part in stored_attributes)
            return f"Fraction({over}, {under})"
        if not stored_attributes:
            return f"<{name} object>"
        return self._nested(value, f"<{name} ", stored_attributes, ">", self._keyword)

    def _member(self, name: str, value: Any) -> str:
        """A member of an Enum; a combination of flags has no name of its own before 3.11."""
        stored = dict(self.layouts.attributes(value, self._max_items)[0])
        label = stored.get("_name_")
        if type(label) is str:
            return f"{name}.{classes.plain(label)}"
        return f"{name}({self._text(stored.get('_value_'))})"

    def _nested(
        self,
        value: object,
        opening: str,
        items: Iterable[Any],
        closing: str,
        to_text: Callable[[Any], str] | None = None,
    ) -> str:
        key = ident(value)
        if key in self._active or len(self._active) >= self._max_depth:
            self._exact = False  # a cycle, or deeper than we show
            return opening + CUT + closing
        to_text = to_text or self._text
        self._active.add(key)
        self._left -= len(opening) + len(closing)
        parts: list[str] = []
        for item in list(islice(items, self._max_items + 1)):
            if len(parts) >= self._max_items or self._left <= 0:
                self._exact = False
                if len(self._active) == 1:
                    self.shown = len(parts)
                parts.append(CUT)
                break
            self._left -= 2
            parts.append(to_text(item))
        self._active.discard(key)
        return opening + ", ".join(parts) + closing

    def _pair(self, item: tuple[Any, Any]) -> str:
        return f"{self._text(item[0])}: {self._text(item[1])}"

    def _item(self, item: tuple[Any, Any]) -> str:
        return f"({self._text(item[0])}, {self._text(item[1])})"

    def _keyword(self, item: tuple[str, Any]) -> str:
        name = item[0] if item[0].isidentifier() else repr(item[0])
        return f"{name}={self._text(item[1])}"

    def _ordered(self, members: Any) -> list[Any]:
        """Members of a set in an order that does not depend on hashes, where types allow it."""
        if len(members) > self._max_items:
            return list(islice(members, self._max_items + 1))
        listed = list(members)
        if kinds_of(listed) in _SORTABLE:
            listed.sort()
        return listed

    def _range(self, value: range) -> str:
        parts = (value.start, value.stop) + ((value.step,) if value.step != 1 else ())
        return f"range({', '.join(self._int(part) for part in parts)})"

    def _plain_base(self, base: type, value: Any) -> Any:
        """The start of the built-in value inside an instance of a subclass, as the base stores it."""
        if base is str:
            return str.__getitem__(value, slice(0, self._max_chars + 1)) + ""
        if base is bytes:
            return bytes.__getitem__(value, slice(0, self._max_chars + 1)) + b""
        return value


def _function_name(function: object) -> str:
    if type(function) is types.FunctionType or type(function) is types.BuiltinFunctionType:
        return classes.plain(function.__name__)
    if issubclass(type(function), type):
        return classes.name_of(function)  # type: ignore[arg-type]  # it is a class
    return f"<{classes.name_of(type(function))}>"
