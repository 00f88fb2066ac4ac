"""Nothing is left behind: no process, no descriptor, whatever ends the main process."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from mmap import PAGESIZE
from pathlib import Path

import pytest

from pytrace_mono.tracer import Limits
from pytrace_mono.tracer.sandbox import Sandbox, levels

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")


def children_of(pid: int) -> list[int]:
    """Process ids of the living children of a process."""
    found = []
    for entry in os.listdir("/proc"):
        try:
            fields = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
        except (OSError, NotADirectoryError):
            continue
        if fields and int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(entry))
    return found


def running_children_of(pid: int) -> list[int]:
    """Without those that their warm parent has stopped, to restore them."""
    return [child for child in children_of(pid) if state_of(child) not in "tX"]


def has_nothing_running(parent: int) -> bool:
    return running_children_of(parent) == []


def state_of(pid: int) -> str:
    """As ps(1) shows it; X where there is no such process any more."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"


def warm_parents_of(pid: int) -> list[int]:
    """The processes that fork for this one: at level isolated a watcher stands between."""
    children = children_of(pid)
    if levels.choose("auto") != "isolated":
        return children
    return [inner for child in children for inner in children_of(child)]


def alive(pid: int) -> bool:
    return state_of(pid) not in "ZX"


def eventually(condition: Callable[[], bool], seconds: float = 5) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def descriptors() -> set[str]:
    return set(os.listdir("/proc/self/fd"))


def test_hundreds_of_runs_leave_no_process_and_no_descriptor() -> None:
    gc.collect()
    before, children = descriptors(), children_of(os.getpid())
    of_others = set(warm_parents_of(os.getpid()))  # other tests' fixtures may be open
    with Sandbox(Limits(wall_seconds=5), workers=2) as sandbox:
        list(sandbox.map([("x = 1", "x")] * 180))
        for source in ("import os; os._exit(1)", "import os; os.abort()", "1 / 0") * 7:
            sandbox.run(source)
        parents = set(warm_parents_of(os.getpid())) - of_others
        assert len(parents) == 2
        for parent in parents:
            assert eventually(partial(has_nothing_running, parent))
            # Requests, replies, three standard streams, the ruleset, the main process, the ring that
            # pins memory, two numbers that are kept free, two ends of a pipe; for children that are
            # restored /proc, what tells that one stopped, and for each of two its pidfd, pipes, pagemap
            # and userfaultfd.
            assert len(os.listdir(f"/proc/{parent}/fd")) <= 24
    assert descriptors() == before
    assert children_of(os.getpid()) == children


def test_a_warm_parent_that_traces_now_and_then_does_not_grow() -> None:
    of_others = set(warm_parents_of(os.getpid()))
    with Sandbox(workers=1) as sandbox:

        def by_turns(count: int) -> None:
            for _ in range(count):
                sandbox.trace("x = 1", "x")
                sandbox.run("x = 1", "x")

        def resident() -> int:
            return int(Path(f"/proc/{parent}/statm").read_text().split()[1]) * PAGESIZE

        by_turns(20)
        (parent,) = set(warm_parents_of(os.getpid())) - of_others
        before = resident()
        by_turns(60)
        assert resident() - before < 512 * 1024


def test_a_forgotten_sandbox_is_closed_by_the_garbage_collector() -> None:
    children = children_of(os.getpid())
    sandbox = Sandbox(isolation="guard")
    sandbox.run("x = 1")
    assert children_of(os.getpid()) != children
    del sandbox
    gc.collect()
    assert children_of(os.getpid()) == children


def test_what_a_program_forks_away_at_guard_is_ended_with_it() -> None:
    source = """\
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(60)
    os._exit(0)
time.sleep(0.1)
"""
    children = children_of(os.getpid())
    with Sandbox(isolation="guard") as sandbox:
        sandbox.run(source)
        (parent,) = set(children_of(os.getpid())) - set(children)
        assert children_of(parent) == []


SCRIPT = """\
import os, sys
sys.path.insert(0, sys.argv[1])
from pytrace_mono.tracer import Limits
from pytrace_mono.tracer.sandbox import Sandbox, levels
sandbox = Sandbox(Limits(wall_seconds=60), workers=2)
sandbox.run("x = 1")
print("ready", flush=True)
{work}
"""

WAYS = {
    "trace": "sandbox.trace('import time; time.sleep(60)')",
    "map": "list(sandbox.map([('import time; time.sleep(60)', None)] * 4))",
    "idle": "import time; time.sleep(60)",
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM])
def test_whatever_ends_the_main_process_ends_everything(way: str, how: signal.Signals) -> None:
    script = SCRIPT.format(work=WAYS[way])
    with subprocess.Popen(
        [sys.executable, "-c", script, str(ROOT)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as main:
        assert main.stdout is not None and main.stdout.readline() == b"ready\n"
        wanted = {"trace": 1, "map": 2, "idle": 0}[way]

        def running() -> bool:
            parents = warm_parents_of(main.pid)
            return sum(len(running_children_of(p)) for p in parents) == wanted

        assert eventually(running)
        parents = warm_parents_of(main.pid)
        assert parents
        everyone = [*children_of(main.pid), *parents]
        everyone += [child for parent in parents for child in children_of(parent)]
        main.send_signal(how)
        main.wait(10)
        assert eventually(lambda: not any(alive(pid) for pid in everyone), 1)


def test_a_half_read_map_does_not_hold_up_the_end_of_the_main_process() -> None:
    work = "m = sandbox.map([('', '1')] + [('import time; time.sleep(60)', None)] * 4)\nnext(m)"
    command = [sys.executable, "-c", SCRIPT.format(work=work), str(ROOT)]
    begun = time.monotonic()
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    assert time.monotonic() - begun < 10


def test_a_forked_copy_of_the_main_process_gets_warm_parents_of_its_own() -> None:
    work = """\
pid = os.fork()
outcome = sandbox.run("import os", "os.getpid()")
if pid == 0:
    os._exit(0 if outcome.kind == "returned" else 1)
_, status = os.waitpid(pid, 0)
assert status == 0 and outcome.kind == "returned"
assert sandbox.run("x = 1", "x").value.text == "1"
"""
    command = [sys.executable, "-c", SCRIPT.format(work=work), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, timeout=30)


def test_a_warm_parent_that_was_killed_is_replaced() -> None:
    children = children_of(os.getpid())
    with Sandbox(isolation="guard") as sandbox:
        sandbox.run("x = 1")
        (parent,) = set(children_of(os.getpid())) - set(children)
        os.kill(parent, signal.SIGKILL)
        outcome = sandbox.run("x = 1", "x")
    assert outcome.value is not None and outcome.value.text == "1"
