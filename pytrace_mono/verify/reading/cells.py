"""Free style: the cells of a table of states."""

from __future__ import annotations

import re

from pytrace_mono.verify.claims import Condition, Shown, Value
from pytrace_mono.verify.program import Program
from pytrace_mono.verify.reading.clauses import shown_of
from pytrace_mono.verify.reading.layout import Block
from pytrace_mono.verify.reading.pieces import kind_of
from pytrace_mono.verify.source import parsed

_STATE_WORDS = re.compile(
    r"\b(?:afterwards|after|now|new|before|start|old|then|at the end|at its|at|its|end|of|the|pass|in|iteration|round|value|loop|body|per|so far|result(?:ing)?|updated|final|entering|leaving)\b|[()`*:]",
    re.I,
)


def statement_of(column: str, value: str, program: Program) -> Value | Condition | None:
    """What a cell states, by the name of its column; None where it is words."""
    name = column if parsed(column) is not None else _STATE_WORDS.sub("", column).strip()
    kind = kind_of(name, program) if parsed(name) is not None else "x"
    if kind not in "nec":
        name = next(
            (
                w
                for w in re.findall(r"[A-Za-z_]\w*", column)
                if w in program.known_names and w not in ("a", "i")
            ),
            "",
        )
        if not name or len(column.split()) > 4:
            return None
        kind = "n"
    if value.lower() in ("yes", "no", "true", "false") and kind == "c":
        return Condition(name, value.lower() in ("yes", "true"))
    shown = shown_of(value) if kind_of(value, program) == "v" else None
    if shown is None and re.fullmatch(r"\w", value):
        shown = Shown(repr(value))
    return Value(name, shown, "state") if shown is not None else None


def cells_of(text: str, block: Block) -> list[tuple[int, int]]:
    """Where the cells are; a bar inside code in backticks separates nothing."""
    found: list[tuple[int, int]] = []
    position = start = text.index("|", block.start) + 1
    inside = False
    while position < block.end:
        if text[position] == "`":
            inside = not inside
        if text[position] == "|" and not inside and text[position - 1] != "\\":
            found.append((start, position))
            start = position + 1
        position += 1
    return found
