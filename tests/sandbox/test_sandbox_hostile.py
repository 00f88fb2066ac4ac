"""Programs that attack their own result: whatever arrives, the caller gets an Outcome."""

from __future__ import annotations

import json
import struct

import pytest

from pytrace_mono.errors import SandboxError
from pytrace_mono.tracer import Limits, Trace
from pytrace_mono.tracer.sandbox import Job, Sandbox, result, wire
from pytrace_mono.tracer.sandbox.syscalls import BEGUN_FD, RESULT_FD
from pytrace_mono.tracer.sandbox.worker import Reply

GOOD = {
    "outcome": {"kind": "returned"},
    "status": {"state": "complete"},
    "stdout": "",
    "stderr": "",
    "call_start": 0,
    "steps": [],
}


JOB = Job("x = 1\n")


def received(body: bytes, limits: Limits | None = None) -> Trace:
    """What the main process makes of a result with the right nonce and any content."""
    reply = Reply("frame", (), 0, 0.0, body)
    return result.read(reply, JOB, "confined", limits or Limits())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"garbage",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b"[" * 100_000,
        b"9" * 10_000,
        b"NaN",
        json.dumps({**GOOD, "steps": [1]}).encode(),
        json.dumps({**GOOD, "steps": None}).encode(),
        json.dumps({**GOOD, "stdout": 1}).encode(),
        json.dumps({**GOOD, "call_start": -1}).encode(),
        json.dumps({**GOOD, "call_start": 1}).encode(),
        json.dumps({**GOOD, "outcome": {"kind": "won"}}).encode(),
        json.dumps({**GOOD, "status": {"state": "perfect"}}).encode(),
    ],
    ids=lambda body: repr(body[:24]),
)
def test_a_malformed_result_is_a_crash(body: bytes) -> None:
    trace = received(body)
    assert trace.outcome.kind == "crashed"
    assert (trace.status.state, trace.status.reason) == ("truncated", "malformed result")


def test_more_steps_than_the_limit_are_not_believed() -> None:
    step = {"kind": "line", "line": 1, "function": "f", "frame": 0, "depth": 0}
    steps = [{**step, "changes": {}, "deleted": []}] * 3
    body = json.dumps({**GOOD, "steps": steps}).encode()
    for max_steps, kind in ((3, "returned"), (2, "crashed")):
        assert received(body, Limits(max_steps=max_steps)).outcome.kind == kind


def test_what_the_main_process_knows_cannot_be_forged() -> None:
    forged = {**GOOD, "program": "other", "call": "other", "level": "none", "limits": {}}
    trace = received(json.dumps({**forged, "python": "9.9.9", "version": 7}).encode())
    assert (trace.program, trace.call, trace.level) == (JOB.source, None, "confined")
    assert trace.limits == Limits().to_dict() and trace.python != "9.9.9"


@pytest.mark.parametrize(
    "message",
    [
        b"D" + b"\0" * 8 + struct.pack(">I", 2) + b"{}",
        b"D" + b"\0" * 8 + struct.pack(">I", 0xFFFFFFFF) + b"x" * 1000,
        b"F" * 100,
    ],
    ids=["result", "oversized", "unconfined"],
)
def test_who_does_not_know_the_nonce_cannot_speak_for_the_recorder(
    sandbox: Sandbox, message: bytes
) -> None:
    trace = sandbox.trace(f"import os\nos.write({RESULT_FD}, {message!r})\nos._exit(0)\n")
    assert trace.outcome.kind == "crashed"
    if sandbox.level == "guard":
        assert trace.status.state == "tampered"
    else:  # seccomp did not let it write at all
        assert trace.status.reason == "signal 31 (SIGSYS)"


def test_a_frame_that_never_ends_is_waited_for_no_longer_than_any_program(
    impatient: Sandbox,
) -> None:
    frame = struct.pack(">I", 1000) + b"{"
    source = f"import os, time\nos.write({RESULT_FD}, {frame!r})\n" + "while True: pass\n"
    assert impatient.trace(source).outcome.kind in ("crashed", "timed_out")


@pytest.mark.parametrize(
    "source",
    [
        "import os\nos.closerange(0, 32)\n",
        "import os\nfor fd in range(4):\n    os.write(fd, b'garbage ' * 100)\n",
        "import os\nos.dup2(0, 3)\n",
    ],
    ids=["closes", "fills", "replaces"],
)
def test_descriptors_closed_or_filled_with_garbage_are_a_crash(
    sandbox: Sandbox, source: str
) -> None:
    assert sandbox.trace(source).outcome.kind == "crashed"
    assert sandbox.run("x = 1", "x").kind == "returned"


def test_replacing_everything_in_reach_does_not_stop_the_report(sandbox: Sandbox) -> None:
    source = """\
import builtins, gc, io, json, json.encoder, os, signal, sys
def f():
    for module in (json, json.encoder, os, signal, io):
        for name in list(vars(module)):
            if callable(getattr(module, name)):
                setattr(module, name, None)
    for name in ("exec", "eval", "compile", "len", "isinstance", "getattr", "open", "print"):
        setattr(builtins, name, None)
    sys.modules.clear()
    sys.stdout = sys.stderr = None
    return 1
"""
    outcome = sandbox.run(source, "f()")
    assert outcome.kind in ("returned", "crashed")


def test_an_exception_class_that_lies_is_told_by_its_type(sandbox: Sandbox) -> None:
    source = """\
class Liar(Exception):
    __traceback__ = property(lambda self: 1 / 0)
    __class__ = property(lambda self: SystemExit)
    def __str__(self):
        raise SystemExit("from str")
def f():
    raise Liar("x")
"""
    trace = sandbox.trace(source, "f()")
    assert trace.outcome.kind == "raised"
    assert trace.outcome.exception is not None and trace.outcome.exception.line == 7


def test_a_program_that_kills_its_warm_parent_at_guard_is_tried_twice_and_given_up() -> None:
    with Sandbox(isolation="guard") as sandbox:
        with pytest.raises(SandboxError, match="died twice"):
            sandbox.run("import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\n")
        assert sandbox.run("x = 1", "x").kind == "returned"


NEVER_BEGUN = """\
import os, sys
frame = sys._getframe()
while "channel" not in frame.f_locals:
    frame = frame.f_back
channel = frame.f_locals["channel"]
modules = [sys.modules["pytrace_mono.tracer.sandbox." + name] for name in ("kernel", "wire")]
body = b'{"part": "source", "line": 1, "cause": "no"}'
head = modules[1].MESSAGE.pack(TAG, channel._nonce, len(body))
modules[0].write_with_secret(3, head + body, channel.secret)
os._exit(0)
"""


@pytest.mark.parametrize("tag", [wire.INVALID, wire.UNCONFINED])
def test_a_program_that_runs_cannot_claim_that_it_never_began(sandbox: Sandbox, tag: bytes) -> None:
    trace = sandbox.trace(NEVER_BEGUN.replace("TAG", repr(tag)))
    assert trace.status.state == "tampered" and trace.outcome.kind == "crashed"
    assert "wrote to the result channel" in str(trace.status.reason)


def test_what_tells_that_a_program_began_is_out_of_its_reach(sandbox: Sandbox) -> None:
    trace = sandbox.trace("import os", f"os.read({BEGUN_FD}, 1)")
    assert trace.outcome.exception is not None and trace.outcome.exception.type == "OSError"
