"""Record code that runs in this process: a ``with`` block, or one call of a function.

Nothing is confined here: the code is yours. For code that is not, use
:class:`pytrace_mono.tracer.sandbox.Sandbox`.
"""

from __future__ import annotations

import linecache
import platform
import sys
from types import FrameType, TracebackType
from typing import Any, Protocol

from pytrace_mono.errors import PytraceMonoError
from pytrace_mono.tracer.limits import Limits
from pytrace_mono.tracer.recorder import Recorder
from pytrace_mono.tracer.scope import Scope
from pytrace_mono.tracer.serialize import from_dict
from pytrace_mono.tracer.snapshot import Snapshotter
from pytrace_mono.tracer.types import TRACE_VERSION, Trace


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

    An exception that leaves the block is in ``recording.trace.outcome`` and goes on as usual. A trace
    function that was set before (a debugger, coverage) is paused and put back.

    Example::

        with record() as recording:
            total = add_up([1, 2, 3])
        print(recording.trace.to_json())
    """

    def __init__(self, limits: Limits | None = None, scope: Scope | None = None) -> None:
        self._limits = limits or Limits()
        self._scope = scope

    def __enter__(self) -> Recording:
        frame = sys._getframe(1)
        self._scope = self._scope or Scope.of_files(frame.f_code.co_filename)
        self._recorder = Recorder(self._limits, self._scope)
        self._recording = Recording()
        self._frame: FrameType | None = None
        if self._scope.covers(frame.f_code):
            self._frame, self._outer_trace, self._line = frame, frame.f_trace, frame.f_lineno
        self._recorder.start()
        if self._frame is not None:
            self._recorder.attach(self._frame)
        return self._recording

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        frame, self._frame = self._frame, None
        if frame is not None:
            self._recorder.settle(frame)
            frame.f_trace = self._outer_trace
        status = self._recorder.stop()
        rows = self._recorder.rows
        last = rows[-1] if frame is not None and rows else {}
        if last.get("kind") == "line" and last["line"] == self._line and not last["changes"]:
            rows.pop()  # leaving the block visits the `with` line once more: ours, not the block's
        assert self._scope is not None
        outcome: dict[str, Any] = {"kind": "returned"}
        if error is not None:
            outcome = {"kind": "raised", "exception": _raised(error, self._scope, self._limits)}
        self._recording._trace = _build(self._recorder, self._scope, self._limits, outcome, status)


def trace_call(function: _Function, /, *args: Any, **kwargs: Any) -> Trace:
    """Call a function of yours and return the Trace of it.

    The file that defines the function is recorded, under default limits. An exception is in
    ``trace.outcome`` and is not raised again (``KeyboardInterrupt`` is).

    Args:
        function: what to call; for one not written in Python the Trace has no steps.
    """
    limits = Limits()
    code = getattr(function, "__code__", None) or getattr(
        getattr(function, "__func__", None), "__code__", None
    )
    scope = Scope.of_files(code.co_filename if code is not None else "<none>")
    snapshotter = Snapshotter(limits)
    name = getattr(function, "__name__", type(function).__name__)
    shown = [str(snapshotter.take(arg)["text"]) for arg in args]
    shown += [f"{key}={snapshotter.take(value)['text']}" for key, value in kwargs.items()]
    recorder = Recorder(limits, scope)
    outcome: dict[str, Any]
    recorder.start()
    try:
        value = function(*args, **kwargs)
    except SystemExit as error:
        status = recorder.stop()
        outcome = {"kind": "exited", "exception": _raised(error, scope, limits)}
    except Exception as error:
        status = recorder.stop()
        outcome = {"kind": "raised", "exception": _raised(error, scope, limits)}
    except BaseException:
        recorder.stop()
        raise
    else:
        status = recorder.stop()
        outcome = {"kind": "returned", "value": snapshotter.take(value)}
    return _build(recorder, scope, limits, outcome, status, f"{name}({', '.join(shown)})")


def _raised(error: BaseException, scope: Scope, limits: Limits) -> dict[str, Any]:
    line = None
    traceback = error.__traceback__
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
            "stdout": "",
            "stderr": "",
            "call_start": 0,
            "steps": recorder.rows,
        }
    )
