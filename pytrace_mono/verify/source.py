"""Short pieces of code as a text or a Snapshot writes them: their trees and the values of literals."""

from __future__ import annotations

import ast
import math
import re
from functools import lru_cache
from typing import Any

from pytrace_mono.tracer.parsing import parse_expression

_SPECIAL = {"set()": set(), "nan": math.nan, "inf": math.inf, "-inf": -math.inf}
_CONSTANTS = {"True": True, "False": False, "None": None}
_PLAIN = re.compile(r"-?(?:0|[1-9]\d{0,17})|'[ !#-&(-\[\]-~]*'|True|False|None")
"""Most literals; what they are needs no parser."""


_BEGINNINGS = frozenset("[({'\"-0123456789")


class NoLiteral(Exception):
    """The text is code, but no literal."""


def is_plain(text: str) -> bool:
    """Whether code is a lone number, string or constant, written as ``repr`` writes it."""
    return _PLAIN.fullmatch(text) is not None


@lru_cache(maxsize=2048)
def parsed(text: str) -> ast.expr | None:
    """The tree of an expression; None where it is none."""
    return _tree(text)


def _tree(text: str) -> ast.expr | None:
    try:
        return parse_expression(text.strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def literal_of(text: str) -> Any:
    """The value of a literal; treat it as read-only.

    Raises:
        NoLiteral: it is none.
    """
    if is_plain(text):
        if text[0] == "'":
            return text[1:-1]
        return _CONSTANTS[text] if text in _CONSTANTS else int(text)
    found = _evaluated(text)
    if not found:
        raise NoLiteral(text)
    return found[0]


@lru_cache(maxsize=4096)
def _evaluated(text: str) -> tuple[Any, ...]:
    """The value alone, or nothing: that it is no literal is remembered too."""
    if text in _SPECIAL:
        return (_SPECIAL[text],)
    # Trees of long lists are much for the garbage collector to go through, and not asked for again.
    node = _tree(text) if text[:1] in _BEGINNINGS else parsed(text)
    if node is None or isinstance(node, (ast.Name, ast.Compare, ast.Attribute, ast.Subscript)):
        return ()
    try:
        return (ast.literal_eval(node),)
    except (ValueError, TypeError, RecursionError, MemoryError):
        return ()


def is_literal(text: str) -> bool:
    """Whether code is a literal as Python or a Snapshot writes it."""
    return is_plain(text) or text == "frozenset()" or bool(_evaluated(text))
