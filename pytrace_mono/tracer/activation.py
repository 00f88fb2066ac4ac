"""One activation of a function: what is known of its variables, and the Steps it makes.

A ``line`` event says that a line is about to run, so what a line changed is only visible at the
frame's next event, whatever that is: :meth:`Activation.settle` compares there and writes the changes
into the step of the line that made them.
"""

from __future__ import annotations

import gc
from types import BuiltinFunctionType, FrameType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from pytrace_mono.tracer import watch
from pytrace_mono.tracer.opcodes import Opcodes

if TYPE_CHECKING:
    from pytrace_mono.tracer.recorder import Recorder

Row = dict[str, Any]
"""A Step in its JSON form (:func:`pytrace_mono.tracer.serialize.step_to_dict`)."""

_CLASS_NAMES = frozenset(
    {
        "__module__",
        "__qualname__",
        "__firstlineno__",
        "__static_attributes__",
        "__classdict__",
        "__classcell__",
        "__annotations__",
        "__annotate__",
        "__conditional_annotations__",
        "__builtins__",
    }
)
"""Names that the interpreter binds in module and class bodies on its own account."""


_CO_OPTIMIZED = 0x1
_CO_VARARGS = 0x4
_CO_VARKEYWORDS = 0x8
_CO_ASYNC_GENERATOR = 0x200
_MISSING = object()
_TEXT_ONLY = object()

# Kept from before the program runs, which may replace the names in `gc`.
gc_isenabled, gc_disable, gc_enable = gc.isenabled, gc.disable, gc.enable


class Activation:
    """What is known of one activation: its latest row and each variable as last seen."""

    __slots__ = (
        "_namespace",
        "_seen",
        "current",
        "depth",
        "file",
        "function",
        "number",
        "opcodes",
        "raising",
        "recorder",
    )

    def __init__(
        self, recorder: Recorder, number: int, depth: int, function: str, opcodes: Opcodes
    ) -> None:
        self.recorder = recorder
        self.number = number
        self.depth = depth
        self.function = function
        self.opcodes = opcodes
        self.current: Row = {"changes": {}, "deleted": []}
        self.raising = False
        self.file: str | None = None
        self._namespace: Any = None
        self._seen: dict[str, tuple[Any, Any, Row]] = {}

    def called(self, frame: FrameType) -> None:
        code = frame.f_code
        count = code.co_argcount + code.co_kwonlyargcount
        count += bool(code.co_flags & _CO_VARARGS) + bool(code.co_flags & _CO_VARKEYWORDS)
        self.baseline(frame)
        visible = self.current["changes"]
        line = frame.f_lineno or code.co_firstlineno
        self.current = self.recorder.row("call", line, self)
        # Closure variables and globals are visible too, but it is the arguments that a call binds.
        arguments = code.co_varnames[:count]
        self.current["changes"] = {n: visible[n] for n in arguments if n in visible}

    def baseline(self, frame: FrameType) -> None:
        """Learn every visible variable, so that only later changes are credited to a line."""
        self.settle(frame)

    def resumed(self, frame: FrameType) -> None:
        """A generator goes on: what others did to its values meanwhile is not its line's doing."""
        line = frame.f_lineno or self.current.get("line", 0)
        self.current = {"changes": {}, "deleted": []}
        self.settle(frame)
        self.current = self.recorder.row("resume", line, self)
        self.raising = False

    def trace(self, frame: FrameType, event: str, arg: Any) -> Any:
        """The local trace function of one frame (:func:`sys.settrace`)."""
        recorder = self.recorder
        if not recorder.active:
            return None
        # The program's __del__ are to run in the program, where they are recorded.
        collecting = gc_isenabled()
        gc_disable()
        try:
            stack = recorder.stack
            if not stack or stack[-1] is not self:
                recorder.find(self, frame)
            if recorder.suspects.found:
                finding = recorder.suspects.look(frame, event, arg)
                if finding is not None:
                    recorder.mark(*finding)
            self.settle(frame)
            line = frame.f_lineno or self.current.get("line", 0)
            if event == "line":
                self.raising = False
                self.current = recorder.row("line", line, self)
            elif event == "exception":
                self._raised(frame, line, arg)
            elif event == "return":
                self._left(frame, line, arg)
            return self.trace
        except Exception as error:
            recorder.failed(error)
            return None
        finally:
            if collecting:
                gc_enable()

    def _left(self, frame: FrameType, line: int, arg: Any) -> None:
        recorder = self.recorder
        kind = self.opcodes.leaving(frame)
        if self.raising and kind != "return":
            kind = "unwind"
        if not frame.f_trace_lines:
            recorder.mark("tracer_lost", f"{self.function} switched its line events off")
        row = recorder.row(kind, line, self)
        if kind == "yield" and frame.f_code.co_flags & _CO_ASYNC_GENERATOR:
            # What an async generator yields comes wrapped in an object that has no other way in.
            wrapped = gc.get_referents(arg)
            if len(wrapped) == 1:
                row["value"] = recorder.snapshotter.take(wrapped[0])
        elif kind in ("return", "yield"):
            row["value"] = recorder.snapshotter.take(arg)
        recorder.leave(self)

    def _raised(self, frame: FrameType, line: int, arg: Any) -> None:
        kind, value, traceback = arg
        if value is not None and value is self.recorder.refusal:
            traceback.tb_next = (
                None  # the refused frame and the recorder's own are not the program's
            )
            self.recorder.refusal = None
        is_stop = issubclass(kind, StopIteration) or issubclass(kind, StopAsyncIteration)
        if is_stop and self.opcodes.expects_stop(frame):
            return
        self.raising = True
        row = self.recorder.row("exception", line, self)
        row["value"] = self.recorder.snapshotter.raised(kind, value)

    def settle(self, frame: FrameType) -> None:
        """Write into the current row what changed since the last look."""
        seen = self._seen
        visible = self._visible(frame)
        for name, value in visible.items():
            entry = seen.get(name)
            if entry is None or entry[0] is not value or entry[1] is not None:
                self._look(name, value, entry)
        if len(visible) < len(seen):
            for name in [name for name in seen if name not in visible]:
                del seen[name]
                self.current["changes"].pop(name, None)
                self.current["deleted"].append(name)

    def _visible(self, frame: FrameType) -> dict[str, Any]:
        """The variables that count as this frame's, by name."""
        opcodes = self.opcodes
        global_names = frame.f_globals
        visible: dict[str, Any] = {}
        namespace: Any = None
        if opcodes.locals:
            get = frame.f_locals.get
            for name in opcodes.locals:
                value = get(name, _MISSING)
                if value is not _MISSING:
                    visible[name] = value
        elif not frame.f_code.co_flags & _CO_OPTIMIZED:
            # Asked for once, at the first event: from 3.12 on, a comprehension in a module's body keeps
            # its variables in the frame, and asking then damages them (3.12) or gives a view (3.13).
            if self._namespace is None:
                self._namespace = frame.f_locals
            namespace = self._namespace
            if issubclass(type(namespace), dict):
                # By dict itself, because __prepare__ and exec() may bring a subclass; dict.copy() asks
                # a subclass for its keys().
                for name, value in list(dict.items(namespace)):
                    if type(name) is str and name not in _CLASS_NAMES and name.isidentifier():
                        visible[name] = value
            else:
                self.recorder.mark(
                    "truncated", f"{self.function} keeps its names in a mapping that has code"
                )
            if namespace is global_names:
                return visible
        for name, is_written in opcodes.globals:
            value = dict.get(global_names, name, _MISSING)
            if value is not _MISSING and (
                is_written or name in self._seen or not _is_vocabulary(type(value))
            ):
                visible[name] = value
        return visible

    def _look(self, name: str, value: Any, entry: tuple[Any, Any, Row] | None) -> None:
        """Compare one variable and remember it as (atomic value or id, copy or marker, snapshot)."""
        recorder = self.recorder
        held: Any = value
        copy: Any = None
        snapshot: Row | None = None
        if id(type(value)) not in watch.ATOMIC:
            if (
                entry is not None
                and entry[1] is not None
                and entry[1] is not _TEXT_ONLY
                and (entry[0] is None or entry[0] == id(value))
                and recorder.known.unchanged(entry[1], value)
            ):
                return
            copy, snapshot = recorder.known.find(value, entry and entry[1])
            # Of an object only its id is kept: a reference would delay the program's __del__.
            held = None if type(copy) is tuple else id(value)
            copy = copy or _TEXT_ONLY
        if snapshot is None:
            snapshot = recorder.snapshotter.take(value)
            if copy is not None and copy is not _TEXT_ONLY:
                recorder.known.add(value, copy, snapshot, recorder.snapshotter.shown)
        if entry is None or snapshot != entry[2]:
            self._changed(name, snapshot)
        elif self._replaced(snapshot, held, copy, entry):
            self._changed(name, snapshot)
            beyond = self.current.setdefault("changed_beyond_preview", [])
            if name not in beyond:
                beyond.append(name)
        self._seen[name] = (held, copy, snapshot)

    def _changed(self, name: str, snapshot: Row) -> None:
        self.current["changes"][name] = snapshot
        if name in self.current["deleted"]:
            self.current["deleted"].remove(name)

    @staticmethod
    def _replaced(snapshot: Row, held: Any, copy: Any, entry: tuple[Any, Any, Row]) -> bool:
        """True when the text is the same but is not all there is, and the value behind it is not."""
        if snapshot["exact"]:
            return False
        return bool(held != entry[0]) if copy is _TEXT_ONLY else True


def _is_vocabulary(kind: type) -> bool:
    """Globals that are functions, classes or modules are what a program is written in, not its data."""
    return (
        kind is FunctionType
        or kind is BuiltinFunctionType
        or kind is ModuleType
        or issubclass(kind, type)
    )
