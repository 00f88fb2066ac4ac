"""Many programs in one Sandbox, and a main process that is killed: nothing is left behind."""

from __future__ import annotations

import ctypes
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from battery.scene import descendants
from battery.soak import soak
from test_attacks import STRONGEST

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")

_ROOT = Path(__file__).resolve().parents[2]
_SET_CHILD_SUBREAPER = 36
_BUSY = """\
import sys
from pytrace_mono.tracer import Limits, Sandbox
programs = [
    ("x = 1", "x"), ("while True: pass", "1"), ("import os", "os._exit(1)"),
    ("def f(n):\\n    return [n] * n\\n", "f(9)"), ("import time; time.sleep(9)", "1"),
]
with Sandbox(Limits(wall_seconds=0.05), workers=2) as sandbox:
    sandbox.run("x = 1")
    print("ready", flush=True)
    for _ in sandbox.map(programs * 1000):
        pass
"""


def test_some_hundred_programs_some_of_them_hostile_leave_nothing() -> None:
    found = soak(600, STRONGEST)
    assert found.faults == []
    assert found.hostile == 30 and sum(found.outcomes.values()) == 600


@pytest.fixture
def orphanage() -> Iterator[None]:
    """Orphans of the test's processes become its own children, so that it sees every one."""
    ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    yield
    ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


@pytest.mark.parametrize("seed", range(6))
def test_a_main_process_killed_at_any_moment_leaves_no_process(orphanage: None, seed: int) -> None:
    before = descendants(os.getpid())
    with subprocess.Popen(
        [sys.executable, "-c", _BUSY],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
    ) as main:
        assert main.stdout is not None and main.stdout.readline() == b"ready\n"
        time.sleep(random.Random(seed).uniform(0, 0.3))
        assert len(descendants(os.getpid()) - before) > 1
        main.kill()
        main.wait()
        end = time.monotonic() + 1
        while left := descendants(os.getpid()) - before:
            assert time.monotonic() < end, f"still there after a second: {left}"
            time.sleep(0.01)
