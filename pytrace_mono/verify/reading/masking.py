"""Text with its code taken out: a template of words, and the pieces of code by number.

``[L4] `total` becomes `7` `` gives ``[L0] «0» becomes «1»``, and ``4``. Labels take one form (``line 4`` and
``L4`` too), white space is one blank, and code without backticks is recognised where it cannot be
English: brackets, strings, calls, subscripts, and comparisons or assignments of program names.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Sequence, Set
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from pytrace_mono.tracer.parsing import parse_expression, parse_module

_MARKS = (
    r"(?P<code>(?<!`)(`+)(?!`)(.+?)(?<!`)\2(?!`))"
    r"|(?P<span>\blines?\s+\[?L?(?P<first>\d+)\]?(?P<join>\s*[-\u2013\u2014]\s*|\s+(?:to|through|and)\s+)"
    r"\[?L?(?P<last>\d+)\b\]?)"
    r"|(?P<label>\[L(\d+)\]|\bL(\d+)\b|\bline\s+(\d+)\b)"
    r"|(?P<strong>\*\*|(?<!\w)__(?=\w)|(?<![\w*])\*(?=\w[^*\n]*\*(?!\w)))"
    r"|(?P<string>(?<![\w\])])(?:'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\")(?!\w))"
    r"|(?P<bracket>[\[({])"
    r"|(?P<number>(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?!\w))"
    r"|(?P<blank>[^\S ]\s*| \s+)"
)
_FLAGS = re.DOTALL | re.IGNORECASE
# What can begin here at all is asked first: it spares most places the long list.
_SCAN = re.compile(rf"(?=[`lL*_'\"\[({{\d\s-])(?:{_MARKS})", _FLAGS)
_SCAN_WORDS = re.compile(rf"(?=[`*'\"\[({{\w\s-])(?:{_MARKS}|(?P<word>[A-Za-z_]\w*))", _FLAGS)
# Marks in words that may be code, or take another form; a label as it is written here is none.
_ODD = re.compile(
    r"['\"*_({«»]|\[(?!L\d+\])|(?:(?<!\[)L|[A-KM-Za-z])\d|[^\S ]|  |\b[Ll][Ii][Nn][Ee][Ss]?\s"
    r"|\d\s*(?:[-+*/%<>=]|!=|:=)"
)
_NO_MARKS = str.maketrans("«»", "\u2039\u203a")
"""What marks a piece in a template marks nothing in words."""
_QUOTED = re.compile(r"(`+)[^`]+\1")
_WORD = re.compile(r"[A-Za-z_]\w*")
_OPERATOR = re.compile(r"\s*(\*\*|//|<=|>=|==|!=|:=|=|<|>|[-+*/%])\s*")
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_WORDS = frozenset({"True", "False", "None"})
_DISPLAYS = frozenset({"set", "list", "dict", "range", "len", "sum", "max", "min"})
_CODE_WORDS = _WORDS | _DISPLAYS
_MAYBE_CODE = frozenset({"word", "string", "bracket", "number"})


class Masked(NamedTuple):
    """A stretch of text as template, pieces of code and numbers.

    Attributes:
        template: its words; every number in them is ``0``.
        codes: the pieces, by number.
        quoted: numbers of those that stood in backticks.
        numbers: the digits that stood for each ``0``, in order.
        places, sources: positions in the template, in order, and where in the text they are; between
            them both go on alike.
    """

    template: str
    codes: list[str]
    quoted: Collection[int]
    numbers: list[str]
    places: Sequence[int]
    sources: Sequence[int]

    def source(self, position: int) -> int:
        """Where a position of the template stands in the text."""
        index = bisect_right(self.places, position) - 1
        return self.sources[index] + position - self.places[index]


def mask(text: str, names: Set[str]) -> Masked:
    """Take the code out of a text.

    Args:
        text: a block of a monologue.
        names: what the program binds; only these are code without backticks.
    """
    parts = text.split("`")
    if len(parts) % 2 and "``" not in text:
        words = "`".join(parts[::2])
        plain = _plain(_NUMBER.sub("0", words))
        if plain is not None and plain.bare.isdisjoint(names):
            codes, numbers = parts[1::2], _NUMBER.findall(words)
            sources = [0]
            shift = 0
            lengths = map(len, codes)
            digits = map(len, numbers)
            for place, width in plain.marks:
                if width:  # a piece: before it, and behind it and its backticks
                    sources.append(place + shift)
                    shift += next(lengths) + 2 - width
                    sources.append(place + width + shift)
                else:
                    shift += next(digits) - 1
                    sources.append(place + 1 + shift)
            quoted = range(len(codes))
            return Masked(plain.template, codes, quoted, numbers, plain.places, sources)
    return _mask(text, names)


_NUMBER = re.compile(r"\d+")


class _Plain(NamedTuple):
    """The words between pieces in backticks, where nothing in them is code or has another form.

    ``marks`` are the places of pieces and of numbers, with the width of a piece and none of a number.
    """

    template: str
    places: tuple[int, ...]
    marks: tuple[tuple[int, int], ...]
    bare: frozenset[str]


@lru_cache(maxsize=2048)
def _plain(words: str) -> _Plain | None:
    """What masking comes to where it is told by the words alone; None where it is not.

    Args:
        words: with ``0`` for each number, and a backtick for each piece.
    """
    bare = frozenset(_WORD.findall(words.replace("0", "")))
    if not bare.isdisjoint(_CODE_WORDS) or _ODD.search(words) is not None:
        return None
    template = ""
    places, marks = [0], []
    count = 0
    for part in re.split("([`0])", words):
        if part == "`":
            piece = f"«{count}»"
            count += 1
            marks.append((len(template), len(piece)))
            places += (len(template), len(template) + len(piece))
            template += piece
        elif part == "0":
            marks.append((len(template), 0))
            places.append(len(template) + 1)
            template += part
        else:
            template += part
    return _Plain(template, tuple(places), tuple(marks), bare)


NUMBERED = re.compile(r"«\d+»|(\d+)")
"""A piece of a template, or a number in its words."""


def _mask(text: str, names: Set[str]) -> Masked:
    out: list[str] = []
    codes: list[str] = []
    quoted: set[int] = set()
    places, sources = [0], [0]
    end = len(text)
    length = position = 0

    def put(words: str, until: int) -> None:
        nonlocal length, position
        out.append(words)
        length += len(words)
        position = until
        places.append(length)
        sources.append(until)

    def keep(code: str, until: int) -> None:
        codes.append(code)
        put(f"«{len(codes) - 1}»", until)

    bare = _WORD.findall(_QUOTED.sub("", text))
    scan = _SCAN if names.isdisjoint(bare) and _CODE_WORDS.isdisjoint(bare) else _SCAN_WORDS
    scanned = 0
    while (match := scan.search(text, scanned)) is not None:
        kind, begins, scanned = match.lastgroup, match.start(), match.end()
        stop: int | None = None
        if kind == "word" and match["word"] not in names and match["word"] not in _WORDS:
            # A word of English stays where it is, up to what comes next.
            if text[scanned : scanned + 1] != "(" or match["word"] not in _DISPLAYS:
                continue
            stop = _close(text, scanned, end)
            if stop is None or not _is_code(text[begins:stop]):
                continue
            stop = _expression(text, begins, end, names) or stop
        elif kind in _MAYBE_CODE:
            stop = _expression(text, begins, end, names)
            if stop is None:
                continue
        if begins > position:
            put(text[position:begins].translate(_NO_MARKS), begins)
        if stop is not None:
            keep(text[begins:stop], stop)
            scanned = stop
        elif kind == "code":
            inner = match[3]
            padded = len(match[2]) > 1 and inner.startswith(" ") and inner.endswith(" ")
            quoted.add(len(codes))
            keep(inner[1:-1] if padded else inner, scanned)
        elif kind == "span":
            joint = "and" if "and" in match["join"] else "to"
            put(f"[L{match['first']}] {joint} [L{match['last']}]", scanned)
        elif kind == "label":
            number = next(g for g in match.groups()[7:] if g is not None and g.isdigit())
            put(f"[L{number}]", scanned)
        else:
            put("" if kind == "strong" else " ", scanned)
    if position < end:
        put(text[position:].translate(_NO_MARKS), end)
    return _numbered(Masked("".join(out), codes, quoted, [], places, sources))


def _numbered(masked: Masked) -> Masked:
    """The same with ``0`` for each number in its words."""
    template = masked.template
    found = [m for m in NUMBERED.finditer(template) if m[1] is not None]
    places = sorted({*masked.places, *(m.end() for m in found)})
    sources = [masked.source(place) for place in places]
    ends = [m.end() for m in found]
    saved = [0, *accumulate(len(m[1]) - 1 for m in found)]
    short = [place - saved[bisect_right(ends, place)] for place in places]
    numbers = [m[1] for m in found]
    words = NUMBERED.sub(lambda m: "0" if m[1] is not None else m[0], template)
    return Masked(words, masked.codes, masked.quoted, numbers, short, sources)


def _expression(text: str, start: int, end: int, names: Collection[str]) -> int | None:
    """Where code without backticks ends that begins at ``start``; None where it is no code."""
    stop = _term(text, start, end, names)
    if stop is None:
        return None
    best = stop if not _is_plain(text[start:stop]) else None
    while True:
        operator = _OPERATOR.match(text, stop, end)
        if operator is None:
            break
        after = _term(text, operator.end(), end, names)
        if after is None:
            break
        # "3 - so" and "total = sum" are no code unless both sides are.
        stop = after
        best = stop
    if best is None or not _is_code(text[start:best]):
        return None
    return best


def _term(text: str, start: int, end: int, names: Collection[str]) -> int | None:
    match = _TERM.match(text, start, end)
    if match is None:
        return None
    if match["open"]:
        stop = _close(text, start, end)
        if stop is None or not _is_code(text[start:stop]):
            return None
    else:
        name = match["name"]
        called = name in _BUILTINS and text[match.end() : match.end() + 1] == "("
        if name and name not in names and name not in _WORDS and not called:
            return None
        stop = match.end()
    while stop < end:  # subscripts, calls and methods
        char = text[stop]
        if char in "[(" and not match["number"]:
            close = _close(text, stop, end)
            if close is None:
                break
            stop = close
        elif char == "." and (method := _METHOD.match(text, stop, end)) and not match["number"]:
            stop = method.end()
        else:
            break
    return stop


_BUILTINS = frozenset({"len", "sum", "max", "min", "set", "list", "dict", "range", "sorted", "abs"})
_TERM = re.compile(
    r"(?P<open>[\[({])|(?P<string>'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\")"
    r"|(?P<number>-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w]))|(?P<name>[A-Za-z_]\w*)"
)
_METHOD = re.compile(r"\.[a-z_]\w*(?=[\[(.]|\b)")


def _close(text: str, start: int, end: int) -> int | None:
    """Just behind the bracket that closes the one at ``start``; strings are passed over."""
    waiting: list[str] = []
    position = start
    while position < min(end, start + 3000):
        char = text[position]
        if char in _PAIRS:
            waiting.append(_PAIRS[char])
        elif waiting and char == waiting[-1]:
            waiting.pop()
            if not waiting:
                return position + 1
        elif char in ")]}":
            return None
        elif char in "'\"" and not (text[position - 1].isalnum()):
            closing = text.find(char, position + 1, end)
            if closing < 0:
                return None
            position = closing
        position += 1
    return None


@lru_cache(maxsize=2048)
def _is_plain(text: str) -> bool:
    """A lone name or number is a word of English too."""
    return text.lstrip("-").replace(".", "").isalnum() or text.isidentifier()


@lru_cache(maxsize=2048)
def _is_code(text: str) -> bool:
    if not text.strip():
        return False
    try:
        with_statement = text.replace(":=", "=")
        parse_module(with_statement) if "=" in text else parse_expression(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    if text[0] == "(":  # (so it stops), (1)
        return "," in text or any(op in text for op in "+*/%<>=")
    return True
