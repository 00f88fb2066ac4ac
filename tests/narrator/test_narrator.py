"""What the Narrator says: whole monologues as golden files, and rules they all keep.

Rewrite the golden files with ``UPDATE_GOLDEN=1 pytest tests/narrator`` and read the difference.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
from telling import PROGRAMS, problem, program, recorded, said

from pytrace_mono import tasks
from pytrace_mono.records import Direction
from pytrace_mono.synth import Narrator, synthesize
from pytrace_mono.tracer import Sandbox
from pytrace_mono.verify import Evidence, check

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
        assert len(text) < 6_000


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


def test_a_pass_that_takes_a_new_path_is_told_wherever_it_comes(box: Sandbox) -> None:
    code = """
    def f(n):
        t = 0
        for i in range(n):
            if i == 40:
                t = -1
            t += 1
        return t
    """
    text = said(box, problem(code, "f(100)"), 0, "forward")
    assert "Iteration 41: `i = 40`." in text
    assert "Iterations 42 to 99 go on in the same way" in text


def test_methods_keep_their_object_and_headers_tell_what_they_call(box: Sandbox) -> None:
    code = """
    class Tank:
        def __init__(self, level):
            self.level = level

        def is_full(self, limit):
            return self.level >= limit

    def fill(limit):
        tank = Tank(0)
        while not tank.is_full(limit):
            tank.level += 1
        return tank.level
    """
    text = said(box, problem(code, "fill(2)"), 0, "forward")
    assert "In `Tank(0)`:" in text
    assert "[L10] In `tank.is_full(2)`:" in text
    assert "`tank.is_full(2)` gives `True`, and the loop ends" in text


def test_a_simulation_longer_than_a_page_is_told_with_less_detail(box: Sandbox) -> None:
    lines = "".join(f"        t += i * {n}\n        t -= {n}\n" for n in range(40))
    code = f"def f(n):\n    t = 0\n    for i in range(n):\n{lines}    return t\n"
    text = said(box, problem(code, "f(5)"), 0, "forward")
    assert len(text) < 6_000
    assert "it runs five times. In the end `t` is" in text


def test_a_simpler_input_is_chosen_where_one_gives_the_same_output(tmp_path: Path) -> None:
    code = "def f(items):\n    return max(items)\n"
    one = problem(code, "f([3, 9, 4, 1])")
    corpus = synthesize([one], Narrator(), tmp_path / "corpus", format="jsonl")
    (row,) = corpus.examples("backward")
    assert "assert f([9]) == 9" in row.response
    assert "[3, 9, 4, 1]" not in row.response


def test_an_expression_is_solved_for_what_is_inside_it(box: Sandbox) -> None:
    code = "def f(n):\n    return (n * 3 + 4) // 2\n"
    text = said(box, problem(code, "f(5)"), 0, "backward")
    assert "`18 <= n * 3 + 4 < 20`" in text


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


@pytest.mark.parametrize(
    ("line", "call"),
    [
        ("for item in items: found = True", "has_any([])"),
        ("while len(items) > 3: found = True", "has_any([1, 3])"),
        ("if len(items) > 3: found = True", "has_any([1, 3])"),
    ],
)
def test_a_body_on_the_line_of_its_header_that_did_not_run(
    box: Sandbox, line: str, call: str
) -> None:
    code = f"def has_any(items):\n    found = False\n    {line}\n    return found\n"
    text = said(box, problem(code, call), 0, "backward")
    assert "[L3] would have changed it, so it must not run" in text
    trace = recorded(box, code, call)
    assert not check(text, Evidence(trace, "has_any"), "backward").contradicted


def test_a_body_on_the_line_of_its_header_that_ran_is_not_said_to_be_skipped(
    box: Sandbox,
) -> None:
    code = "def last(items):\n    for item in items: found = item\n    return found\n"
    told = "[L2] would have changed it, so it must not run."
    for call in ("last([1])", "last([1, 2])"):
        trace = recorded(box, code, call)
        assert check(told, Evidence(trace, "last"), "backward").contradicted


INLINE = """
def f(n):
    total = 0
    for j in range(1, n): total += j
    while total > 10: total -= 3
    return total
"""


@pytest.mark.parametrize(
    ("call", "ends"),
    [
        ("f(1)", ["`range(1, 1)`. Nothing changes.", "`total > 10`. Nothing changes."]),
        ("f(2)", ["`range(1, 2)`. In the end `total` is `1`", "`total > 10`. Nothing changes."]),
        ("f(6)", ["`range(1, 6)`. In the end `total` is `15`", "In the end `total` is `9`."]),
    ],
)
def test_of_a_loop_on_one_line_the_end_is_told_and_no_number_of_passes(
    box: Sandbox, call: str, ends: list[str]
) -> None:
    """A line that is header and body at once is not visited as often as there are passes."""
    text = said(box, problem(INLINE, call), 0, "forward")
    assert all(end in text for end in ends), text
    assert not re.search(r"\bruns\b|Iteration", text)


SEARCH = """
def index_of(items, wanted):
    for index, item in enumerate(items):
        if item == wanted:
            return index
    return -1
"""
DIVISOR = """
def divisor(n):
    d = 2
    while d * d <= n:
        if n % d == 0:
            break
        d += 1
    else:
        return n
    return d
"""
TURN = """
def turn(items, k):
    k %= len(items)
    mask = 0
    for item in items:
        mask ^= item
    return items[k:] + items[:k] + [mask]
"""
WRAPPED = """
def counted(inner):
    def outer(*args):
        return inner(*args), len(args)
    return outer

@counted
def double(n):
    return 2 * n
"""
TABLE = """
def fewest(amount, coins):
    best = [0] + [amount + 1] * amount
    for total in range(1, amount + 1):
        for coin in coins:
            if coin <= total:
                best[total] = min(best[total], best[total - coin] + 1)
    return best[amount] if best[amount] <= amount else -1
"""
PARSED = """
def number_or(text, default):
    try:
        value = int(text)
    except ValueError as error:
        return default
    return value
"""


@pytest.mark.parametrize(
    ("code", "call", "direction", "told", "never"),
    [
        (
            SEARCH, "index_of([4, 5], 6)", "backward",
            "[L4] would answer too soon, so it must not run: [L3] `item == wanted` failed in both "
            "checks",
            "1 == 1",
        ),
        (SEARCH, "index_of([4, 5], 6)", "forward", "[L5] The function returns `-1`", "from `-1`"),
        (
            DIVISOR, "divisor(7)", "backward",
            "[L5] would keep [L8] from running, so it must not run: [L4] `n % d == 0` failed in its "
            "one check",
            "so they must not run",
        ),
        (
            DIVISOR, "divisor(9)", "backward",
            "The loop at [L3] must not come to its end, where [L8] answers. [L5] broke it off, when "
            "[L4] `n % d == 0` held",
            "would answer too soon",
        ),
        (TURN, "turn([1, 2], 3)", "forward", "`k` becomes `1`, from `3 % len([1, 2])`", "goes from"),
        (TURN, "turn([1, 2], 3)", "forward", "`mask` becomes `3`, from `1 ^ 2`", "goes from"),
        (TURN, "turn([1, 2], 3)", "backward", "`k` was made from `k % len(items)`", "left `k`"),
        (
            WRAPPED, "double(4)", "forward",
            "[L6] wraps it in `counted`: a call of it runs `outer`", "isinstance(result, int)",
        ),
        (WRAPPED, "double(4)", "backward", "`double(4)` had to give `8`", "in one go"),
        (
            TABLE, "fewest(2, [1])", "forward",
            "`best[total]` is `3` and `best[total - coin] + 1` is `1`, so `best[1]` is set to `1`",
            "best[total - coin]` is",
        ),
        (
            TABLE, "fewest(1, [])", "backward",
            "That is `-1`, which takes `best[amount] > amount`", "1 == 1",
        ),
        (PARSED, "number_or('x', 3)", "forward", "[L4] This is caught, so `error` becomes", "skipped"),
        (
            "def odd(items):\n    return [2 * n for n in items if n % 2]\n",
            "odd([1, 2, 3])", "backward",
            "`[n for n in items if n % 2] == [1, 3]`", "[2 * n for n in items if n % 2] ==",
        ),
        (
            "def same(items):\n    items = list(items)\n    return items\n", "same([1])", "backward",
            "`items` starts as `[1]`; [L2] assigns to it, but nothing new", "[L2] left",
        ),
        (
            "def shown(n):\n    if n:\n        return 1\n    return 0\n", "shown(3)", "forward",
            "`n` is `3`, which is not zero", "`n` holds",
        ),
        (
            "def ask(n):\n    if n == 0:\n        return 1\n    return 0\n", "ask(0)", "forward",
            "[L2] `n == 0` holds, so", "since `n` is",
        ),
        (
            "def gen(n):\n    for i in range(n):\n        yield i\n", "list(gen(2))", "forward",
            "hands out its values one by one", "Nothing is handed back",
        ),
        (
            "def f(n):\n    if n < 2:\n        return n\n    return f(n - 1) + f(n - 2)\n",
            "f(3)", "forward",
            "[L4] asks for `f(n - 1)` and `f(n - 2)`", "asks for `f(n - 2)`",
        ),
    ],
)  # fmt: skip
def test_what_is_told_of_a_shape_of_code_is_true_and_to_the_point(
    box: Sandbox, code: str, call: str, direction: Direction, told: str, never: str
) -> None:
    text = said(box, problem(code, call), 0, direction)
    assert told in text
    assert never not in text
    name = call.removeprefix("list(").partition("(")[0]
    checked = check(text, Evidence(recorded(box, code, call), name), direction)
    assert not checked.contradicted and not checked.reading.unread


def test_a_reason_that_has_not_changed_is_not_given_again(box: Sandbox) -> None:
    code = """
    def over(items, limit):
        found = []
        for item in items:
            if item > limit:
                found.append(item)
        return found
    """
    text = said(box, problem(code, "over([5, 1, 7], 4)"), 0, "forward")
    assert text.count("since `limit` is `4`") == 1
    assert "Iteration 2: `item = 1`. [L4] `item > limit` fails, so [L5] is skipped." in text


def test_the_output_is_told_as_it_was_asked_for(tmp_path: Path) -> None:
    """Two dicts with their keys in another order are equal, but do not read so."""
    code = "def f(words):\n    return {word[0]: word for word in words}\n"
    one = problem(code, 'f(["ant", "bee", "ape"])')
    corpus = synthesize([one], Narrator(), tmp_path / "corpus", format="jsonl")
    (row,) = corpus.examples("backward")
    assert "The output to reach is `{'a': 'ape', 'b': 'bee'}`." in row.response


def test_a_simpler_input_shows_as_much_of_the_program(tmp_path: Path) -> None:
    """An empty list is sorted as well, and says nothing about why."""
    code = """
    def is_sorted(items):
        for left, right in zip(items, items[1:]):
            if left > right:
                return False
        return True
    """
    one = problem(code, "is_sorted([1, 2, 2, 5])")
    corpus = synthesize([one], Narrator(), tmp_path / "corpus", format="jsonl")
    (row,) = corpus.examples("backward")
    assert "[L3] `left > right` failed in its one check" in row.response
    assert "assert is_sorted([1, 2]) == True" in row.response
