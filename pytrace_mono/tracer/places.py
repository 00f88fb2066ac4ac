"""Where a value leads: its slots, and the code that may fill them anew.

A *place* is a variable or a slot: an element of a list, tuple or deque, a value of a dict, an attribute
of an instance. Reading them runs no code of the program.
"""

from __future__ import annotations

import collections
import datetime
import decimal
import dis
import enum
import re
import sys
import types
from itertools import islice
from types import CodeType
from typing import Any

from pytrace_mono.tracer import classes
from pytrace_mono.tracer.classes import ident
from pytrace_mono.tracer.copies import ATOMIC, is_atomic, kinds_of
from pytrace_mono.tracer.kept import BUILTINS

__builtins__ = BUILTINS

_VIEWED: frozenset[int] = frozenset(
    map(ident, (type({}.keys()), type({}.values()), type({}.items()), types.MappingProxyType))
)
_UNCHANGING: frozenset[int] = (
    frozenset(
        map(
            ident,
            (
                *(types.FunctionType, types.BuiltinFunctionType, types.MethodType),
                *(types.ModuleType, re.Pattern, datetime.datetime, datetime.time),
                *(tuple, frozenset, types.CodeType, slice),
            ),
        )
    )
    | _VIEWED
)
_UNCHANGING_BASES = (str, bytes, int, float, complex, decimal.Decimal, datetime.date, type)
_KEYS: frozenset[int] = frozenset(map(ident, (int, str, float, bool, bytes, type(None))))
_LONGEST_KEY = 40


def is_mutable(value: Any) -> bool:
    """Can the object change, so that it matters who else holds it? No function or class counts."""
    kind = type(value)
    if is_atomic(kind) or ident(kind) in _UNCHANGING:
        return False
    if issubclass(kind, _UNCHANGING_BASES) or type(kind) is enum.EnumMeta:
        return False
    return not issubclass(kind, (tuple, frozenset))


def slots_of(value: Any, layouts: classes.Layouts, most: int) -> list[tuple[str, Any]]:
    """The first slots of a value that hold anything but atomic values, each by how it is written.

    That is ``[0]``, ``['k']`` or ``.name``. There are none of a set, which has no order.
    """
    kind = type(value)
    listed: list[Any]
    if issubclass(kind, (list, tuple)):
        base = list if issubclass(kind, list) else tuple
        listed = list(base.__getitem__(value, slice(0, most)))
        if kinds_of(listed) <= ATOMIC:
            return []
        return _indexed(listed)
    if kind is collections.deque:
        return _indexed(list(islice(value, most)))
    if issubclass(kind, dict):
        pairs = list(islice(dict.items(value), most))
        if kinds_of([part for _, part in pairs]) <= ATOMIC:
            return []
        found: list[tuple[str, Any]] = []
        for key, part in pairs:
            if ident(type(key)) in _KEYS and not is_atomic(type(part)):
                text = _key_text(key)
                if len(text) <= _LONGEST_KEY:
                    found.append((f"[{text}]", part))
        return found
    if issubclass(kind, (set, frozenset)) or not layouts.is_ordinary(kind):
        return []
    attributes, _ = layouts.attributes(value, most)
    return [
        (f".{name}" if name.isidentifier() else f".{name!r}", part)
        for name, part in attributes
        if not is_atomic(type(part))
    ]


def _key_text(key: Any) -> str:
    """The key as Python would write it, or some text that is too long."""
    if type(key) is int and int.bit_length(key) > 4 * _LONGEST_KEY:
        return "-" * (_LONGEST_KEY + 1)
    if type(key) is str or type(key) is bytes:
        key = key[: _LONGEST_KEY + 1]
    return repr(key)


def _indexed(listed: list[Any]) -> list[tuple[str, Any]]:
    return [(f"[{index}]", part) for index, part in enumerate(listed) if not is_atomic(type(part))]


class Stores:
    """Of one code object, which names each line binds or unbinds, and how much else it may do.

    Attributes:
        code: the code object, kept so that its id is its own.
        is_wild: it names a way to bind globals that its bytecode does not tell.
    """

    def __init__(self, code: CodeType) -> None:
        self.code = code
        self.is_wild = not _WAYS_TO_NAMESPACES.isdisjoint(map(str, code.co_names))
        self._names: dict[int, list[str]] = {}
        self._acts: dict[int, int] = {}
        self._everywhere: set[str] = set()
        line: int | None = None
        starts = {start: number for start, _, number in code.co_lines()}
        instructions = list(dis.get_instructions(code))
        for index, instruction in enumerate(instructions):
            line = starts.get(instruction.offset, line)
            name = instruction.opname
            verb, _, kind = name.partition("_")
            if verb in ("STORE", "DELETE") and kind in _NAME_KINDS:
                given = instruction.argval
                bound = list(given) if isinstance(given, tuple) else [given]
                if line is None:
                    self._everywhere.update(bound)
                else:
                    self._names.setdefault(line, []).extend(bound)
            elif line is not None:
                in_place = name == "BINARY_OP" and (instruction.arg or 0) >= _FIRST_INPLACE
                acts = int(verb in _ACTS or in_place)
                acts -= _calls_a_reader(instructions, index)
                self._acts[line] = self._acts.get(line, 0) + acts

    def binds(self, line: int, name: str) -> bool:
        """May running this line bind or unbind the name?"""
        return name in self._everywhere or name in self._names.get(line, ())

    def acts(self, line: int, names: set[str]) -> int:
        """How often the line changes anything but itself: by binding one of these names, or otherwise.

        A line with one act at most cannot drop the last reference to an object and then fill its
        places with a new one, which may get the address of the old: the new one is made before the old
        is dropped.
        """
        bound = sum(name in names for name in self._names.get(line, ()))
        return self._acts.get(line, 0) + bound + len(self._everywhere & names)


def _calls_a_reader(instructions: list[dis.Instruction], index: int) -> bool:
    """Does this put what a later call calls, and is that a built-in that only reads?

    Where the program has a function of that name, its lines are events of their own.
    """
    instruction = instructions[index]
    name, argument = instruction.opname, instruction.arg or 0
    if name == "LOAD_METHOD" or (name == "LOAD_ATTR" and argument & 1 and _ATTRIBUTES_HAVE_A_FLAG):
        return instruction.argval in _READING_METHODS
    if instruction.argval not in _READERS or not _CALLEES_ARE_MARKED:
        return False
    if name == "LOAD_GLOBAL":
        return bool(argument & 1)
    around = instructions[index - 1 : index] if not _NULL_COMES_AFTER else instructions[index + 1 :]
    return name == "LOAD_NAME" and bool(around) and around[0].opname == "PUSH_NULL"


_CALLEES_ARE_MARKED = sys.version_info >= (3, 11)
_ATTRIBUTES_HAVE_A_FLAG = sys.version_info >= (3, 12)
_NULL_COMES_AFTER = sys.version_info >= (3, 13)
_READERS = frozenset(
    "abs all any bool dict enumerate float id int isinstance len list max min print range repr reversed"
    " round set sorted str sum tuple type zip".split()
)
_READING_METHODS = frozenset("copy count format get index items join keys split values".split())
_WAYS_TO_NAMESPACES = frozenset(
    "exec eval globals locals vars setattr delattr __dict__ __setattr__ modules f_globals".split()
)
_NAME_KINDS = frozenset({"FAST", "NAME", "GLOBAL", "DEREF", "FAST_STORE_FAST", "FAST_LOAD_FAST"})
_ACTS = frozenset(
    {"CALL", "STORE", "DELETE", "INPLACE", "IMPORT", "FOR", "SEND", "YIELD", "BEFORE"}
)
_FIRST_INPLACE = 13  # NB_INPLACE_ADD in CPython's Include/opcode.h
