"""Reading text as literals, and nothing but literals.

Answers come from models, so they are parsed, bounded, and rebuilt by ``ast.unparse``; none of the
text is evaluated or spliced into code as it came.
"""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass
from typing import Any

from pytrace_mono.errors import AnswerError
from pytrace_mono.tracer.parsing import parse_expression

MAX_CHARS = 100_000
MAX_DEPTH = 100
"""Far above any Snapshot (10 by default), far below where the parser's own recursion gives up."""

_PARSE_ERRORS = (SyntaxError, ValueError, TypeError, RecursionError, MemoryError)


def literal(text: str) -> Any:
    """The value that ``text`` writes out, by ``ast.literal_eval``.

    Raises:
        AnswerError: it is anything but one literal, or too long or too deeply nested.
    """
    return _value_of(expression(text))


def same_value(left: Any, right: Any) -> bool:
    """Whether two literal values are equal in value and in type, all the way down.

    Stricter than ``==``: ``True`` is not ``1``, ``3`` is not ``3.0``, ``-0.0`` is not ``0.0``, and
    nan equals nothing. The order of a dict or a set does not matter.
    """
    if type(left) is not type(right):
        return False
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(same_value, left, right))
    if isinstance(left, dict):
        if len(left) != len(right):
            return False
        mine = {_identity(key): value for key, value in left.items()}
        yours = {_identity(key): value for key, value in right.items()}
        return mine.keys() == yours.keys() and all(
            same_value(value, yours[key]) for key, value in mine.items()
        )
    if isinstance(left, (set, frozenset)):
        return set(map(_identity, left)) == set(map(_identity, right))
    return bool(_identity(left) == _identity(right))


def _identity(value: Any) -> Any:
    """A hashable stand-in for a hashable literal: equal only if value and type are."""
    if isinstance(value, float):
        # hex() tells -0.0 from 0.0; a fresh object makes nan equal to nothing, itself included.
        return object() if math.isnan(value) else (float, value.hex())
    if isinstance(value, complex):
        return (complex, _identity(value.real), _identity(value.imag))
    if isinstance(value, tuple):
        return (tuple, tuple(map(_identity, value)))
    if isinstance(value, frozenset):
        return (frozenset, frozenset(map(_identity, value)))
    return (type(value), value)


@dataclass(frozen=True)
class LiteralCall:
    """One call whose arguments are literals.

    Attributes:
        callee: source of what is called.
        source: the whole call; both are written anew from the syntax tree.
    """

    callee: str
    source: str


def literal_call(text: str) -> LiteralCall:
    """Read one call with literal arguments: positional, keyword, or unpacked from a literal.

    Raises:
        AnswerError: it is anything else. Whether the callee is the one asked for is not checked.
    """
    node = expression(text)
    if not isinstance(node, ast.Call):
        raise AnswerError(f"not a call: {text.strip()!r:.200}")
    for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
        _value_of(argument.value if isinstance(argument, ast.Starred) else argument)
    try:
        return LiteralCall(ast.unparse(node.func), ast.unparse(node))
    except (ValueError, RecursionError) as error:  # an int of more digits than Python prints
        raise AnswerError(f"cannot be written out: {error}") from None


def same_expression(left: str, right: str) -> bool:
    """Whether two sources are the same expression, whatever their spacing and quotes.

    Raises:
        AnswerError: one of them is not one expression.
    """
    return ast.dump(_without_kinds(left)) == ast.dump(_without_kinds(right))


def expression(text: str) -> ast.expr:
    """Parse one expression within the bounds.

    Raises:
        AnswerError: it is not an expression, or too long or too deeply nested.
    """
    if len(text) > MAX_CHARS:
        raise AnswerError(f"{len(text)} characters are more than an answer may have ({MAX_CHARS})")
    try:
        node = parse_expression(text.strip())
    except _PARSE_ERRORS:
        raise AnswerError(f"not an expression: {text.strip()!r:.200}") from None
    level: list[ast.AST] = [node]
    for _ in range(MAX_DEPTH):
        level = [child for parent in level for child in ast.iter_child_nodes(parent)]
        if not level:
            return node
    raise AnswerError(f"nested deeper than an answer may be ({MAX_DEPTH} levels)")


def _value_of(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except _PARSE_ERRORS:
        raise AnswerError(f"not a literal: {_source(node)!r:.200}") from None


def _source(node: ast.expr) -> str:
    try:
        return ast.unparse(node)
    except (ValueError, RecursionError):
        return type(node).__name__


def _without_kinds(text: str) -> ast.expr:
    node = expression(text)
    for child in ast.walk(node):
        if isinstance(child, ast.Constant):
            child.kind = None  # u"a" is "a"
    return node
