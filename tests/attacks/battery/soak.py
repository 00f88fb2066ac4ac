"""Many programs in one Sandbox, some of them hostile: is every one accounted for, is nothing left?"""

from __future__ import annotations

import itertools
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from battery import ours
from battery.attack import Attack
from battery.catalogue import ATTACKS
from battery.findings import KNOWN
from battery.scene import Scene
from pytrace_mono.tracer import Limits, Sandbox, Trace

HOSTILE_EVERY = 20
_ORDINARY = """\
def f(n):
    seen = {}
    for i in range(n % 7 + 3):
        seen[i] = i * n
    return sum(seen.values())
"""
_SAMPLES = 10


@dataclass
class Soak:
    """What was found.

    Attributes:
        level: the isolation level.
        programs: how many were run; ``hostile`` of them.
        seconds: how long that took.
        outcomes: how they ended, by kind.
        faults: everything that is not as it must be, in words; empty when all is well.
        memory: resident bytes of the main process and of the warm parents, (before, after), from
            the first tenth to the end.
    """

    level: str
    programs: int
    hostile: int = 0
    seconds: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    memory: dict[str, tuple[int, int]] = field(default_factory=dict)


def soak(programs: int, level: str, workers: int = 2) -> Soak:
    """Run that many programs, one in twenty an attack, and look for what they left."""
    box_limits = Limits(wall_seconds=2, memory_bytes=128 << 20, max_steps=2000)
    with Scene() as scene:
        found = Soak(level, programs)
        attacks = [attack for attack in ATTACKS if not attack.hasty or attack.name == "loop"]
        files, descriptors = _files(), _descriptors(os.getpid())
        namespaces = _namespaces({os.getpid()})
        others = scene.family()  # Warm parents of somebody else's Sandbox, say.
        with Sandbox(box_limits, level, workers) as box:
            # One after another, both warm parents must be there before anything is counted.
            list(box.map([(_ORDINARY, "f(1)")] * 50))
            family = scene.running() - others
            first_inside = {pid: len(_descriptors(pid)) for pid in family}
            begun = time.monotonic()
            jobs = _jobs(programs, attacks, scene)
            told, asked = itertools.tee(jobs)
            samples = []
            for number, ((attack, _, _), trace) in enumerate(
                zip(told, box.map((source, call) for _, source, call in asked), strict=True)
            ):
                _account(found, number, attack, trace)
                if number % max(1, programs // _SAMPLES) == max(1, programs // _SAMPLES) - 1:
                    samples.append((_resident({os.getpid()}), _resident(scene.family() - others)))
            found.seconds = time.monotonic() - begun
            counted = sum(found.outcomes.values())
            if counted != programs:
                found.faults.append(f"{programs} programs, {counted} results")
            found.faults += [f"the scene: {sign}" for sign in scene.signs()]
            after = scene.running() - others
            if len(after) != len(family):
                found.faults.append(f"{len(family)} processes before, {len(after)} after")
            for pid in after & family:
                if len(_descriptors(pid)) > first_inside[pid]:
                    found.faults.append("a warm parent has more descriptors than before")
            if len(_namespaces(after)) > len(_namespaces(family & after)) + len(after - family):
                found.faults.append("more namespaces than before")
        if scene.family() - others:
            found.faults.append("processes are left when the Sandbox is closed")
        if os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            found.faults.append("a process that ended was not waited for")
        if _descriptors(os.getpid()) != descriptors:
            found.faults.append("descriptors are left when the Sandbox is closed")
        if _namespaces({os.getpid()}) != namespaces:
            found.faults.append("the main process is in other namespaces than before")
        if new := _files() - files:
            found.faults.append(f"files are left: {sorted(new)[:5]}")
    for who, index in (("main process", 0), ("warm parents", 1)):
        found.memory[who] = (samples[0][index], samples[-1][index])
    return found


def _jobs(
    programs: int, attacks: list[Attack], scene: Scene
) -> Iterator[tuple[Attack | None, str, str]]:
    hostile = itertools.cycle(random.Random(0).sample(attacks, len(attacks)))
    prelude = scene.prelude(ours.frame(), ours.SNAPSHOT)
    for number in range(programs):
        if number % HOSTILE_EVERY == HOSTILE_EVERY - 1:
            attack = next(hostile)
            yield attack, prelude + attack.source, attack.call
        else:
            yield None, _ORDINARY, f"f({number})"


def _account(found: Soak, number: int, attack: Attack | None, trace: Trace) -> None:
    found.outcomes[trace.outcome.kind] += 1
    if attack is None:
        count = number % 7 + 3
        value = str(number * count * (count - 1) // 2)
        if trace.outcome.value is None or trace.outcome.value.text != value or not trace.complete:
            found.faults.append(f"program {number} did not give {value}: {trace.outcome}")
        return
    found.hostile += 1
    if found.level not in KNOWN.get(attack.name, ((), ""))[0]:
        found.faults += [f"{attack.name}: {sign}" for sign in ours.told(trace)]


def _files() -> set[str]:
    """Ours in the folders that everyone may write to, but decoys, which a scene looks after itself."""
    found = {path for folder in ("/tmp", "/dev/shm") for path in Path(folder).glob("pytrace*")}
    return {str(path) for path in found if not path.name.startswith("pytrace-mono-decoys-")}


def _descriptors(pid: int) -> set[str]:
    return set(os.listdir(f"/proc/{pid}/fd"))


def _namespaces(pids: set[int]) -> set[str]:
    kinds = ("user", "pid", "net", "ipc", "uts", "mnt")
    return {os.readlink(f"/proc/{pid}/ns/{kind}") for pid in pids for kind in kinds}


def _resident(pids: set[int]) -> int:
    """Bytes, of the largest of them: a child that runs at the moment does not count beside it."""
    page = os.sysconf("SC_PAGE_SIZE")
    sizes = []
    for pid in pids:
        try:
            sizes.append(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * page)
        except OSError:
            continue
    return max(sizes, default=0)
