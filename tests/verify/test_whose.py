"""Whose step it is: a variable of another function, another call of the same helper."""

from __future__ import annotations

import pytest

from pytrace_mono.records import Direction
from pytrace_mono.tracer import Sandbox, Trace
from pytrace_mono.verify import Evidence, check

PROGRAM = """\
def twice(number):
    doubled = 2 * number
    return doubled

def both(left, right):
    first = twice(left)
    second = twice(right)
    return [first, second]
"""


@pytest.fixture(scope="module")
def trace() -> Trace:
    with Sandbox() as box:
        return box.trace(PROGRAM, "both(3, 5)")


def status(trace: Trace, told: str, direction: Direction = "forward") -> str:
    return check(told, Evidence(trace, "both"), direction).findings[-1].status


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("[L2] `doubled` starts as `6`.", "holds"),
        ("[L6] `doubled` starts as `6`.", "contradicted"),
        ("[L2] `first` becomes `6`.", "contradicted"),
        ("[L6] `first` becomes `6`.", "holds"),
    ],
)
def test_a_step_of_another_function_is_no_step_of_the_labelled_line(
    trace: Trace, told: str, expected: str
) -> None:
    assert status(trace, told) == expected


@pytest.mark.parametrize(
    ("constraint", "expected"),
    [
        ("doubled == 6", "holds"),
        ("doubled != 6", "contradicted"),
        ("doubled == 10", "contradicted"),
    ],
)
def test_what_had_to_hold_in_a_helper_is_held_against_the_call_that_was_named(
    trace: Trace, constraint: str, expected: str
) -> None:
    told = "- For that, `twice(3)` had to give `6`.\n  - [L3] So at the end `{}`."
    assert status(trace, told.format(constraint), "backward") == expected


@pytest.mark.parametrize("value", ["'text'", "3", "None", "[1]"])
def test_a_function_is_never_a_literal(value: str) -> None:
    source = "def outer():\n    def inner():\n        return 1\n    return inner\n"
    with Sandbox() as box:
        trace = box.trace(f"{source}def main():\n    made = outer()\n    return made()\n", "main()")
    checked = check(f"[L6] `made` starts as `{value}`.", Evidence(trace, "main"), "forward")
    assert checked.findings[-1].status == "contradicted"
