"""Texts in free style: what is said is read apart from when, and laid along the run."""

from __future__ import annotations

import re

import by_hand
import pytest

from pytrace_mono.records import Direction, called_name
from pytrace_mono.tracer import Sandbox, Trace
from pytrace_mono.verify import Evidence, check
from pytrace_mono.verify.program import Program
from pytrace_mono.verify.reading.pieces import take

PROGRAM = """\
def gather(items, most):
    kept = []
    weight = 0
    for item in items:
        if weight + item > most:
            break
        kept.append(item)
        weight += item
    return kept, weight
"""
TRUE = """\
We start with kept = [] and weight = 0.
First item, 2: 0 + 2 is 2, so kept becomes [2] and weight is 2.
item = 5: weight + item = 7, so kept = [2, 5] and weight = 7.
item = 4: 7 + 4 = 11, and 11 > 8 is True, so we break.
The function returns ([2, 5], 7).
"""


@pytest.fixture(scope="module")
def trace() -> Trace:
    with Sandbox() as box:
        return box.trace(PROGRAM, "gather([2, 5, 4, 1], 8)")


def wrong(told: str, trace: Trace) -> list[str]:
    return [f.claim.text for f in check(told, Evidence(trace, "gather"), "forward").contradicted]


def test_code_without_backticks_is_taken_out_by_kind() -> None:
    program = Program(PROGRAM)
    told = "Now weight is 2 + 5 = 7 and 7 > 8 is False; a kept item."
    taken = take(told, 0, len(told), program)
    assert [(p.kind, p.text) for p in taken.pieces] == [
        ("n", "weight"),
        ("a", "2 + 5 = 7"),
        ("c", "7 > 8"),
        ("v", "False"),
        ("n", "kept"),
        ("n", "item"),
    ]


def test_a_true_text_without_labels_holds(trace: Trace) -> None:
    checked = check(TRUE, Evidence(trace, "gather"), "forward")
    assert not checked.contradicted
    assert sum(f.status == "holds" for f in checked.findings) >= 12


@pytest.mark.parametrize(
    ("true", "false"),
    [
        ("weight = 7.", "weight = 8."),  # nowhere
        ("kept = [2, 5]", "kept = [2]"),  # of the pass before
        ("7 + 4 = 11", "7 + 4 = 12"),  # arithmetic
        ("11 > 8 is True", "11 > 8 is False"),
        ("returns ([2, 5], 7)", "returns [[2, 5], 7]"),
        ("weight + item = 7", "weight + item = 11"),  # of the pass behind
    ],
)
def test_one_false_statement_among_true_ones_is_found(trace: Trace, true: str, false: str) -> None:
    assert TRUE.count(true) == 1
    assert wrong(TRUE.replace(true, false), trace)


@pytest.mark.parametrize(
    "told",
    [
        "If weight is 9, the loop would end.",
        "Is weight 9 by now? Not yet.",
        "One could say weight is 9.",
        "every item has one turn.",
        "The sum of weight and item is 3.",
        "item is 2, 5 or 4.",
    ],
)
def test_what_is_supposed_asked_or_said_of_something_else_is_no_claim(
    trace: Trace, told: str
) -> None:
    assert not wrong(told, trace)


@pytest.mark.parametrize(
    ("true", "other"),
    [
        ("11 > 8", "11 > 9"),  # a comparison that is right, though the program made another
        ("kept becomes [2] and weight is 2", "kept becomes [2] and weight is 0"),  # so elsewhere
        ("item = 5: weight + item = 7", "item = 2: weight + item = 2"),  # the pass told before
    ],
)
def test_what_is_right_somewhere_accuses_nobody_where_no_place_is_named(
    trace: Trace, true: str, other: str
) -> None:
    assert TRUE.count(true) == 1
    assert not wrong(TRUE.replace(true, other), trace)


@pytest.mark.parametrize(
    ("told", "accused"),
    [
        ("At one time we had [2, 5] in hand.", False),
        ("At one time we had [2, 4] in hand.", True),  # no value of the run
        ("So gather([2, 5, 4, 1], 8) is called.", False),
        ("So gather([2, 5], 8) is called.", True),
        ("In iteration 2 we have item = 5.", False),
        ("In iteration 2 we have item = 4.", True),
    ],
)
def test_what_does_not_occur_in_the_run_is_found(trace: Trace, told: str, accused: bool) -> None:
    assert bool(wrong(told, trace)) is accused


@pytest.mark.parametrize(
    "told",
    [
        "The difference to the weight is 1.",
        "Both kept lists start with 0, kept is 0 in size.",
        "The minus sign gives -weight is -2.",
        "`weight = 9` was never executed.",
        "At most 5 calls on the stack, 5 calls at once.",
        "On the third visit line 6 is true.",
    ],
)
def test_what_is_said_of_something_else_than_a_name_in_it_is_no_claim(
    trace: Trace, told: str
) -> None:
    assert not wrong(told, trace)


def test_a_variable_that_a_comprehension_binds_is_not_told_by_the_recording() -> None:
    source = "def tops(rows):\n    return [row[0] for row in rows if len(row) > 1]\n"
    with Sandbox() as box:
        evidence = Evidence(box.trace(source, "tops([[1], [2, 3]])"), "tops")
    assert not check("For row = [1] the test is false.", evidence, "forward").contradicted


@pytest.mark.parametrize(
    ("told", "accused"),
    [("weight: 2 -> 7", False), ("weight: 2 -> 8", True), ("weight: 3 -> 7", True)],
)
def test_an_arrow_tells_of_a_change(trace: Trace, told: str, accused: bool) -> None:
    assert bool(wrong(told, trace)) is accused


GATE = """\
class Gate:
    def __init__(self):
        self.coins = 0
        self.open = False

    def pay(self):
        self.coins += 1
        self.open = True


def visit(times):
    gate = Gate()
    for _ in range(times):
        gate.pay()
    return gate.coins
"""


@pytest.mark.parametrize(
    ("told", "accused"),
    [
        ("gate.coins is 0 at first. Then coins becomes 1, and coins becomes 2.", False),
        ("gate.coins is 0 at first. Then coins becomes 1, and coins becomes 3.", True),
        ("gate.open becomes True.", False),
        ("gate.open becomes None.", True),
    ],
)
def test_attributes_are_read_with_and_without_their_owner(told: str, accused: bool) -> None:
    with Sandbox() as box:
        found = check(told, Evidence(box.trace(GATE, "visit(2)"), "visit"), "forward")
    assert bool(found.contradicted) is accused


def true_texts() -> list[tuple[str, str, str, str]]:
    """Direction, program, Call and text of what stands in ``freestyle/true``."""
    found: list[tuple[str, str, str, str]] = []
    for path in sorted((by_hand.HERE / "true").glob("*.md")):
        program = call = ""
        for part in re.split(r"^=== ", path.read_text("utf-8"), flags=re.MULTILINE)[1:]:
            head, _, body = part.partition("\n")
            if head == "program":
                program = body
            elif head.startswith("call "):
                call = head.removeprefix("call ")
            else:
                found.append((path.stem, program, call, body))
    return found


def test_true_texts_about_other_programs_are_not_accused() -> None:
    texts = true_texts()
    assert len(texts) == 150
    held = 0
    with Sandbox() as box:
        for direction, program, call, text in texts:
            evidence = Evidence(box.trace(program, call), called_name(call) or "")
            checked = check(text, evidence, "backward" if direction == "backward" else "forward")
            assert not checked.contradicted, (call, checked.contradicted)
            held += sum(f.status == "holds" for f in checked.findings)
    assert held >= 750  # they are read, too


def test_a_row_is_told_of_one_pass(trace: Trace) -> None:
    table = "| item | kept | weight |\n|---|---|---|\n| 2 | [2] | 2 |\n| 5 | [2, 5] | {} |\n"
    assert not wrong(table.format(7), trace)
    assert wrong(table.format(2), trace)


@pytest.mark.parametrize(
    ("told", "accused"),
    [
        ("The loop body runs 3 times in total.", False),
        ("The loop body runs 5 times in total.", True),
        ("Line 7 was executed 2 times.", False),
        ("Line 7 was executed 4 times.", True),
        ("append was called 2 times.", False),
        ("append was called 3 times.", True),
        ("After 2 iterations weight is 7.", False),
    ],
)
def test_a_count_is_held_against_what_is_counted(trace: Trace, told: str, accused: bool) -> None:
    assert bool(wrong(told, trace)) is accused


def test_in_a_backward_text_a_negated_constraint_is_found(trace: Trace) -> None:
    for told, accused in (
        ("so len(items) == 4", False),
        ("so len(items) != 4", True),
        ("so items must have 4 elements", False),
        ("so items must not have 4 elements", True),
        ("so items[1] has to be greater than items[0]", False),
        ("so items[1] must not be greater than items[0]", True),
    ):
        found = check(told, Evidence(trace, "gather"), "backward").contradicted
        assert bool(found) is accused


@pytest.mark.parametrize(
    ("split", "at_most", "at_least"), [("dev", 0, 121), ("dev2", 0, 125), ("dev3", 0, 31)]
)
def test_of_the_open_monologues_as_few_are_accused_and_as_many_lies_found_as_before(
    split: str, at_most: int, at_least: int
) -> None:
    accused = caught = 0
    for monologue, evidence in by_hand.recorded(split):

        def contradicted(
            told: str, evidence: Evidence = evidence, direction: Direction = monologue.direction
        ) -> set[tuple[str, str]]:
            checked = check(told, evidence, direction)
            return {(f.claim.text, f.fact) for f in checked.contradicted}

        known = contradicted(monologue.told())
        accused += bool(known)
        for lie in monologue.lies:
            caught += bool(contradicted(monologue.told(lie)) - known)
    assert accused <= at_most
    assert caught >= at_least


@pytest.mark.parametrize(
    ("split", "at_most", "at_least"), [("dev3", 0, 99), ("heldout", 0, 199), ("heldout2", 0, 100)]
)
def test_of_what_a_model_restated_hardly_a_true_text_is_accused_and_most_lies_are_found(
    split: str, at_most: int, at_least: int
) -> None:
    accused = caught = 0
    answers = by_hand.answers(split)
    for monologue, evidence in by_hand.recorded(split):
        accused += bool(monologue.restated(None, evidence, answers).contradicted)
        for lie in monologue.lies:
            found = monologue.restated(lie, evidence, answers).contradicted
            caught += any(monologue.is_about(lie, f.claim) for f in found)
    assert accused <= at_most
    assert caught >= at_least
