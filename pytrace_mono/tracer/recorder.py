"""Turn the interpreter's events into Steps, while the program runs.

A ``line`` event says that a line is about to run, so what a line changed is only visible at the
frame's next event, whatever that is: :meth:`_Frame.settle` compares there and writes the changes into
the step of the line that made them. One :class:`_Frame` lives in ``frame.f_trace``, so a generator
finds its own again when it is resumed and no table of frames (whose ids are reused) is needed.

Nothing here runs user code, and nothing here may raise into the program: a defect stops the
recording and is told in its status.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import BuiltinFunctionType, CodeType, FrameType, FunctionType, ModuleType
from typing import Any

from pytrace_mono.tracer import watch
from pytrace_mono.tracer.limits import Limits
from pytrace_mono.tracer.opcodes import Opcodes
from pytrace_mono.tracer.scope import Scope
from pytrace_mono.tracer.snapshot import Snapshotter

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
_MISSING = object()


class Recorder:
    """Records the frames in scope between :meth:`start` and :meth:`stop`.

    Args:
        limits: bounds on steps and on each snapshot.
        scope: which code is recorded.
        on_limit: called with a reason when ``max_steps`` is reached; it must not return. Without it
            the recorder detaches, and the program goes on unrecorded.

    Attributes:
        rows: the steps so far, in their JSON form.
    """

    def __init__(
        self, limits: Limits, scope: Scope, on_limit: Callable[[str], object] | None = None
    ) -> None:
        self.rows: list[Row] = []
        self._limits = limits
        self._scope = scope
        self._on_limit = on_limit
        self._snapshotter = Snapshotter(limits)
        self._covered: dict[str, bool] = {}
        self._codes: dict[CodeType, tuple[str, Opcodes]] = {}
        self._stack: list[_Frame] = []
        self._frames = 0
        self._active = False
        self._state: tuple[str, str | None] = ("complete", None)
        self._previous: Any = None
        self._previous_threads: Any = None

    def start(self) -> None:
        """Begin with the frames that are entered from now on."""
        self._active = True
        self._previous = sys.gettrace()
        self._previous_threads = threading.gettrace()
        threading.settrace(self._on_thread)
        sys.settrace(self._on_call)

    def attach(self, frame: FrameType) -> None:
        """Record a frame that already runs, from its next line on."""
        state = self._enter(frame)
        state.baseline(frame)
        frame.f_trace = state.trace

    def stop(self) -> dict[str, str]:
        """End, put back the trace function found at the start, and say how complete this is.

        Returns:
            The Trace's ``status`` in its JSON form.
        """
        if self._active and sys.gettrace() != self._on_call:
            # A RecursionError in a callback removes it silently (cpython#134216), as does the
            # program's own sys.settrace.
            self._mark("tracer_lost", "the trace function was removed while the program ran")
        self._active = False
        sys.settrace(self._previous)
        threading.settrace(self._previous_threads)
        self._stack.clear()
        state, reason = self._state
        return {"state": state} if reason is None else {"state": state, "reason": reason}

    def settle(self, frame: FrameType) -> None:
        """Credit what ``frame``'s latest line changed; for an attached frame about to be left."""
        state = _state_of(frame, self)
        if state is not None and self._active:
            state.settle(frame)

    def _mark(self, state: str, reason: str) -> None:
        if self._state[0] == "complete":
            self._state = (state, reason)

    def _detach(self) -> None:
        self._active = False
        sys.settrace(None)

    def _on_call(self, frame: FrameType, event: str, arg: object) -> Any:
        code = frame.f_code
        covered = self._covered.get(code.co_filename)
        if covered is None:
            covered = self._covered[code.co_filename] = self._scope.covers(code)
        if not covered or not self._active:
            return None
        try:
            state = _state_of(frame, self)
            if state is not None:
                self._stack.append(state)
                state.depth = len(self._stack) - 1
                state.resumed(frame)
            else:
                state = self._enter(frame)
                state.called(frame)
            return state.trace
        except Exception as error:
            return self._failed(error)

    def _on_thread(self, frame: FrameType, event: str, arg: object) -> None:
        if self._active and self._scope.covers(frame.f_code):
            self._mark("thread_untraced", f"{frame.f_code.co_name} ran in a thread of its own")

    def _failed(self, error: BaseException) -> None:
        self._mark("tracer_lost", f"the recorder failed: {type(error).__name__}")
        self._detach()

    def _enter(self, frame: FrameType) -> _Frame:
        code = frame.f_code
        known = self._codes.get(code)
        if known is None:
            if sys.version_info < (3, 11) and code.co_name == "<module>":
                self._name_nested(code, "")
            known = self._codes.get(code) or (_qualified_name(code), Opcodes(code))
            self._codes[code] = known
        state = _Frame(self, self._frames, len(self._stack), known[0], known[1])
        self._frames += 1
        self._stack.append(state)
        return state

    def _name_nested(self, code: CodeType, prefix: str) -> None:
        """Give 3.10 the ``co_qualname`` that code objects have from 3.11 on (bpo-44530)."""
        for constant in code.co_consts:
            if type(constant) is CodeType:
                name = prefix + constant.co_name
                self._codes[constant] = (name, Opcodes(constant))
                is_function = constant.co_flags & _CO_OPTIMIZED
                self._name_nested(constant, f"{name}.<locals>." if is_function else f"{name}.")

    def _leave(self, state: _Frame) -> None:
        if self._stack and self._stack[-1] is state:
            self._stack.pop()
        elif state in self._stack:
            del self._stack[self._stack.index(state) :]

    def _row(self, kind: str, line: int, state: _Frame) -> Row:
        if len(self.rows) >= self._limits.max_steps:
            reason = f"max_steps ({self._limits.max_steps}) reached"
            self._mark("truncated", reason)
            if self._on_limit is not None:
                self._on_limit(reason)
            self._detach()
            raise _Detached
        row: Row = {
            "kind": kind,
            "line": line,
            "function": state.function,
            "frame": state.number,
            "depth": state.depth,
            "changes": {},
            "deleted": [],
        }
        self.rows.append(row)
        return row


class _Detached(Exception):
    """Leaves a callback after the recorder has detached itself."""


class _Frame:
    """What is known of one activation: its latest row and each variable as last seen."""

    __slots__ = (
        "_globals",
        "_recorder",
        "_seen",
        "current",
        "depth",
        "function",
        "number",
        "opcodes",
        "raising",
    )

    def __init__(
        self, recorder: Recorder, number: int, depth: int, function: str, opcodes: Opcodes
    ) -> None:
        self._recorder = recorder
        self.number = number
        self.depth = depth
        self.function = function
        self.opcodes = opcodes
        self.current: Row = {"changes": {}, "deleted": []}
        self.raising = False
        self._seen: dict[str, tuple[Any, Any, Row]] = {}
        self._globals: tuple[str, ...] = ()

    def called(self, frame: FrameType) -> None:
        code = frame.f_code
        count = code.co_argcount + code.co_kwonlyargcount
        count += bool(code.co_flags & _CO_VARARGS) + bool(code.co_flags & _CO_VARKEYWORDS)
        self.baseline(frame)
        visible = self.current["changes"]
        self.current = self._recorder._row("call", frame.f_lineno, self)
        # Closure variables and globals are visible too, but it is the arguments that a call binds.
        arguments = code.co_varnames[:count]
        self.current["changes"] = {n: visible[n] for n in arguments if n in visible}

    def baseline(self, frame: FrameType) -> None:
        """Learn every visible variable, so that only later changes are credited to a line."""
        if frame.f_code.co_flags & _CO_OPTIMIZED:
            self._globals = self.opcodes.globals
        self.settle(frame)

    def resumed(self, frame: FrameType) -> None:
        """A generator goes on: what others did to its values meanwhile is not its line's doing."""
        self.current = {"changes": {}, "deleted": []}
        self.settle(frame)
        self.current = self._recorder._row("resume", frame.f_lineno, self)
        self.raising = False

    def trace(self, frame: FrameType, event: str, arg: Any) -> Any:
        """The local trace function of one frame (:func:`sys.settrace`)."""
        recorder = self._recorder
        if not recorder._active:
            return None
        try:
            stack = recorder._stack
            if not stack or stack[-1] is not self:
                # gen.throw() and gen.close() may enter a frame without a call event.
                if self not in stack:
                    stack.append(self)
                else:
                    recorder._leave(stack[stack.index(self) + 1])
            self.settle(frame)
            line = frame.f_lineno or self.current.get("line", 0)
            if event == "line":
                self.raising = False
                self.current = recorder._row("line", line, self)
            elif event == "exception":
                self._raised(frame, line, arg)
            elif event == "return":
                kind = self.opcodes.leaving(frame)
                if self.raising and kind != "return":
                    kind = "unwind"
                row = recorder._row(kind, line, self)
                if kind in ("return", "yield"):
                    row["value"] = recorder._snapshotter.take(arg)
                recorder._leave(self)
            return self.trace
        except Exception as error:
            return recorder._failed(error)

    def _raised(self, frame: FrameType, line: int, arg: Any) -> None:
        kind, value, _ = arg
        if kind in (StopIteration, StopAsyncIteration) and self.opcodes.expects_stop(frame):
            return
        self.raising = True
        row = self._recorder._row("exception", line, self)
        row["value"] = self._recorder._snapshotter.raised(kind, value)

    def settle(self, frame: FrameType) -> None:
        """Write into the current row what changed since the last look."""
        seen = self._seen
        visible: Any = frame.f_locals
        global_names = frame.f_globals
        if visible is global_names or not self._globals:
            # A copy, because a collection during the loop may run a __del__ that binds globals.
            visible = visible.copy() if visible is global_names else visible
        else:
            visible = dict(visible)
            for name in self._globals:
                value = global_names.get(name, _MISSING)
                if value is not _MISSING and not _is_vocabulary(type(value)):
                    visible[name] = value
        count = 0
        for name, value in visible.items():
            entry = seen.get(name)
            if entry is not None:
                count += 1
                if entry[0] is value and entry[1] is None:
                    continue
            elif type(name) is not str or name in _CLASS_NAMES or not name.isidentifier():
                continue
            else:
                count += 1
            self._look(name, value, entry)
        if count < len(seen):
            for name in [name for name in seen if name not in visible]:
                del seen[name]
                self.current["changes"].pop(name, None)
                self.current["deleted"].append(name)

    def _look(self, name: str, value: Any, entry: tuple[Any, Any, Row] | None) -> None:
        """Compare one variable and remember it as (atomic value or id, copy or marker, snapshot)."""
        held: Any = value
        copy: Any = None
        if type(value) not in watch.ATOMIC:
            if entry is not None and type(entry[1]) is tuple and watch.unchanged(entry[1], value):
                return
            copy = watch.copy_of(value)
            # Without a copy only an id is kept: a reference would delay the program's __del__.
            held, copy = (None, copy) if copy is not None else (id(value), _TEXT_ONLY)
        snapshot = self._recorder._snapshotter.take(value)
        if entry is None or snapshot != entry[2] or self._replaced(snapshot, held, copy, entry):
            self.current["changes"][name] = snapshot
            if name in self.current["deleted"]:
                self.current["deleted"].remove(name)
        self._seen[name] = (held, copy, snapshot)

    @staticmethod
    def _replaced(snapshot: Row, held: Any, copy: Any, entry: tuple[Any, Any, Row]) -> bool:
        """True when the text is the same but is not all there is, and the value behind it is not."""
        if snapshot["exact"]:
            return False
        return bool(held != entry[0]) if copy is _TEXT_ONLY else True


_TEXT_ONLY = object()


def _is_vocabulary(kind: type) -> bool:
    """Globals that are functions, classes or modules are what a program is written in, not its data."""
    return kind in (FunctionType, BuiltinFunctionType, ModuleType) or issubclass(kind, type)


def _state_of(frame: FrameType, recorder: Recorder) -> _Frame | None:
    state = getattr(frame.f_trace, "__self__", None)
    return state if type(state) is _Frame and state._recorder is recorder else None


def _qualified_name(code: CodeType) -> str:
    return getattr(code, "co_qualname", code.co_name)
