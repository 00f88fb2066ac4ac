"""Calls that only ask a generator for more: it goes on where it was left before the Call."""

from __future__ import annotations

import textwrap

import pytest
from telling import said

from pytrace_mono.records import Call, Problem
from pytrace_mono.tracer import Sandbox
from pytrace_mono.verify import Checked, Evidence, check

FIBONACCI = """
def fibonacci():
    a, b = 0, 1
    while True:
        a, b = b, a + b
        yield b
"""
PAIRS = """
def pairs(items):
    for left in items:
        for right in items:
            if left < right:
                yield (left, right)
"""
RUNNING = """
def running():
    total = 0
    while True:
        value = yield total
        total += value
"""
COUNTDOWN = """
def countdown(n):
    while n > 0:
        yield n
        n -= 1
"""
TWO = """
def two():
    yield 1
    yield 2
    return 3
"""
CASES = [
    (FIBONACCI, "fibonacci", "next(g)", "g = fibonacci()\nnext(g)\nnext(g)\nnext(g)"),
    (PAIRS, "pairs", "list(g)", "g = pairs([1, 2, 3])\nnext(g)"),
    (RUNNING, "running", "g.send(4)", "g = running()\nnext(g)\ng.send(3)"),
    (COUNTDOWN, "countdown", "next(g, None)", "g = countdown(2)\nnext(g)\nnext(g)"),
    (TWO, "two", "[next(g), next(g, 9)]", "g = two()\nnext(g)"),
]


def told(box: Sandbox, code: str, name: str, call: str, setup: str) -> str:
    one = Problem(
        id="here",
        code=textwrap.dedent(code).lstrip("\n"),
        entry_point=name,
        calls=(Call(call=call, setup=setup),),
    )
    return said(box, one, 0, "forward").split("[ANSWER]")[0]


def checked(box: Sandbox, text: str, code: str, name: str, call: str, setup: str) -> Checked:
    trace = box.trace(textwrap.dedent(code).lstrip("\n"), call, setup)
    return check(text, Evidence(trace, name), "forward")


@pytest.mark.parametrize("case", CASES, ids=[case[1] for case in CASES])
def test_all_its_lines_are_told_and_everything_said_is_so(
    box: Sandbox, case: tuple[str, str, str, str]
) -> None:
    found = checked(box, told(box, *case), *case)
    assert not found.contradicted
    assert not found.reading.unread
    assert found.scores.coverage == 1


def test_it_goes_on_from_the_state_it_was_left_in(box: Sandbox) -> None:
    text = told(box, *CASES[0])
    assert "[L5] The generator goes on where it was left; there `a` is `2` and `b` is `3`." in text
    assert "Iteration 4: [L4] `a` becomes `3` and `b` becomes `5`" in text
    assert "[L5] `5` is yielded" in text
    assert "Iteration 1" not in text


def test_a_pass_that_began_before_the_call_is_told_from_where_it_was_left(box: Sandbox) -> None:
    text = told(box, *CASES[1])
    assert "- The rest of iteration 1:\n" in text
    assert "- Iteration 3: `right = 3`." in text.split("Iteration 2: `left = 2`")[0]
    assert "Iteration 2: `right = 2`." not in text.split("Iteration 2: `left = 2`")[0]


def test_what_is_sent_is_bound_when_it_goes_on(box: Sandbox) -> None:
    text = told(box, *CASES[2])
    assert "`value` becomes `4`" in text
    assert "The rest of iteration 2: [L5] `total` goes from `3` to `7`" in text
    assert "Iteration 3: [L4] `7` is yielded." in text


@pytest.mark.parametrize(
    ("true", "false"),
    [
        ("`5` is yielded", "`3` is yielded"),  # what it gave before the Call
        ("Iteration 4: [L4] `a`", "Iteration 3: [L4] `a`"),
        ("there `a` is `2`", "there `a` is `1`"),
        ("`b` becomes `5`", "`b` becomes `3`"),
        ("Iteration 4: [L4] `a`", "Iteration 5: [L4] `a`"),
    ],
)
def test_lies_about_it_are_caught(box: Sandbox, true: str, false: str) -> None:
    text = told(box, *CASES[0])
    assert true in text
    assert checked(box, text.replace(true, false), *CASES[0]).contradicted
