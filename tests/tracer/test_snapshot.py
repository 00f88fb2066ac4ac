"""A value's text: exact where it says so, bounded always."""

from __future__ import annotations

import ast
import collections
import datetime
import enum
import fractions
import json
import math
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytrace_mono.errors import LimitError
from pytrace_mono.tracer.limits import Limits
from pytrace_mono.tracer.snapshot import Snapshotter

ANY_TEXT = st.text(st.characters(), max_size=8)  # surrogates too
HASHABLE = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.sampled_from([0, 1, -1, 2**70, -(2**70), 0.0, -0.0, 1.0]),
        st.integers(),
        st.floats(),
        st.complex_numbers(),
        ANY_TEXT,
        st.binary(max_size=6),
    ),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=4,
)
VALUES = st.recursive(
    HASHABLE,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(HASHABLE, inner, max_size=3),
        st.sets(HASHABLE, max_size=3),
    ),
    max_leaves=12,
)


def take(value: object, **limits: Any) -> dict[str, Any]:
    return Snapshotter(Limits(**limits)).take(value)


def same(one: Any, other: Any) -> bool:
    """Equal in value and type at every level, and in the sign of zeros."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return one == other and math.copysign(1, one) == math.copysign(1, other)
    if isinstance(one, complex):
        return same(one.real, other.real) and same(one.imag, other.imag)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return same(list(one.items()), list(other.items()))
    if isinstance(one, set):
        return len(one) == len(other) and all(any(same(a, b) for b in other) for a in one)
    return bool(one == other)


def has_no_literal(value: Any) -> bool:
    if isinstance(value, float):
        return not math.isfinite(value)
    if isinstance(value, complex):
        return not same(ast.literal_eval(repr(value)) if _finite(value) else None, value)
    if isinstance(value, dict):
        return any(map(has_no_literal, [*value, *value.values()]))
    if isinstance(value, (list, tuple, set)):
        return any(map(has_no_literal, value))
    return False


def _finite(value: complex) -> bool:
    return math.isfinite(value.real) and math.isfinite(value.imag)


@settings(max_examples=400, deadline=None)
@given(VALUES)
def test_exact_means_that_literal_eval_rebuilds_the_value(value: Any) -> None:
    """Within the limits `exact` is true exactly where a literal gives back value and types."""
    row = take(value, max_chars=10**6, max_depth=50)
    assert row["exact"] is not has_no_literal(value)
    if row["exact"]:
        assert same(ast.literal_eval(row["text"]), value)


@settings(max_examples=300, deadline=None)
@given(VALUES, st.integers(1, 30), st.integers(1, 3), st.integers(1, 3))
def test_small_limits_never_lie(value: Any, chars: int, items: int, depth: int) -> None:
    """A text that was cut is no longer than it may be, and is not called exact."""
    row = take(value, max_chars=chars, max_items=items, max_depth=depth, max_int_bits=64)
    assert len(row["text"]) <= chars
    assert json.loads(json.dumps(row)) == row
    if row["exact"]:
        assert same(ast.literal_eval(row["text"]), value)


@pytest.mark.parametrize("real", [0.0, -0.0, 1.0, -1.5, math.inf, math.nan])
@pytest.mark.parametrize("imag", [0.0, -0.0, 1.0, -1.5, math.inf, math.nan])
def test_a_complex_number_is_exact_where_its_sum_of_parts_is(real: float, imag: float) -> None:
    """`-1j` is read as `-0-1j`, and other signs of zeros get lost in the sum, too."""
    value = complex(real, imag)
    row = take(value)
    assert row["exact"] is not has_no_literal(value)


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 5000])
@pytest.mark.parametrize("kind", [list, tuple])
def test_long_flat_containers_are_cut_where_others_are(kind: type, size: int) -> None:
    """The quick way for ints gives the same text as the general one, which one float forces."""
    quick = take(kind(range(size)), max_chars=10**6)
    general = take(kind([*range(size - 1), float(size - 1)][:size]), max_chars=10**6)
    assert quick["text"] == general["text"].replace(".0", "")
    assert quick["exact"] is general["exact"] is (size <= 256)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([10**5000], "[<int of 16610 bits>]"),
        ([2**5000, 1], "[<int of 5001 bits>, 1]"),
        (range(3, 9, 2), "range(3, 9, 2)"),
        (frozenset({2, 1}), "frozenset({1, 2})"),
        (re.compile("a+"), "re.compile('a+')"),
        (bytearray(b"ab"), "bytearray(b'ab')"),
        (collections.deque([1], 3), "deque([1], maxlen=3)"),
        (collections.Counter("aab"), "Counter({'a': 2, 'b': 1})"),
        (collections.defaultdict(list, a=[1]), "defaultdict(list, {'a': [1]})"),
        (collections.namedtuple("P", "x y")(1, 2), "P(x=1, y=2)"),
        (fractions.Fraction(1, 3), "Fraction(1, 3)"),
        (datetime.date(2024, 1, 2), "datetime.date(2024, 1, 2)"),
        ({"a": 1}.keys(), "dict_keys(['a'])"),
        ({"a": 1}.items(), "dict_items([('a', 1)])"),
        (math, "<module math>"),
        (len, "<built-in function len>"),
        (1 - 2j, "(1-2j)"),
        (ValueError("a", 1), "ValueError('a', 1)"),
        (int, "<class int>"),
    ],
)
def test_texts(value: object, text: str) -> None:
    """What the everyday types without a literal look like."""
    assert take(value)["text"] == text


def test_an_ordered_dict_is_shown_in_its_own_order() -> None:
    """Its order is not that of the dict it is made of."""
    ordered = collections.OrderedDict(a=1, b=2)
    ordered.move_to_end("a")
    assert take(ordered)["text"] == "OrderedDict({'b': 2, 'a': 1})"


class Colour(enum.Flag):
    RED = 1
    BLUE = 2


def test_members_of_an_enum_have_names_and_combinations_a_value_at_least() -> None:
    """3.10 has no name for a combination of flags."""
    assert take(Colour.RED)["text"] == "Colour.RED"
    combined = take(Colour.RED | Colour.BLUE)["text"]
    assert combined == ("Colour(3)" if sys.version_info < (3, 11) else "Colour.RED|BLUE")


def test_cycles_end() -> None:
    """A value inside itself is shown once."""
    cyclic: list[Any] = [1]
    cyclic.append(cyclic)
    assert take(cyclic) == {"text": "[1, [...]]", "type": "list", "exact": False}
    shared = [2]
    assert take([shared, shared])["exact"]


def _raise_decode() -> None:
    b"\xff".decode("utf-8")


def _raise_syntax() -> None:
    compile("a b", "f.py", "exec")


@pytest.mark.parametrize(
    "make",
    [
        lambda: OSError(2, "No such file or directory", "missing.txt"),
        lambda: OSError(2, "No such file or directory", "a", None, "b"),
        lambda: OSError("plain"),
        lambda: OSError(2, "two"),
        lambda: KeyError("k"),
        lambda: KeyError(),
        lambda: ValueError(),
        lambda: ValueError("a"),
        lambda: ValueError("a", 1, None),
        lambda: ValueError(1.5),
        lambda: ImportError("no module", name="x"),
        lambda: StopIteration(3),
        lambda: json.JSONDecodeError("Expecting value", "x", 0),
        lambda: UnicodeEncodeError("ascii", "é" * 5000, 0, 1, "ordinal not in range(128)"),
        _raise_decode,
        _raise_syntax,
        lambda: 1 // 0,
        lambda: {}["x"],
        lambda: Path("/nonexistent/x").stat(),
    ],
)
def test_the_message_of_a_built_in_exception_is_what_str_gives(make: Any) -> None:
    """No quotes that str() does not show, whatever the class does in C."""
    try:
        error = make()
        assert isinstance(error, BaseException)
    except Exception as raised:
        error = raised
    assert Snapshotter(Limits()).exception(error)["message"] == str(error)


def test_the_message_of_a_group_is_what_str_gives() -> None:
    """A group's text counts its exceptions and shows none."""
    if sys.version_info < (3, 11):
        pytest.skip("exception groups came with 3.11")
    group = ExceptionGroup("several", [ValueError(1), KeyError(2)])  # noqa: F821
    assert Snapshotter(Limits()).exception(group)["message"] == str(group)


def test_messages_survive_json() -> None:
    """Two surrogates side by side would come back as one character."""
    message = Snapshotter(Limits()).exception(ValueError("\ud83d\ude00"))["message"]
    assert json.loads(json.dumps(message)) == message == "\\ud83d\\ude00"


def test_limits_that_cannot_be_kept_are_refused() -> None:
    """Depth is bounded, because each level takes calls of the recorder's own."""
    with pytest.raises(LimitError, match="max_depth is 101"):
        Limits(max_depth=101)
    deep: list[Any] = []
    for _ in range(200):
        deep = [deep]
    row = take(deep, max_depth=100)
    assert row["text"].count("[") == 101 and not row["exact"]
