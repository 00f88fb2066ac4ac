"""Turn the interpreter's events into Steps, while the program runs.

One :class:`Activation` lives in ``frame.f_trace``, so a generator finds its own again when it is
resumed and no table of frames (whose ids are reused) is needed.

Nothing here runs user code, and nothing here may raise into the program: a defect stops the
recording and is told in its status.
"""

from __future__ import annotations

import dis
import os
import sys
import threading
from collections.abc import Callable
from sys import getrecursionlimit, setrecursionlimit
from threading import get_ident
from types import CodeType, FrameType, MethodType
from typing import Any

from pytrace_mono.tracer import audit, classes, watch
from pytrace_mono.tracer.activation import Activation, gc_disable, gc_enable, gc_isenabled
from pytrace_mono.tracer.aliases import Aliases
from pytrace_mono.tracer.classes import ident
from pytrace_mono.tracer.codes import Codes
from pytrace_mono.tracer.copies import is_atomic
from pytrace_mono.tracer.fragments import Fragments
from pytrace_mono.tracer.headroom import Headroom, Rearm
from pytrace_mono.tracer.kept import BUILTINS
from pytrace_mono.tracer.limits import Limits
from pytrace_mono.tracer.opcodes import KNOWN
from pytrace_mono.tracer.rows import Rows
from pytrace_mono.tracer.scope import Scope
from pytrace_mono.tracer.threads import STARTS_A_THREAD, StartedThreads, code_of_raw

__builtins__ = BUILTINS

_CALLBACK_LEVELS = 40
_LEVELS_PER_DEPTH = 8
"""Room for the calls of a callback, and for those that each level of a nested value takes (six)."""
_HOME = os.path.dirname(os.path.abspath(__file__))
# Kept from before the program runs, which may replace the names in `threading`.
_thread_hook, _set_thread_hook = threading.gettrace, threading.settrace


class Recorder(Codes):
    """Records the frames in scope between :meth:`start` and :meth:`stop`.

    Args:
        limits: bounds on steps and on each snapshot.
        scope: which code is recorded.
        on_limit: called with a reason when ``max_steps`` is reached; it must not return. Without it
            the recorder detaches, and the program goes on unrecorded.
        aliases: find out which places hold the same object.

    Attributes:
        rows: the steps so far, as JSON; ``pieces`` is what they are made of.
        fragment, ints: of the snapshotter.
        frames: how many activations have begun.
        stack: those that run, and have not been suspended.
        room: how many pieces there may be in them.
        quiet: the activation that the latest event in this thread belongs to, where the line that it
            runs is known to bind variables alone; so this knows that no Python code ran since, and that
            nothing else can have changed.
    """

    __slots__ = (
        "_found_traces",
        "_headroom",
        "_limits",
        "_on_limit",
        "_previous",
        "_previous_threads",
        "_rearming",
        "_replaced",
        "_state",
        "_threads",
        "active",
        "aliases",
        "fragment",
        "frames",
        "ints",
        "known",
        "pieces",
        "quiet",
        "refusal",
        "room",
        "rows",
        "snapshotter",
        "stack",
    )

    def __init__(
        self,
        limits: Limits,
        scope: Scope,
        on_limit: Callable[[str], object] | None = None,
        aliases: bool = False,
    ) -> None:
        Codes.__init__(self, scope)
        self._covered[__file__] = False
        self.rows = Rows()
        self.pieces = self.rows.pieces
        self.room = 2 * limits.max_steps
        self.quiet: Activation | None = None
        self._limits = limits
        self._on_limit = on_limit
        self.snapshotter = Fragments(limits)
        self.fragment = self.snapshotter.fragment
        self.ints = self.snapshotter.ints
        self.aliases = self._make_aliases() if aliases else None
        self._threads: StartedThreads | None = None
        self._found_traces: list[tuple[FrameType, Any]] = []
        self.known = watch.Known(self.snapshotter)
        self.stack: list[Activation] = []
        self.frames = 0
        self.active = False
        self._rearming = False
        self.refusal: RecursionError | None = None
        self._replaced = False
        self._state: tuple[str, str | None] = ("complete", None)
        self._previous: Any = None
        self._previous_threads: Any = None

    def _make_aliases(self) -> Aliases:
        layouts = self.snapshotter.layouts
        return Aliases(
            self._limits, layouts, self.rows, lambda reason: self.mark("truncated", reason)
        )

    def start(self) -> None:
        """Begin with the frames that are entered from now on."""
        self.active = True
        self._headroom = Headroom(_CALLBACK_LEVELS + _LEVELS_PER_DEPTH * self._limits.max_depth)
        self._previous = sys.gettrace()
        audit.prepare()
        watch_from_here, watched = audit.watchers.append, (get_ident(), self)
        # CPython takes many times as long for each line from here on: so this is all that there is.
        sys.settrace(self._on_call)
        watch_from_here(watched)

    def attach(self, frame: FrameType) -> None:
        """Record a frame that already runs, from its next line on; to be called before :meth:`start`."""
        function = self._meet(frame.f_code)[1]
        if function is None:
            return
        if frame.f_trace is not None:
            self._found_traces.append((frame, frame.f_trace))
        state = Activation(self, function)
        state.baseline(frame)
        frame.f_trace = state.trace

    def stop(self, attached: FrameType | None = None) -> dict[str, str]:
        """End, put back the trace function found at the start, and say how complete this is.

        Args:
            attached: a frame that is still running, whose latest line is to own what it changed.

        Returns:
            The Trace's ``status`` in its JSON form.
        """
        current = sys.gettrace()
        # A reference to one's own trace function would be a cycle; and no call, which would be traced.
        is_ours = type(current) is MethodType and current.__self__ is self
        self._rearming = True
        if is_ours:
            sys.settrace(None)  # so that nothing of what follows is told to us
        audit.unwatch(self)
        self._rearming = False
        state = None if attached is None else _state_of(attached, self)
        if attached is not None and state is not None and self.active:
            state.settle(attached)
        if self.active:
            if not is_ours:
                self.mark("tracer_lost", "the trace function was removed while the program ran")
            elif self.stack and self._has_lost(sys._getframe()):
                self.mark("tracer_lost", "a function ended without the recorder being told")
            self._headroom.restore()
        self.active = False
        self.quiet = None
        if self._previous is not None and (is_ours or (current is None and not self._replaced)):
            sys.settrace(self._previous)
        if self._threads is not None and self._is_mine(_thread_hook()):
            _set_thread_hook(_still_wanted(self._previous_threads))
        while self._found_traces:
            frame, found = self._found_traces.pop()
            frame.f_trace = found
        self.stack.clear()
        self.known.clear()
        self.refusal = None
        name, reason = self._state
        return {"state": name} if reason is None else {"state": name, "reason": reason}

    def settrace_called(self) -> None:
        """Told by :mod:`audit`: the program, a debugger, or another recording took over."""
        if self.active and not self._rearming:
            self._replaced = True
            self.mark("tracer_lost", "the trace function was replaced while the program ran")

    def thread_started(self, function: object, here: bool) -> None:
        """Told by :mod:`audit`; threads of :mod:`threading` are met in :meth:`_on_thread`."""
        code = code_of_raw(function)
        if type(code) is CodeType and (here or self._covers(code)):
            self.mark(
                "thread_untraced", f"{classes.plain(code.co_name)} ran in a thread of its own"
            )
        elif type(code) is str and here:
            self.mark("thread_untraced", f"{code} ran in a thread of its own")

    def _has_lost(self, frame: FrameType | None) -> bool:
        """Is a function on our stack that no longer runs?"""
        running = set()
        while frame is not None:
            running.add(ident(_state_of(frame, self)))
            frame = frame.f_back
        return any(ident(state) not in running for state in self.stack)

    def _is_mine(self, hook: Any) -> bool:
        """Is this trace function one of this recorder's two?"""
        return type(hook) is MethodType and hook.__self__ is self

    def mark(self, state: str, reason: str) -> None:
        if self._state[0] == "complete":
            self._state = (state, reason)

    def _lose(self, reason: str) -> None:
        if self.active:
            self._detach()
        self.mark("tracer_lost", reason)

    def _detach(self) -> None:
        self.active = False
        self.quiet = None
        self.stack.clear()
        audit.unwatch(self)
        self._headroom.restore()
        sys.settrace(None)

    def _on_call(self, frame: FrameType, event: str, arg: object) -> Any:
        if not self.active:
            return None
        self.refusal = None
        self.quiet = None
        headroom = self._headroom
        if getrecursionlimit() == headroom.usual:
            try:  # what nearly always is all that Headroom.refuses does, without a call
                setrecursionlimit(headroom.low)
            except RecursionError:
                if headroom.refuses():
                    return self._overflow(frame)
            else:
                setrecursionlimit(headroom.usual)
        elif headroom.refuses():
            return self._overflow(frame)
        code = frame.f_code
        name = code.co_filename
        # A name of another type has methods of its own.
        covered = self._covered.get(name, self._covers_others) if type(name) is str else None
        if covered is None:
            covered = self._covers_file(name)
        if covered:
            trace = self._called(frame, code)
            if trace is not None:
                return trace
        if code is STARTS_A_THREAD:
            self._starts_a_thread(frame)
        return None

    def _starts_a_thread(self, frame: FrameType) -> None:
        self._threads = self._threads or StartedThreads()
        self._threads.called(frame)
        previous = _thread_hook()
        if not self._is_mine(previous):
            self._previous_threads = previous
            _set_thread_hook(self._on_thread)

    def _called(self, frame: FrameType, code: CodeType) -> Any:
        """The trace function of a frame that begins or goes on; None for one that is not recorded."""
        collecting = gc_isenabled()
        gc_disable()
        try:
            known = KNOWN.get(ident(code))
            function = None if known is None else known.latest
            if (
                function is None
                or function.token is not self._token
                or function.opcodes.code() is not code
            ):
                function = (self._functions.get(ident(code)) or self._meet(code))[1]
            if function is None:
                return None
            found = frame.f_trace
            state = None if found is None else _state_in(found, self)
            if state is None:
                if found is not None:
                    self._found_traces.append((frame, found))  # a generator that another one traced
                state = Activation(self, function)
                state.called(frame)
            else:
                self._go_on(state, frame)
            if self.aliases is not None:
                self.aliases.look(state, frame, entered=True)
            return state.trace
        except Exception as error:  # any defect of ours: it must not reach the program
            self.failed(error)
            return None
        finally:
            if collecting:
                gc_enable()

    def _overflow(self, frame: FrameType) -> None:
        """Refuse a frame for which an untraced program would have had no room."""
        self._rearming = True
        frame.f_trace = Rearm(self._restart)
        self.refusal = RecursionError("maximum recursion depth exceeded")
        raise self.refusal

    def _restart(self) -> None:
        if self.active:
            sys.settrace(self._on_call)
        self._rearming = False

    def _on_thread(self, frame: FrameType, event: str, arg: object) -> Any:
        if not self.active:
            previous = _still_wanted(self._previous_threads)
            return previous(frame, event, arg) if previous is not None else None
        if frame.f_code is STARTS_A_THREAD:
            self._starts_a_thread(frame)
        ours = self._threads is not None and self._threads.has_this()
        if ours and self._covers(frame.f_code):
            self.mark("thread_untraced", f"{frame.f_code.co_name} ran in a thread of its own")
        previous = _still_wanted(self._previous_threads)
        if previous is None:
            return None
        traced = previous(frame, event, arg)
        if ours and not self._is_mine(sys.gettrace()):
            # As coverage does; so what else runs there cannot be known.
            self.mark("thread_untraced", "a thread ran under another trace function")
        return traced

    def failed(self, error: Exception) -> None:
        """Stop recording; what a signal handler of the program raised goes on to the program."""
        self._detach()
        if _is_foreign(error):
            self.mark("tracer_lost", "a signal handler raised while a step was being recorded")
            raise error
        self.mark("tracer_lost", f"the recorder failed: {type(error).__name__}")

    def _go_on(self, state: Activation, frame: FrameType) -> None:
        state.enter_at(len(self.stack))
        self.stack.append(state)
        state.resumed(frame)

    def find(self, state: Activation, frame: FrameType) -> None:
        """An event of a frame that is not the latest one entered."""
        if state in self.stack:
            self.mark("tracer_lost", "a function ended without the recorder being told")
            del self.stack[self.stack.index(state) + 1 :]
        else:
            # Until 3.11 gen.throw() and gen.close() enter a frame without a call event.
            self._go_on(state, frame)

    def text_of(self, value: object) -> str:
        """The Snapshot of a value that is no variable's, as JSON."""
        kind = type(value)
        if kind is int or kind is str or (kind is not list and is_atomic(kind)):
            return self.snapshotter.fragment(value)
        return self.known.look(value, None)[1] or ""

    def full(self) -> None:
        """There is no room for another step."""
        reason = f"max_steps ({self._limits.max_steps}) reached"
        self.mark("truncated", reason)
        if self._on_limit is not None:
            self._on_limit(reason)
        self._detach()
        raise _Detached


def _still_wanted(hook: Any) -> Any:
    """A trace function for threads that was found, without those of recordings that have ended."""
    while type(hook) is MethodType and type(hook.__self__) is Recorder and not hook.__self__.active:
        hook = hook.__self__._previous_threads
    return hook


class _Detached(Exception):
    """Leaves a callback after the recorder has detached itself."""


def _state_of(frame: FrameType, recorder: Recorder) -> Activation | None:
    return _state_in(frame.f_trace, recorder)


def _state_in(method: Any, recorder: Recorder) -> Activation | None:
    """The activation whose trace function this is, if it is the recorder's."""
    state = method.__self__ if type(method) is MethodType else None
    return state if type(state) is Activation and state.recorder is recorder else None


def _is_foreign(error: Exception) -> bool:
    """True when code outside this package raised the error, as a signal handler may at any time."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    name = traceback.tb_frame.f_code.co_filename if traceback is not None else __file__
    return not name.startswith((_HOME, dis.__file__))
