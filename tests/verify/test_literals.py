"""Text is read as a literal or as a call with literal arguments, and as nothing else."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytrace_mono.errors import AnswerError
from pytrace_mono.verify import literal, literal_call, same_value
from pytrace_mono.verify.literals import MAX_CHARS, same_expression

atoms = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.complex_numbers(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.binary()
)
hashables = atoms | st.tuples(atoms, atoms)
values = st.recursive(
    hashables | st.sets(hashables, min_size=1),
    lambda inner: (
        st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(hashables, inner, max_size=4)
    ),
    max_leaves=12,
)


@given(values)
def test_what_repr_writes_reads_back_as_the_same_value(value: object) -> None:
    # A complex with a negative zero part is the one literal that repr does not round-trip.
    read = ast.literal_eval(repr(value))
    assert same_value(literal(repr(value)), read)


@given(values, values)
def test_same_value_never_holds_where_equality_does_not(left: object, right: object) -> None:
    if same_value(left, right):
        assert left == right and type(left) is type(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (True, 1),
        (3, 3.0),
        (-0.0, 0.0),
        ([1], (1,)),
        ([True], [1]),
        ({1}, {True}),
        ({1: "a"}, {True: "a"}),
        ({"k": 1}, {"k": 1.0}),
        ((1, (2, -0.0)), (1, (2, 0.0))),
        (float("nan"), float("nan")),
        ("a", b"a"),
        (None, False),
        ([1], [1, 1]),
        ({1, 2}, {1}),
    ],
)
def test_values_that_equal_without_being_the_same_are_told_apart(
    left: object, right: object
) -> None:
    assert not same_value(left, right)
    assert not same_value(right, left)


def test_a_nan_is_not_even_the_same_as_itself() -> None:
    nan = [float("nan")]
    assert not same_value(nan, nan)


def test_order_matters_in_lists_and_not_in_dicts_and_sets() -> None:
    assert same_value({"a": 1, "b": [2]}, {"b": [2], "a": 1})
    assert same_value({3, 1, 2}, {1, 2, 3})
    assert not same_value([1, 2], [2, 1])


@pytest.mark.parametrize(
    "text",
    [
        "f()",
        "x",
        "1 + 1",
        "__import__('os').system('true')",
        "[i for i in (1, 2)]",
        "f'{1}'",
        "lambda: 0",
        "",
        "1 = 2",
        "assert 1",
        "{[]: 1}",
        "'" + "a" * MAX_CHARS + "'",
        "[" * 150 + "]" * 150,
        "-" * 50_000 + "1",
        "1" + "+1" * 20_000,
        "\0",
    ],
)
def test_anything_but_a_bounded_literal_is_refused(text: str) -> None:
    with pytest.raises(AnswerError):
        literal(text)


def test_the_empty_set_is_a_literal() -> None:
    assert same_value(literal("set()"), set())


@pytest.mark.parametrize(
    ("text", "callee", "source"),
    [
        ("f(1)", "f", "f(1)"),
        (" f( -1 , k = 'a' ) ", "f", "f(-1, k='a')"),
        ("s.push([1, {2: (3,)}])", "s.push", "s.push([1, {2: (3,)}])"),
        ("Stack([1]).push(2)", "Stack([1]).push", "Stack([1]).push(2)"),
        ("f(*[1, 2], **{'a': 3})", "f", "f(*[1, 2], **{'a': 3})"),
        ("f()", "f", "f()"),
    ],
)
def test_a_call_with_literal_arguments_is_written_anew(text: str, callee: str, source: str) -> None:
    read = literal_call(text)
    assert (read.callee, read.source) == (callee, source)


@pytest.mark.parametrize(
    "text", ["f(x)", "f(g(1))", "f(1 + 1)", "1", "f", "f(1), g(2)", "f(*x)", "f(k=open('x'))"]
)
def test_a_call_with_any_other_argument_is_refused(text: str) -> None:
    with pytest.raises(AnswerError):
        literal_call(text)


def test_an_int_too_long_to_be_written_out_is_refused_and_no_crash() -> None:
    with pytest.raises(AnswerError):
        literal_call("f(0x" + "f" * 10_000 + ")")


def test_spacing_and_quotes_do_not_make_another_expression() -> None:
    assert same_expression('f( "a",1 )', "f('a', 1)")
    assert same_expression("f(u'a')", "f('a')")
    assert not same_expression("f(1)", "f(1.0)")
    assert not same_expression("f(1)", "f(True)")
