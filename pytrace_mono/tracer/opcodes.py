"""Questions about a code object that only its bytecode answers."""

from __future__ import annotations

import dis
import re
import sys
import weakref
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType, FrameType
from typing import Any, Literal

from pytrace_mono.tracer.classes import ident
from pytrace_mono.tracer.effects import Effects, Quiet
from pytrace_mono.tracer.kept import BUILTINS
from pytrace_mono.tracer.rows import SEPARATOR, quoted
from pytrace_mono.tracer.suspects import Finds, finds_in

__builtins__ = BUILTINS

MISSING: Any = object()
"""In place of a value that a variable does not have."""
_NOTHING_DELETED = '}, "deleted": []'
_RESUME_AFTER_AWAIT = 3
_RETURN_CODES = {dis.opmap[name] for name in ("RETURN_VALUE", "RETURN_CONST") if name in dis.opmap}
_EXPECTS_STOP = frozenset(
    {"FOR_ITER", "SEND", "YIELD_FROM", "END_ASYNC_FOR", "CLEANUP_THROW", "END_SEND"}
)
_LOSING = frozenset(
    dis.opmap[name]
    for name in ("DELETE_FAST", "DELETE_DEREF", "LOAD_FAST_AND_CLEAR")
    if name in dis.opmap
)
_LOAD_FAST = dis.opmap["LOAD_FAST"]
_LOAD_GLOBAL = dis.opmap["LOAD_GLOBAL"]
_EXTENDED_ARG = dis.EXTENDED_ARG
_GLOBALS = re.compile(
    b"[%s]"
    % b"".join(b"\\x%02x" % dis.opmap[f"{verb}_GLOBAL"] for verb in ("LOAD", "STORE", "DELETE"))
)
_LOADS_HAVE_A_FLAG = sys.version_info >= (3, 11)
"""The lowest bit of LOAD_GLOBAL's argument says whether to push a NULL before the value."""


Bound = str | tuple[str, ...] | None
"""What the running of a line can bind: one variable, "" for none, or several; None where it may do
anything else."""


def _bound(quiet: Quiet | None) -> Bound:
    if quiet is None:
        return None
    names = quiet[0]
    return names if len(names) > 1 else "".join(names)


@lru_cache(maxsize=2048)
def head_of(kind: str, line: int) -> str:
    """How a step begins in JSON; the same string for the code of every program, because programs have
    the same line numbers, and what lies in the processor's cache is read sooner."""
    return f'{SEPARATOR}{{"kind": "{kind}", "line": {line}, "function": '


class _Labels(dict[str, str]):
    """Of a module's or class's body, whose names are not known beforehand."""

    __slots__ = ()

    def __missing__(self, name: str) -> str:
        return f"{quoted(name)}: "


class Opcodes:
    """What is needed of one code object, read once.

    Attributes:
        locals: names of its local, cell and free variables; empty for a module's or class's body.
        globals: names that the code reads or writes as globals, and: does it write it.
        counted_on: names of which one of :attr:`lines` counts on their being the built-ins, and these.
        other_globals: as :attr:`globals`, without those names.
        arguments: names of its arguments.
        can_lose: one of its locals can cease to have a value.
        has_hidden: the first of its variables has a name that is none: a comprehension's argument is
            called ".0".
        lines: of each of its lines, how its step begins in JSON, and what running it can bind.
        code: the code object, weakly.
        latest: as what the latest recording met it.
        labels: of each name, its JSON text and a colon.
        unseen, unseen_globals: of each local and global name, :data:`MISSING`.
        is_function: it is no body of a module or class, whose variables are in a mapping. To ask a frame
            for its code takes longer, because CPython tells the audit hooks.
        finds: what :mod:`pytrace_mono.tracer.suspects` says of it.
        returns: of each instruction that returns, by offset, how its step begins in JSON ("" where it is
            of no line), and the local variable that it probably gives back, or "".
        first_line: where it begins.
        begins: how the step of its call begins in JSON.
        is_simple: when it begins, its arguments and its globals are all that it has.
    """

    __slots__ = (
        "_code",
        "arguments",
        "begins",
        "can_lose",
        "code",
        "counted_on",
        "finds",
        "first_line",
        "globals",
        "has_hidden",
        "is_function",
        "is_simple",
        "labels",
        "latest",
        "lines",
        "locals",
        "other_globals",
        "returns",
        "unseen",
        "unseen_globals",
    )

    def __init__(self, code: CodeType, reference: weakref.ref[CodeType]) -> None:
        self.code = reference
        # co_code is the code as compiled: neither specialized nor instrumented.
        self._code = code.co_code
        self.latest: Function | None = None
        self.finds: Finds | None = finds_in(code)
        self.locals: tuple[str, ...] = ()
        self.arguments: tuple[str, ...] = ()
        quiet: dict[int, Quiet] = {}
        operations = self._code[::2]
        self.is_function = bool(code.co_flags & _CO_OPTIMIZED)
        self.has_hidden = False
        if self.is_function:
            names = [*code.co_varnames, *code.co_cellvars, *code.co_freevars]
            self.locals = tuple(name for name in dict.fromkeys(names) if name.isidentifier())
            self.has_hidden = bool(names) and not names[0].isidentifier()
            count = code.co_argcount + code.co_kwonlyargcount
            count += bool(code.co_flags & _CO_VARARGS) + bool(code.co_flags & _CO_VARKEYWORDS)
            self.arguments = code.co_varnames[:count]
            quiet = Effects(code).quiet
        counted_on = {name for _, used in quiet.values() for name in used}
        self.counted_on = tuple((name, BUILTINS[name]) for name in counted_on)
        self.globals = tuple(self._globals(code).items())
        self.other_globals = tuple(pair for pair in self.globals if pair[0] not in counted_on)
        has_closure = bool(code.co_cellvars or code.co_freevars)
        self.can_lose = has_closure or not _LOSING.isdisjoint(operations)
        self.is_simple = (
            self.is_function
            and not has_closure
            and not code.co_flags & _CO_SUSPENDS  # it may have begun before the recording
            and set(self.arguments) <= set(self.locals)
        )
        self.first_line = code.co_firstlineno
        self.begins = head_of("call", code.co_firstlineno)
        self.returns: dict[int, tuple[str, str]] = {}
        lines: set[int] = set()
        for start, stop, line in code.co_lines():
            if line is not None:
                lines.add(line)
            for at in range(start, stop, 2):
                if self._code[at] in _RETURN_CODES:
                    head = "" if line is None else head_of("return", line)
                    self.returns[at] = head, self._given_back(code, at)
        self.lines: dict[int, tuple[str, Bound]] = {
            line: (head_of("line", line), _bound(quiet.get(line))) for line in lines
        }
        self.unseen: dict[str, Any] = dict.fromkeys(self.locals, MISSING)
        self.unseen_globals: dict[str, Any] = {name: MISSING for name, *_ in self.globals}
        names = [*self.unseen, *self.unseen_globals]
        labels = {name: f"{quoted(name)}: " for name in names}
        self.labels = labels if self.is_function else _Labels(labels)

    def _globals(self, code: CodeType) -> dict[str, bool]:
        operations = self._code[::2]
        found: dict[str, bool] = {}
        for match in _GLOBALS.finditer(operations):
            index = match.start()
            is_load = operations[index] == _LOAD_GLOBAL
            arg, shift = self._code[2 * index + 1], 8
            while index and operations[index - 1] == _EXTENDED_ARG:
                index -= 1
                arg |= self._code[2 * index + 1] << shift
                shift += 8
            name = code.co_names[arg >> 1 if is_load and _LOADS_HAVE_A_FLAG else arg]
            found[name] = found.get(name, False) or not is_load
        return found

    def _given_back(self, code: CodeType, at: int) -> str:
        """The variable that is loaded right before the instruction that returns."""
        index = self._code[at - 1] if at else 0
        is_load = at > 0 and self._code[at - 2] == _LOAD_FAST
        return code.co_varnames[index] if is_load and index < len(code.co_varnames) else ""

    def leaving(self, frame: FrameType) -> Literal["yield", "await", "unwind"]:
        """Why a ``return`` event fired outside of :attr:`returns`: the event itself does not say."""
        name, own = self._at(frame.f_lasti)
        after, arg = self._at(frame.f_lasti + 2)
        if sys.version_info < (3, 11):
            if name == "YIELD_VALUE":
                return "yield"
            if after == "YIELD_FROM":  # shared by await and yield from; f_lasti is set back by one
                return "await" if frame.f_code.co_flags & _COROUTINE else "yield"
            return "unwind"
        if name == "RESUME":  # 3.13 has moved on by one already
            after, arg = name, own
        if name in ("YIELD_VALUE", "RESUME") and after == "RESUME" and arg & 3:
            return "await" if arg & 3 == _RESUME_AFTER_AWAIT else "yield"
        return "unwind"

    def expects_stop(self, frame: FrameType) -> bool:
        """True where StopIteration is how a loop or ``await`` ends, not an error of the program."""
        return self._at(frame.f_lasti)[0] in _EXPECTS_STOP

    def _at(self, offset: int) -> tuple[str, int]:
        """Name and own byte of argument of the instruction at an offset; ("", 0) where there is none."""
        if not 0 <= offset < len(self._code):
            return "", 0
        return dis.opname[self._code[offset]], self._code[offset + 1]


_CO_OPTIMIZED = 0x1
_CO_VARARGS = 0x4
_CO_VARKEYWORDS = 0x8
_CO_SUSPENDS = 0x20 | 0x80 | 0x200
_COROUTINE = 0x80 | 0x200
"""CO_COROUTINE and CO_ASYNC_GENERATOR."""


_MOST_PLACES = 64


@dataclass(slots=True)
class Function:
    """What all activations of one code object in a recording have in common.

    Attributes:
        name: its qualified name.
        places: by the number of an activation and its depth, how the rest of its steps begins in JSON,
            up to the changes, and all of the rest where there is none; of the first that were met.
        opcodes: what its bytecode says.
        file: its file, where it is not the program's.
        tail: how a step ends that changes nothing.
        token: what a recording is known by for which all this is so.
    """

    name: str
    places: dict[tuple[int, int], tuple[str, str]]
    opcodes: Opcodes
    file: str | None
    tail: str
    token: object

    @staticmethod
    def of(name: str, opcodes: Opcodes, file: str | None, token: object) -> Function:
        ending = "}" if file is None else f', "file": {quoted(file)}}}'
        return Function(name, {}, opcodes, file, _NOTHING_DELETED + ending, token)

    def place(self, key: tuple[int, int]) -> tuple[str, str]:
        """What is to be in :attr:`places`."""
        number, depth = key
        place = f'{quoted(self.name)}, "frame": {number}, "depth": {depth}, "changes": {{'
        found = place, place + self.tail
        if len(self.places) < _MOST_PLACES:
            self.places[key] = found
        return found


KNOWN: dict[int, Opcodes] = {}
"""What was read of each code object that still exists; by id, because hash and equality of a code object
are those of its constants."""


def opcodes_of(code: CodeType) -> Opcodes:
    """The same Opcodes for a code object each time, in every recording, as long as it exists."""
    known = KNOWN.get(ident(code))
    if known is not None and known.code() is code:
        return known
    key = ident(code)

    def forget(
        reference: weakref.ref[CodeType], table: dict[int, Opcodes] = KNOWN
    ) -> None:  # `table`, because it may be called when the names of this module are gone
        entry = table.get(key)
        if entry is not None and entry.code is reference:
            del table[key]

    KNOWN[key] = opcodes = Opcodes(code, weakref.ref(code, forget))
    return opcodes
