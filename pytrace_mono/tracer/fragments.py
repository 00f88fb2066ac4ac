"""Snapshots as JSON text, of the values that most variables have without much ado.

What is written here in another way than by :class:`Snapshotter` is the same text, made in C.
"""

from __future__ import annotations

from functools import lru_cache
from math import isfinite
from typing import Any

from pytrace_mono.tracer.classes import ident
from pytrace_mono.tracer.copies import Copy, kinds_of
from pytrace_mono.tracer.kept import BUILTINS
from pytrace_mono.tracer.limits import Limits
from pytrace_mono.tracer.rows import quoted, snapshot_text
from pytrace_mono.tracer.snapshot import Snapshotter

__builtins__ = BUILTINS

_ints: dict[int, str] = {}
"""Snapshots of small ints as JSON; nothing but exact ints is ever looked up in it."""
_characters: dict[str, str] = {}
"""The same of strings of one character, as a loop over a text meets them."""
_NONE = snapshot_text("None", "NoneType", True)
_TRUE, _FALSE = snapshot_text("True", "bool", True), snapshot_text("False", "bool", True)
_FLOAT_CHARS = 30
"""More than a float ever takes."""
_BITS_KEPT, _MOST_KEPT = 12, 1024
_EXACT_INTS, _STRINGS = {ident(int)}, {ident(str)}


@lru_cache(maxsize=8)
def _quick(chars: int, bits: int) -> tuple[int, int, int]:
    """Within how many bits, characters, and characters of a text in which there may be ints, a value
    certainly is written out: a bit takes less than half a digit, and a character at most ten (as in
    ``"\\U0010ffff"``)."""
    return min(bits, max(0, 2 * chars - 4)), chars // 10, min(chars, 3 * bits // 10)


class Fragments(Snapshotter):
    """Makes snapshots within limits, as JSON.

    Attributes:
        max_flat: how many items of one container are shown, of which none has items of its own.
        ints: what is known of :meth:`fragment`, for exact ints.
    """

    def __init__(self, limits: Limits) -> None:
        Snapshotter.__init__(self, limits)
        chars, bits = self._max_chars, self._max_int_bits
        self._quick_bits, self._quick_chars, self._quick_text = _quick(chars, bits)
        self.max_flat = self._max_items if self._max_depth > 1 else -1
        self.ints = _ints if self._quick_bits >= _BITS_KEPT else {}

    def fragment(self, value: object) -> str:
        """The JSON text of what :meth:`take` gives."""
        kind = type(value)
        # mypy does not conclude from `kind` what the value is, hence what it is told to ignore.
        if kind is int:
            known = self.ints.get(value)  # type: ignore[call-overload]
            if known is not None:
                return known  # type: ignore[no-any-return]
            bits = int.bit_length(value)  # type: ignore[arg-type]
            if bits <= self._quick_bits:
                text = f'{{"text": "{value}", "type": "int", "exact": true}}'
                if bits <= _BITS_KEPT and self.ints is _ints and len(_ints) < _MOST_KEPT:
                    _ints[value] = text  # type: ignore[index]
                return text
        elif kind is str:
            size = len(value)  # type: ignore[arg-type]
            if size < self._quick_chars:
                if size != 1:
                    return f'{{"text": {quoted(repr(value))}, "type": "str", "exact": true}}'
                known = _characters.get(value)  # type: ignore[call-overload]
                if known is not None:
                    return known  # type: ignore[no-any-return]
                text = f'{{"text": {quoted(repr(value))}, "type": "str", "exact": true}}'
                if len(_characters) < _MOST_KEPT:
                    _characters[value] = text  # type: ignore[index]
                return text
        elif kind is float:
            if self._quick_chars >= _FLOAT_CHARS // 10 and isfinite(value):  # type: ignore[arg-type]
                return f'{{"text": "{value!r}", "type": "float", "exact": true}}'
        elif (value is None or kind is bool) and self._max_chars > 4:
            return _NONE if value is None else _TRUE if value else _FALSE
        return snapshot_text(*self._read(value))

    def of_flat(self, value: Any) -> str | None:
        """The same as :meth:`fragment` for a value of which there is a
        :data:`pytrace_mono.tracer.copies.Flat`, written in C; None where it may be cut.
        """
        try:
            text = repr(value)
        except ValueError:
            return None  # an int that CPython refuses to print
        kind = type(value)
        # An int with too many bits would be longer than this alone, as would a string that is cut;
        # and each element counts for a little more than it takes.
        if len(text) + (6 if kind is dict else 3) * len(value) + 4 >= self._quick_text:
            return None
        name = "list" if kind is list else "dict" if kind is dict else "tuple"
        return f'{{"text": {quoted(text)}, "type": "{name}", "exact": true}}'

    def of_flat_set(self, items: list[Any]) -> str | None:
        """The same for a set of these elements; None also where not all are ints or strings."""
        kinds = kinds_of(items)
        if kinds != _EXACT_INTS and kinds != _STRINGS:
            return None
        items.sort()
        try:
            text = repr(items)
        except ValueError:
            return None  # as above
        if len(text) + 3 * len(items) + 4 >= self._quick_text:
            return None
        return f'{{"text": {quoted("{" + text[1:-1] + "}")}, "type": "set", "exact": true}}'

    def of_copy(self, value: object, copy: Copy) -> str:
        """The same as :meth:`fragment` for a container of which there is a copy, mostly written in C."""
        if copy.is_simple and copy.widest <= self._max_items and copy.depth < self._max_depth:
            try:
                text = repr(value)
            except ValueError:
                text = None  # an int that CPython refuses to print
            # An int with too many bits would be longer than this alone, as would a string that is cut.
            if text is not None and len(text) + 3 * copy.count + 4 < self._quick_text:
                self.shown = None
                name = copy.kind.__name__
                return f'{{"text": {quoted(text)}, "type": "{name}", "exact": true}}'
        return self.fragment(value)

    def raised_fragment(self, kind: type, value: object) -> str:
        """The JSON text of what :meth:`raised` gives."""
        row = self.raised(kind, value)
        return snapshot_text(row["text"], row["type"], row["exact"])
