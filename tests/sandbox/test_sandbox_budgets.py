"""Programs that want too much: time, output, memory. None of them can argue with its budget."""

from __future__ import annotations

import time

import pytest

from pytrace_mono.tracer import Limits
from pytrace_mono.tracer.sandbox import Sandbox

SWALLOWS_EVERYTHING = """\
def f():
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
"""

IGNORES_TIMERS = """\
import signal
signal.signal(signal.SIGALRM, signal.SIG_IGN)
def f():
    while True:
        pass
"""


def test_an_endless_loop_ends_at_the_wall_clock_with_what_it_had_done(impatient: Sandbox) -> None:
    trace = impatient.trace("import time\nx = 1\ntime.sleep(60)\n")
    assert trace.outcome.kind == "timed_out"
    assert trace.status.reason == "wall_seconds (0.4) passed"
    assert trace.steps[-1].line == 3


@pytest.mark.parametrize("source", [SWALLOWS_EVERYTHING, IGNORES_TIMERS])
def test_nothing_a_program_catches_or_ignores_keeps_it_running(
    impatient: Sandbox, source: str
) -> None:
    begun = time.monotonic()
    assert impatient.run(source, "f()").kind == "timed_out"
    assert time.monotonic() - begun < 5


def test_a_loop_inside_c_code_is_killed_from_outside(impatient: Sandbox) -> None:
    trace = impatient.trace("from itertools import repeat\n", "sum(repeat(1))")
    assert trace.outcome.kind == "timed_out"
    assert trace.steps == ()
    assert trace.status.reason == "wall_seconds (0.4) passed, and it had to be killed"


@pytest.mark.parametrize("call", ["10 ** 10 ** 9", "re.match('(a+)+$', 'a' * 40 + 'b')"])
def test_one_expensive_operation_ends_in_time(impatient: Sandbox, call: str) -> None:
    begun = time.monotonic()
    assert impatient.run("import re\n", call).kind == "timed_out"
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("call", ["f()", "sum(repeat(1))"], ids=["python", "c"])
def test_processor_time_has_a_budget_of_its_own(call: str) -> None:
    source = "from itertools import repeat\ndef f():\n    while True: pass\n"
    with Sandbox(Limits(cpu_seconds=0.3, wall_seconds=30), "guard") as sandbox:
        assert sandbox.run(source, call).kind == "over_limit"


def test_recursion_without_end_is_the_programs_own_exception(sandbox: Sandbox) -> None:
    outcome = sandbox.run("def f(n):\n    return f(n + 1)\n", "f(0)")
    assert outcome.kind == "raised"
    assert outcome.exception is not None and outcome.exception.type == "RecursionError"


def test_a_program_that_prints_without_end_is_stopped_and_its_first_output_kept(
    sandbox: Sandbox,
) -> None:
    trace = sandbox.trace("while True:\n    print('x' * 1000)\n")
    assert trace.outcome.kind == "over_limit"
    assert len(trace.stdout) == sandbox.limits.output_bytes
    assert trace.status.reason == "output_bytes (65536) written"


def test_a_gigabyte_to_the_descriptors_goes_nowhere(sandbox: Sandbox) -> None:
    source = "import os\npiece = b'x' * 10**7\nfor _ in range(100):\n    os.write(1, piece)\n"
    trace = sandbox.trace(source)
    assert trace.outcome.kind == "returned" and trace.stdout == ""


@pytest.mark.parametrize(
    "source", ["x = 'x' * 10**9\n", "x = []\nwhile True: x.append([0] * 10**7)\n"]
)
def test_a_program_that_wants_a_gigabyte_is_over_its_memory(sandbox: Sandbox, source: str) -> None:
    trace = sandbox.trace(source)
    assert trace.outcome.kind == "over_limit"
    assert trace.status.reason == f"memory_bytes ({sandbox.limits.memory_bytes}) exhausted"
    assert trace.steps


def test_a_program_may_survive_a_memory_error(sandbox: Sandbox) -> None:
    source = "def f():\n    try: 'x' * 10**10\n    except MemoryError: return 'lived'\n"
    outcome = sandbox.run(source, "f()")
    assert outcome.value is not None and outcome.value.text == "'lived'"


def test_many_small_prints_are_cheap(sandbox: Sandbox) -> None:
    outcome = sandbox.run("for i in range(5000):\n    print(i)\n")
    assert outcome.kind == "returned"


def test_output_that_goes_around_write_is_bounded_as_well(sandbox: Sandbox) -> None:
    trace = sandbox.trace("import sys\nsys.stdout.buffer.writelines([b'x' * 100_000])\n")
    assert len(trace.stdout) == sandbox.limits.output_bytes


def test_limits_that_mean_forever_are_accepted() -> None:
    limits = Limits(wall_seconds=1e18, cpu_seconds=1e18)
    with Sandbox(limits, "guard") as sandbox:
        assert sandbox.run("x = 1", "x").kind == "returned"
