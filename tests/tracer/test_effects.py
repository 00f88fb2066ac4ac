"""Which lines are known to change nothing but the variables they bind, and which may hide a change."""

from __future__ import annotations

from types import CodeType
from typing import Any

import pytest
from oracle import differences
from recorded import record_source

from pytrace_mono.tracer.effects import Effects
from pytrace_mono.tracer.limits import Limits


def quiet(line: str) -> tuple[str, ...] | None:
    """The variables that a line of a function can bind, or None where it may change anything."""
    source = f"def f(a, b, d, i, n, t):\n    {line}\n    pass\n"
    codes = [c for c in compile(source, "f", "exec").co_consts if type(c) is CodeType]
    found = Effects(codes[0]).quiet.get(2)
    return None if found is None else found[0]


@pytest.mark.parametrize(
    ("line", "bound"),
    [
        ("t = a[i] * 2 + b[1:][0]", {"t"}),
        ("t += a[i]", {"t"}),
        ("for i in range(len(a)): t = i", {"i", "t"}),
        ("for i, t in enumerate(d.items()): n = t", {"i", "t", "n"}),
        ("t = d.get(i, 0) if i in d else str(n)", {"t"}),
        ("if a[i] > n and not t: n = -i", {"n"}),
        ("return sorted(a)", set()),
    ],
)
def test_a_line_that_only_reads_is_quiet(line: str, bound: set[str]) -> None:
    assert set(quiet(line) or ()) == bound and quiet(line) is not None


@pytest.mark.parametrize(
    "line",
    [
        "a[i] = t",
        "a.append(t)",
        "del a[i]",
        "a[0].x = 1",
        "f(a)",
        "t = next(a)",
        "for i in map(a.append, b): pass",
        "t = [*map(a.append, b)]",
        "t = a; t += [1]; t = 2",
        "t = lambda: i",
        "import os",
    ],
)
def test_a_line_that_may_change_a_value_is_not(line: str) -> None:
    assert quiet(line) is None


@pytest.mark.parametrize(
    "body",
    [
        "it = map(a.append, [7])\n    for x in it:\n        y = x",
        "for x in map(\n        a.append,\n        [7],\n    ):\n        y = x",
        "b = a\n    b += [7]\n    y = 1",
        "def put():\n        a.append(7)\n        return 1\n    y = 1\n    y = put()",
        "d = collections.defaultdict(list)\n    e = [d]\n    y = e[0][5]\n    y = 1",
        "y = (str\n        .join(',', map(str, map(a.append, [7]))))",
        "global len\n    y = len(a)\n    len = a.append\n    y = len(7)\n    del len",
        "c = [a]\n    y = c\n    c[0][0] = 7\n    y = 2",
        "s = {1}\n    r = [weakref.ref(s, a.append)]\n    s = 1\n    y = 2",
    ],
)
def test_a_change_that_hides_in_a_line_is_told(body: str) -> None:
    imports = "import collections, weakref\n\n"
    source = f"{imports}def f():\n    a = [1, 2]\n    {body}\n    return a\n"
    assert differences(source, "f()") == []


def test_a_built_in_that_was_replaced_is_not_trusted() -> None:
    """By a C function, of whose call a recorder is not told."""
    source = """
def f():
    a = [3, 4]
    for i in range(2):
        t = len(i)
    return a
held = [3, 4]
def g(a):
    t = len(5)
    return t
len = held.append
g(held)
"""
    rows: list[dict[str, Any]] = record_source(source).of("g")
    changed = [row["line"] for row in rows if "a" in row["changes"]]
    assert changed == [8, 9]


@pytest.mark.parametrize(
    "body",
    [
        "a = [1, 0.0, None]\n    a[0] = True\n    a[1] = -0.0\n    a[2] = False",
        "a = [1, 2]\n    a[0] = True\n    a[1] = 2.0\n    a = (1, True)\n    a = (True, 1)",
        "a = {1: 'x'}\n    a[1] = 'y'\n    a[True] = 'z'\n    del a[1]\n    a[True] = 'z'",
        "a = {1, 2}\n    a.add(3)\n    a.discard(1)\n    a.add(True)\n    a = {'b', 'a'}\n    a.add(2)",
        "a = []\n    b = a\n    b += [1]\n    a += b\n    b = a = None",
        "a = float('nan')\n    a = -a\n    a = 0.0\n    a = -a\n    a = 1e300 * 1e300",
        "a = [float('nan')]\n    a[0] = float('nan')\n    a = ['\\ud800', 1 << 5000]\n    a[1] += 1",
        "a = [0] * 255\n    a.append(1)\n    a.append(2)\n    a[256] = 3\n    a.pop()\n    a[0] = '\\n'",
    ],
)
def test_a_change_to_an_equal_value_of_another_type_is_told(body: str) -> None:
    source = f"def f():\n    {body}\n    return a\n"
    assert differences(source, "f()") == []
    assert differences(source, "f()", Limits(max_chars=40, max_items=3, max_int_bits=16)) == []
