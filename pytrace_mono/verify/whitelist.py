"""What the interpreter in ``expressions`` may do: pure operations over built-in types."""

from __future__ import annotations

import ast
import builtins
import math
import operator
from collections.abc import Callable
from typing import Any

from pytrace_mono.verify.bounded import add_up, lcm, rounded

BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
}
UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Invert: operator.invert,
    ast.Not: operator.not_,
}
COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}
TYPES: dict[str, Any] = {
    kind.__name__: kind
    for kind in (int, float, bool, str, bytes, list, tuple, set, frozenset, dict, complex)
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{
        name: getattr(builtins, name)
        for name in (
            "len min max sorted abs any all divmod pow ord chr bin hex oct map filter"
        ).split()
    },
    **TYPES,
    "sum": add_up,
    "round": rounded,
    "range": range,
    "enumerate": lambda *a: list(enumerate(*a)),
    "zip": lambda *a: list(zip(*a)),  # noqa: B905 - the program's zip is as loose as Python's
    "reversed": lambda a: list(reversed(a)),
    "isinstance": isinstance,
}
METHODS: dict[type, frozenset[str]] = {
    str: frozenset(
        (
            "lower upper strip lstrip rstrip split rsplit splitlines join replace "
            "startswith endswith find rfind index rindex count isdigit isalpha isalnum "
            "isspace islower isupper isnumeric isdecimal title capitalize swapcase "
            "partition rpartition casefold"
        ).split()
    ),
    bytes: frozenset({"startswith", "endswith", "find", "count", "hex"}),
    list: frozenset({"index", "count", "copy"}),
    tuple: frozenset({"index", "count"}),
    dict: frozenset({"get", "keys", "values", "items", "copy"}),
    set: frozenset(
        "union intersection difference symmetric_difference issubset issuperset isdisjoint".split()
    ),
    int: frozenset({"bit_length"}),
    float: frozenset({"is_integer"}),
}
MATH: dict[str, Any] = {
    name: getattr(math, name)
    for name in (
        "sqrt isqrt pow floor ceil gcd log log2 log10 exp sin cos tan asin acos atan atan2 radians "
        "degrees hypot fabs trunc pi e inf isclose"
    ).split()
} | {"lcm": lcm}
