"""Pieces of patterns that all readers share, and the way from matched words to values."""

from __future__ import annotations

import ast
import re
from functools import lru_cache

from pytrace_mono.tracer.parsing import parse_module
from pytrace_mono.verify.claims import Shown
from pytrace_mono.verify.source import is_literal, is_plain, parsed

C = r"«\d+»"
NUM = r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w«])"
S = r"(?:«\d+»|[A-Za-z_]\w*)"
WORDS = (
    "no one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty"
).split()
COUNT = rf"(?:\d+|{'|'.join(WORDS)}|zero)"
TIMES = rf"(?:once|twice|thrice|{COUNT} (?:more )?times?|never)"
ORDINALS = (
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
).split()
_KIND = r"(?:string|str|list|tuple|dict|dictionary|set)"
DESCRIBED = (
    rf"an? {_KIND} of {COUNT} (?:characters?|items?|elements?|entry|entries|entrys)"
    rf"(?:,? beginning {C}(?: and ending {C})?)?"
    rf"|an? {C} beginning {C}"
)
EMPTY = rf"(?:an? |the )?(?:new )?empty {_KIND}"
V = (
    rf"(?:{DESCRIBED}|{EMPTY}|(?:about |roughly |approximately |[~\u2248] ?){NUM}|{C}|{NUM}"
    r"|True\b|False\b|None\b)"
)
VW = rf"(?:{V}|(?:{'|'.join(WORDS[1:])}|zero)\b(?=[.,;:)]|$| and\b| now\b| so\b| at\b| after\b))"
"""As V, and numbers in words."""
_EMPTIES = {
    "string": "''",
    "str": "''",
    "list": "[]",
    "tuple": "()",
    "dict": "{}",
    "dictionary": "{}",
    "set": "set()",
}
_TYPES = {"string": "str", "dictionary": "dict"}
_BINDING = re.compile(r"([^\W\d]\w*) ?= ?([^=].*)")
_PIECE = re.compile(r"«(\d+)»")
_DESCRIBED = re.compile(rf"an? ({_KIND}) of ({COUNT}) ")


def count_of(words: str) -> int:
    """``"three times"`` is 3."""
    word = words.split()[0].lower()
    special = {"once": 1, "twice": 2, "thrice": 3, "never": 0, "zero": 0}
    if word in special:
        return special[word]
    return WORDS.index(word) if word in WORDS else int(word)


def shown(words: str, codes: list[str]) -> Shown | None:
    """What words for a value show; None where they show none.

    Args:
        words: matched by :data:`V`.
        codes: the pieces of the sentence.
    """
    pieces = [codes[int(n)] for n in _PIECE.findall(words)]
    if words.startswith("«"):
        # What is quoted as a value is one, also where only its text can be compared.
        return from_code(pieces[0]) or Shown(pieces[0].strip())
    described = _DESCRIBED.match(words)
    if described is not None:
        kind = _TYPES.get(described[1], described[1])
        begins = pieces[0] if pieces else None
        return Shown(
            None, kind, count_of(described[2]), begins, pieces[1] if len(pieces) > 1 else None
        )
    if len(pieces) == 2:
        return Shown(None, pieces[0], None, pieces[1])
    for kind, text in _EMPTIES.items():
        if words.endswith(f"empty {kind}"):
            return Shown(text)
    low = words.lower()
    if low in WORDS or low == "zero":
        return Shown(str(count_of(low)))
    exact = re.search(NUM, words)
    if exact is not None:
        return Shown(exact[0], elided=exact.start() > 0)
    return Shown(words) if words in ("True", "False", "None") else None


def from_code(text: str) -> Shown | None:
    """A value written out; None where the code is no value."""
    text = text.strip()
    if "..." in text or "\u2026" in text:
        return Shown(text.replace("\u2026", "..."), elided=True)
    if is_literal(text) or (text.startswith("<") and text.endswith(">")):
        return Shown(text)
    return Shown(text) if is_object(text) else None


@lru_cache(maxsize=2048)
def is_object(text: str) -> bool:
    """``Point(x=1, y=2)``, ``deque([1])``: how a Snapshot shows what is no literal."""
    node = parsed(text)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.value.id[:1].isupper()  # a member of an Enum
    if isinstance(node, ast.Call) and isinstance(node.func, (ast.Name, ast.Attribute)):
        name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        return name[:1].isupper() or name in (
            "deque", "range", "frozenset", "defaultdict", "array", "bytearray", "date", "datetime",
            "timedelta", "mappingproxy",
        )  # fmt: skip
    return False


@lru_cache(maxsize=2048)
def called(text: str) -> str | None:
    """The name of the function where code is a call: ``f(1)`` or ``Stack.push(<Stack>, 1)``."""
    node = parsed(text)
    if node is None:  # objects as a Snapshot writes them are no Python
        match = re.fullmatch(r"(?:[A-Za-z_]\w*\.)*([A-Za-z_]\w*)\(.*\)", text, re.DOTALL)
        return match[1] if match is not None else None
    if not isinstance(node, ast.Call):
        return None
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else None


@lru_cache(maxsize=2048)
def normal(text: str) -> str:
    """Code as ``ast`` writes it, so that spacing and quotes do not matter."""
    node = parsed(text)
    return ast.unparse(node) if node is not None else text.strip()


@lru_cache(maxsize=2048)
def assignments(text: str) -> tuple[tuple[str, str], ...]:
    """``x = 5, y = [1]`` or ``x, y = 5, [1]`` as pairs of target and value; () for other code."""
    if "=" not in text:
        return ()
    plain = _BINDING.fullmatch(text)
    if plain is not None and is_plain(plain[2]):
        return ((plain[1], plain[2]),)
    try:
        body = parse_module(text.strip()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _listed(text)
    if len(body) != 1 or not isinstance(body[0], ast.Assign):
        return _pairs_of_many(body)
    statement = body[0]
    if len(statement.targets) > 1:  # total = 3 + 4 = 7: what stands last is the value
        return ((ast.unparse(statement.targets[0]), ast.unparse(statement.value)),)
    target, value = statement.targets[0], statement.value
    if isinstance(target, ast.Name):
        return ((target.id, ast.unparse(value)),)
    if isinstance(target, ast.Tuple):
        if isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts):
            pairs = zip(target.elts, value.elts, strict=True)
            return tuple((ast.unparse(t), ast.unparse(v)) for t, v in pairs)
        return _listed(text)
    return ((ast.unparse(target), ast.unparse(value)),)


def _pairs_of_many(body: list[ast.stmt]) -> tuple[tuple[str, str], ...]:
    if not body or not all(isinstance(s, ast.Assign) and len(s.targets) == 1 for s in body):
        return ()
    return tuple(
        (ast.unparse(s.targets[0]), ast.unparse(s.value)) for s in body if isinstance(s, ast.Assign)
    )


def _listed(text: str) -> tuple[tuple[str, str], ...]:
    """``i=0, s=[1, 2]`` reads as the arguments of a call; ``3 + 4 = 7`` chains do not parse."""
    node = parsed(f"f({text})")
    if isinstance(node, ast.Call) and node.keywords and not node.args:
        return tuple((k.arg, ast.unparse(k.value)) for k in node.keywords if k.arg)
    written = re.fullmatch(r"([A-Za-z_][\w.]*) ?= ?(<.*>)", text, re.DOTALL)
    if written is not None:  # an object as a Snapshot writes it is no Python
        return ((written[1], written[2]),)
    parts = re.split(r"(?<![=!<>])=(?!=)", text)
    if len(parts) > 2 and parts[0].strip().isidentifier() and is_literal(parts[-1].strip()):
        return ((parts[0].strip(), parts[-1].strip()),)
    return ()
