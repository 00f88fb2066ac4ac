"""Python source as a tree, one thread at a time.

Up to 3.11.7 and 3.12.1 CPython counts the depth of all trees under construction together, and raises
SystemError when two threads build one at once, as happens where a garbage collection in between runs
somebody's ``__del__`` (cpython#106905).
"""

from __future__ import annotations

import ast
from threading import RLock

one_at_a_time = RLock()
"""To be held by whoever makes a tree in another way; may be taken again by the thread that has it."""


def parse_module(source: str) -> ast.Module:
    """As :func:`ast.parse`, and with its errors."""
    with one_at_a_time:
        return ast.parse(source)


def parse_expression(source: str) -> ast.expr:
    """The tree of one expression, with the errors of :func:`ast.parse`."""
    with one_at_a_time:
        return ast.parse(source, mode="eval").body
