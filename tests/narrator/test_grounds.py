"""What counts as a ground for saying that a property holds of every input."""

from __future__ import annotations

import ast
import textwrap

import pytest

from pytrace_mono.synth.narrator.grounds import (
    Ground,
    ascending,
    from_items,
    never_negative,
    not_longer,
    returns_only,
    written,
)
from pytrace_mono.synth.narrator.source import Function


def function(code: str) -> Function:
    (found,) = ast.parse(textwrap.dedent(code)).body
    assert isinstance(found, ast.FunctionDef)
    return found


COUNTER = "def f(p):\n    n = 0\n    for x in p:\n        n += {}\n    return n"
COLLECTOR = (
    "def f(p):\n    r = []\n    for x in p:\n        if x:\n            r.append({})\n    return r"
)


@pytest.mark.parametrize(
    ("ground", "code", "holds"),
    [
        (never_negative, COUNTER.format("1"), True),
        (never_negative, COUNTER.format("len(x)"), True),
        (never_negative, COUNTER.format("x"), False),
        (never_negative, "def f(p):\n    return sum(p) / len(p)", False),
        (never_negative, "def f(p):\n    if not p:\n        return -1\n    return len(p)", False),
        (never_negative, "def f(p):\n    n = 0\n    n -= 1\n    return n", False),
        (never_negative, "def f(p):\n    for n in p:\n        pass\n    return n", False),
        (ascending, "def f(p):\n    return sorted(p)", True),
        (ascending, "def f(p):\n    return sorted(p, reverse=True)", False),
        (ascending, "def f(p):\n    p.sort()\n    return p", True),
        (ascending, "def f(p):\n    p.sort(key=abs)\n    return p", False),
        (from_items, COLLECTOR.format("x"), True),
        (from_items, COLLECTOR.format("x + 1"), False),
        (from_items, COLLECTOR.format("x").replace("r = []", "r = [0]"), False),
        (from_items, "def f(p):\n    return [x for x in p if x]", True),
        (from_items, "def f(p):\n    return [2 * x for x in p]", False),
        (from_items, "def f(p):\n    p = [0]\n    return p[1:]", False),
        (not_longer, COLLECTOR.format("x + 1"), True),
        (not_longer, COLLECTOR.format("x").replace("        if x:", "        while x:"), False),
        (not_longer, COLLECTOR.format("x").replace("return r", "r.append(0)\n    return r"), False),
        (not_longer, "def f(p):\n    return p[1:-1].strip()", True),
        (not_longer, "def f(p):\n    return [x for x in p for y in p]", False),
        (not_longer, "def f(p):\n    return p + p", False),
        (written("max("), "def f(p):\n    return max(p)", True),
        (written("max("), 'def f(p):\n    """As max(p)."""\n    return p[0]', False),
    ],
)
def test_a_ground_is_found_only_where_the_code_gives_it(
    ground: Ground, code: str, holds: bool
) -> None:
    assert ground(function(code), "p") is holds


@pytest.mark.parametrize(
    ("body", "kind", "holds"),
    [
        ("return len(p)", "int", True),
        ("if p:\n        return 1\n    return 'none'", "int", False),
        ("if p:\n        return 1", "int", False),
        ("if p:\n        return 1\n    else:\n        return -1", "int", True),
        ("for x in p:\n        return x", "int", False),
        ("while True:\n        p -= 1\n        if p < 0:\n            return p", "int", True),
        ("while True:\n        break", "int", False),
        ("try:\n        return int(p)\n    except ValueError:\n        pass", "int", False),
        ("try:\n        return int(p)\n    except ValueError:\n        raise", "int", True),
        ("return True", "int", False),
        ("p.clear()", "NoneType", True),
    ],
)
def test_a_type_is_only_said_where_no_way_out_gives_another(
    body: str, kind: str, holds: bool
) -> None:
    assert returns_only(function(f"def f(p):\n    {body}"), kind) is holds
