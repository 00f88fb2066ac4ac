"""Run attacks in a Sandbox and say what was seen of each."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Iterable

from battery.attack import FORGED, PROOF, SECRET, Attack, Sign
from battery.poisoning import FOLLOWER
from battery.scene import Scene
from pytrace_mono.errors import PytraceMonoError
from pytrace_mono.tracer import Limits, Sandbox, Trace

SECONDS, HASTY_SECONDS = 3.0, 0.15
_TOO_LATE_SECONDS = 4.0
"""How long after its time a program counts as still running: machines are slow sometimes."""

PATIENT = Limits(wall_seconds=SECONDS, memory_bytes=256 << 20, max_steps=2000)
_OVERSIZED = 10_000_000
SNAPSHOT = {"text": FORGED, "type": "str", "exact": True}


def frame() -> bytes:
    """A complete result that claims :data:`battery.attack.FORGED`."""
    result = {
        "outcome": {"kind": "returned", "value": SNAPSHOT},
        "status": {"state": "complete"},
        "stdout": "",
        "stderr": "",
        "call_start": 0,
        "steps": [],
    }
    body = json.dumps(result).encode()
    return struct.pack(">I", len(body)) + body


def attempt_all(
    attacks: Iterable[Attack], level: str, profiles: tuple[str, ...] = ()
) -> dict[str, list[Sign]]:
    """Name of each attack -> the signs of its success that were seen; none is as it should be.

    Args:
        attacks: what to run.
        level: the isolation level.
        profiles: what is granted beyond the usual.
    """
    signs: dict[str, list[Sign]] = {}
    hasty = Limits(wall_seconds=HASTY_SECONDS, memory_bytes=256 << 20, max_steps=10**9)
    with (
        Scene() as scene,
        Sandbox(PATIENT, level, workers=1, profiles=profiles) as box,
        Sandbox(hasty, level, workers=1, profiles=profiles) as hasty_box,
    ):
        clean = _follower(box)
        _follower(hasty_box)  # Its warm parent is to be there before the first attack.
        for attack in attacks:
            chosen = hasty_box if attack.hasty else box
            signs[attack.name] = _attempt(attack, chosen, scene)
            if attack.sign in ("poisoned", "forged", "hidden") and _follower(box) != clean:
                signs[attack.name].append("poisoned")
    return signs


def _attempt(attack: Attack, box: Sandbox, scene: Scene) -> list[Sign]:
    before = scene.running()
    begun = time.monotonic()
    seen: list[Sign] = []
    try:
        trace = box.trace(scene.prelude(frame(), SNAPSHOT) + attack.source, attack.call)
    except PytraceMonoError:
        seen.append("broken")
    else:
        seen += told(trace)
    if time.monotonic() - begun > box.limits.wall_seconds + _TOO_LATE_SECONDS:
        seen.append("late")
    seen += scene.signs()
    # A warm parent that had to be replaced has another id, so they are counted.
    if len(scene.running()) > len(before):
        seen.append("survivor")
    return seen


def told(trace: Trace) -> list[Sign]:
    """What a Trace shows of an attack's success."""
    seen: list[Sign] = []
    value = trace.outcome.value
    record = trace.to_json()
    record = record.replace(json.dumps(trace.program), "")
    if SECRET in record:
        seen.append("secret")
    if value is not None and value.text == repr(PROOF):
        if "def hidden" not in trace.program:
            seen.append("proof")
        elif trace.complete and not any(step.function == "hidden" for step in trace.steps):
            seen.append("hidden")
    if value is not None and value.text == FORGED and trace.complete:
        seen.append("forged")
    if len(record) > _OVERSIZED:
        seen.append("oversized")
    return seen


def _follower(box: Sandbox) -> tuple[str | None, str]:
    trace = box.trace(FOLLOWER, "look()")
    return (trace.outcome.value.text if trace.outcome.value else None, trace.stdout)
