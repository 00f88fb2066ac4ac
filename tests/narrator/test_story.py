"""The flat recording becomes activations, visits and rounds."""

from __future__ import annotations

from telling import story_of

from pytrace_mono.synth.narrator.story import Round, Visit, visits
from pytrace_mono.tracer import Sandbox

LOOPS = """
def f(n):
    total = 0
    for i in range(n):
        if i == 1:
            continue
        j = 0
        while j < i:
            total += j
            j += 1
    return total
"""


def test_a_loop_is_split_into_iterations_and_inner_loops_stand_inside_them(box: Sandbox) -> None:
    (activation,) = story_of(box, LOOPS, "f(3)")
    outer = next(node for node in activation.nodes if isinstance(node, Round))
    assert len(outer.iterations) == 3
    assert outer.last_check is not None
    inner = [n for it in outer.iterations for n in it.body if isinstance(n, Round)]
    assert [len(round_.iterations) for round_ in inner] == [0, 2]


def test_a_loop_left_by_break_has_no_last_check(box: Sandbox) -> None:
    code = "def f(items):\n    for i in items:\n        if i:\n            break\n    return i\n"
    (activation,) = story_of(box, code, "f([0, 5, 6])")
    loop = next(node for node in activation.nodes if isinstance(node, Round))
    assert len(loop.iterations) == 2
    assert loop.last_check is None


def test_while_true_starts_anew_where_its_first_statement_comes_again(box: Sandbox) -> None:
    code = """
    def f(n):
        while True:
            n -= 2
            if n < 0:
                return n
    """
    (activation,) = story_of(box, code, "f(5)")
    loop = next(node for node in activation.nodes if isinstance(node, Round))
    assert len(loop.iterations) == 3


def test_a_loop_that_runs_no_pass_has_only_its_check(box: Sandbox) -> None:
    (activation,) = story_of(
        box, "def f(a):\n    for x in a:\n        pass\n    return 1\n", "f([])"
    )
    loop = next(node for node in activation.nodes if isinstance(node, Round))
    assert loop.iterations == []
    assert loop.last_check is not None


def test_calls_hang_on_the_statement_that_made_them(box: Sandbox) -> None:
    code = """
    def square(n):
        return n * n

    def f(n):
        a = square(n) + square(n + 1)
        return a
    """
    (activation,) = story_of(box, code, "f(2)")
    first = next(visits(activation.nodes))
    assert [(c.name, c.value.text if c.value else None) for c in first.calls] == [
        ("square", "4"),
        ("square", "9"),
    ]


def test_comprehensions_and_lambdas_are_part_of_their_statement(box: Sandbox) -> None:
    code = """
    def one(n):
        return n + 1

    def f(a):
        b = [one(x) for x in a]
        return sorted(b, key=lambda x: -x)
    """
    (activation,) = story_of(box, code, "f([1, 2])")
    assert [visit.line for visit in visits(activation.nodes)] == [5, 6]
    assert [c.name for c in next(visits(activation.nodes)).calls] == ["one", "one"]


def test_a_statement_over_several_lines_is_one_visit(box: Sandbox) -> None:
    code = """
    def f(a):
        b = (
            a +
            1
        )
        return b
    """
    (activation,) = story_of(box, code, "f(1)")
    flat = [node for node in activation.nodes if isinstance(node, Visit)]
    assert [visit.line for visit in flat] == [2, 6]
    assert flat[0].changes["b"].text == "2"


def test_what_a_visit_knows_is_what_held_before_it(box: Sandbox) -> None:
    code = "def f(a):\n    a = a + 1\n    a = a * 10\n    return a\n"
    (activation,) = story_of(box, code, "f(1)")
    befores = [visit.before["a"].text for visit in visits(activation.nodes)]
    assert befores == ["1", "2", "20"]
