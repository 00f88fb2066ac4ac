"""From a warm parent's reply to a Trace: what the child claims is checked, what we know we fill in."""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import replace
from typing import Any

from pytrace_mono.errors import SandboxError, TraceFormatError
from pytrace_mono.tracer.limits import Limits
from pytrace_mono.tracer.sandbox import wire
from pytrace_mono.tracer.sandbox.job import Job, refusal
from pytrace_mono.tracer.sandbox.machine import NO_FORK
from pytrace_mono.tracer.sandbox.worker import Reply
from pytrace_mono.tracer.serialize import from_dict
from pytrace_mono.tracer.types import TRACE_VERSION, Level, Status, Trace

_PYTHON = sys.version.split()[0]
"""Warm parents run under this same interpreter."""


def read(reply: Reply, job: Job, level: Level, limits: Limits) -> Trace:
    """The Trace of a run, whatever the program did to its result.

    Raises:
        SourceError, CallError: the program, Call or setup parses but does not compile.
        SandboxError: no child could be made, or a layer could not be applied.
    """
    if reply.end == "unforked":
        message = reply.body.decode("utf-8", "replace")
        raise SandboxError(f"the sandbox could not fork: {message}: {NO_FORK}")
    if reply.end == "unconfined":
        message = reply.body.decode("utf-8", "replace") or "no reason given"
        raise SandboxError(
            f"the program was not run, because the level {level!r} could not be applied: {message}"
        )
    if reply.end == "invalid":
        fault = json.loads(reply.body)  # Written by the harness before the program began.
        raise refusal(str(fault.get("part")), fault.get("line"), str(fault.get("cause")))
    try:
        if reply.end == "frame":
            trace = _trace(wire.parse(reply.body), job, level, limits)
        else:
            trace = _empty(*_ending(reply, limits), job, level, limits)
    except (ValueError, RecursionError, TraceFormatError):
        trace = _empty("crashed", "malformed result", job, level, limits)
    how = [*reply.notes, *(["wrote to the result channel"] if reply.end == "forged" else [])]
    if not how:
        return trace
    reason = "the program " + "; ".join(how)
    if trace.status.reason is not None:
        reason += f" ({trace.status.reason})"
    return replace(trace, status=Status("tampered", reason))


def _ending(reply: Reply, limits: Limits) -> tuple[str, str]:
    """Kind of outcome and reason for a run that left no result."""
    if reply.end == "timeout":
        return (
            "timed_out",
            f"wall_seconds ({limits.wall_seconds:g}) passed, and it had to be killed",
        )
    if reply.end == "forged":
        return "crashed", "a message that the recorder did not write"
    if reply.end == "oversized":
        return "crashed", f"result larger than {wire.RESULT_CAP} bytes"
    if reply.cpu >= limits.cpu_seconds:
        return "over_limit", f"cpu_seconds ({limits.cpu_seconds:g}) used, and it had to be killed"
    return "crashed", _death(reply.status)


def _death(status: int) -> str:
    if not os.WIFSIGNALED(status):
        return f"exit status {os.waitstatus_to_exitcode(status)}"
    number = os.WTERMSIG(status)
    try:
        return f"signal {number} ({signal.Signals(number).name})"
    except ValueError:
        return f"signal {number}"


def _empty(kind: str, reason: str, job: Job, level: Level, limits: Limits) -> Trace:
    return _trace(
        {
            "outcome": {"kind": kind},
            "status": {"state": "truncated", "reason": reason},
            "stdout": "",
            "stderr": "",
            "call_start": 0,
            "steps": [],
        },
        job,
        level,
        limits,
    )


def _trace(claimed: Any, job: Job, level: Level, limits: Limits) -> Trace:
    if not isinstance(claimed, dict):
        raise TraceFormatError("the result is not an object")
    keys = ("outcome", "status", "stdout", "stderr", "writes", "aliases", "call_start", "steps")
    trace = from_dict(
        {
            **{key: claimed.get(key) for key in keys},
            "version": TRACE_VERSION,
            "python": _PYTHON,
            "program": job.source,
            "call": job.call,
            "setup": job.setup,
            "level": level,
            "limits": limits.to_dict(),
        }
    )
    if max(len(trace.stdout), len(trace.stderr)) > limits.output_bytes:
        raise TraceFormatError("more output than was asked for")
    if len(trace.steps) > limits.max_steps or not 0 <= trace.call_start <= len(trace.steps):
        raise TraceFormatError("more steps than were asked for, or a Call that begins outside them")
    return trace
