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


class Opcodes:
    """What is needed of one code object, read once.

    Attributes:
        locals: names of its local, cell and free variables; empty for a module's or class's body.
        globals: names that the code reads or writes as globals, and: does it write it.
    """

    def __init__(self, code: CodeType) -> None:
        # co_code is the code as compiled: neither specialized nor instrumented.
        self._names: dict[int, tuple[str, int]] = {}
        found: dict[str, bool] = {}
        for instruction in dis.get_instructions(code):
            self._names[instruction.offset] = (instruction.opname, instruction.arg or 0)
            if instruction.opname in ("LOAD_GLOBAL", "STORE_GLOBAL", "DELETE_GLOBAL"):
                name = str(instruction.argval)
                found[name] = found.get(name, False) or instruction.opname != "LOAD_GLOBAL"
        self.globals: tuple[tuple[str, bool], ...] = tuple(found.items())
        self.locals: tuple[str, ...] = ()
        if code.co_flags & _CO_OPTIMIZED:
            names = [*code.co_varnames, *code.co_cellvars, *code.co_freevars]
            # A comprehension's argument is called ".0".
            self.locals = tuple(name for name in dict.fromkeys(names) if name.isidentifier())

    def leaving(self, frame: FrameType) -> Literal["return", "yield", "await", "unwind"]:
        """Why a ``return`` event fired: the event itself does not say (None may mean any)."""
        name, _ = self._names.get(frame.f_lasti, ("", 0))
        if name in _RETURNS:
            return "return"
        after, arg = self._names.get(frame.f_lasti + 2, ("", 0))
        if sys.version_info < (3, 11):
            if name == "YIELD_VALUE":
                return "yield"
            if after == "YIELD_FROM":  # shared by await and yield from; f_lasti is set back by one
                return "await" if frame.f_code.co_flags & _COROUTINE else "yield"
            return "unwind"
        if name == "RESUME":  # 3.13 has moved on by one already
            after, arg = name, self._names[frame.f_lasti][1]
        if name in ("YIELD_VALUE", "RESUME") and after == "RESUME" and arg & 3:
            return "await" if arg & 3 == _RESUME_AFTER_AWAIT else "yield"
        return "unwind"

    def expects_stop(self, frame: FrameType) -> bool:
        """True where StopIteration is how a loop or ``await`` ends, not an error of the program."""
        name, _ = self._names.get(frame.f_lasti, ("", 0))
        return name in _EXPECTS_STOP


_CO_OPTIMIZED = 0x1
_COROUTINE = 0x80 | 0x200
"""CO_COROUTINE and CO_ASYNC_GENERATOR."""
