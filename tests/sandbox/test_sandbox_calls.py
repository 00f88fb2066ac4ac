"""All Calls of a program in one child: quick, in order, and each as if it were alone."""

from __future__ import annotations

from ast import literal_eval

import pytest

from pytrace_mono.errors import CallError, SourceError
from pytrace_mono.tracer import Limits, Trace
from pytrace_mono.tracer.sandbox import Program, Sandbox


def texts(traces: list[Trace]) -> list[str]:
    return [t.outcome.value.text if t.outcome.value else t.outcome.kind for t in traces]


def test_calls_share_a_process_and_no_namespace(sandbox: Sandbox) -> None:
    source = "import os\nseen = []\ndef f(n):\n    seen.append(n)\n    return os.getpid(), seen\n"
    traces = sandbox.trace_all(source, ["f(1)", "f(2)", ("f(x)", "x = 3")])
    pids, seen = zip(*(literal_eval(text) for text in texts(traces)), strict=True)
    assert len(set(pids)) == 1 and list(seen) == [[1], [2], [3]]


def test_each_call_has_the_trace_it_would_have_alone(sandbox: Sandbox) -> None:
    source = "import random\ndef f(n):\n    print(n)\n    return random.random() / n\n"
    calls = ["f(1)", "f(0)", "f(2)", "f(", "f('x')"][:3]
    together = sandbox.trace_all(source, calls)
    alone = [sandbox.trace(source, call) for call in calls]
    assert [t.digest() for t in together] == [t.digest() for t in alone]


@pytest.mark.parametrize(
    "end", ["os._exit(1)", "os.abort()", "time.sleep(60)", "[0] * 10**9", "sys.exit()"]
)
def test_a_call_that_ends_its_process_leaves_the_others_as_they_were(
    impatient: Sandbox, end: str
) -> None:
    traces = impatient.trace_all("import os, sys, time\n", ["1", end, "2", end, "3"])
    assert texts(traces)[::2] == ["1", "2", "3"]
    alone = impatient.trace("import os, sys, time\n", end)
    assert {t.outcome.kind for t in traces[1::2]} == {alone.outcome.kind}


def test_what_a_call_poisons_meets_neither_the_next_call_nor_another_program(
    sandbox: Sandbox,
) -> None:
    poison = "import builtins, os, sys\ndef f():\n    builtins.len = lambda x: 7\n"
    poison += "    os.environ['LEFT'] = '1'\n    sys.path.append('left')\n    return len('')\n"
    look = "(len(''), 'LEFT' in os.environ, 'left' in sys.path)"
    assert texts(sandbox.trace_all(poison, ["f()", look])) == ["7", "(0, False, False)"]
    assert texts([sandbox.trace("import os, sys\n", look)]) == ["(0, False, False)"]


def test_memory_that_earlier_calls_hold_is_not_counted_against_a_later_one() -> None:
    source = "import math\ndef f():\n    math.kept = 'x' * (30 * 2**20)\n    return 1\n"
    with Sandbox(Limits(memory_bytes=64 * 2**20), "guard") as small:
        assert texts(small.trace_all(source, ["f()", "f()", "len('x' * (50 * 2**20))"])) == [
            "1",
            "1",
            str(50 * 2**20),
        ]


def test_each_call_has_the_whole_processor_time(sandbox: Sandbox) -> None:
    source = "import time\ndef f():\n    end = time.process_time() + 0.2\n"
    source += "    while time.process_time() < end: pass\n    return 1\n"
    with Sandbox(Limits(cpu_seconds=0.35, max_steps=10**7), sandbox.level) as box:
        assert texts(box.trace_all(source, ["f()"] * 4)) == ["1"] * 4


def test_a_program_in_a_map_gives_one_trace_for_each_call(sandbox: Sandbox) -> None:
    programs = [Program(f"x = {n}\n", ("x", "x + 10", None)) for n in range(5)]
    traces = list(sandbox.map([*programs, ("x = 9", "x")]))
    assert texts(traces[::3]) == ["0", "1", "2", "3", "4", "9"]
    assert texts(traces[1::3]) == ["10", "11", "12", "13", "14"]


def test_a_call_that_does_not_compile_is_an_error_and_the_sandbox_lives_on(
    sandbox: Sandbox,
) -> None:
    with pytest.raises(CallError, match="yield"):
        sandbox.trace_all("x = 1\n", ["x", "(yield)", "x"])
    with pytest.raises(SourceError, match="line 1"):
        sandbox.trace_all("def", ["x"])
    with pytest.raises(CallError, match="not empty"):
        sandbox.trace_all("x = 1", [])
    assert texts(sandbox.trace_all("x = 1\n", ["x"])) == ["1"]
