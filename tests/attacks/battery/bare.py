"""Run the controls: without protection, or with a guard. ONLY inside the jail of ``battery.jail``.

The harness is one as they are often written: a forked process, a tracer in Python, ``repr`` of the
value, one line of JSON on descriptor 3.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import io
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from battery import guard
from battery.attack import FORGED, PROOF, SECRET, Attack, Sign
from battery.poisoning import FOLLOWER
from battery.scene import Scene

SECONDS, HASTY_SECONDS = 3.0, 0.4
_OVERSIZED = 10_000_000
_GUARDED_MEMORY = 4 << 30
_MARK = "/tmp/this-is-the-jail"


def attempt_all(attacks: Iterable[Attack], guarded: bool) -> dict[str, list[Sign]]:
    """Name of each attack -> the signs of its control's success.

    Raises:
        RuntimeError: this is not the jail.
    """
    if os.getuid() == 0 or not os.path.exists(_MARK) or os.getpid() > 10:
        raise RuntimeError("controls run as an ordinary user inside the jail, and nowhere else")
    signs: dict[str, list[Sign]] = {}
    with Scene() as scene:
        clean = _told(*_run(FOLLOWER, "look()", "", False, SECONDS))[1]
        for attack in attacks:
            if attack.uncontrolled:
                continue
            frame = json.dumps(_result(FORGED, "", ["hidden"])).encode() + b"\n"
            source = scene.prelude(frame, {"text": FORGED}) + attack.control
            follower = FOLLOWER if attack.sign == "poisoned" else ""
            seconds = HASTY_SECONDS if attack.hasty else SECONDS
            data, ended = _run(source, attack.call, follower, guarded, seconds)
            seen, value = _told(data, ended)
            if attack.sign == "poisoned" and value != clean:
                seen.append("poisoned")
            seen += scene.signs()
            seen += _end_survivors(scene)
            signs[attack.name] = seen
    return signs


def show(value: Any) -> str:
    """Text of a value, as a harness within the program's process gives it."""
    return FORGED if value == "forged" else repr(value)


class Report:
    """Ends a run before its time."""

    def end(self, outcome: dict[str, Any], status: dict[str, str]) -> None:
        value = outcome.get("value", {}).get("text", "")
        os.write(3, json.dumps(_result(value, "", [])).encode() + b"\n")
        os._exit(0)


def _result(value: str, stdout: str, functions: list[str]) -> dict[str, Any]:
    return {"value": value, "stdout": stdout, "functions": functions}


def _run(
    source: str, call: str, follower: str, guarded: bool, seconds: float
) -> tuple[bytes, bool]:
    """What the process wrote on its result pipe, and whether it ended by itself."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            _child(source, call, follower, guarded, writer)
        finally:
            os._exit(1)
    os.close(writer)
    data = b""
    deadline = time.monotonic() + seconds
    ended = False
    while not ended and (left := deadline - time.monotonic()) > 0:
        if select.select([reader], [], [], min(left, 0.02))[0]:
            piece = os.read(reader, 1 << 20)
            data += piece
            if not piece:
                time.sleep(0.002)
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    os.set_blocking(reader, False)
    with contextlib.suppress(BlockingIOError):
        while piece := os.read(reader, 1 << 20):
            data += piece
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(reader)
    return data, ended


def _child(source: str, call: str, follower: str, guarded: bool, writer: int) -> None:
    os.dup2(writer, 3)
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    gc.collect()
    gc.freeze()
    atexit._clear()
    if guarded:
        guard.enter(_GUARDED_MEMORY)
    line = _one(source, call)
    if follower:
        line = _one(follower, "look()")
    view = memoryview(line)
    while view:
        view = view[os.write(3, view) :]
    atexit._run_exitfuncs()
    os._exit(0)


def _one(source: str, call: str) -> bytes:
    """Run one program in this process, with a tracer that notes the functions that ran."""
    functions: list[Any] = []

    def tracer(frame: Any, event: str, argument: object) -> Callable[..., Any] | None:
        if frame.f_code.co_filename != "<program>":
            return None
        functions.append(("row", frame.f_code.co_name))
        return None if len(functions) > 10_000 else tracer

    report = Report()
    signal.signal(signal.SIGALRM, lambda *rest: report.end({"kind": "timed_out"}, {}))
    sys.stdout = sys.stderr = io.StringIO()
    namespace: dict[str, Any] = {"__name__": "__program__"}
    sys.settrace(tracer)
    try:
        exec(compile(source, "<program>", "exec"), namespace)  # noqa: S102 - in the jail
        value = eval(call, namespace)  # noqa: S307 - in the jail
        text = show(value)
    except Exception as error:
        text = repr(error)
    sys.settrace(None)
    names = [row[1] for row in functions]
    return json.dumps(_result(text, sys.stdout.getvalue(), sorted(set(names)))).encode() + b"\n"


def _told(data: bytes, ended: bool) -> tuple[list[Sign], Any]:
    seen: list[Sign] = [] if ended else ["late"]
    if len(data) > _OVERSIZED:
        seen.append("oversized")
    line = data.split(b"\n")[0]
    try:
        result = json.loads(line)
        value = result["value"]
    except (ValueError, KeyError, TypeError):
        return [*seen, "broken"], None
    if SECRET in line.decode():
        seen.append("secret")
    if value == repr(PROOF):
        seen.append("proof")
        if "hidden" not in result["functions"]:
            seen.append("hidden")
    if value == FORGED:
        seen.append("forged")
    return seen, (value, result["stdout"])


def _end_survivors(scene: Scene) -> list[Sign]:
    survivors = scene.family()
    for pid in survivors:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        # The victim is alive and is not waited for: it never ends by itself while this runs.
        while os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG)
            if found is None:
                break
    return ["survivor"] if survivors else []
