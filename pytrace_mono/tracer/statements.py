"""From a line of a program to the statement that it belongs to.

A statement over several lines gives line events that go back (4, 5, 6, 4); :func:`statements` says
which lines are one statement.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Mapping

from pytrace_mono.tracer.parsing import parse_module

_SILENT = frozenset(
    {tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
)


def source_lines(program: str) -> list[str]:
    """The lines as Python counts them: ``splitlines()`` also splits at form feeds."""
    return re.split(r"\r\n|\r|\n", program)


def statements(program: str) -> Mapping[int, range]:
    """The lines of the statement that each line belongs to.

    Of a compound statement it is the header alone, with its decorators; statements that share a
    line are one range. Blank lines and comments between statements are not in it, nor is anything
    where ``program`` does not parse on the Python that runs this.

    Returns:
        1-based line -> ``range(first, last + 1)``.
    """
    text = "\n".join(source_lines(program))
    try:
        tree = parse_module(text)
        logical = _logical_lines(text)
        decorated = [
            range(node.decorator_list[0].lineno, node.lineno + 1)
            for node in ast.walk(tree)
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
            and node.decorator_list
        ]
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError):
        return {}
    found = {line: lines for lines in logical for line in lines}
    for span in decorated:
        whole = range(span.start, found[span[-1]].stop)
        found.update((line, whole) for line in whole)
    return found


def _logical_lines(text: str) -> list[range]:
    lines: list[range] = []
    first = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NEWLINE:
            lines.append(range(first, token.start[0] + 1))
            first = 0
        elif first == 0 and token.type not in _SILENT:
            first = token.start[0]
    return lines
