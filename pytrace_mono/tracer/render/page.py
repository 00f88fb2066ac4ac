"""One HTML file to walk through a Trace: it holds everything it shows and loads nothing.

The program's text reaches the page as JSON alone, and the page writes it with ``textContent``; the
Content-Security-Policy admits the one script and the one style sheet by their hashes.
"""

from __future__ import annotations

import base64
import builtins
import hashlib
import io
import json
import keyword
import string
import tokenize
from importlib import resources

from pytrace_mono.tracer.statements import source_lines, statements
from pytrace_mono.tracer.types import Trace

_BUILTINS = frozenset(dir(builtins))
_STRINGS = frozenset(
    getattr(tokenize, name)
    for name in ("STRING", "FSTRING_START", "FSTRING_MIDDLE", "FSTRING_END")
    if hasattr(tokenize, name)  # f-strings are tokens of their own from 3.12 on
)


def html(trace: Trace) -> str:
    """The page for ``trace``, as the text of one HTML file."""
    folder = resources.files(__package__)
    parts = {
        name: folder.joinpath(f"page.{name}").read_text("utf-8") for name in ("html", "css", "js")
    }
    beside = {
        "paint": _paint(source_lines(trace.program)),
        "statements": {
            line: [lines.start, lines.stop - 1]
            for line, lines in statements(trace.program).items()
            if len(lines) > 1
        },
    }
    data = f'{{"trace": {trace.to_json()}, {json.dumps(beside)[1:]}'
    # to_json() is ASCII; without < the HTML parser sees no end of the element that holds it.
    return string.Template(parts["html"]).substitute(
        style=parts["css"],
        style_hash=_hash(parts["css"]),
        script=parts["js"],
        script_hash=_hash(parts["js"]),
        data=data.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"),
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _paint(source: list[str]) -> list[list[tuple[int, int, str]]]:
    """For each line, which columns are of which colour; nothing where Python cannot read it."""
    lines: list[list[tuple[int, int, str]]] = [[] for _ in source]
    named = ""
    try:
        for token in tokenize.generate_tokens(io.StringIO("\n".join(source) + "\n").readline):
            colour = _colour(token, named)
            if token.type == tokenize.NAME:
                named = token.string
            if not colour:
                continue
            (first, start), (last, end) = token.start, token.end
            for row in range(first, min(last, len(source)) + 1):
                left = start if row == first else 0
                right = end if row == last else len(source[row - 1])
                if left < right:
                    lines[row - 1].append((left, right, colour))
    except (tokenize.TokenError, SyntaxError, ValueError):
        return [[] for _ in source]
    return lines


def _colour(token: tokenize.TokenInfo, before: str) -> str:
    if token.type in _STRINGS:
        return "string"
    if token.type == tokenize.COMMENT:
        return "comment"
    if token.type == tokenize.NUMBER:
        return "number"
    if token.type == tokenize.NAME:
        if keyword.iskeyword(token.string):
            return "keyword"
        if before in ("def", "class"):
            return "name"
        if token.string in _BUILTINS:
            return "builtin"
    return ""
