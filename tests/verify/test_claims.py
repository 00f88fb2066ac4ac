"""Claims are read from text and held against a recording."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytrace_mono.records import Direction
from pytrace_mono.tracer import Sandbox, Trace
from pytrace_mono.verify import Checked, Evidence, Policy, check, judge

DOCUMENT = (Path(__file__).parents[2] / "docs" / "verification.md").read_text("utf-8")
PROGRAM = re.search(r'PROGRAM = """\\\n(.*?)"""', DOCUMENT, re.DOTALL)[1]  # type: ignore[index]
ROWS = re.findall(r"^\| (\w+) \| (.+?) \| (.+?) \|$", DOCUMENT.split("## The kinds")[1], re.M)[1:]
EXAMPLES = [(kind, true, false) for kind, true, false in ROWS if kind not in ("kind", "field")]
EXAMPLES = EXAMPLES[:9]


@pytest.fixture(scope="module")
def traces() -> dict[str, Trace]:
    with Sandbox() as box:
        calls = ("total_of([1, 3, 4])", 'total_of([1, "a"])')
        return {call: box.trace(PROGRAM, call) for call in calls}


def held(traces: dict[str, Trace], told: str) -> Checked:
    direction: Direction = "forward"
    call = "total_of([1, 3, 4])"
    note = re.match(r"\((.+?)\) (?=[\[A-Z`])", told)
    if note is not None:
        told = told[note.end() :]
        if note[1] == "backward":
            direction = "backward"
        elif note[1] == "property":
            told = f"### Key Properties and Constraints\n- {told}"
        else:
            call = note[1].removeprefix("of `").removesuffix("`")
    return check(told, Evidence(traces[call], "total_of"), direction)


@pytest.mark.parametrize(("kind", "true", "false"), EXAMPLES, ids=[e[0] for e in EXAMPLES])
def test_each_kind_of_claim_has_a_true_and_a_false_example(
    traces: dict[str, Trace], kind: str, true: str, false: str
) -> None:
    right = held(traces, true)
    assert kind in {f.claim.kind for f in right.findings}
    assert {f.status for f in right.findings} == {"holds"}, right.findings
    wrong = held(traces, false)
    assert kind in {f.claim.kind for f in wrong.contradicted}, wrong.findings


@pytest.mark.parametrize(
    ("status", "block"), [("holds", "restated"), ("contradicted", "contradicted")]
)
def test_what_a_model_restates_has_true_and_false_examples(
    traces: dict[str, Trace], status: str, block: str
) -> None:
    found = re.search(rf"```{block}\n(.*?)```", DOCUMENT, re.DOTALL)
    assert found is not None
    for statement in found[1].splitlines():
        row = f"1 | {statement}" if "|" in statement else f"1 | | {statement}"
        evidence = Evidence(traces["total_of([1, 3, 4])"], "total_of")
        [finding] = check("It is so.", evidence, "forward", row).findings
        assert finding.status == status, statement


def test_the_document_runs() -> None:
    block = re.search(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    assert block is not None
    exec(block[1], {})  # noqa: S102 - the document's own example


@pytest.mark.parametrize(
    "told",
    [
        "Iter 2: total = 3",
        "On the second pass `total` goes from 0 to 3.",
        "line 5, iteration 3: total is now 7",
        "| iter | item | total |\n|---|---|---|\n| 1 | 1 | 0 |\n| 2 | 3 | 3 |\n| 3 | 4 | 7 |",
        "```\ni = 0\ntotal = 0\ntotal = 3\n```",
        "- Pass 1: `item` is `1`.\n- Pass 2: `item` is `3`, so [L5] `total` becomes `3`.",
    ],
)
def test_claims_in_many_styles_hold(traces: dict[str, Trace], told: str) -> None:
    checked = held(traces, told)
    assert "holds" in {f.status for f in checked.findings}
    assert not checked.contradicted


@pytest.mark.parametrize(
    ("told", "fact"),
    [
        ("Iter 2: total = 4", "total is 3"),
        ("| iter | total |\n|---|---|\n| 2 | 7 |", "total is"),
        ("[L3] iteration 4: `item` is `5`.", "has no pass 4"),
        ("[L2] `total` starts as `0.0`.", "total is 0"),
        ("Iteration 2: [L5] is skipped.", "line 5 runs there"),
    ],
)
def test_a_false_claim_is_told_with_the_recorded_fact(
    traces: dict[str, Trace], told: str, fact: str
) -> None:
    wrong = held(traces, told).first_wrong
    assert wrong is not None
    assert fact in wrong.fact


def test_a_sentence_with_code_and_no_claim_is_unread(traces: dict[str, Trace]) -> None:
    reading = held(traces, "Look at `items` closely. Then [L2] `total` starts as `0`.").reading
    assert [u.text for u in reading.unread] == ["Look at `items` closely."]
    assert reading.unread_share == 0.5


def test_the_policy_drops_a_contradicted_text_with_claim_and_fact(traces: dict[str, Trace]) -> None:
    verdict = judge(held(traces, "[L2] `total` starts as `1`."), "forward")
    assert str(verdict.reason) == "contradicted"
    assert "`total` starts as `1`" in verdict.detail
    assert "recorded: total is 0" in verdict.detail


def test_the_policy_drops_what_leaves_out_lines_with_side_effects(
    traces: dict[str, Trace],
) -> None:
    verdict = judge(held(traces, "[L2] `total` starts as `0`."), "forward", Policy(coverage=0.8))
    assert str(verdict.reason) == "low_coverage"
    assert "missing: L5" in verdict.detail


def test_what_cannot_be_said_is_not_wrong(traces: dict[str, Trace]) -> None:
    checked = held(traces, "[L2] `unknown(total)` is `3`.")
    assert not checked.contradicted
    assert judge(checked, "forward", Policy(coverage=0)).kept


@pytest.mark.parametrize(
    "lead", ["This does not settle the input; the simplest that was found is", "A simple one is"]
)
def test_a_chosen_input_is_held_against_the_arguments_not_the_line_before(
    lead: str, traces: dict[str, Trace]
) -> None:
    told = "- [L5] `total` was `4`.\n- {} `items = {}`."
    for items, status in (("[1, 3, 4]", "holds"), ("[1, 3, 5]", "contradicted")):
        checked = check(
            told.format(lead, items),
            Evidence(traces["total_of([1, 3, 4])"], "total_of"),
            "backward",
        )
        chosen = [f for f in checked.findings if f.claim.kind == "witness"]
        assert [f.status for f in chosen] == [status]


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ("The amounts by which it moved were `3` and `4`.", "holds"),
        ("The amounts by which it moved were `3` and `5`.", "contradicted"),
        ("The amounts by which it moved were `3`, `3` and `4`.", "contradicted"),
        ("Each time it moved by `3`.", "contradicted"),
    ],
)
def test_by_how_much_a_variable_moved_is_held_against_its_changes(
    told: str, status: str, traces: dict[str, Trace]
) -> None:
    before = "- `total` starts as `0` at [L2]; after that only [L5] changes it, twice in this run. "
    checked = check(before + told, Evidence(traces["total_of([1, 3, 4])"], "total_of"), "backward")
    assert checked.findings[-1].status == status
    assert {f.status for f in checked.findings[:-1]} == {"holds"}
    assert not checked.reading.unread


def test_what_is_printed_is_what_the_line_was_given() -> None:
    code = "def shout(word):\n    print(word, len(word))\n"
    with Sandbox() as box:
        evidence = Evidence(box.trace(code, "shout('hi')"), "shout")
    assert not check("[L2] `'hi'` and `2` is printed.", evidence, "forward").contradicted
    assert check("[L2] `'ho'` and `2` is printed.", evidence, "forward").contradicted


def test_a_call_that_resumes_a_generator_is_read_and_held_against_what_it_gave() -> None:
    code = "def count():\n    yield 1\n    yield 2\n"
    with Sandbox() as box:
        trace = box.trace(code, "next(gen)", "gen = count()\nnext(gen)")
    told = "`next(gen)` gives `2` in one go."
    right = check(told, Evidence(trace, "count"), "forward")
    assert [f.status for f in right.findings] == ["holds"] and not right.reading.unread
    assert check(told.replace("2", "1"), Evidence(trace, "count"), "forward").contradicted


SHOP = """\
import math

class Line:
    def __init__(self, price, count):
        self.price = price
        self.count = count

    @property
    def total(self):
        return self.price * self.count

def tax(amount):
    return math.floor(amount / 5)

def bill(prices):
    lines = {}
    for name, price in prices:
        line = Line(price, 2)
        lines[name] = line.total + tax(line.total)
    return list(lines.items()), f"{len(lines):>4}"
"""


@pytest.mark.parametrize(
    ("true", "false"),
    [
        ("[L5] `self.price` is set to `30`.", "[L5] `self.price` is set to `31`."),
        ("[L10] `self.price * self.count` is `60`.", "[L10] `self.price * self.count` is `32`."),
        ("[L19] `Line.total` gives `60`.", "[L19] `Line.total` gives `61`."),
        ("[L19] `tax(line.total)` is `12`.", "[L19] `tax(line.total)` is `13`."),
        ("[L19] `line.count + tax(60)` is `14`.", "[L19] `line.count + tax(60)` is `15`."),
        ("[L13] `math.floor(amount / 5)` is `12`.", "[L13] `math.floor(amount / 5)` is `11`."),
        (
            "[L20] `lines.items()` is `dict_items([('ink', 72)])`.",
            "[L20] `lines.items()` is `dict_items([('ink', 71)])`.",
        ),
        ("[L20] `f'{len(lines):>4}'` is `'   1'`.", "[L20] `f'{len(lines):>4}'` is `'  1'`."),
    ],
)
def test_attributes_properties_own_functions_and_views_are_decided(true: str, false: str) -> None:
    with Sandbox() as box:
        evidence = Evidence(box.trace(SHOP, 'bill([("ink", 30)])'), "bill")
    assert {f.status for f in check(true, evidence, "forward").findings} == {"holds"}
    assert check(false, evidence, "forward").contradicted


UNITS = """\
from math import sqrt

class Unit:
    def __init__(self, size):
        self.size = size

UNITS = {"m": Unit(1), "km": Unit(1000)}

def sieve(unit, limit):
    prime = [True] * limit
    prime[0] = False
    at = int(sqrt(limit)) - 29
    prime[at] = limit < 9
    if unit not in UNITS:
        return 0
    while at < 3:
        at += 1
"""


@pytest.mark.parametrize(
    ("true", "false"),
    [
        ("[L14] `'km'` is in `UNITS`.", "[L14] `'km'` is not in `UNITS`."),
        ("[L11] `prime[0]` is set to `False`.", "[L11] `prime[0]` is set to `True`."),
        ("[L13] `prime[1]` is set to `False`.", "[L13] `prime[1]` is set to `True`."),
        ("[L12] `sqrt(limit) + 1` is `31.0`.", "[L12] `sqrt(limit) + 1` is `30.0`."),
        ("[L16] Now `at < 3` fails, and the loop ends.", "[L16] At the end `at < 4` fails."),
    ],
)
def test_tests_and_items_of_what_was_not_recorded_whole_are_decided(true: str, false: str) -> None:
    with Sandbox() as box:
        evidence = Evidence(box.trace(UNITS, 'sieve("km", 900)'), "sieve")
    assert {f.status for f in check(true, evidence, "forward").findings} == {"holds"}
    assert check(false, evidence, "forward").contradicted


def test_an_attribute_that_a_function_of_the_class_stands_for_is_not_read_off_the_object() -> None:
    """The object keeps one value under the name, and the program gets another."""
    program = """\
class Halved:
    def __init__(self, size):
        self.__dict__["size"] = size

    @property
    def size(self):
        return self.__dict__["size"] // 2

def f(n):
    box = Halved(n)
    half = box.size + 1
    return half
"""
    with Sandbox() as box:
        evidence = Evidence(box.trace(program, "f(8)"), "f")
    checked = check("[L11] `box.size + 1` is `5`.", evidence, "forward")
    assert not checked.contradicted


def test_arguments_may_be_those_of_any_function_that_an_expression_calls() -> None:
    program = "def half(n):\n    n //= 2\n    return n\n"
    with Sandbox() as box:
        trace = box.trace(program, "print(half(5))")
    told = "The call gives `n = {}`.\n- [L2] `n` goes from `5` to `2`."
    evidence = Evidence(trace, "print")
    assert not check(told.format(5), evidence, "forward").contradicted
    assert check(told.format(4), evidence, "forward").contradicted


def test_what_a_decorated_function_gave_is_not_what_its_body_returned() -> None:
    program = """\
def doubled(function):
    return lambda n: 2 * function(n)

@doubled
def size(n):
    return n + 1

def f(n):
    whole = size(n) + 1
    return whole
"""
    with Sandbox() as box:
        evidence = Evidence(box.trace(program, "f(3)"), "f")
    assert not check("[L9] `size(n) + 1` is `9`.", evidence, "forward").contradicted


def test_an_attribute_is_no_method_that_another_class_has_under_its_name() -> None:
    program = """\
class Box:
    def size(self):
        return 7

class Bag:
    pass

def f(n):
    bag = Bag()
    bag.size = n
    whole = Box().size() + bag.size
    return whole
"""
    with Sandbox() as box:
        evidence = Evidence(box.trace(program, "f(3)"), "f")
    assert not check("[L11] `bag.size` is `3`.", evidence, "forward").contradicted
