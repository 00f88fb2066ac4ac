"""What a model restates a text as is held against the recording, statement by statement."""

from __future__ import annotations

import ast
import random
import sys
from collections import Counter
from collections.abc import Iterator
from types import FrameType
from typing import Any, TypeGuard

import by_hand
import pytest
from by_hand import Monologue
from hypothesis import given
from hypothesis import strategies as st

from pytrace_mono.tracer import Sandbox
from pytrace_mono.tracer.types import Trace
from pytrace_mono.verify import Checked, Evidence, check
from pytrace_mono.verify.reading.restated import MOST, numbered, read_restated, sentences

PROGRAM = """\
class Box:
    def __init__(self, size):
        self.size = size
        self.items = []

    def put(self, item):
        if len(self.items) >= self.size:
            raise OverflowError(item)
        self.items.append(item)
        return len(self.items)


def halves(n):
    while n > 1:
        n = n / 2
        yield n


def depth(n):
    if n < 2:
        return 0
    for part in (n // 2, n - n // 2):
        last = depth(part)
    return last + 1


def run(numbers, size):
    box = Box(size)
    refused = 0
    for number in numbers:
        try:
            box.put(number)
        except OverflowError:
            refused += 1
    steps = list(halves(4))
    return box.items, refused, depth(3)
"""
CALL = "run([5, 6, 7], 2)"


@pytest.fixture(scope="module")
def trace() -> Iterator[Trace]:
    with Sandbox() as box:
        yield box.trace(PROGRAM, CALL)


def found(trace: Trace, statement: str) -> Checked:
    return check("It is so.", Evidence(trace, "run"), "forward", f"1 | {statement}")


EXAMPLES = [
    ("L3, in Box(2) | after: self.size == 2", "L3, in Box(2) | after: self.size == 3"),
    ("L9, in put(6) | before: self.items == [5]", "L9, in put(6) | after: self.items == [5]"),
    ("L7, in put(7) | before: len(self.items) >= self.size",
     "L7, in put(6) | before: len(self.items) >= self.size"),
    ("L7, in put(5) | before: not len(self.items) >= self.size",
     "L7, in put(7) | before: not len(self.items) >= self.size"),
    ("L30, pass 2 of L30 | after: number == 6", "L30, pass 3 of L30 | after: number == 6"),
    ("L34 | before: refused == 0", "L34 | after: refused == 0"),
    ("L34, pass 3 of L30 | runs", "L34, pass 2 of L30 | runs"),
    ("L34, pass 1 of L30 | does not run", "L34, pass 3 of L30 | does not run"),
    ("L34, pass 4 of L30 | does not run", "L34, pass 4 of L30 | runs"),
    ("L9 | runs 2 times", "L9 | runs 3 times"),
    ("L9, in put(7) | runs 0 times", "L9, in put(6) | runs 0 times"),
    ("L30 | loops 3 times", "L30 | loops 2 times"),
    ("L14, visit 2 | before: n == 2.0", "L14, visit 2 | before: n == 4"),
    ("L14, last visit | before: n == 1.0", "L14, last visit | before: n == 2.0"),
    ("L32, every visit | before: refused == 0", "L32, every visit | before: number == 5"),
    ("L15, visit 1 | after: n == 2.0", "L15, visit 1 | after: n == 2"),  # of another type
    ("in put(6) | returns 2", "in put(6) | returns 1"),
    (" | returns ([5, 6], 1, 2)", " | returns ([5, 6], 2, 2)"),
    ("in halves(4) | yields 1.0", "in halves(4) | yields 4.0"),
    ("in halves(4) | yields 2 times", "in halves(4) | yields 3 times"),
    (" | calls put 3 times", " | calls put 2 times"),
    (" | calls depth(2)", " | calls depth(4)"),
    ("in depth(3) | calls depth 2 times", "in depth(3) | calls depth 5 times"),  # itself left out
    ("in depth(3) | calls depth 4 times", "in run([5, 6, 7], 2) | calls depth 0 times"),
    ("L16, visit 2 | yields 1.0", "L16, visit 2 | yields 2.0"),
    ("pass 2 of L30 | calls put(6)", "pass 2 of L30 | calls put(5)"),
    ("L8, in put(7) | raises OverflowError", "L8, in put(7) | raises ValueError"),
    ("L21, in depth(3) | does not run", "L21, in depth(1) | does not run"),
    ("L23, in depth(3), pass 2 of L22 | after: last == 1",
     "L23, in depth(3), pass 1 of L22 | after: last == 1"),
    ("input | size == 2 and len(numbers) == 3", "input | size > 2"),
    ("output | result[1] == 1", "output | result[0] == (5, 6)"),
]  # fmt: skip


@pytest.mark.parametrize(("true", "false"), EXAMPLES)
def test_a_statement_holds_where_it_is_so_and_is_contradicted_where_not(
    trace: Trace, true: str, false: str
) -> None:
    assert [f.status for f in found(trace, true).findings] == ["holds"]
    [finding] = found(trace, false).findings
    assert finding.status == "contradicted"
    assert finding.fact


MORE = """\
import functools
from contextlib import nullcontext
from dataclasses import dataclass


@dataclass
class Pair:
    left: int


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def count(n):
    k = 0
    while True:
        k += 1
        if k > n:
            break
    return k


@functools.lru_cache
def kept(n):
    return n + 1


def add(first, *rest, scale=1):
    return scale * (first + sum(rest))


def both(table):
    a = count(1)
    b = count(2)
    squares = [x * x for x in table]
    with nullcontext():
        pair = Pair(a)
    c = kept(3) + kept(3)
    try:
        table[9]
    except KeyError:
        c += add(1, 2, 3, scale=2)
    else:
        c = 0
    return b, squares, pair.left, c, fib(4)
"""
OTHERS = [
    ("L18, pass 1 of L17 | before: k == 0", "L18, pass 2 of L17 | before: k == 0"),
    ("L35 | calls count 1 times", "L35 | calls count 2 times"),
    ("L34 | calls count(1)", "L35 | calls count(1)"),
    ("L35 | returns 3", "L35 | returns 2"),
    ("L36 | runs 1 times", "L36 | runs 3 times"),  # its comprehension is no visit of its own
    ("L37 | runs 1 times", "L37 | runs 2 times"),  # nor is the end of the with
    ("in fib(1) | returns 1", "in fib(1) | returns 0"),
    ("L12, in fib(1) | runs 1 times", "L12, in fib(1) | runs 4 times"),  # three calls, each once
    ("in fib(2) | calls fib 2 times", "in fib(2) | calls fib 5 times"),
    ("in add(1, 2, 3, scale=2) | returns 12", "in add(1, 2, 3, scale=2) | returns 6"),
    (" | calls add(1, 2, 3, scale=2)", " | calls add(1, 2, 3, scale=3)"),
    ("L41 | raises KeyError(9)", "L41 | raises IndexError"),
    ("L43, in both({1: 2}) | before: table.keys() == {1}",
     "L43, in both({1: 2}) | before: table.keys() == {2}"),
    (" | calls fib(1) 3 times", " | calls fib(1) 2 times"),
]  # fmt: skip
OPEN = [
    "L34 | before: a == 2",  # it has no value yet
    "L38 | calls Pair(2)",  # a constructor that no step is in
    "L44 | runs",  # `else:`
    "in both({1: 2}) | calls kept 2 times",  # behind a cache
    "L7 | runs",  # before the Call
    "L36 | loops 1 times",
    "L35 | before: " + "-" * 3000 + "1 == 1",
    "L35 | before: " + "a.b" * 2000 + " == 1",
    "in fib(" + "-" * 3000 + "1) | returns 1",
]


@pytest.fixture(scope="module")
def other() -> Iterator[Evidence]:
    with Sandbox() as box:
        yield Evidence(box.trace(MORE, "both({1: 2})"), "both")


@pytest.mark.parametrize(("true", "false"), OTHERS)
def test_calls_loops_and_lines_of_many_kinds_are_told_apart(
    other: Evidence, true: str, false: str
) -> None:
    found = check("It is so.", other, "forward", f"1 | {true}\n1 | {false}").findings
    assert [f.status for f in found] == ["holds", "contradicted"], [f.fact for f in found]


@pytest.mark.parametrize("statement", OPEN)
def test_what_a_recording_does_not_show_accuses_nobody(other: Evidence, statement: str) -> None:
    found = check("It is so.", other, "forward", f"1 | {statement}").findings
    assert [f.status for f in found] == ["unsupported"], [f.fact for f in found]


def natively(monologue: Monologue) -> Iterator[tuple[str, str]]:
    """What ``sys.settrace`` sees: a statement for each variable at each line event, and a false one."""
    seen: Counter[int] = Counter()
    found: list[tuple[int, int, str, str, str]] = []
    code = compile(monologue.source, "program", "exec")
    single = {n.lineno for n in ast.walk(ast.parse(monologue.source)) if is_of_one_line(n)}

    def local(frame: FrameType, event: str, _: Any) -> Any:
        line = frame.f_lineno
        if event == "line":
            seen[line] += 1
            for name, value in frame.f_locals.items():
                if line in single and isinstance(value, (int, str, list)):
                    other = [*value, 0] if isinstance(value, list) else value + type(value)(1)
                    found.append((line, seen[line], name, repr(value), repr(other)))
        return local

    def every(frame: FrameType, event: str, _: Any) -> Any:
        inside = frame.f_code.co_filename == "program" and frame.f_code.co_name[0] != "<"
        return local if inside else None

    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - a program of ours
    before = sys.gettrace()
    sys.settrace(every)
    try:
        eval(monologue.call, names)  # noqa: S307 - likewise
    finally:
        sys.settrace(before)
    for line, visit, name, value, other in found:
        there = f"L{line}, visit {visit} | before: {name} =="
        yield f"{there} {value}", f"{there} {other}"


def is_of_one_line(node: ast.AST) -> TypeGuard[ast.stmt]:
    """A simple statement, alone on its line: one visit for each line event."""
    return (
        isinstance(node, (ast.Assign, ast.AugAssign, ast.Expr)) and node.lineno == node.end_lineno
    )


def test_what_the_interpreter_sees_holds_and_anything_else_does_not() -> None:
    each = {m.program: (m, e) for m, e in by_hand.recorded("dev") + by_hand.recorded("dev3")}
    checked = 0
    for monologue, evidence in each.values():
        pairs = list(natively(monologue))
        for true, false in random.Random(monologue.name).sample(pairs, min(20, len(pairs))):
            answer = f"1 | {true}\n1 | {false}"
            found = check("It is so.", evidence, "forward", answer).findings
            assert [f.status for f in found] == ["holds", "contradicted"], (true, found)
            checked += 1
    assert checked > 400


@pytest.mark.parametrize(
    "statement",
    [
        "L3 | after: unknown == 2",  # no such variable
        "L3 | after: size ==",
        "in put(9) | returns 3",  # a call that may be written otherwise
        "L9, pass 1 of L9 | runs",  # no loop
        " | calls len 3 times",  # not the program's own
        "L3, in Box(2) | after: self.size is not size",  # copies are recorded
    ],
)
def test_what_cannot_be_decided_accuses_nobody(trace: Trace, statement: str) -> None:
    assert [f.status for f in found(trace, statement).findings] == ["unsupported"]


@pytest.mark.parametrize(
    "statement",
    [
        "L3 | it becomes 2",
        "line 3 | after: size == 2",
        "after: size == 2 | L3",
        " | after: size == 2",  # nowhere
        f"L{'9' * 5000} | runs",
        f"L3, pass {'9' * 5000} of L3 | runs",
    ],
)
def test_what_is_not_of_the_form_is_unread(trace: Trace, statement: str) -> None:
    checked = found(trace, statement)
    assert not checked.findings
    assert len(checked.reading.unread) == 1


def test_an_answer_is_not_read_without_end(trace: Trace) -> None:
    text = "The box has 2 places.\nThat is all."
    answer = "1 | L3 | after: size == 2\n" * 3000 + "2 | L4 | runs"
    checked = check(text, Evidence(trace, "run"), "forward", answer)
    assert len(checked.findings) == MOST
    assert [unread.text for unread in checked.reading.unread] == ["That is all."]


def test_sentences_that_were_passed_over_are_unread(trace: Trace) -> None:
    text = "The box has 2 places. Nice!\n- 7 is refused."
    answer = "Here it is:\n1 | L3 | after: self.size == 2\n2 | | -\n9 | L3 | runs\n"
    checked = check(text, Evidence(trace, "run"), "forward", answer)
    assert [f.claim.text for f in checked.findings] == ["The box has 2 places."]
    assert [unread.text for unread in checked.reading.unread] == ["- 7 is refused."]
    assert (checked.reading.coded, checked.reading.prose) == (3, 1)


@given(st.text(alphabet="ab1 .!;:\n-|`\"'é", max_size=60))
def test_every_word_of_a_text_is_in_one_sentence(text: str) -> None:
    spans = sentences(text)
    inside = [place for start, end in spans for place in range(start, end)]
    assert inside == sorted(set(inside))
    assert {i for i, c in enumerate(text) if c.isalnum()} <= set(inside)
    marked = numbered(text)
    for number in range(1, len(spans) + 1):
        marked = marked.replace(f"[{number}] ", "", 1)
    assert marked == text


@given(st.text(max_size=200), st.text(alphabet="1| L,infpasbeorture:=()x\n", max_size=200))
def test_whatever_a_model_says_is_read_without_an_error(text: str, answer: str) -> None:
    reading = read_restated(answer, text)
    assert len(reading.unread) <= reading.coded
