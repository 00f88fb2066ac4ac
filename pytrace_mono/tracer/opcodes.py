"""Questions about a code object that only its bytecode answers."""

from __future__ import annotations

import dis
import sys
from types import CodeType, FrameType
from typing import Literal

_RESUME_AFTER_AWAIT = 3
_RETURNS = frozenset({"RETURN_VALUE", "RETURN_CONST"})
_EXPECTS_STOP = frozenset(
    {"FOR_ITER", "SEND", "YIELD_FROM", "END_ASYNC_FOR", "CLEANUP_THROW", "END_SEND"}
)
_LOAD_GLOBAL = dis.opmap["LOAD_GLOBAL"]
_GLOBAL_OPCODES = {dis.opmap[f"{verb}_GLOBAL"] for verb in ("LOAD", "STORE", "DELETE")}
_LOADS_HAVE_A_FLAG = sys.version_info >= (3, 11)
"""The lowest bit of LOAD_GLOBAL's argument says whether to push a NULL before the value."""


class Opcodes:
    """What is needed of one code object, read once.

    Attributes:
        locals: names of its local, cell and free variables; empty for a module's or class's body.
        globals: names that the code reads or writes as globals, and: does it write it.
    """

    def __init__(self, code: CodeType) -> None:
        # co_code is the code as compiled: neither specialized nor instrumented.
        self._code = code.co_code
        found: dict[str, bool] = {}
        extended = 0
        for offset in range(0, len(self._code), 2):
            opcode, arg = self._code[offset], self._code[offset + 1] | extended
            extended = arg << 8 if opcode == dis.EXTENDED_ARG else 0
            if opcode in _GLOBAL_OPCODES:
                is_load = opcode == _LOAD_GLOBAL
                name = code.co_names[arg >> 1 if is_load and _LOADS_HAVE_A_FLAG else arg]
                found[name] = found.get(name, False) or not is_load
        self.globals: tuple[tuple[str, bool], ...] = tuple(found.items())
        self.locals: tuple[str, ...] = ()
        if code.co_flags & _CO_OPTIMIZED:
            names = [*code.co_varnames, *code.co_cellvars, *code.co_freevars]
            # A comprehension's argument is called ".0".
            self.locals = tuple(name for name in dict.fromkeys(names) if name.isidentifier())

    def leaving(self, frame: FrameType) -> Literal["return", "yield", "await", "unwind"]:
        """Why a ``return`` event fired: the event itself does not say (None may mean any)."""
        name, own = self._at(frame.f_lasti)
        if name in _RETURNS:
            return "return"
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
_COROUTINE = 0x80 | 0x200
"""CO_COROUTINE and CO_ASYNC_GENERATOR."""
