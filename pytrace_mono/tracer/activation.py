"""One activation of a function, and the Steps it makes.

A ``line`` event says that a line is about to run, so what a line changed is only visible at the
frame's next event, whatever that is: the variables are compared there, and the changes are written
into the step of the line that made them.
"""

from __future__ import annotations

import gc
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple

from pytrace_mono.tracer.effects import are_real
from pytrace_mono.tracer.opcodes import MISSING, Opcodes
from pytrace_mono.tracer.rows import names_text, quoted
from pytrace_mono.tracer.variables import CHANGEABLE, Variables

if TYPE_CHECKING:
    from pytrace_mono.tracer.recorder import Recorder

_CO_ASYNC_GENERATOR = 0x200
_NOTHING_DELETED = '}, "deleted": []'

# Kept from before the program runs, which may replace the names in `gc`.
gc_isenabled, gc_disable, gc_enable = gc.isenabled, gc.disable, gc.enable


class Function(NamedTuple):
    """What all activations of one code object in a recording have in common.

    Attributes:
        name: its qualified name.
        place: the start of :attr:`pytrace_mono.tracer.rows.Rows.places` for it.
        opcodes: what its bytecode says.
        file: its file, where it is not the program's.
        tail: how a step ends that changes nothing.
    """

    name: str
    place: str
    opcodes: Opcodes
    file: str | None
    tail: str

    @classmethod
    def of(cls, name: str, opcodes: Opcodes, file: str | None) -> Function:
        ending = "}" if file is None else f', "file": {quoted(file)}}}'
        place = f'{quoted(name)}, "frame": '
        return cls(name, place, opcodes, file, _NOTHING_DELETED + ending)


class Activation(Variables):
    """What is known of one activation: its latest step and each variable as last seen.

    Attributes:
        number: how many activations began before it.
        depth: how many recorded callers it has.
        bound: the variables that the latest line can have bound, if that is all it can have done; None
            where it may have changed anything.
        raising: an exception is under way.
    """

    __slots__ = (
        "_at",
        "_builtins_are_real",
        "_file",
        "_line",
        "_lines",
        "_place",
        "_tail",
        "_whose",
        "bound",
        "depth",
        "number",
        "raising",
    )

    def __init__(self, recorder: Recorder, number: int, function: Function, depth: int) -> None:
        super().__init__(recorder, function.name, function.opcodes)
        self.number = number
        self._file = function.file
        self._tail = function.tail
        self._whose = function.place
        self._lines = function.opcodes.lines
        self._line = 0
        self._at = -1
        self.bound: tuple[str, ...] | None = None
        self._builtins_are_real = False
        self.raising = False
        self.enter_at(depth)

    @property
    def line(self) -> int:
        """The line that runs, or is about to."""
        return self._line

    def enter_at(self, depth: int) -> None:
        """Begin or go on, with this many recorded callers."""
        self.depth = depth
        self._place = f'{self._whose}{self.number}, "depth": {depth}, "changes": {{'

    def called(self, frame: FrameType) -> None:
        self.compare(frame)
        self._begin("call", frame.f_lineno or frame.f_code.co_firstlineno)
        # Closure variables and globals are visible too, but it is the arguments that a call binds.
        shown = self._shown
        if shown:
            for name in self.opcodes.arguments:
                if name in shown:
                    self.changes[name] = shown[name]
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
        self._begin("resume", frame.f_lineno or self._line)
        self.raising = False

    def trace(self, frame: FrameType, event: str, arg: Any) -> Any:
        """The local trace function of one frame (:func:`sys.settrace`).

        It stays the frame's own whatever it returns, and to return None needs no object. Here is only
        what most lines need, without any object that the garbage collector counts and would run for.
        """
        recorder = self.recorder
        try:
            if recorder.quiet is not self or event != "line" or not self._builtins_are_real:
                return self._trace(frame, event, arg)
            line = frame.f_lineno
            known = self._lines.get(line)
            rows = recorder.rows
            heads = rows.heads
            at = len(heads)
            if known is None or at >= recorder.max_steps:
                return self._trace(frame, event, arg)
            bound = self.bound
            if bound:
                if len(bound) != 1:
                    return self._trace(frame, event, arg)
                name = bound[0]
                value = frame.f_locals.get(name, MISSING)
                if value is not self._last[name]:
                    kind = type(value)
                    if (
                        (
                            (kind is not int and kind is not str and kind is not bool)
                            and (kind is not float and value is not None)
                        )
                        or self.changes
                        or self.deleted is not None
                        or self.unchecked is not None
                        or type(self._last[name]) in CHANGEABLE
                    ):
                        return self._trace(frame, event, arg)
                    text = recorder.snapshotter.fragment(value)
                    if text == self._shown.get(name):
                        return self._trace(frame, event, arg)
                    self._last[name] = value
                    self._shown[name] = text
                    rows.tails[self._at] = self.opcodes.labels[name] + text + self._tail
            rows.tails.append(self._tail)
            rows.places.append(self._place)
            head, self.bound = known
            heads.append(head)
            self._at = at
            self._line = line
            self.raising = False
            if self.changes:
                self.changes.clear()
            self.deleted = self.beyond = self.unchecked = None
            if self.bound is None:
                recorder.quiet = None
            return None
        except Exception as error:  # any defect of ours: it must not reach the program
            recorder.failed(error)
            return None

    def _trace(self, frame: FrameType, event: str, arg: Any) -> Any:
        """The same, for every event."""
        recorder = self.recorder
        if not recorder.active:
            return None
        # The program's __del__ are to run in the program, where they are recorded.
        collecting = gc_isenabled()
        gc_disable()
        try:
            bound = self.bound
            is_quiet = recorder.quiet is self
            recorder.quiet = None
            if not is_quiet or bound is None:
                self._arrive(frame, event, arg)
            elif bound:
                if not self.compare_bound(frame, bound):
                    self.settle(frame)
                elif self.is_stale:
                    self._write()
            if recorder.aliases is not None:
                recorder.aliases.look(self, frame, bound if is_quiet else None)
            if event == "line":
                self._began(frame, frame.f_lineno or self._line)
            elif event == "exception":
                self._raised(frame, frame.f_lineno or self._line, arg)
            elif event == "return":
                self._left(frame, frame.f_lineno or self._line, arg)
            if self.bound is not None and not recorder.suspects.found:
                recorder.quiet = self
            return None
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
        self._builtins_are_real = False
        self.settle(frame)

    def _began(self, frame: FrameType, line: int) -> None:
        """A line is about to run."""
        recorder = self.recorder
        rows = recorder.rows
        heads = rows.heads
        at = len(heads)
        if at >= recorder.max_steps:
            recorder.full()
        head, bound = self._lines.get(line) or self.opcodes.line(line)
        rows.tails.append(self._tail)
        rows.places.append(self._place)
        heads.append(head)
        self._at = at
        self._line = line
        self.raising = False
        if self.changes:
            self.changes.clear()
        self.deleted = self.beyond = self.unchecked = None
        if bound is None or not self.is_plain:
            self.bound = None
            return
        if not self._builtins_are_real:
            self._builtins_are_real = are_real(self.opcodes.builtins, frame)
        self.bound = bound if self._builtins_are_real else None

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
        self.bound = None

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
        rows.places.append(self._place)
        rows.heads.append(f'{{"kind": "{kind}", "line": {line}, "function": ')

    def _begin(self, kind: str, line: int) -> None:
        """Append a step that owns what is found to have changed from here on."""
        self._append(kind, line)
        self._detach_step()
        self._at = len(self.recorder.rows.heads) - 1
        self._line = line

    def _detach_step(self) -> None:
        """What is found to have changed from here on is nobody's doing, or that of the next step."""
        self._at = -1
        self.forget_changes()
        self.bound = None

    def settle(self, frame: FrameType) -> None:
        """Write into the current step what changed since the last look."""
        self.compare(frame)
        if self.is_stale:
            self._write()

    def _write(self) -> None:
        """Write the end of the current step anew."""
        self.is_stale = False
        if self._at < 0:
            return
        labels = self.opcodes.labels
        text = ""
        for name, told in self.changes.items():
            label = labels.get(name) or f"{quoted(name)}: "
            text = f"{text}, {label}{told}" if text else label + told
        if not self.deleted and not self.beyond and not self.unchecked:
            self.recorder.rows.tails[self._at] = text + self._tail
            return
        text += f'}}, "deleted": {names_text(self.deleted)}' if self.deleted else _NOTHING_DELETED
        if self._file is not None:
            text += f', "file": {quoted(self._file)}'
        if self.beyond:
            text += f', "changed_beyond_preview": {names_text(self.beyond)}'
        if self.unchecked:
            text += f', "unchecked": {names_text(list(dict.fromkeys(self.unchecked)))}'
        self.recorder.rows.tails[self._at] = text + "}"
