"""Which threads a recorded thread begins: their lines are not recorded, so the Trace has to say so.

A thread of :mod:`threading` is known by the call of ``Thread.start`` that the recorder is told of, so
that threads which others begin meanwhile are not mistaken for ours. A thread begun below that, with
``_thread.start_new_thread``, is told by an audit event from 3.12 on; before, there is none, and the
name in the bytecode has to do (:mod:`pytrace_mono.tracer.suspects`).
"""

from __future__ import annotations

import threading
from types import BuiltinFunctionType, CodeType, FrameType, FunctionType, MethodType

from pytrace_mono.tracer.kept import BUILTINS

__builtins__ = BUILTINS

STARTS_A_THREAD = threading.Thread.start.__code__
"""What :meth:`StartedThreads.called` is to be told of."""
_current_thread = threading.current_thread


class StartedThreads:
    """The threads of :mod:`threading` that one recording saw begin, by the id of their object."""

    def __init__(self) -> None:
        self._ids: set[int] = set()

    def called(self, frame: FrameType) -> None:
        """Told of calls outside the scope."""
        if frame.f_code is STARTS_A_THREAD:
            self._ids.add(id(frame.f_locals["self"]))

    def has_this(self) -> bool:
        """Is the thread that asks one of them, or begun by one of them?"""
        return id(_current_thread()) in self._ids


def code_of_raw(function: object) -> CodeType | str | None:
    """What a thread of :mod:`_thread` begins with: its code, its type's name, or None if harmless.

    Harmless are C functions, and the first function of a thread of :mod:`threading`, which is met by
    other means.
    """
    if type(function) is MethodType:
        function = function.__func__
    if type(function) is FunctionType:
        code = function.__code__
        return None if code.co_filename == STARTS_A_THREAD.co_filename else code
    if type(function) is BuiltinFunctionType:
        return None
    return "a callable object"
