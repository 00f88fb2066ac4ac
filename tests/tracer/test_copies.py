"""Nested containers of exact built-in types: every change of a row is noticed, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle import differences

from pytrace_mono.tracer.copies import MAX_NODES, copy_of, renewed
from pytrace_mono.tracer.limits import Limits

CHANGES = {
    "a row grows": "v[0].append(9)",
    "a row shrinks": "v[1].pop()",
    "an element is set": "v[0][0] = 7",
    "an element moves from one row to the next": "v[1].insert(0, v[0].pop())",
    "a row is replaced by its like": "v[0] = list(v[0])",
    "a row is another one, too": "v[0] = v[1]\n    v[1].append(5)",
    "an equal value of another type": "v[0][0] = True\n    v[0][0] = 1\n    v[0][0] = 1.0",
    "an empty row": "v[0] = []\n    v[0].append(1)\n    v[0].clear()",
    "the sign of a zero": "v[0][0] = 0.0\n    v[0][0] = -0.0",
    "a row becomes a tuple": "v[0] = (1, 2)\n    v[1] = (3, 4)\n    v[1] = (3, 5)",
    "a row becomes a number": "v[0] = 3\n    v[1].append(4)",
    "a row of rows": "v[0] = [[1], [2]]\n    v[0][1].append(3)",
    "a row of its own container": "v[0].append(v)\n    v[1].append(1)",
    "a bytearray for bytes": "v[0][0] = b'x'\n    v[0][0] = bytearray(b'x')\n    v[0][0] += b'y'",
    "an object": "v[0][0] = C()\n    v[0][0].x = 2\n    v[1].append(v[0][0])\n    v[0][0].x = 3",
    "a list with code": "v[0] = L([1, 2])\n    v[0].append(3)\n    v[1] = L()\n    v[1].append(3)",
    "rows past what is shown": "v[0].extend(range(500))\n    v[0][400] = 0\n    v[0].pop()",
    "a text that is cut": "v[0][0] = 'x' * 5000\n    v[0][0] += 'y'\n    v[1].append(1)",
}
VALUES = {
    "a list of lists": "[[1, 2], [3, 4]]",
    "a tuple of lists": "([1, 2], [3, 4], ())",
    "a dict of lists": "{0: [1, 2], 1: [3, 4]}",
    "lists of texts and None": "[['a', None], ['b', True]]",
    "two levels of lists": "[[[1, 2], [3]], [[4], [5, 6]]]",
    "more lists than are shown": "[[i, i] for i in range(5)]",
    "a dict of dicts": "{0: {0: 1, 1: 2}, 1: {0: 3}}",
}


@pytest.mark.parametrize("limits", [Limits(), Limits(max_items=3, max_chars=40, max_depth=2)])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_each_change_within_a_container_is_told(change: str, limits: Limits) -> None:
    indented = change.replace("\n", "\n    ")
    for value in VALUES.values():
        source = (
            "class C:\n    def __init__(self):\n        self.x = 1\n"
            "class L(list):\n    def __iter__(self):\n        raise SystemExit\n"
            f"def f():\n    v = {value}\n    w = [v]\n    try:\n        {indented}\n"
            "    except Exception:\n        pass\n    y = 1\n    return v\n"
        )
        assert differences(source, "f()", limits) == [], value


atoms = st.one_of(st.integers(), st.text(max_size=2), st.booleans(), st.none(), st.floats())
rows = st.one_of(
    st.lists(st.lists(atoms, max_size=4), max_size=5),
    st.lists(st.tuples(atoms, atoms), max_size=5),
    st.dictionaries(st.one_of(st.integers(), st.text(max_size=2)), st.lists(atoms, max_size=4)),
    st.lists(st.one_of(atoms, st.lists(atoms, max_size=3), st.tuples(atoms)), max_size=5),
)


@given(value=rows, element=atoms)
def test_a_copy_is_right_until_something_changes(value: Any, element: Any) -> None:
    copy = copy_of(value)
    assert copy is not None and renewed(copy, value) is copy
    lists = [
        part for part in (value.values() if type(value) is dict else value) if type(part) is list
    ]
    for part in lists:
        before = copy_of(value)
        part.append(element)
        after = renewed(before, value) if before is not None else None
        assert after is not None and after is not before and renewed(after, value) is after
        part.pop()
        assert renewed(after, value) is not after


@given(value=rows)
def test_a_copy_knows_its_size(value: Any) -> None:
    copy = copy_of(value)
    assert copy is not None
    parts = list(value.values()) if type(value) is dict else list(value)
    inner = [part for part in parts if type(part) in (list, tuple)]
    assert copy.depth == 2 if inner else copy.depth == 1
    top = len(value) * (2 if type(value) is dict else 1)
    assert copy.count == top + sum(map(len, inner))
    assert copy.widest == max([top, *map(len, inner)])


def test_too_much_within_the_rows_is_not_remembered() -> None:
    assert copy_of([[0] * 100] * 99) is not None
    assert copy_of([[0] * 100] * (MAX_NODES // 100)) is None
