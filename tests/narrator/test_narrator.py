"""What the Narrator says: whole monologues as golden files, and rules they all keep.

Rewrite the golden files with ``UPDATE_GOLDEN=1 pytest tests/narrator`` and read the difference.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
from telling import PROGRAMS, problem, program, said

from pytrace_mono import tasks
from pytrace_mono.records import Direction
from pytrace_mono.tracer import Sandbox

GOLDEN = Path(__file__).parent / "golden"
SHOWN = [
    "run_length",
    "binary_search",
    "merge_intervals",
    "word_count",
    "prime_factors",
    "palindrome",
]


@pytest.mark.skipif(
    sys.version_info[:2] != (3, 11),
    reason="recordings differ between Python versions; golden is 3.11",
)
@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("name", SHOWN)
def test_the_monologue_reads_as_the_golden_file(
    box: Sandbox, name: str, direction: Direction
) -> None:
    text = said(box, program(name), 0, direction) + "\n"
    path = GOLDEN / f"{name}.{direction}.md"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize("path", sorted(PROGRAMS.glob("*.py")), ids=lambda path: path.stem)
def test_every_monologue_parses_back_and_has_its_sections(box: Sandbox, path: Path) -> None:
    one = program(path.stem)
    for direction in ("forward", "backward"):
        text = said(box, one, 0, direction)
        answer = tasks.parse_answer(text, direction)
        section = "Execution Simulation" if direction == "forward" else "Reverse Deduction"
        assert f"### {section}\n" in answer.monologue
        assert answer.output is not None
        assert "  " not in re.sub(r"^ +|`[^`]*`", "x", answer.monologue, flags=re.M)
        assert len(text) < 20_000


def test_the_same_seed_gives_the_same_text_and_another_one_other_words(box: Sandbox) -> None:
    one = program("merge_intervals")
    texts = [said(box, one, 0, "backward", seed) for seed in (0, 0, 1, 2, 3, 4)]
    assert texts[0] == texts[1]
    assert len(set(texts)) > 1


def test_long_loops_are_told_by_their_ends_with_what_the_middle_came_to(box: Sandbox) -> None:
    code = "def f(n):\n    t = 0\n    for i in range(n):\n        t += i\n    return t\n"
    text = said(box, problem(code, "f(100)"), 0, "forward")
    assert "it runs 100 times" in text
    assert "Iterations 4 to 99" in text
    assert "After that, `t` is `4851`" in text
    assert "Iteration 100: `i = 99`. [L4] `t` goes from `4851` to `4950`" in text


def test_a_recursion_is_told_down_to_its_depth_and_the_rest_by_results(box: Sandbox) -> None:
    code = "def fact(n):\n    if n < 2:\n        return 1\n    return n * fact(n - 1)\n"
    text = said(box, problem(code, "fact(9)"), 0, "forward")
    assert text.count("\n") < 40
    assert "`fact(8)`" in text
    backward = said(box, problem(code, "fact(9)"), 0, "backward")
    assert "Going down the recursion, `fact(8)` gave `40320`" in backward


def test_properties_hold_on_every_known_call_or_are_not_said(box: Sandbox) -> None:
    code = "def f(a):\n    return sorted(a)\n"
    both = said(box, problem(code, "f([2, 1])", "f([5, 4, 9])"), 0, "forward")
    assert "`result == sorted(result)`" in both
    code = "def f(a):\n    return a[::-1]\n"
    neither = said(box, problem(code, "f([2, 1])", "f([5, 4, 9])"), 0, "forward")
    assert "`result == sorted(result)`" not in neither
    assert "`sorted(result) == sorted(a)`" in neither


def test_an_input_that_is_never_read_is_called_free(box: Sandbox) -> None:
    code = "def f(a, unused):\n    return a + 1\n"
    text = said(box, problem(code, "f(1, 2)"), 0, "backward")
    assert "`unused` is never read on this way and could be anything" in text


def test_statements_that_must_not_have_run_are_argued_from(box: Sandbox) -> None:
    code = """
    def has_even(items):
        found = False
        for item in items:
            if item % 2 == 0:
                found = True
        return found
    """
    text = said(box, problem(code, "has_even([1, 3])"), 0, "backward")
    assert "[L5] would have changed it, so it must not run" in text
