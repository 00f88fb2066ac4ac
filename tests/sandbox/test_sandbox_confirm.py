"""``confirm=True``: a run without tracing has to come to the same end as the recorded one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytrace_mono.tracer.limits import Limits
from pytrace_mono.tracer.sandbox import Program, Sandbox

_TWO_FACED = "import sys\ndef f():\n    return 'seen' if sys.gettrace() else 'unseen'\n"


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(workers=1, confirm=True) as made:
        yield made


@pytest.mark.parametrize(
    ("source", "call", "said"),
    [
        (_TWO_FACED, "f()", "the outcome is returned 'seen', then returned 'unseen'"),
        (f"{_TWO_FACED}print(f())\n", None, r"stdout is 'seen\n', then 'unseen\n'"),
        (f"{_TWO_FACED}f() == 'unseen' and 1 / 0\n", None, "then raised ZeroDivisionError"),
        (f"{_TWO_FACED}import os\nf() == 'unseen' and os._exit(3)\n", None, "then crashed"),
        (f"{_TWO_FACED}f() == 'unseen' and sys.settrace(None)\n", None, "called sys.settrace"),
    ],
    ids=["value", "output", "exception", "exit", "tampering"],
)
def test_a_program_that_behaves_only_while_it_is_recorded_is_told(
    box: Sandbox, source: str, call: str | None, said: str
) -> None:
    status = box.trace(source, call).status
    assert status.state == "tampered" and status.reason is not None
    assert "without tracing ended otherwise" in status.reason and said in status.reason


def test_an_honest_program_is_confirmed_whatever_its_end(box: Sandbox) -> None:
    source = "import random\ndef f(n):\n    print(random.random())\n    return [1 / n, object()]\n"
    states = [trace.status.state for trace in box.trace_all(source, ["f(1)", "f(0)", "exit(f(2))"])]
    assert states == ["complete"] * 3


def test_several_calls_are_confirmed_each_by_its_own(box: Sandbox) -> None:
    source = "import sys\ndef f(n):\n    return sys.gettrace() is not None if n else 7\n"
    traces = list(box.map([Program(source, ("f(0)", "f(1)", "f(0)"))]))
    assert [trace.status.state for trace in traces] == ["complete", "tampered", "complete"]


def test_what_a_limit_cut_short_is_not_held_against_the_program() -> None:
    with Sandbox(Limits(max_steps=50), workers=1, confirm=True) as box:
        trace = box.trace("t = 0\nfor i in range(1000):\n    t += i\n", "t")
    assert (trace.outcome.kind, trace.status.state) == ("over_limit", "truncated")


def test_a_run_without_recording_has_nothing_to_confirm(box: Sandbox) -> None:
    value = box.run(_TWO_FACED, "f()").value
    assert value is not None and value.text == "'unseen'"
