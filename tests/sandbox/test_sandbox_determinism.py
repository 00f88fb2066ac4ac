"""Equal runs have equal recordings, and one that has not is told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytrace_mono.errors import SandboxError
from pytrace_mono.tracer.sandbox import Program, Sandbox

CLOCKS = """\
import datetime, time
def clocks():
    return [
        time.time(), time.time_ns(), time.monotonic(), time.perf_counter(), time.process_time(),
        time.clock_gettime(time.CLOCK_REALTIME), time.clock_gettime_ns(time.CLOCK_MONOTONIC),
        time.ctime(), time.strftime('%Y'), time.localtime().tm_hour, time.gmtime(0).tm_year,
        datetime.datetime.now(), datetime.datetime.utcnow(), datetime.datetime.today(),
        datetime.date.today(), datetime.datetime.now(datetime.timezone.utc).tzname(),
    ]
"""


@pytest.fixture(scope="module")
def checking() -> Iterator[Sandbox]:
    with Sandbox(workers=1, determinism="check") as made:
        yield made


@pytest.fixture(scope="module")
def frozen() -> Iterator[Sandbox]:
    with Sandbox(workers=1, frozen_clock=True) as made:
        yield made


@pytest.mark.parametrize(
    ("source", "call", "said"),
    [
        ("import time\ndef f():\n    t = time.time_ns()\n    return 1\n", "f()", "(line 3 of f): `t` "),
        ("import os\n", "os.urandom(4)", "run of os.urandom(4) differs: the outcome is returned b"),
        ("import os\nprint(os.urandom(4))", None, "run of the module's body differs: stdout is "),
        ("import time\nfor _ in range(time.time_ns() // 1000 % 999): pass", None, "step"),
        ("import time\nraise ValueError(time.time_ns())", None, "ValueError"),
        ("def f():\n    return id([]) // 4096\n", "f()", "a second run of f() differs"),
    ],
    ids=["variable", "outcome", "output", "path", "exception", "address"],
)  # fmt: skip
def test_what_differs_in_a_second_run_is_told(
    checking: Sandbox, source: str, call: str | None, said: str
) -> None:
    trace = checking.trace(source, call)
    assert trace.status.state == "nondeterministic", trace.status
    assert said in str(trace.status.reason)


def test_what_does_not_differ_is_complete(checking: Sandbox) -> None:
    source = "import random\ndef f(x):\n    return [random.random(), {'x', 'y'}, x]\n"
    traces = list(
        checking.map([(source, "f(1)"), Program(source, ("f(2)", "f(3)")), ("1/0", None)])
    )
    assert [trace.complete for trace in traces] == [True] * 4
    assert traces[3].outcome.kind == "raised"


def test_of_several_calls_only_the_one_that_differs_is_told_of(checking: Sandbox) -> None:
    states = [t.status.state for t in checking.trace_all("import os", ["1", "os.urandom(8)", "2"])]
    assert states == ["complete", "nondeterministic", "complete"]


def test_a_run_that_the_clock_ended_is_compared_as_far_as_both_went() -> None:
    from pytrace_mono.tracer import Limits

    with Sandbox(Limits(wall_seconds=0.2), workers=1, determinism="check") as box:
        assert box.trace("while True:\n    pass").status.state == "truncated"


def test_a_run_without_a_recording_cannot_be_checked(checking: Sandbox) -> None:
    with pytest.raises(SandboxError, match=r"use Sandbox\.trace"):
        checking.run("1")
    with pytest.raises(SandboxError, match="'seeded' or 'check'"):
        Sandbox(determinism="perhaps")


def test_a_frozen_clock_shows_every_run_the_same_time(frozen: Sandbox) -> None:
    first, second = frozen.trace_all(CLOCKS, ["clocks()", "clocks()"])
    assert first.outcome.value is not None
    assert first.outcome == second.outcome
    text = first.outcome.value.text
    assert text.startswith("[1704067200.0, 1704067200000000000, 0.0, 0.0, 0.0, 1704067200.0, 0,")
    assert "'Mon Jan  1 00:00:00 2024', '2024', 0, 1970, " in text
    assert text.count("datetime.datetime(2024, 1, 1, 0, 0)") == 3 and text.endswith("'UTC']")


def test_only_sleep_moves_a_frozen_clock_on_and_takes_no_time(frozen: Sandbox) -> None:
    source = (
        "import datetime, time\n"
        "start = datetime.datetime.now(), time.monotonic()\n"
        "time.sleep(3600)\n"
    )
    call = "str(datetime.datetime.now() - start[0]), time.monotonic() - start[1]"
    for _ in range(2):
        value = frozen.run(source, call).value
        assert value is not None and value.text == "('1:00:00', 3600.0)"


def test_a_frozen_clock_leaves_the_limits_as_they_are() -> None:
    from pytrace_mono.tracer import Limits

    with Sandbox(Limits(wall_seconds=0.3), workers=1, frozen_clock=True) as box:
        assert box.run("import time\nwhile time.time() < 9e9:\n    pass").kind == "timed_out"
        assert box.trace_all("", ["1", "2"])[1].complete
