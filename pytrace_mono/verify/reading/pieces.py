"""Text in free style with its code taken out: every name, value and expression is a piece.

Unlike :mod:`~pytrace_mono.verify.reading.masking`, which keeps lone names and numbers as words, each
piece says of what kind it is, so that a phrase is a short pattern: ``total is now 7`` gives
``«n0» is now «v1»``, ``s = 1 + 11 = 12`` gives ``«a0»``.

===  ==========================================================================================
n    a variable of the program, a subscript or an attribute of one
v    a literal, or arithmetic on literals
c    a comparison, or conditions joined
f    a call of a function of the program
a    an equation: two or more sides with ``=`` between them
e    any other expression
x    code that is no expression
L    a label: ``line 4``, ``L4``
===  ==========================================================================================
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import lru_cache

from pytrace_mono.verify.program import Program
from pytrace_mono.verify.reading import shapes
from pytrace_mono.verify.source import is_literal, parsed

_SCAN = re.compile(
    r"(?<!`)(?P<tick>`+)(?!`)(?P<code>.+?)(?<!`)(?P=tick)(?!`)"
    r"|(?P<label>\[L(\d+)\]|\bL(\d+)\b(?!\s*=)|\b[Ll]ines?\s+L?(\d+)\b)"
    r"|(?P<strong>\*\*(?=\S)|(?<=\S)\*\*(?!\w)|(?<!\w)[*_](?=\w)|(?<=[\w.?!:])[*_](?!\w))"
    r"|(?P<start>[A-Za-z_]\w*|(?<![\w'])(?:'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\")(?!\w)"
    r"|(?<![\w\])])[\[({]|(?<![\w.])[-+]?\d)"
    r"|(?P<blank>\s+)",
    re.DOTALL,
)
_OPERATOR = re.compile(
    r"\s*(\*\*|//|<<|>>|<=|>=|==|!=|\u2264|\u2265|\u2260|:?=(?!>)|<(?!-)|>|\+|-(?!>)|\*|/|%|&|\||\^|\u00d7"
    r"|(?<=\s)not in(?=\s)|(?<=\s)in(?=\s))\s*"
)
_PLAIN = str.maketrans({"\u2264": "<=", "\u2265": ">=", "\u2260": "!=", "\u00d7": "*"})
_TERM = re.compile(
    r"(?P<open>[\[({])|(?P<string>'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\")"
    r"|(?P<number>[-+]?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?!\w))|(?P<sign>-?)(?P<name>[A-Za-z_]\w*)"
)
_BUILTINS = frozenset(
    "len sum max min set list dict tuple range sorted abs ord chr int str float bool any all".split()
)
_HEADER = re.compile(r"^(?:if|elif|while) (.+?):?$")
"""The test of a header is what is spoken of."""
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_CONSTANTS = frozenset({"True", "False", "None"})
_ARTICLES = frozenset({"a", "A", "I"})
_AFTER_ARTICLE = re.compile(
    r"\s*(?:[\[=,]|$)|\s+(?:is|was|becomes|became|now|remains|stays|holds|has|goes|after|and b)\b|\s[-+*/%<>]=?\s"
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of code: its kind, its text, where it stands in the monologue."""

    kind: str
    text: str
    start: int
    end: int
    quoted: bool = False


@dataclass(slots=True)
class Taken:
    """A stretch of text as template and pieces."""

    template: str
    pieces: list[Piece]
    places: list[int]
    """Of each character of the template, where it stands in the monologue; one more for the end."""


def take(text: str, start: int, end: int, program: Program) -> Taken:
    """Take the code out of ``text[start:end]``."""
    out: list[str] = []
    places: list[int] = []
    pieces: list[Piece] = []
    position = start

    def put(words: str, until: int) -> None:
        nonlocal position
        out.append(words)
        places.extend(
            [position] * len(words) if len(words) != until - position else range(position, until)
        )
        position = until

    def keep(kind: str, code: str, until: int, quoted: bool = False) -> None:
        pieces.append(Piece(kind, code, position, until, quoted))
        put(f"«{kind}{len(pieces) - 1}»", until)

    while position < end:
        match = _SCAN.search(text, position, end)
        if match is None:
            put(text[position:end], end)
            break
        if match.start() > position:
            put(text[position : match.start()], match.start())
        if match["code"] is not None:
            code = _HEADER.sub(r"\1", match["code"].strip().translate(_PLAIN))
            keep(kind_of(code, program), code, match.end(), True)
        elif match["label"] is not None:
            keep("L", re.sub(r"\D", "", match["label"]), match.end())
        elif match["strong"] is not None:
            put("", match.end())
        elif match["blank"] is not None:
            put(" ", match.end())
        else:
            stop = _expression(text, position, end, program)
            if stop is None:
                whole = re.compile(r"[A-Za-z_][\w]*(?:['\u2019][a-z]+)?|.", re.DOTALL).match(
                    text, position
                )
                assert whole is not None
                put(whole[0], min(whole.end(), end))
            else:
                code = text[position:stop].translate(_PLAIN)
                keep(kind_of(code, program), code, stop)
    places.append(end)
    return Taken("".join(out), pieces, places)


def kind_of(code: str, program: Program) -> str:
    """The kind of a piece, as the module's table says."""
    return _kind(code, program)


@lru_cache(maxsize=512)
def _kind(code: str, program: Program) -> str:
    if len(sides(code)) > 1:
        return "a"
    if is_literal(code) or shapes.from_code(code) is not None:
        return "v"
    node = parsed(code)
    if node is None:
        return "x"
    if isinstance(node, (ast.Compare, ast.BoolOp)):
        return "c"
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return "c"
    if isinstance(node, (ast.Name, ast.Subscript, ast.Attribute)):
        root: ast.AST = node
        while isinstance(root, (ast.Subscript, ast.Attribute)):
            root = root.value
        known = isinstance(root, ast.Name) and root.id in program.known_names
        return ("n" if node is not root or isinstance(node, ast.Name) else "e") if known else "x"
    if isinstance(node, ast.Call) and shapes.called(code) in program.function_names:
        return "f"
    if not any(isinstance(part, (ast.Name, ast.Call)) for part in ast.walk(node)):
        return "v"
    return "e"


_EQUALS = re.compile(r"(?<![=!<>:+\-*/%|&^])[:]?=(?![=>])")


@lru_cache(maxsize=2048)
def sides(code: str) -> tuple[str, ...]:
    """``s = 1 + 11 = 12`` as its three sides; of any other code the one."""
    parts: list[str] = []
    depth = 0
    quote = ""
    last = 0
    for position, char in enumerate(code):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
        elif (
            char == "="
            and not depth
            and _EQUALS.match(code, position - (code[position - 1] == ":"))
        ):
            around = code[max(0, position - 1) : position + 2]
            if around[0] in "=!<>+-*/%|&^" or around[-1] == "=":
                continue
            parts.append(code[last : position - (around[0] == ":")].strip())
            last = position + 1
    parts.append(code[last:].strip())
    if len(parts) > 1 and all(part and parsed(part) is not None for part in parts):
        return tuple(parts)
    return (code,)


def _expression(text: str, start: int, end: int, program: Program) -> int | None:
    """Where code without backticks ends that begins at ``start``; None where it is no code."""
    stop = _term(text, start, end, program)
    if stop is None:
        return None
    best = stop
    while True:
        operator = _OPERATOR.match(text, stop, end)
        if operator is None:
            break
        after = _term(text, operator.end(), end, program)
        if after is None:
            break
        tried = text[start:after].translate(_PLAIN)
        if len(sides(tried)) == 1 and parsed(tried) is None:
            break
        best = stop = after
    return best


def _term(text: str, start: int, end: int, program: Program) -> int | None:
    match = _TERM.match(text, start, end)
    if match is None:
        return None
    if match["open"]:
        close = _close(text, start, end)
        if close is None:
            return None
        inside = text[start:close]
        if parsed(inside) is None or (match["open"] == "(" and not _counts(inside, program)):
            return None
        if match["open"] == "[" and not _counts(inside, program):
            return None
        stop = close
    else:
        name = match["name"]
        stop = match.end()
        if name:
            called = text[stop : stop + 1] == "("
            if name in _ARTICLES and not _AFTER_ARTICLE.match(text, stop, end):
                return None
            known = name in program.known_names and (not called or name in program.function_names)
            if not (known or name in _CONSTANTS or (called and name in _BUILTINS)):
                return None
            if name in program.function_names and not called:
                return None
    while stop < end:  # subscripts, calls and methods
        char = text[stop]
        if char in "[(" and not match["number"]:
            close = _close(text, stop, end)
            if close is None or parsed(text[start:close].lstrip("-")) is None:
                break
            stop = close
        elif char == "." and (
            method := re.compile(r"\.[a-z_]\w*(?=[\[(.]|\b)").match(text, stop, end)
        ):
            attribute = method[0][1:] in program.attributes
            if match["number"] or (text[method.end() : method.end() + 1] != "(" and not attribute):
                break
            stop = method.end()
        else:
            break
    return stop


def _counts(code: str, program: Program) -> bool:
    """Whether brackets hold code: ``(2, [1])``, not ``(a strict comparison)`` or ``(once)``."""
    node = parsed(code)
    if node is None:
        return False
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    if not names <= program.known_names | _BUILTINS:
        return False
    if code[0] == "(" and not isinstance(node, ast.Tuple):
        return isinstance(node, (ast.BinOp, ast.Compare))
    return True


def _close(text: str, start: int, end: int) -> int | None:
    """Just behind the bracket that closes the one at ``start``; strings are passed over."""
    waiting: list[str] = []
    position = start
    limit = min(end, start + 3000)
    while position < limit:
        char = text[position]
        if char in _PAIRS:
            waiting.append(_PAIRS[char])
        elif waiting and char == waiting[-1]:
            waiting.pop()
            if not waiting:
                return position + 1
        elif char in ")]}":
            return None
        elif char in "'\"" and not text[position - 1].isalnum():
            closing = text.find(char, position + 1, limit)
            if closing < 0:
                return None
            position = closing
        position += 1
    return None
