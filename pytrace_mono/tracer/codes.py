"""Which code objects a recording records, and what it knows of each."""

from __future__ import annotations

import os
import sys
from abc import ABC, abstractmethod
from types import CodeType

from pytrace_mono.tracer import classes
from pytrace_mono.tracer.classes import ident
from pytrace_mono.tracer.kept import BUILTINS
from pytrace_mono.tracer.opcodes import Function, opcodes_of
from pytrace_mono.tracer.scope import Files, Scope
from pytrace_mono.tracer.suspects import Suspects

__builtins__ = BUILTINS

_CO_OPTIMIZED = 0x1
_NAMES_ARE_SHORT = sys.version_info < (3, 11)
_OWN_FILES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "")


class Codes(ABC):
    """Of one recording.

    Args:
        scope: which code is recorded.

    Attributes:
        suspects: what was met that a recording may disturb or miss; None for nothing.
    """

    __slots__ = ("_covered", "_covers_others", "_functions", "_scope", "_token", "suspects")

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        # What is met in a recording may be used in another one with the same answers.
        self._token = scope.program if scope.code is None else object()
        self._covered: dict[str, bool] = {}
        self._covers_others: bool | None = None  # None until the scope was asked
        if type(scope.accepts) is Files:
            self._covers_others = False
            for name in scope.accepts:
                self._covered[name] = not name.startswith(_OWN_FILES)
        # By id, because hash and equality of a code object are those of its constants.
        self._functions: dict[int, tuple[CodeType, Function | None]] = {}
        self.suspects: Suspects | None = None

    @abstractmethod
    def _lose(self, reason: str) -> None:
        """Record no longer, and say why."""

    def _covers(self, code: CodeType) -> bool:
        return self._covers_file(code.co_filename) and self._wants(code)

    def _covers_file(self, name: str) -> bool:
        if type(name) is not str:
            name = classes.plain(name)  # code.replace() takes any subclass of str
        covered = False
        try:
            if self._scope.accepts(name):
                # Our own files are not, whatever the scope says: there would be no end to it.
                covered = not name.startswith(_OWN_FILES)
        except Exception as error:  # a predicate of the user's may raise anything
            self._raised(error)
        self._covered[name] = covered
        return covered

    def _wants(self, code: CodeType) -> bool:
        """Of code in a file that is covered."""
        wanted = self._scope.code
        try:
            return wanted is None or bool(wanted(code))
        except Exception as error:  # likewise
            return self._raised(error)

    def _raised(self, error: Exception) -> bool:
        """The scope asks code of the user's; the program is not to meet its errors."""
        self._lose(f"the scope raised {classes.name_of(type(error))}")
        return False

    def _meet(self, code: CodeType, name: str | None = None) -> tuple[CodeType, Function | None]:
        """What all activations of a code object have in common; None for one that is not recorded."""
        if self._scope.code is not None and not self._wants(code):
            return self._functions.setdefault(ident(code), (code, None))
        if not _NAMES_ARE_SHORT:
            name = code.co_qualname  # type: ignore[attr-defined]  # from 3.11 on
        elif name is None:
            name = code.co_name
            if name == "<module>":
                self._name_nested(code, "")
        opcodes = opcodes_of(code)
        file: str | None = None
        if code.co_filename is not self._scope.program:
            file = classes.plain(code.co_filename)
            if file == self._scope.program:
                file = None
        function = Function.of(classes.plain(name), opcodes, file, self._token)
        if opcodes.finds is not None:
            self.suspects = self.suspects or Suspects()
            self.suspects.meet(code, opcodes.finds)
        elif not _NAMES_ARE_SHORT:
            opcodes.latest = function
        self._functions[ident(code)] = met = code, function
        return met

    def _name_nested(self, code: CodeType, prefix: str) -> None:
        """Give 3.10 the ``co_qualname`` that code objects have from 3.11 on (bpo-44530)."""
        for constant in code.co_consts:
            if type(constant) is CodeType:
                name = prefix + constant.co_name
                self._meet(constant, name)
                is_function = constant.co_flags & _CO_OPTIMIZED
                self._name_nested(constant, f"{name}.<locals>." if is_function else f"{name}.")
