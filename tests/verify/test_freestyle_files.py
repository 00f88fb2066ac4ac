"""The hand-written monologues are well formed, and their programs return what they say."""

from __future__ import annotations

import ast
import re
import runpy
from collections import Counter
from typing import Any

import pytest
from by_hand import HERE, Monologue, split

STYLES = set("prose bullets table terse chatty codeblock steps lines qa cot".split())
KINDS = set(
    "value_off_by_one stale_value iterations_swapped wrong_visit wrong_loop_count branch_flipped"
    " wrong_type dropped_side_effect other_functions_step constraint_negated".split()
)
SPLITS = {"dev": 100, "dev2": 100, "dev3": 50, "heldout": 100, "heldout2": 50}
ANSWER = re.compile(r"\[ANSWER\]\nassert (.+) == (.+)\n\[/ANSWER\]\Z")


EVERY = {name: split(name) for name in SPLITS}
ALL = [monologue for name in SPLITS for monologue in EVERY[name]]


def value_of(program: str, call: str) -> Any:
    """What the program returns for a call whose arguments are literals."""
    tree = ast.parse(call, mode="eval").body
    assert isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name), call
    arguments = [ast.literal_eval(argument) for argument in tree.args]
    return runpy.run_path(str(HERE / "programs" / f"{program}.py"))[tree.func.id](*arguments)


@pytest.mark.parametrize("monologue", ALL, ids=lambda m: m.name)
def test_the_program_returns_what_the_answer_states(monologue: Monologue) -> None:
    answer = ANSWER.search(monologue.text)
    assert answer and answer[1] == monologue.call
    got, stated = value_of(monologue.program, monologue.call), ast.literal_eval(answer[2])
    assert got == stated and repr(got) == repr(stated)


@pytest.mark.parametrize("monologue", ALL, ids=lambda m: m.name)
def test_a_lie_changes_one_place_of_the_text_and_not_the_answer(monologue: Monologue) -> None:
    told = monologue.text[: monologue.text.index("[ANSWER]")]
    assert 60 <= len(told.split()) <= 250
    assert 1 <= len(monologue.lies) <= 2
    for lie in monologue.lies:
        assert lie.kind in KINDS
        assert monologue.text.count(lie.find) == 1 == told.count(lie.find)
        assert lie.find != lie.replacement
        assert lie.kind != "constraint_negated" or monologue.direction == "backward"


def test_the_splits_share_no_program_and_have_every_style_alike() -> None:
    programs = [{m.program for m in EVERY[name]} for name in SPLITS]
    assert sum(map(len, programs)) == len(set().union(*programs))
    assert {p.stem for p in (HERE / "programs").glob("*.py")} == set().union(*programs)
    for name, count in SPLITS.items():
        styles = Counter(m.style for m in EVERY[name])
        apart = 1 if count == 50 else 0  # halves of a set that was shared out by program
        assert styles.keys() == STYLES
        assert all(abs(n - count // 10) <= apart for n in styles.values())
        assert Counter(m.direction for m in EVERY[name])["backward"] == count // 5


def test_about_half_have_backticks_and_each_kind_of_lie_occurs() -> None:
    with_code = sum("`" in m.text for m in ALL)
    assert 0.4 * len(ALL) <= with_code <= 0.6 * len(ALL)
    assert {lie.kind for m in ALL for lie in m.lies} == KINDS
