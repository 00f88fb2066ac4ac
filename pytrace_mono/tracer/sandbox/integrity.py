"""Notice a program that reaches for the recorder, its result or its limits. Detection, not prevention.

The recorder lives in the program's own process, so what looks deep enough finds it. Five things tell:

- CPython's audit events: a hook cannot be removed, and is asked before the thing is done. What it finds
  goes to the result pipe at once, where the program cannot take it back.
- names in the code that is run (``f_trace``, ``memmove``, ...), where CPython has no event.
- who calls: CPython, signals and streams enter the harness at known functions; when it sends something
  or switches the recording, having been entered at another, the program did it.
- references: who reads the local variables of the harness's frames leaves some behind (until 3.12).
- seals: after a Call, what the harness consists of must be what it was before.

Walking the stack, tracebacks, closures and ``__globals__`` are nobody's guilt: honest programs do that.
What a program does to the harness's objects without calling a function of theirs, or by memory addresses
that it finds on its own, is not noticed.
"""

from __future__ import annotations

import builtins
import json
import json.encoder
import os
import site
import sys
import sysconfig
from _thread import get_ident
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from operator import gt
from signal import ITIMER_PROF, ITIMER_REAL, SIGALRM, SIGPROF, getitimer
from sys import getrefcount
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

from pytrace_mono.tracer.headroom import Rearm
from pytrace_mono.tracer.sandbox import signals
from pytrace_mono.tracer.sandbox.seals import Seals

_PACKAGE = "pytrace_mono"

# Events that no ordinary program causes; where its own code does so, that is told.
_EVENTS = {
    "sys.settrace": "called sys.settrace",
    "sys.setprofile": "called sys.setprofile",
    "sys.addaudithook": "added an audit hook",
    "sys._current_frames": "asked for the frames of all threads",
    "sys._current_exceptions": "asked for the exceptions of all threads",
    "sys.monitoring.register_callback": "registered a monitoring callback",
    "gc.get_objects": "asked the garbage collector for all objects",
    "gc.get_referrers": "asked the garbage collector for referrers",
    "gc.get_referents": "asked the garbage collector for referents",
    "code.__new__": "made a code object",
    "resource.setrlimit": "set a resource limit",
    "resource.prlimit": "set a resource limit",
    "ctypes.dlsym": "called a C function by ctypes",
    "ctypes.dlsym/handle": "called a C function by ctypes",
    "ctypes.call_function": "called a C function by ctypes",
    "ctypes.cdata": "read memory by ctypes",
    "ctypes.cdata/buffer": "read memory by ctypes",
    "ctypes.string_at": "read memory by ctypes",
    "ctypes.wstring_at": "read memory by ctypes",
    "ctypes.PyObj_FromPtr": "read memory by ctypes",
}
# The attributes whose use CPython tells of: event -> attribute -> what it means.
_ATTRIBUTES = {
    ("object.__setattr__", "__code__"): "replaced the code of a function",
}
# What only code that looks for the recorder names, and no event tells of.
_NAMES = frozenset("f_trace f_trace_lines f_trace_opcodes memmove memset py_object".split())
_THROUGH_CTYPES = "ctypes"
_get_handler = signals.get_handler


class Guard:
    """One child's watch over its own harness; made in the warm parent, and armed in the child.

    Args:
        entries: functions by which the harness may be entered while a program runs.
    """

    def __init__(self, entries: Iterable[Any]) -> None:
        # By id, because hash and equality of a code object are those of its constants.
        self._entries = {
            id(code): code for code in (one.__code__ for one in (*entries, Guard._hook))
        }
        self._held: tuple[object, ...] = ()
        self._references: list[int] = []
        self._tell: Callable[[str], None] | None = None
        self._told: set[str] = set()
        self._root: FrameType | None = None
        self._busy: set[int] = set()  # threads: what one looks up must not hide what another does
        libraries = {os.path.dirname(os.__file__), *site.getsitepackages()}
        libraries.update(sysconfig.get_path(name) for name in ("platstdlib", "purelib", "platlib"))
        self._trusted = (*(path + os.sep for path in libraries), "<frozen ")
        self._ctypes = os.path.join(os.path.dirname(os.__file__), _THROUGH_CTYPES) + os.sep
        self._seals = _seals()
        self._getframe = sys._getframe
        # CPython asks a hook for an attribute each time; a method would answer by an exception.
        sys.addaudithook(partial(Guard._hook, self))

    def begin(self, root: FrameType | None) -> None:
        """Take the frame of the harness that all its own doing in this process comes from."""
        self._root = root

    def arm(self, tell: Callable[[str], None], held: tuple[object, ...]) -> None:
        """Watch from now on.

        Args:
            tell: called at once with what was tampered with, in words.
            held: objects in local variables of the harness's frames, and nowhere else.
        """
        self._held = held
        self._references = list(map(getrefcount, held))
        self._tell = tell

    def disarm(self) -> bool:
        """Stop watching; True when something was told."""
        self._tell = None
        self._held = ()
        return bool(self._told)

    def read(self, code: CodeType) -> None:
        """Look at the names in code that is about to run."""
        found = _names_in(code) & _NAMES
        if found:
            self.say(f"names {', '.join(sorted(found))}")

    def is_own_doing(self, frame: FrameType | None) -> bool:
        """Was the harness, of which this is a frame, entered where it may be?"""
        entered = None
        while frame is not None:
            if frame is self._root:
                return True
            code = frame.f_code  # Once: CPython tells the hook of each look.
            if not code.co_filename.startswith(_HOME):
                break
            entered = code
            frame = frame.f_back
        return entered is None or id(entered) in self._entries

    def inspect(self, handlers: tuple[Any, Any]) -> None:
        """After a Call: is everything as it was?

        Args:
            handlers: of SIGALRM and SIGPROF, as they were set.
        """
        # Fewer are no sign: garbage of an earlier Call may have been collected.
        if any(map(gt, map(getrefcount, self._held), self._references)):
            self.say("read local variables of the harness")
        if changed := self._seals.changed():
            self.say(f"replaced {', '.join(changed[:5])} of the harness or builtins")
        timers = getitimer(ITIMER_REAL)[0] > 0 and getitimer(ITIMER_PROF)[0] > 0
        if (_get_handler(SIGALRM), _get_handler(SIGPROF)) != handlers or not timers:
            self.say("replaced a timer of its limits")

    def say(self, what: str) -> None:
        """Tell once, while watching."""
        if self._tell is not None and what not in self._told:
            self._told.add(what)
            self._tell(what)

    def _hook(self, event: str, args: tuple[Any, ...]) -> None:
        if self._tell is None or (self._busy and get_ident() in self._busy):
            return
        what = _EVENTS.get(event)
        if what is None:
            if event in ("object.__getattr__", "object.__setattr__"):
                what = _ATTRIBUTES.get((event, args[1]))
            elif event == "exec" and type(args[0]) is CodeType:
                if not args[0].co_filename.startswith(self._trusted):
                    self.read(args[0])
            elif event == "function.__new__" and type(args[0]) is CodeType:
                self.read(args[0])
            elif event == "compile" and str(args[1]).startswith((*self._trusted, _HOME)):
                what = "compiled code under the name of a library's file"
            if what is None:
                return
        me = get_ident()
        self._busy.add(me)
        try:
            frame = self._getframe(1)
            if event == "sys.settrace" and type(frame.f_trace) is Rearm:
                return  # CPython's answer to the refusal of a call beyond the recursion limit
            if self._is_programs(frame, event.startswith(_THROUGH_CTYPES)):
                self.say(what)
            elif not self.is_own_doing(frame):
                self.say(f"{what} by the harness's own functions")
        finally:
            self._busy.discard(me)

    def _is_programs(self, frame: FrameType | None, through_ctypes: bool) -> bool:
        """Did the program's own code cause this, not a library it called?"""
        while through_ctypes and frame is not None:
            if not frame.f_code.co_filename.startswith(self._ctypes):
                break
            frame = frame.f_back
        if frame is None:
            return False
        name = frame.f_code.co_filename
        return not name.startswith(self._trusted) and not name.startswith(_HOME)


_HOME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep


def _seals() -> Seals:
    """What the harness is made of: its modules and classes, and what Python gives them."""
    ours = [m for name, m in list(sys.modules.items()) if name.partition(".")[0] == _PACKAGE]
    sealed: list[tuple[Mapping[Any, Any], tuple[Any, ...] | None]] = [
        (vars(module), tuple(name for name in vars(module) if name != "_"))
        for module in (builtins, json, json.encoder)
    ]
    for module in ours:
        # Variables change (a cache, a counter); functions, classes and modules do not.
        kept = {
            name: value
            for name, value in vars(module).items()
            if type(value) in (FunctionType, ModuleType, type)
        }
        sealed.append((vars(module), tuple(kept)))
        sealed += [
            (vars(value), None)
            for value in kept.values()
            if getattr(value, "__module__", "") == module.__name__ and type(value) is type
        ]
    return Seals(sealed)


def _names_in(code: CodeType) -> set[str]:
    names = set(code.co_names)
    for constant in code.co_consts:
        if type(constant) is CodeType:
            names |= _names_in(constant)
        elif type(constant) is str and constant in _NAMES:
            names.add(constant)
    return names
