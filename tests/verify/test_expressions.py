"""The bounded interpreter agrees with Python where it answers, and refuses the rest."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytrace_mono.tracer import Sandbox
from pytrace_mono.verify import Evidence, check
from pytrace_mono.verify.bounded import Work
from pytrace_mono.verify.expressions import MAX_STEPS, NotEvaluated, evaluate

NAMES = {
    "n": 7,
    "x": -2.5,
    "text": "Hello World",
    "items": [3, 1, 3, 2],
    "pairs": [("a", 2), ("b", 1)],
    "table": {"a": 1, "b": 2},
    "seen": {1, 2},
    "flag": False,
}

AGREEING = [
    "n % 3 == 1 and not flag",
    "1 < n <= 7 < 9",
    "items[1:] + items[:1]",
    "items[-1], items[::-1]",
    "sorted(items, reverse=True)",
    "sorted(pairs, key=lambda p: p[1])",
    "max(items, key=lambda i: -i)",
    "[i * 2 for i in items if i != 3]",
    "{i for i in items} | seen",
    "{k: v + n for k, v in table.items()}",
    "sum(i * j for i in items for j in items)",
    "', '.join(word.upper() for word in text.split())",
    "text.replace('o', '0').count('0')",
    "f'{text!r}-{n}'",
    "len(items) if items else None",
    "table.get('z', 0) or table['a']",
    "isinstance(n, int), isinstance(text, (int, str))",
    "list(zip(items, text)), list(enumerate(text))[2]",
    "any(i > 2 for i in items) and all(items)",
    "round(x, 1), abs(x), divmod(n, 2), n ** 2, n // 2, -n, ~n, n << 2, n & 3",
    "list(range(n))[::2]",
    "[*items, *seen], {**table, 'c': 3}",
    "n in items, n not in items, flag is False, items is not None",
    "str.lower(text)",
    "f'{n:>4}|{x:.2f}|{text:^15}|{n:04b}|{n!r:>3}'",
    "pow(n, 2), pow(2, 10, 7)",
    "list(map(lambda i, j: i * j, items, items)), list(filter(lambda i: i > 1, items))",
    "list(map(str, items)), sum(map(len, pairs))",
    "sum([[1], items], []), round(n / 3), round(12345, -2), '-'.join(map(str, items))",
    "text.replace('l', 'L', 1), str.join('+', ['a', 'b'])",
]


@pytest.mark.parametrize("expression", AGREEING)
def test_the_interpreter_gives_what_python_gives(expression: str) -> None:
    assert evaluate(expression, NAMES) == eval(expression, dict(NAMES))  # noqa: S307 - ours


REFUSED = [
    "items is items",  # copies are recorded
    "open('x')",
    "__import__('os')",
    "().__class__",
    "text.__len__()",
    "(lambda: n)()",
    "text.format(n)",
    "'%d' % n",
    "f'{n:>100000000}'",
    "f'{n:>{n}00000000}'",
    "2 ** 10 ** 9",
    "pow(2, 10 ** 9)",
    "list(map(pow, [2], [10 ** 9]))",
    "[list(r) for r in map(range, [10 ** 9])]",
    "list(map(str.replace, ['a' * 90000], ['a'], ['b' * 90000]))",
    "1 << 10 ** 9",
    "[0] * 10 ** 9",
    "range(10 ** 12)",
    "text.join(['a' * 90000] * 90000)",
    "list(map(text.join, [['a' * 90000] * 90000]))",
    "sorted([['a' * 90000] * 90000], key=text.join)",
    "str.join(text, ['a' * 90000] * 90000)",
    "sum([[0] * 90000] * 90000, [])",
    "sum([('a',)] * 90000, ())",
    "round(n, -(10 ** 9))",
    "math.lcm(*[2 ** i * 3 ** i for i in range(9000)])",
    "('x' * 90000).replace('x', 'y' * 90000)",
    "[i for i in range(90000) for j in range(90000)]",
    "n / 0",
    "items[99]",
    "unknown",
    "n.bit_length",
    "(y := 3)",
    "items.append(3)",
    "n +",
    "eval('1')",
    "getattr(text, 'upper')",
]


@pytest.mark.parametrize("expression", REFUSED)
def test_what_is_outside_raises_or_is_too_large_is_not_evaluated(expression: str) -> None:
    with pytest.raises(NotEvaluated):
        evaluate(expression, NAMES)


@pytest.mark.parametrize(
    "expression",
    [
        "len([i for i in range(90000)])",
        "len([sorted(text) for i in range(300)])",  # few nodes, long values
        "sum([sum(range(100000)) for i in range(300)])",
    ],
)
def test_long_work_is_not_done(expression: str) -> None:
    with pytest.raises(NotEvaluated, match="too much work"):
        evaluate(expression, {"text": "ab" * 10_000})


def test_evaluations_share_what_they_may_cost_together() -> None:
    work = Work()
    while work.left > 0:
        with suppress(NotEvaluated):  # the last of them
            evaluate("[i + i for i in range(4000)]", {}, work=work)
    with pytest.raises(NotEvaluated, match="too much work"):
        evaluate("1", {}, work=work)
    assert -MAX_STEPS < work.left <= 0


@pytest.mark.parametrize(
    ("told", "restated"),
    [("[L4] `{}` is `5`. {}", None), ("It is so.", "1 | L4 | after: {} == 5\n1 | L2 | runs")],
)
def test_a_text_that_asks_for_much_in_every_pass_is_not_worked_through(
    told: str, restated: str | None
) -> None:
    program = "def f(n):\n    t = 0\n    for i in range(n):\n        t += i\n    return t\n"
    with Sandbox() as box:
        evidence = Evidence(box.trace(program, "f(1000)"), "f")
    heavy = "sum([i * j * t for i in range(90) for j in range(90)])"
    told = told.format(heavy, "[L2] `t` starts as `0`.")
    checked = check(told, evidence, "forward", restated and restated.format(heavy))
    assert [f.status for f in checked.findings] == ["unsupported", "holds"]
    assert evidence.run.work.left <= 0
    again = check(
        "[L5] `t + 1` is `499501`.", evidence, "forward"
    )  # another text has work of its own
    assert [f.status for f in again.findings] == ["holds"]


def test_a_builtin_that_the_program_redefines_is_not_used() -> None:
    with pytest.raises(NotEvaluated):
        evaluate("max(items)", NAMES, shadowed={"max"})


def test_an_attribute_is_known_by_its_dotted_name_and_is_no_other_objects() -> None:
    names = {"point.x": 3, "point.inner.y": 4, "points": [[1]]}
    assert evaluate("point.x * point.inner.y", names) == 12
    for unknown in ("point.z", "point", "[point.x for point in points]"):
        with pytest.raises(NotEvaluated):
            evaluate(unknown, names)


def test_a_function_of_the_program_gives_what_it_gave() -> None:
    def given_there(name: str, arguments: list[object]) -> object:
        if (name, arguments) != ("double", [3]):
            raise NotEvaluated(name)
        return 6

    shadowed = {"double", "len"}
    assert evaluate("double(3) + 1", {}, shadowed, given_there) == 7
    assert evaluate("list(map(double, items))", {"items": [3]}, shadowed, given_there) == [6]
    for unknown in ("double(4)", "len([1])", "double(n=3)"):
        with pytest.raises(NotEvaluated):
            evaluate(unknown, {}, shadowed, given_there)


def test_evaluating_changes_no_value() -> None:
    items = [3, 1]
    evaluate("sorted(items) + [i for i in items]", {"items": items, "i": 9})
    assert items == [3, 1]


numbers = st.integers(-50, 50)
operators = st.sampled_from(["+", "-", "*", "//", "%", "<", "==", ">=", "&", "|", "and", "or"])
arithmetic = st.recursive(
    numbers.map(str) | st.sampled_from(["a", "b"]),
    lambda inner: st.tuples(inner, operators, inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
    max_leaves=12,
)


@given(arithmetic, numbers, numbers)
def test_random_arithmetic_agrees_with_python_or_is_refused_where_python_raises(
    expression: str, a: int, b: int
) -> None:
    names = {"a": a, "b": b}
    try:
        expected = eval(expression, dict(names))  # noqa: S307 - made by this test
    except (ZeroDivisionError, TypeError):
        with pytest.raises(NotEvaluated):
            evaluate(expression, names)
        return
    actual = evaluate(expression, names)
    assert (actual, type(actual)) == (expected, type(expected))
