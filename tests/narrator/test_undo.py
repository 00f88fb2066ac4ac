"""Solving an expression for its parts: what is said holds, for any numbers."""

from __future__ import annotations

import ast
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pytrace_mono.synth.narrator.undo import undone
from pytrace_mono.synth.narrator.values import Known
from pytrace_mono.tracer import Snapshot


def solved(source: str, x: Any) -> list[str]:
    """What follows for the parts of an expression of ``x``."""
    node = ast.parse(source, mode="eval").body
    known = Known({"x": Snapshot(repr(x), type(x).__name__, True)}, {"x"})
    return undone(node, known.evaluate(node), known)


def test_operations_are_undone_from_the_outside_in() -> None:
    assert solved("10 - (x * 3 + 4)", 2) == ["x * 3 + 4 == 10", "x * 3 == 6", "x == 2"]
    assert solved("x // 7", 30) == ["28 <= x < 35"]
    assert solved("'<' + x[::-1] + '>'", "ab") == [
        "'<' + x[::-1] == '<ba'",
        "x[::-1] == 'ba'",
        "x == 'ab'",
    ]
    assert solved("round(x / 3, 1)", 1.0) == ["abs(x / 3 - 0.3) <= 0.5 * 10 ** -1"]


def test_what_cannot_be_undone_says_nothing() -> None:
    assert solved("x % 3", 7) == []
    assert solved("x * x", 7) == []
    assert solved("tuple((i for i in x))", [1]) == []


OPERATIONS = st.sampled_from(
    [
        "({}) + {}",
        "({}) - {}",
        "{1} - ({0})",
        "({}) * {}",
        "({}) / {}",
        "({}) // {}",
        "-({})",
        "abs({})",
    ]
)


@given(
    st.lists(
        st.tuples(OPERATIONS, st.integers(1, 50) | st.floats(0.1, 9.0)), min_size=1, max_size=4
    ),
    st.integers(-1000, 1000) | st.floats(-50.0, 50.0),
)
def test_what_is_said_of_any_arithmetic_holds(steps: list[tuple[str, Any]], x: Any) -> None:
    source = "x"
    for operation, number in steps:
        source = operation.format(source, number)
    for constraint in solved(source, x):
        assert eval(constraint, {"x": x}) is True  # noqa: S307 - arithmetic made above
