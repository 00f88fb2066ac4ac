"""Children that are put back after each run: whatever a program leaves, the next does not meet it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from ast import literal_eval
from collections.abc import Iterator
from mmap import PAGESIZE
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox_values import restores, text
from test_sandbox_leaks import children_of, eventually, state_of, warm_parents_of

from pytrace_mono.errors import SourceError
from pytrace_mono.tracer import Limits
from pytrace_mono.tracer.sandbox import Program, Sandbox, levels
from pytrace_mono.tracer.sandbox.checkpoint import _outside, _side_by_side

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    """A sandbox that restores its children, or no test."""
    if levels.choose("auto") != "isolated":
        pytest.skip("needs namespaces, which this machine does not offer")
    with Sandbox(Limits(wall_seconds=5), workers=1) as made:
        if not restores(made):
            pytest.skip("needs Linux 6.7 on x86-64, with ptrace, userfaultfd and pagemap")
        yield made


def child_of(box: Sandbox) -> str:
    return text(box, "import os", "os.getpid()")


def settle(box: Sandbox) -> str:
    """Wait for a child that is restored: after some that did not last, many runs have one each."""
    latest = child_of(box)
    for _ in range(300):
        earlier, latest = latest, child_of(box)
        if latest == earlier:
            return latest
    raise AssertionError("no child is restored any more")


# It asks the system last, because a child of which the system is asked much ends with its run.
LOOK = """\
import builtins, calendar, ctypes, gc, os, signal, sys, threading
libc, libm = ctypes.CDLL(None), ctypes.CDLL('libm.so.6')
def look():
    found = [
        sorted(sys.modules), sorted(vars(builtins)), sorted(vars(calendar)), sorted(os.environ),
        libc.getenv(b'LEFT'), sys.getrecursionlimit(), sys.getswitchinterval(), sys.gettrace(),
        gc.isenabled(), gc.get_threshold(), threading.active_count(), calendar.EPOCH, libm.fegetround(),
        [hex(id(each)) for each in (len, int, sys.modules)],
        sorted(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, []))), signal.sigpending(),
        [str(signal.getsignal(number)).partition(' at ')[0] for number in range(1, 32)],
    ]
    stack = (ctypes.c_long * 3)()
    libc.sigaltstack(None, stack)
    descriptors = []
    for fd in range(31):
        try:
            descriptors.append((fd, os.fstat(fd).st_mode, os.get_inheritable(fd)))
        except OSError:
            pass
    found += [list(stack), descriptors, os.getcwd(), os.sched_getaffinity(0)]
    found += [signal.getitimer(signal.ITIMER_VIRTUAL)]
    return [hash(repr(each)) % 10**6 for each in found]  # As they are, they would be cut.
"""

LEAVES = {
    "a module": "import sys, types\nsys.modules['left'] = types.ModuleType('left')",
    "an attribute of a module": "import calendar\ncalendar.left = 1",
    "a builtin": "import builtins\nbuiltins.left = 1",
    "the interpreter's settings": (
        "import gc, sys\nsys.setrecursionlimit(99)\nsys.setswitchinterval(1)\n"
        "gc.disable()\ngc.set_threshold(1, 2, 3)\nsys.settrace(lambda *_: None)"
    ),
    "a hook that cannot be removed": "import sys\nsys.addaudithook(lambda *_: 1 / 0)",
    "the environment": "import os\nos.environ['LEFT'] = '1'",
    "an object that nobody may change": (
        "import calendar, ctypes\n"
        "ctypes.c_long.from_address(id(calendar.EPOCH) + ctypes.sizeof(ctypes.c_long) * 3).value = 7"
    ),
    "the rounding of floats": "import ctypes\nctypes.CDLL('libm.so.6').fesetround(0x400)",
    "blocked signals": "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))",
    "a pending signal": (
        "import signal, time\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.01)\ntime.sleep(0.05)"
    ),
    "timers": (
        "import signal\nsignal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)\n"
        "signal.setitimer(signal.ITIMER_PROF, 0.1, 0.1)\nsignal.setitimer(signal.ITIMER_VIRTUAL, 9)"
    ),
    "handlers of signals": "import signal\nsignal.signal(signal.SIGUSR1, print)",
    "an alternate signal stack": "import faulthandler, sys\nfaulthandler.enable(open('/dev/null'))",
    "descriptors": "import os\nos.dup(0)\nos.pipe()\nos.close(2)",
    "a larger heap": "kept = [bytearray(100_000) for _ in range(100)]",
    "a deep stack": (
        "import sys\nsys.setrecursionlimit(9999)\n"
        "def f(n):\n    return n and sorted([n], key=lambda _: f(n - 1))\nf(900)"
    ),
}


@pytest.mark.parametrize("what", LEAVES)
def test_a_program_meets_nothing_of_the_one_before(box: Sandbox, what: str) -> None:
    settle(box)
    clean = text(box, LOOK, "look()")
    settle(box)
    box.run(LEAVES[what])
    assert text(box, LOOK, "look()") == clean


# What looks for it knows it backwards only, or would find itself.
SECRET = """\
import ctypes, os
def leave():
    global kept
    it = bytes(reversed({backwards!r}))
    kept = [it * n for n in range(1, 30)]
def is_found():
    # Where the interpreter puts objects of these sizes: in pools of 16 KiB.
    pools = {{id(block) >> 14 << 14 for block in [bytes(12 * n) for n in range(1, 30)]}}
    return any({backwards!r} in ctypes.string_at(pool, 1 << 14)[::-1] for pool in pools)
"""


def test_memory_that_a_program_has_filled_is_as_it_was(box: Sandbox) -> None:
    source = SECRET.format(backwards=b"wenk ti tahw")
    assert text(box, source, "leave() or is_found()") == "True"

    def looked_in_the_same_child() -> bool:
        child = settle(box)
        box.run(source, "leave()")
        looked_in, found = literal_eval(text(box, source, "os.getpid(), is_found()"))
        assert not found
        return str(looked_in) == child

    assert eventually(looked_in_the_same_child)  # Where the machine is busy, one may take too long.


SPENDS = """\
import signal, time
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGXCPU, signal.SIGPROF])
end = time.process_time() + {seconds}
while time.process_time() < end: pass
"""


def test_a_program_that_blocks_the_signals_of_its_limits_is_ended_and_nobody_else() -> None:
    with Sandbox(Limits(wall_seconds=20, cpu_seconds=1), workers=1) as box:
        child_of(box)
        begun = time.monotonic()
        assert box.run(SPENDS.format(seconds=19)).kind == "over_limit"
        assert time.monotonic() - begun < 8
        assert [text(box, "x = 6", "x * 7") for _ in range(3)] == ["42"] * 3


def test_what_its_calls_cost_the_warm_parent_counts_for_a_program() -> None:
    calls = SPENDS.format(seconds=0)
    with Sandbox(Limits(wall_seconds=20, cpu_seconds=1), workers=1) as box:
        child_of(box)
        begun = time.monotonic()
        assert box.run(calls + "import os\nwhile True: os.getcwd()").kind == "over_limit"
        assert time.monotonic() - begun < 8


def test_timers_that_are_left_end_no_later_program(box: Sandbox) -> None:
    for _ in range(3):
        box.run(LEAVES["timers"])
        slow = box.run("import time\ntime.sleep(0.4)\nfor n in range(3_000_000): pass", "n")
        assert slow.kind == "returned"


def test_one_child_runs_programs_calls_and_what_does_not_parse(box: Sandbox) -> None:
    program = Program("import os\nn = 0", ("n, os.getpid()",) * 5)

    def ran_in_one_child() -> bool:
        child = settle(box)
        assert text(box, "x = 6", "x * 7") == "42"
        with pytest.raises(SourceError):
            box.run("x = '\\0'; \0")
        assert box.run("1 / 0").kind == "raised"
        return child_of(box) == child

    def calls_ran_in_one_child() -> bool:
        traces = [trace for _ in range(2) for trace in box.map([program])]
        return len({trace.outcome.value.text for trace in traces if trace.outcome.value}) == 1

    assert eventually(ran_in_one_child)
    assert eventually(calls_ran_in_one_child)


def test_calls_after_one_that_tampers_do_not_wait_for_it(box: Sandbox) -> None:
    settle(box)
    begun = time.monotonic()
    traces = box.trace_all("import sys", ["sys.settrace(None)", "1", "2"])
    assert [trace.outcome.value.text for trace in traces if trace.outcome.value] == [
        "None",
        "1",
        "2",
    ]
    assert time.monotonic() - begun < 3  # Its warm parent would wait for more than five.


DEPTH = """\
def depth(n=1):
    try:
        return depth(n + 1)
    except RecursionError:
        return n
"""


def test_programs_find_the_same_depth_and_descriptors_in_a_child_of_their_own(box: Sandbox) -> None:
    source, call = DEPTH + "import os\n", "depth(), os.pipe(), os.dup(0)"
    settle(box)
    own = source + "#" * 70_000  # What is as long as that is not run in a child that is restored.
    assert text(box, source, call) == text(box, own, call)


def test_a_recorded_run_has_a_child_beside_the_one_of_other_runs(box: Sandbox) -> None:
    def recorded() -> str:
        found = box.trace("import os", "os.getpid()").outcome.value
        assert found is not None
        return found.text

    def both_lasted() -> bool:
        children = [child_of(box), recorded()]
        return [child_of(box), recorded()] == children and children[0] != children[1]

    assert eventually(both_lasted)


@pytest.mark.parametrize(
    "asks",
    ["open(__import__('os').__file__).close()", "x = bytes(10**7)", "__import__('os').dup(0)"],
)
def test_a_program_that_asks_the_system_for_more_ends_its_child(box: Sandbox, asks: str) -> None:
    child = settle(box)
    assert box.run(asks).kind == "returned"
    assert child_of(box) != child


ENDS = {
    "exits": "import os\nos._exit(3)",
    "aborts": "import os\nos.abort()",
    "crashes": "import ctypes\nctypes.string_at(0)",
    "claims to be ready": "import ctypes\nctypes.CDLL(None).prctl(4, 1)",
    "never ends": "while True: pass",
}


@pytest.mark.parametrize("how", ENDS)
def test_however_a_child_ends_the_next_program_has_another(how: str) -> None:
    with Sandbox(Limits(wall_seconds=0.4), workers=1) as box:
        child_of(box)
        assert box.run(ENDS[how]).kind in ("crashed", "timed_out")
        for _ in range(3):
            assert text(box, "x = 6", "x * 7") == "42"


def test_results_and_programs_larger_than_a_pipe_come_through(box: Sandbox) -> None:
    steps = box.trace("t = 0\nfor n in range(2000): t += n", "t").steps
    assert len(steps) > 2000
    long = "x = 1\n" * 20_000
    assert text(box, long, "x") == "1"
    assert box.run("print('y' * 50_000)", "'z' * 1000").value is not None


def test_a_limit_on_processor_time_holds_in_each_run_anew(box: Sandbox) -> None:
    limits = Limits(wall_seconds=20, cpu_seconds=1)
    with Sandbox(limits, workers=1) as strict:
        for _ in range(4):
            busy = "import time\nend = time.process_time() + 0.6\nwhile time.process_time() < end: pass"
            assert strict.run(busy).kind == "returned"
        unbounded = "import signal\nsignal.setitimer(signal.ITIMER_PROF, 0)\nwhile True: pass"
        begun = time.monotonic()
        assert strict.run(unbounded).kind == "over_limit"
        assert time.monotonic() - begun < 8


def test_a_child_that_was_killed_is_replaced() -> None:
    of_others = set(warm_parents_of(os.getpid()))
    with Sandbox(workers=1) as box:
        child_of(box)
        (parent,) = set(warm_parents_of(os.getpid())) - of_others
        for _ in range(3):
            for child in children_of(parent):
                os.kill(child, signal.SIGKILL)
            assert text(box, "x = 6", "x * 7") == "42"


def test_between_two_runs_a_child_stands_still_and_cannot_be_inspected_in_one(box: Sandbox) -> None:
    of_others = set(warm_parents_of(os.getpid()))
    with Sandbox(workers=1) as other:
        if not restores(other):
            pytest.skip("children are not restored here")
        (parent,) = set(warm_parents_of(os.getpid())) - of_others
        (child,) = children_of(parent)
        assert eventually(lambda: state_of(child) == "t")
        assert text(other, "import ctypes", "ctypes.CDLL(None).prctl(3)") == "-1"


@given(
    st.tuples(st.integers(0, 40), st.integers(1, 40)),
    st.lists(st.integers(0, 80), unique=True, max_size=40),
)
def test_what_of_a_span_is_in_no_hole_is_found_page_by_page(
    span: tuple[int, int], pages: list[int]
) -> None:
    start, size = (number * PAGESIZE for number in span)
    holes = _side_by_side(sorted(page * PAGESIZE for page in pages))
    found = list(_outside((start, start + size), holes))
    inside = {page for first, end in found for page in range(first, end, PAGESIZE)}
    assert inside == set(range(start, start + size, PAGESIZE)) - {page * PAGESIZE for page in pages}
    assert all(first < end for first, end in found)


_REFUSE = """\
import errno, os, sys
sys.path.insert(0, {root!r})
from pytrace_mono.tracer.sandbox import Program, Sandbox, kernel, syscalls
from pytrace_mono.tracer.sandbox.seccomp import Filter
kernel.forbid_new_privileges()
kernel.install_seccomp(Filter({{{number}: errno.EPERM}}, syscalls.ALLOW).code)
with Sandbox(isolation="isolated", workers=1) as box:
    pids = [box.run("import os", "os.getpid()").value.text for _ in range(5)]
    pids += [box.trace("import os", "os.getpid()").outcome.value.text for _ in range(5)]
    print(len(set(pids)))
"""


@pytest.mark.parametrize(
    "number", [101, 323, 438, 311, 289], ids="ptrace userfaultfd getfd writev signalfd".split()
)
def test_where_something_is_refused_every_run_has_a_child_of_its_own(
    box: Sandbox, number: int
) -> None:
    code = _REFUSE.format(root=str(ROOT), number=number)
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "10\n"
