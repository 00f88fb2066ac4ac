"""One activation of a function: what is known of its variables, and the Steps it makes.

A ``line`` event says that a line is about to run, so what a line changed is only visible at the
frame's next event, whatever that is: :meth:`Activation.settle` compares there and writes the changes
into the step of the line that made them.
"""

from __future__ import annotations

import gc
from types import BuiltinFunctionType, FrameType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from pytrace_mono.tracer.classes import ident
from pytrace_mono.tracer.copies import Copy, is_atomic, renewed
from pytrace_mono.tracer.effects import are_real
from pytrace_mono.tracer.opcodes import Opcodes
from pytrace_mono.tracer.rows import names_text, quoted
from pytrace_mono.tracer.watch import Large, Memory

if TYPE_CHECKING:
    from pytrace_mono.tracer.recorder import Recorder

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
_CO_ASYNC_GENERATOR = 0x200
_MISSING: Any = object()
_EXACT = '"exact": true}'
_NOTHING_DELETED = '}, "deleted": []'

# Kept from before the program runs, which may replace the names in `gc`.
gc_isenabled, gc_disable, gc_enable = gc.isenabled, gc.disable, gc.enable


class Seen:
    """What is remembered of a variable's value that is not atomic.

    Attributes:
        held: the value's id, where its copy does not tell it from another one.
        copy: by which a change is noticed; None where there is too much to remember, so that the text
            has to do, and :class:`Large` where the text and the size have to.
    """

    __slots__ = ("copy", "held")

    def __init__(self, held: int | None, copy: Memory | None) -> None:
        self.held = held
        self.copy = copy


class Activation:
    """What is known of one activation: its latest step and each variable as last seen.

    Attributes:
        bound: the variables that the latest line can have bound, if that is all it can have done; None
            where it may have changed anything.
        is_plain: all that the frame was ever seen to reach is made of exact built-in types, which is
            what the proof in :mod:`pytrace_mono.tracer.effects` rests on.
    """

    __slots__ = (
        "_at",
        "_beyond",
        "_changes",
        "_deleted",
        "_is_stale",
        "_last",
        "_namespace",
        "_place",
        "_shown",
        "_tail",
        "_unchecked",
        "bound",
        "depth",
        "file",
        "function",
        "is_plain",
        "line",
        "number",
        "opcodes",
        "raising",
        "recorder",
    )

    def __init__(
        self,
        recorder: Recorder,
        number: int,
        function: str,
        opcodes: Opcodes,
        file: str | None,
    ) -> None:
        self.recorder = recorder
        self.number = number
        self.function = function
        self.opcodes = opcodes
        self.line = 0
        self.bound: tuple[str, ...] | None = None
        self.is_plain = True
        self.raising = False
        self._tail = _NOTHING_DELETED + ("}" if file is None else f', "file": {quoted(file)}}}')
        self.file = file
        self._namespace: Any = None
        # By name: an atomic value itself, a Seen, or _MISSING.
        self._last: dict[str, Any] = dict.fromkeys(opcodes.locals, _MISSING)
        self._shown: dict[str, str] = {}
        self._changes: dict[str, str] | None
        self._deleted: list[str] | None
        self._beyond: list[str] | None
        self._unchecked: list[str] | None
        self._detach_step()

    def enter_at(self, depth: int) -> None:
        """Begin or go on, with this many recorded callers."""
        self.depth = depth
        self._place = (
            f'{quoted(self.function)}, "frame": {self.number}, "depth": {depth}, "changes": {{'
        )

    def called(self, frame: FrameType) -> None:
        self.settle(frame)
        line = frame.f_lineno or frame.f_code.co_firstlineno
        # Closure variables and globals are visible too, but it is the arguments that a call binds.
        shown = self._shown
        changes = {n: shown[n] for n in self.opcodes.arguments if n in shown}
        self._begin("call", line)
        if changes:
            self._changes = changes
            self._write()
        if self.is_plain and self.opcodes.locals:
            self.bound = ()  # up to its first line a function binds nothing

    def baseline(self, frame: FrameType) -> None:
        """Learn every visible variable, so that only later changes are credited to a line."""
        self.settle(frame)
        self._detach_step()

    def resumed(self, frame: FrameType) -> None:
        """A generator goes on: what others did to its values meanwhile is not its line's doing."""
        self._detach_step()
        self.settle(frame)
        self._begin("resume", frame.f_lineno or self.line)
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
            bound = self.bound
            if bound is None or recorder.latest is not self or recorder.suspects.found:
                self._arrive(frame, event, arg)
            elif bound:
                self._settle_bound(frame, bound)
            recorder.latest = self
            if event == "line":
                self.raising = False
                line = frame.f_lineno or self.line
                head, quiet = self.opcodes.lines.get(line) or self.opcodes.line(line)
                rows = recorder.rows
                if len(rows.heads) >= recorder.max_steps:
                    recorder.full()
                self._at = len(rows.heads)
                rows.tails.append(self._tail)
                rows.heads.append(head + self._place)
                self.line = line
                self._changes = self._deleted = self._beyond = self._unchecked = None
                if quiet is None or not self.is_plain:
                    self.bound = None
                else:
                    names, builtins = quiet
                    self.bound = names if not builtins or are_real(builtins, frame) else None
            elif event == "exception":
                self._raised(frame, frame.f_lineno or self.line, arg)
            elif event == "return":
                self._left(frame, frame.f_lineno or self.line, arg)
            return self.trace
        except Exception as error:  # any defect of ours: it must not reach the program
            recorder.failed(error)
            return None
        finally:
            if collecting:
                gc_enable()

    def _arrive(self, frame: FrameType, event: str, arg: Any) -> None:
        """An event after which anything may be different."""
        recorder = self.recorder
        stack = recorder.stack
        if not stack or stack[-1] is not self:
            recorder.find(self, frame)
        if recorder.suspects.found:
            finding = recorder.suspects.look(frame, event, arg)
            if finding is not None:
                recorder.mark(*finding)
        self.settle(frame)

    def _left(self, frame: FrameType, line: int, arg: Any) -> None:
        recorder = self.recorder
        kind: str = self.opcodes.leaving(frame)
        if self.raising and kind != "return":
            kind = "unwind"
        if not frame.f_trace_lines:
            recorder.mark("tracer_lost", f"{self.function} switched its line events off")
        value: str | None = None
        if kind == "yield" and frame.f_code.co_flags & _CO_ASYNC_GENERATOR:
            # What an async generator yields comes wrapped in an object that has no other way in.
            wrapped = gc.get_referents(arg)
            if len(wrapped) == 1:
                value = recorder.text_of(wrapped[0])
        elif kind in ("return", "yield"):
            value = recorder.text_of(arg)
        self._append(kind, line, value)
        recorder.leave(self)

    def _raised(self, frame: FrameType, line: int, arg: Any) -> None:
        kind, value, traceback = arg
        self.bound = None  # the way to a handler has no line of its own
        if value is not None and value is self.recorder.refusal:
            traceback.tb_next = (
                None  # the refused frame and the recorder's own are not the program's
            )
            self.recorder.refusal = None
        is_stop = issubclass(kind, StopIteration) or issubclass(kind, StopAsyncIteration)
        if is_stop and self.opcodes.expects_stop(frame):
            return
        self.raising = True
        # The line still owns what is changed on the way to a handler.
        self._append("exception", line, self.recorder.snapshotter.raised_fragment(kind, value))

    def _append(self, kind: str, line: int, value: str | None = None) -> None:
        """Append a step that binds nothing itself."""
        rows = self.recorder.rows
        if len(rows.heads) >= self.recorder.max_steps:
            self.recorder.full()
        rows.tails.append(self._tail if value is None else f'{self._tail[:-1]}, "value": {value}}}')
        rows.heads.append(f'{{"kind": "{kind}", "line": {line}, "function": {self._place}')

    def _begin(self, kind: str, line: int) -> None:
        """Append a step that owns what is found to have changed from here on."""
        self._append(kind, line)
        self._detach_step()
        self._at = len(self.recorder.rows.heads) - 1
        self.line = line

    def _detach_step(self) -> None:
        """What is found to have changed from here on is nobody's doing, or that of the next step."""
        self._at = -1
        self._changes = self._deleted = self._beyond = self._unchecked = None
        self._is_stale = False
        self.bound = None

    def _write(self) -> None:
        """Write the end of the current step anew."""
        self._is_stale = False
        if self._at < 0:
            return
        text = ""
        if self._changes:
            for name, told in self._changes.items():
                text += f", {quoted(name)}: {told}" if text else f"{quoted(name)}: {told}"
            if not self._deleted and not self._beyond and not self._unchecked:
                self.recorder.rows.tails[self._at] = text + self._tail
                return
        text += f'}}, "deleted": {names_text(self._deleted)}' if self._deleted else _NOTHING_DELETED
        if self.file is not None:
            text += f', "file": {quoted(self.file)}'
        if self._beyond:
            text += f', "changed_beyond_preview": {names_text(self._beyond)}'
        if self._unchecked:
            text += f', "unchecked": {names_text(list(dict.fromkeys(self._unchecked)))}'
        self.recorder.rows.tails[self._at] = text + "}"

    def settle(self, frame: FrameType) -> None:
        """Write into the current step what changed since the last look."""
        last = self._last
        opcodes = self.opcodes
        if opcodes.locals:
            get = frame.f_locals.get
            for name in opcodes.locals:
                value = get(name, _MISSING)
                old = last[name]
                if value is old:
                    continue
                copy = None
                if type(old) is Seen and type(old.copy) is Copy and value is not _MISSING:
                    copy = renewed(old.copy, value)
                    if copy is old.copy:
                        continue
                self._look(name, value, old, copy)
        elif not frame.f_code.co_flags & _CO_OPTIMIZED:
            self._settle_namespace(frame)
        if opcodes.globals and self._namespace is None:
            namespace = frame.f_globals
            for name, is_written in opcodes.globals:
                value = dict.get(namespace, name, _MISSING)
                old = last.get(name, _MISSING)
                if value is not old and (
                    is_written or old is not _MISSING or not _is_vocabulary(type(value))
                ):
                    self._look(name, value, old)
        if self._is_stale:
            self._write()

    def _settle_bound(self, frame: FrameType, names: tuple[str, ...]) -> None:
        """The same, where it is known that nothing but these variables can have changed."""
        visible = frame.f_locals
        last = self._last
        for name in names:
            value = visible.get(name, _MISSING)
            old = last[name]
            if value is old:
                continue
            if type(old) is Seen:
                # Letting go of a value may do anything, where it was the last one to hold it.
                self.settle(frame)
                return
            if self._changes is None and is_atomic(type(value)):
                text = self.recorder.snapshotter.fragment(value)
                if text != self._shown.get(name):
                    last[name] = value
                    self._shown[name] = text
                    self._changes = {name: text}
                    if self._deleted is None and self._unchecked is None:
                        self.recorder.rows.tails[self._at] = f"{quoted(name)}: {text}{self._tail}"
                    else:
                        self._write()
                    continue
            self._look(name, value, old)
        if self._is_stale:
            self._write()

    def _settle_namespace(self, frame: FrameType) -> None:
        """The same for the body of a module or class."""
        # Asked for once, at the first event: from 3.12 on, a comprehension in a module's body keeps
        # its variables in the frame, and asking then damages them (3.12) or gives a view (3.13).
        if self._namespace is None:
            self._namespace = frame.f_locals
        namespace = self._namespace
        last = self._last
        visible: dict[str, Any] = {}
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
        if namespace is not frame.f_globals:
            for name, is_written in self.opcodes.globals:
                value = dict.get(frame.f_globals, name, _MISSING)
                if value is not _MISSING and (
                    is_written or name in last or not _is_vocabulary(type(value))
                ):
                    visible[name] = value
        for name, value in visible.items():
            if value is not last.get(name, _MISSING):
                self._look(name, value, last.get(name, _MISSING))
        if len(visible) < len(last):
            for name in [name for name in last if name not in visible]:
                self._look(name, _MISSING, last[name])
                del last[name]

    def _look(self, name: str, value: Any, old: Any, now: Copy | None = None) -> None:
        """Compare one variable, which may have changed, and remember it.

        Args:
            old: what is remembered of it.
            now: the copy that is right, if the one in ``old`` was found not to be.
        """
        if value is _MISSING:
            self._gone(name)
            return
        recorder = self.recorder
        entry = old if type(old) is Seen else None
        text: str | None
        new = value
        if is_atomic(type(value)):
            text = recorder.snapshotter.fragment(value)
        else:
            before = None
            if entry is not None and (entry.held is None or entry.held == ident(value)):
                before = entry.copy
            copy, text = recorder.known.look(value, before, now)
            if text is None:
                return
            # Of an object only its id is kept: a reference would delay the program's __del__.
            new = Seen(None if type(copy) is Copy else ident(value), copy)
            if type(copy) is not Copy and not (type(copy) is Large and copy.is_plain):
                self.is_plain = False
        self._last[name] = new
        if text != self._shown.get(name):
            self._changed(name, text)
        elif not text.endswith(_EXACT):
            # The text is the same but not all there is: is the value behind it another one?
            if type(new) is Seen and entry is not None and _looks_the_same(entry, new):
                self._unchecked = [*(self._unchecked or ()), name]
                self._is_stale = True
                return
            self._changed(name, text)
            if self._beyond is None:
                self._beyond = []
            if name not in self._beyond:
                self._beyond.append(name)

    def _changed(self, name: str, text: str) -> None:
        self._shown[name] = text
        if self._changes is None:
            self._changes = {}
        self._changes[name] = text
        if self._deleted is not None and name in self._deleted:
            self._deleted.remove(name)
        self._is_stale = True

    def _gone(self, name: str) -> None:
        self._last[name] = _MISSING
        self._shown.pop(name, None)
        if self._changes is not None:
            self._changes.pop(name, None)
        if self._deleted is None:
            self._deleted = []
        self._deleted.append(name)
        self._is_stale = True


def _looks_the_same(before: Seen, now: Seen) -> bool:
    """Is it the same value, of which there is too much to tell whether it has changed?"""
    if before.held != now.held:
        return False
    if type(now.copy) is Large:
        return type(before.copy) is Large and before.copy.size == now.copy.size
    return now.copy is None and before.copy is None


def _is_vocabulary(kind: type) -> bool:
    """Globals that are functions, classes or modules are what a program is written in, not its data."""
    return (
        kind is FunctionType
        or kind is BuiltinFunctionType
        or kind is ModuleType
        or issubclass(kind, type)
    )
