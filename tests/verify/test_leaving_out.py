"""What a text sums up instead of telling it: the state it ends in, and the lines it need not tell."""

from __future__ import annotations

import pytest

from pytrace_mono.records import Direction
from pytrace_mono.tracer import Sandbox, Trace
from pytrace_mono.verify import Checked, Evidence, check

PROGRAM = """\
class Pair:
    def __init__(self, left):
        self.left = left

def skip(n):
    seen = 0
    for i in range(n):
        if i > 1:
            seen += i
    return seen

def climb(limit):
    total = 0
    for step in range(9):
        total += step
        odd = total % 2
        if total > limit:
            break
    return total

def both(limit):
    first = skip(2)
    second = skip(4)
    pair = Pair(second)
    return first + pair.left
"""
OPENS = "- [L14] The loop takes `step` through `range(9)`; it runs five times.\n"
MIDDLE = "  - Iterations 2 to 4 go on in the same way. After that, `total` is `{}`.\n"


@pytest.fixture(scope="module")
def traces() -> dict[str, Trace]:
    with Sandbox() as box:
        return {c: box.trace(PROGRAM, c) for c in ("climb(8)", "both(1)", "skip(4)")}


def held(traces: dict[str, Trace], call: str, told: str, way: Direction = "forward") -> Checked:
    return check(told, Evidence(traces[call], call.split("(")[0]), way)


@pytest.mark.parametrize(
    ("total", "status"), [("6", "holds"), ("3", "contradicted"), ("10", "contradicted")]
)
def test_after_passes_left_out_the_state_is_that_behind_the_last_of_them(
    traces: dict[str, Trace], total: str, status: str
) -> None:
    checked = held(traces, "climb(8)", OPENS + MIDDLE.format(total))
    assert checked.findings[-1].status == status


@pytest.mark.parametrize(("total", "status"), [("10", "holds"), ("6", "contradicted")])
def test_in_the_end_of_a_loop_that_was_broken_off_is_behind_its_last_line(
    traces: dict[str, Trace], total: str, status: str
) -> None:
    told = f"{OPENS.rstrip()} In the end `total` is `{total}`."
    assert held(traces, "climb(8)", told).findings[-1].status == status


def test_a_line_that_ran_only_in_passes_summed_up_need_not_be_told(
    traces: dict[str, Trace],
) -> None:
    begins = "- [L13] `total` starts as `0`.\n"
    told = "- [L14] The loop takes `step` through `range(9)`. In the end `total` is `10`."
    assert held(traces, "climb(8)", begins + told).scores.coverage == 1
    told = "- [L14] The loop takes `step` through `range(9)`."
    assert held(traces, "climb(8)", begins + told).missing == (15, 16)


def test_a_line_of_a_pass_that_is_gone_through_has_to_be_told(traces: dict[str, Trace]) -> None:
    gone_through = "  - Iteration 1: `step = 0`. [L15] `total` stays `0`.\n"
    told = "- [L13] `total` starts as `0`.\n" + OPENS + gone_through + MIDDLE.format("6")
    assert held(traces, "climb(8)", told).missing == (16,)


@pytest.mark.parametrize(("number", "status"), [("1", "holds"), ("3", "contradicted")])
def test_a_line_passed_over_in_one_of_the_calls_meant_is_passed_over(
    traces: dict[str, Trace], number: str, status: str
) -> None:
    told = f"- In `skip(...)`:\n  - [L7] The loop.\n    - Iteration {number}: [L9] is skipped."
    assert held(traces, "both(1)", told).findings[-1].status == status


@pytest.mark.parametrize(
    ("given", "status"), [("<Pair left=5>", "holds"), ("None", "contradicted")]
)
def test_the_call_of_a_class_gives_the_object(
    traces: dict[str, Trace], given: str, status: str
) -> None:
    told = f"[L23] `Pair(5)` gives `{given}`."
    assert held(traces, "both(1)", told).findings[-1].status == status


@pytest.mark.parametrize(("count", "status"), [("6", "contradicted"), ("4", "holds")])
def test_backwards_the_passes_of_a_helper_are_those_of_one_call(
    traces: dict[str, Trace], count: str, status: str
) -> None:
    told = f"- [L7] kept the loop going while `i < n`, for {count} passes."
    assert held(traces, "both(1)", told, "backward").findings[-1].status == status
