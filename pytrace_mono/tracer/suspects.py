"""What a program does that a recording disturbs or misses, where CPython tells nothing of it.

Until 3.12 a frame has one dict for its locals, which is brought up to date whenever a trace function
looks (until 3.11 whenever one is merely called). A program that *keeps* what ``locals()``, ``vars()``
or ``frame.f_locals`` gave it sees that dict change. Nobody but the frame holds the dict otherwise, so
the number of references to it tells, and only in recordings that meet one of those names.

Until 3.11 no event tells of ``_thread.start_new_thread``; a line that names it counts as calling it.
"""

from __future__ import annotations

import dis
import sys
from sys import getrefcount
from types import CodeType, FrameType

from pytrace_mono.tracer.kept import BUILTINS

__builtins__ = BUILTINS

_LOCALS_ARE_SHARED = sys.version_info < (3, 13)
_RAW_THREADS_ARE_SILENT = sys.version_info < (3, 12)
_WAYS_TO_LOCALS = frozenset({"locals", "vars", "f_locals", "eval", "exec"})
_STARTERS = frozenset({"start_new_thread", "start_new"})
_LOADS = ("LOAD_NAME", "LOAD_GLOBAL", "LOAD_ATTR", "LOAD_METHOD", "LOAD_FAST", "LOAD_DEREF")
_CO_OPTIMIZED = 0x1
_REFERENCES = 3
"""To the dict of locals when only its frame, a variable and an argument here hold it."""

Finding = tuple[str, str]
"""A state and a reason for :class:`pytrace_mono.tracer.types.Status`."""


Finds = tuple[bool, frozenset[int]]
"""Does a code object name a way to its locals, and which of its lines name a way to start a thread?"""


def finds_in(code: CodeType) -> Finds | None:
    """What there is to be looked at in a code object; None for nothing, as nearly always."""
    names = set(map(str, code.co_names))
    ways_to_locals = _LOCALS_ARE_SHARED and not names.isdisjoint(_WAYS_TO_LOCALS)
    starting_lines: frozenset[int] = frozenset()
    if _RAW_THREADS_ARE_SILENT and not names.isdisjoint(_STARTERS):
        starting_lines = _lines_that_load(code, _STARTERS)
    return (ways_to_locals, starting_lines) if ways_to_locals or starting_lines else None


class Suspects:
    """What one recording has met; one that has met nothing needs none."""

    def __init__(self) -> None:
        self._starting_lines: dict[int, frozenset[int]] = {}

    def meet(self, code: CodeType, finds: Finds) -> None:
        """Told of a code object that is recorded, and what :func:`finds_in` says of it; the caller
        keeps it alive."""
        starting_lines = finds[1]
        if starting_lines:
            self._starting_lines[id(code)] = starting_lines

    def look(self, frame: FrameType, event: str, arg: object) -> Finding | None:
        """To be asked at each event of a recorded frame.

        Args:
            frame, event, arg: as a trace function gets them.
        """
        lines = self._starting_lines.get(id(frame.f_code))
        if lines is not None and event == "line" and frame.f_lineno in lines:
            return "thread_untraced", f"line {frame.f_lineno} starts a thread without `threading`"
        if _LOCALS_ARE_SHARED and frame.f_code.co_flags & _CO_OPTIMIZED and event != "exception":
            namespace = frame.f_locals
            if getrefcount(namespace) > _REFERENCES and not _only_returned(namespace, event, arg):
                return (
                    "disturbed",
                    "the program keeps the dict of its locals, which recording brings up to date "
                    "(Python 3.12 and older)",
                )
        return None


def _only_returned(namespace: object, event: str, arg: object) -> bool:
    """``return locals()``: at its event nothing has changed since, unless a variable holds the dict."""
    if event != "return" or arg is not namespace or type(namespace) is not dict:
        return False
    return not any(value is namespace for value in namespace.values())


def _lines_that_load(code: CodeType, names: frozenset[str]) -> frozenset[int]:
    found: set[int] = set()
    line = code.co_firstlineno
    for instruction in dis.get_instructions(code):
        if type(instruction.starts_line) is int:
            line = instruction.starts_line
        if instruction.opname in _LOADS and instruction.argval in names:
            found.add(line)
    return frozenset(found)
