"""One activation of a function, and the Steps it makes.

A ``line`` event says that a line is about to run, so what a line changed is only visible at the
frame's next event, whatever that is: the variables are compared there, and the changes are written
into the step of the line that made them.
"""

from __future__ import annotations

import gc
from types import FrameType
from typing import TYPE_CHECKING, Any

from pytrace_mono.tracer.kept import BUILTINS
from pytrace_mono.tracer.opcodes import MISSING, Bound, Function, head_of
from pytrace_mono.tracer.rows import names_text, quoted
from pytrace_mono.tracer.variables import CHANGEABLE, Notes, Variables

if TYPE_CHECKING:
    from pytrace_mono.tracer.recorder import Recorder

__builtins__ = BUILTINS

_CO_ASYNC_GENERATOR = 0x200

# Kept from before the program runs, which may replace the names in `gc`.
gc_isenabled, gc_disable, gc_enable = gc.isenabled, gc.disable, gc.enable


class Activation(Variables):
    """What is known of one activation: its latest step and each variable as last seen.

    Args:
        recorder: of the recording it is part of; it is put on its stack.
        function: what is known of its code.

    Attributes:
        number: how many activations began before it.
        depth: how many recorded callers it has.
        line: the line that runs, or is about to.
        bound: what the latest line can have bound, where the recorder is quiet about this.
        raising: an exception is under way.
    """

    __slots__ = (
        "_at",
        "_lines",
        "_place",
        "_rest",
        "_tail",
        "bound",
        "depth",
        "line",
        "number",
        "raising",
    )

    def __init__(self, recorder: Recorder, function: Function) -> None:
        # Here are the attributes of Variables as well, because a call takes as long as a dozen of these.
        self.recorder = recorder
        self.function = function
        self.opcodes = opcodes = function.opcodes
        self._last = opcodes.unseen.copy()
        self._last_globals = opcodes.unseen_globals
        self._namespace = None
        self._shown = {}
        self.changes = {}
        self.notes = None
        self.is_plain = True
        self.is_told = self.is_proven = False
        self.number = number = recorder.frames
        recorder.frames = number + 1
        self.depth = depth = len(recorder.stack)
        recorder.stack.append(self)
        self._tail = function.tail
        self._lines = opcodes.lines
        self.line = opcodes.first_line
        self._at = -1
        self.bound: Bound = ""
        self.raising = False
        key = number, depth
        self._place, self._rest = function.places.get(key) or function.place(key)

    def enter_at(self, depth: int) -> None:
        """Go on, with this many recorded callers."""
        self.depth = depth
        self._place, self._rest = self.function.place((self.number, depth))

    def called(self, frame: FrameType) -> None:
        opcodes = self.opcodes
        recorder = self.recorder
        if opcodes.is_simple:
            self.meet(frame)
        else:
            self.compare(frame)
            # Closure variables and globals are visible too, but it is the arguments that a call binds.
            self.changes = {
                name: self.changes[name] for name in opcodes.arguments if name in self.changes
            }
        pieces = recorder.pieces
        self._at = at = len(pieces)
        if at >= recorder.room:
            recorder.full()
        pieces.append(opcodes.begins)
        told = self.changes
        pieces.append(
            f"{self._place}{', '.join(told.values())}{self._tail}" if told else self._rest
        )
        self.is_told = True
        if self.is_proven:
            recorder.quiet = self  # up to its first line a function binds nothing

    def baseline(self, frame: FrameType) -> None:
        """Learn every visible variable, so that only later changes are credited to a line."""
        self.compare(frame)
        self.forget_changes()

    def resumed(self, frame: FrameType) -> None:
        """A generator goes on: what others did to its values meanwhile is not its line's doing."""
        self.compare(frame)
        self.forget_changes()
        self.line = frame.f_lineno or self.line
        self._at = len(self.recorder.pieces)
        self._append(head_of("resume", self.line))
        self.raising = False

    def trace(self, frame: FrameType, event: str, arg: Any) -> Any:
        """The local trace function of one frame (:func:`sys.settrace`).

        It stays the frame's own whatever it returns, and to return None needs no object. Here is only
        what most lines need, without any object that the garbage collector counts and would run for.
        """
        recorder = self.recorder
        try:
            pieces = recorder.pieces
            if recorder.quiet is not self or event != "line":
                if not self._arrive(frame, event, arg):
                    return None
            elif self.bound:
                name: Any = self.bound
                try:
                    value = frame.f_locals[name]
                except KeyError:  # not bound after all, or several are
                    value = MISSING
                kind: Any = type(value)
                is_learned = False
                if (kind is int or kind is str or kind is bool) or (kind is float or value is None):
                    old = self._last[name]
                    if kind is type(old) or type(old) not in CHANGEABLE:
                        text = (
                            recorder.ints.get(value) if kind is int else None
                        ) or recorder.fragment(value)
                        if text != self._shown.get(name):
                            self._last[name] = value
                            self._shown[name] = text
                            label = self.opcodes.labels[name]
                            pieces[-1] = f"{self._place}{label}{text}{self._tail}"
                            is_learned = True
                        else:
                            is_learned = value is old
                if not is_learned and not self._arrive(frame, event, arg):
                    return None
            line = frame.f_lineno
            at = len(pieces)
            if at >= recorder.room:
                recorder.full()
            try:
                head, bound = self._lines[line]
            except KeyError:  # no instruction is of that line, as in an empty module
                line = line or self.line
                head, bound = head_of("line", line), None
            pieces.append(head)
            pieces.append(self._rest)
            self._at = at
            self.line = line
            if self.is_told:
                self.changes.clear()
                self.notes = None
                self.is_told = self.raising = False
            if bound is not None and self.is_proven:
                self.bound = bound
                recorder.quiet = self
            else:
                recorder.quiet = None
        except Exception as error:  # any defect of ours: it must not reach the program
            recorder.failed(error)
        return None

    def _arrive(self, frame: FrameType, event: str, arg: Any) -> bool:
        """Find out what was done before an event, and tell of the event where no line begins with it.

        Returns:
            True where a line begins, which is still to be told.
        """
        recorder = self.recorder
        bound: tuple[str, ...] | None = None
        if recorder.quiet is self:
            recorder.quiet = None
            names: Any = self.bound
            bound = names if type(names) is tuple else (names,) if names else ()
        # The program's __del__ are to run in the program, where they are recorded.
        collecting = gc_isenabled()
        gc_disable()
        try:
            if bound is None:  # anything may be different
                stack = recorder.stack
                if not stack or stack[-1] is not self:
                    if not recorder.active:
                        return False
                    recorder.find(self, frame)
                if recorder.suspects is not None:
                    finding = recorder.suspects.look(frame, event, arg)
                    if finding is not None:
                        recorder.mark(*finding)
                self.compare(frame)
            elif bound and not self.compare_bound(frame, bound):
                self.compare(frame)
            if self.is_told:
                self._write()
            if recorder.aliases is not None:
                recorder.aliases.look(self, frame, bound)
            if event == "line":
                return True
            if event == "exception":
                self._raised(frame, frame.f_lineno or self.line, arg)
            elif event == "return":
                self._left(frame, arg)
            return False
        finally:
            if collecting:
                gc_enable()

    def _left(self, frame: FrameType, arg: Any) -> None:
        recorder = self.recorder
        found = self.opcodes.returns.get(frame.f_lasti)
        value: str | None
        if found is None:
            head, value = self._left_otherwise(frame, arg)
        else:
            head, name = found
            head = head or head_of("return", frame.f_lineno or self.line)
            value = None
            kind = type(arg)
            if kind is int or kind is str or arg is None:
                value = recorder.fragment(arg)
            elif name and frame.f_locals.get(name, MISSING) is arg:
                value = self._shown.get(name)
            if value is None:
                value = recorder.text_of(arg)
        if not frame.f_trace_lines:
            recorder.mark("tracer_lost", f"{self.function.name} switched its line events off")
        pieces = recorder.pieces
        if len(pieces) >= recorder.room:
            recorder.full()
        pieces.append(head)
        rest = self._rest
        pieces.append(rest if value is None else f'{rest[:-1]}, "value": {value}}}')
        stack = recorder.stack
        if stack and stack[-1] is self:
            stack.pop()

    def _left_otherwise(self, frame: FrameType, arg: Any) -> tuple[str, str | None]:
        """The head of the step, and the value that is yielded."""
        kind = "unwind" if self.raising else self.opcodes.leaving(frame)
        value = self._yielded(frame, arg) if kind == "yield" else None
        return head_of(kind, frame.f_lineno or self.line), value

    def _yielded(self, frame: FrameType, arg: Any) -> str | None:
        if not frame.f_code.co_flags & _CO_ASYNC_GENERATOR:
            return self.recorder.text_of(arg)
        # What an async generator yields comes wrapped in an object that has no other way in.
        wrapped = gc.get_referents(arg)
        return self.recorder.text_of(wrapped[0]) if len(wrapped) == 1 else None

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
        self.raising = self.is_told = True
        # The line still owns what is changed on the way to a handler.
        self._append(
            head_of("exception", line), self.recorder.snapshotter.raised_fragment(kind, value)
        )

    def _append(self, head: str, value: str | None = None) -> None:
        """Append a step that binds nothing itself."""
        pieces = self.recorder.pieces
        if len(pieces) >= self.recorder.room:
            self.recorder.full()
        pieces.append(head)
        rest = self._rest
        pieces.append(rest if value is None else f'{rest[:-1]}, "value": {value}}}')

    def settle(self, frame: FrameType) -> None:
        """Write into the current step what changed since the last look."""
        self.compare(frame)
        if self.is_told:
            self._write()

    def _write(self) -> None:
        """Write the end of the current step anew."""
        if self._at < 0:
            return
        notes = self.notes
        tail = self._tail if notes is None else self._noted_tail(notes)
        self.recorder.pieces[self._at + 1] = (
            f"{self._place}{', '.join(self.changes.values())}{tail}"
        )

    def _noted_tail(self, notes: Notes) -> str:
        text = f'}}, "deleted": {names_text(notes.deleted)}'
        if self.function.file is not None:
            text += f', "file": {quoted(self.function.file)}'
        if notes.beyond:
            text += f', "changed_beyond_preview": {names_text(notes.beyond)}'
        if notes.unchecked:
            text += f', "unchecked": {names_text(notes.unchecked)}'
        return text + "}"
