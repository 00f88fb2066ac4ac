"""Record code that runs in this process: a ``with`` block, or one call of a function.

Nothing is confined here: the code is yours. For code that is not, use
:class:`pytrace_mono.tracer.sandbox.Sandbox`.
"""

from __future__ import annotations

import contextlib
import functools
import json
import linecache
import platform
import sys
from collections.abc import Mapping
from types import FrameType, TracebackType
from typing import Any, Protocol

from pytrace_mono.errors import PytraceMonoError
from pytrace_mono.tracer.limits import Limits
from pytrace_mono.tracer.recorder import Recorder
from pytrace_mono.tracer.scope import Scope
from pytrace_mono.tracer.serialize import from_dict
from pytrace_mono.tracer.snapshot import Snapshotter
from pytrace_mono.tracer.tee import Tee
from pytrace_mono.tracer.types import TRACE_VERSION, Trace

_NOTHING_WRITTEN: Mapping[str, Any] = {"stdout": "", "stderr": ""}


class _Function(Protocol):
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...


class Recording:
    """What ``with record() as recording`` gives; ``trace`` is there once the block has ended."""

    def __init__(self) -> None:
        self._trace: Trace | None = None

    @property
    def trace(self) -> Trace:
        """The finished Trace.

        Raises:
            PytraceMonoError: the block has not ended yet.
        """
        if self._trace is None:
            raise PytraceMonoError("recording.trace is there once the `with record()` block ended.")
        return self._trace


class record:
    """Record what runs inside a ``with`` block.

    Args:
        limits: bounds on steps and values (default :class:`Limits`); times and memory are not
            enforced on live code.
        scope: which code is recorded; by default the file that contains the block.
        output: record what is written to ``sys.stdout`` and ``sys.stderr`` as well, for which objects
            that pass it on stand in their places during the block.
        aliases: record which places hold the same object, which makes recording slower.

    An exception that leaves the block is in ``recording.trace.outcome`` and goes on as usual. A trace
    function that was set before (a debugger, coverage) is paused and put back. One ``record()`` may be
    used for several blocks, one after the other; a second ``record()`` inside a block records on its
    own, and the Trace of the outer one says ``tracer_lost``.

    Raises:
        PytraceMonoError: its own block has not ended yet.

    Example::

        with record() as recording:
            total = add_up([1, 2, 3])
        print(recording.trace.to_json())
    """

    def __init__(
        self,
        limits: Limits | None = None,
        scope: Scope | None = None,
        output: bool = False,
        aliases: bool = False,
    ) -> None:
        self._limits = limits or Limits()
        self._wanted_scope = scope
        self._wants_output = output
        self._wants_aliases = aliases
        self._tee: Tee | None = None
        self._frame: FrameType | None = None
        self._recorder: Recorder | None = None

    def __enter__(self) -> Recording:
        if self._recorder is not None:
            raise PytraceMonoError(
                "this record() is in use; write another `with record()` for a block inside its block"
            )
        frame = _block_of(sys._getframe(1))
        own = Scope.of_files(frame.f_code.co_filename)
        wanted = self._wanted_scope
        self._scope = own if wanted is None else wanted.with_program(own.program)
        self._recorder = Recorder(self._limits, self._scope, aliases=self._wants_aliases)
        self._recording = Recording()
        if self._wants_output:
            self._tee = Tee(self._recorder.rows, self._limits.output_bytes)
            self._tee.start()
        is_covered = self._scope.covers(frame.f_code)  # before, because this is code of the user
        if is_covered:
            self._frame, self._outer_trace, self._line = frame, frame.f_trace, frame.f_lineno
            self._recorder.attach(frame)
        self._recorder.start()
        return self._recording

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        recorder, self._recorder = self._recorder, None
        frame, self._frame = self._frame, None
        tee, self._tee = self._tee, None
        assert recorder is not None
        status = recorder.stop(frame)
        if tee is not None:
            tee.stop()
        if frame is not None:
            frame.f_trace = self._outer_trace
        rows = recorder.rows
        last = json.loads(rows.latest()) if frame is not None and rows else {}
        if last.get("kind") == "line" and last["line"] == self._line and not last["changes"]:
            rows.pop()  # leaving the block visits the `with` line once more: ours, not the block's
        outcome: dict[str, Any] = {"kind": "returned"}
        if error is not None:
            outcome = {"kind": "raised", "exception": _raised(error, self._scope, self._limits)}
        written = _NOTHING_WRITTEN
        if tee is not None:
            written = tee.fields()
            if tee.is_full and status["state"] == "complete":
                reason = f"output_bytes ({self._limits.output_bytes}) written; no more is kept"
                status = {"state": "truncated", "reason": reason}
        self._recording._trace = _build(
            recorder, self._scope, self._limits, outcome, status, written=written
        )


def _block_of(frame: FrameType) -> FrameType:
    """The frame that has the `with` block, also when an ExitStack entered it."""
    while frame.f_code.co_filename == contextlib.__file__ and frame.f_back is not None:
        frame = frame.f_back
    return frame


class CallRecording:
    """One call of a function, recorded in one or more stretches; for :func:`trace_call` and ``traced``.

    Args:
        function, args, kwargs: what is called, to be told in the Trace.
        limits: default :class:`Limits`.
        scope: by default the files that define the function.
        aliases: as for :class:`record`.
    """

    def __init__(
        self,
        function: Any,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        limits: Limits | None = None,
        scope: Scope | None = None,
        aliases: bool = False,
    ) -> None:
        self._limits = limits or Limits()
        files = Scope.of_files(*_files_of(function))
        self._scope = files if scope is None else scope.with_program(files.program)
        self._snapshotter = Snapshotter(self._limits)
        name = getattr(function, "__name__", type(function).__name__)
        shown = [str(self._snapshotter.take(arg)["text"]) for arg in args]
        shown += [f"{key}={self._snapshotter.take(value)['text']}" for key, value in kwargs.items()]
        self._call = f"{name}({', '.join(shown)})"
        self._recorder = Recorder(self._limits, self._scope, aliases=aliases)
        self._status: dict[str, str] = {"state": "complete"}

    def resume(self) -> None:
        """Record from here, unless an earlier stretch lost the trace or reached a limit."""
        if self._status["state"] not in ("truncated", "tracer_lost"):
            self._recorder.start()

    def pause(self) -> None:
        """Record no longer, and put back the trace function of before."""
        if self._recorder.active or self._status["state"] not in ("truncated", "tracer_lost"):
            self._status = self._recorder.stop()

    def trace(self, value: object = None, error: BaseException | None = None) -> Trace:
        """The Trace of the ended call, which returned ``value`` or raised ``error``."""
        outcome: dict[str, Any]
        if error is None:
            outcome = {"kind": "returned", "value": self._snapshotter.take(value)}
        else:
            kind = "exited" if issubclass(type(error), SystemExit) else "raised"
            outcome = {"kind": kind, "exception": _raised(error, self._scope, self._limits)}
        return _build(self._recorder, self._scope, self._limits, outcome, self._status, self._call)


def trace_call(function: _Function, /, *args: Any, **kwargs: Any) -> Trace:
    """Call a function of yours and return the Trace of it.

    The file that defines the function is recorded, under default limits; for others write
    ``with record(limits, scope)`` around the call. An exception is in ``trace.outcome`` and is not
    raised again (``KeyboardInterrupt`` is).

    Args:
        function: what to call; for one not written in Python the Trace has no steps.
    """
    call = CallRecording(function, args, kwargs)
    call.resume()
    try:
        value = function(*args, **kwargs)
    except KeyboardInterrupt:
        call.pause()
        raise
    except BaseException as error:  # whatever ended the call, SystemExit too, is its outcome
        call.pause()
        return call.trace(error=error)
    call.pause()
    return call.trace(value)


def _files_of(function: Any) -> list[str]:
    """Files with the code of a function, of what it wraps, or of a class; the innermost one first."""
    files: list[str] = []
    while function is not None and len(files) < 100:
        if isinstance(function, functools.partial):
            function = function.func
        target = getattr(function, "__func__", function)
        if not hasattr(target, "__code__") and not isinstance(target, type):
            target = getattr(type(target).__call__, "__func__", type(target).__call__)
        if isinstance(target, type):
            files.append(getattr(sys.modules.get(target.__module__), "__file__", None) or "<none>")
        elif hasattr(target, "__code__"):
            files.append(target.__code__.co_filename)
        function = getattr(function, "__wrapped__", None)
    return files[::-1] or ["<none>"]


def _raised(error: BaseException, scope: Scope, limits: Limits) -> dict[str, Any]:
    line = None
    # The descriptor of BaseException, because a subclass may define its own __traceback__.
    traceback: TracebackType | None = BaseException.__dict__["__traceback__"].__get__(error)
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == scope.program:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return {**Snapshotter(limits).exception(error), "line": line}


def _build(
    recorder: Recorder,
    scope: Scope,
    limits: Limits,
    outcome: dict[str, Any],
    status: dict[str, str],
    call: str | None = None,
    written: Mapping[str, Any] = _NOTHING_WRITTEN,
) -> Trace:
    return from_dict(
        {
            "version": TRACE_VERSION,
            "python": platform.python_version(),
            "program": "".join(linecache.getlines(scope.program)),
            "setup": "",
            "call": call,
            "outcome": outcome,
            "status": status,
            "level": "none",
            "limits": limits.to_dict(),
            **written,
            "aliases": None if recorder.aliases is None else recorder.aliases.entries,
            "call_start": 0,
            "steps": json.loads(recorder.rows.json()),
        }
    )
