"""Tables of states: a column for each variable, a row for each step or iteration."""

from __future__ import annotations

import re

from pytrace_mono.verify.claims import Claim, Condition, Kind, Place, Value
from pytrace_mono.verify.program import Program
from pytrace_mono.verify.reading import shapes
from pytrace_mono.verify.reading.layout import Block
from pytrace_mono.verify.source import parsed

_ITERATION = re.compile(r"^(?:iter(?:ation)?s?|pass(?:es)?|round|#|no\.?|visit|turn|loop)\b", re.I)
_LINE = re.compile(r"^lines?$", re.I)
_STATE_WORDS = re.compile(r"\b(?:after|now|new|before|start|old|then)\b|[()`*:]", re.I)
_NOTHING = frozenset({"", "-", "--", "\u2014", "\u2013", "...", "same", "n/a"})


class Table:
    """One table; made from its header row.

    Args:
        text: the monologue.
        header: its first row.
        program: what the monologue is about.
    """

    def __init__(self, text: str, header: Block, program: Program) -> None:
        self.number = header.table
        self._text = text
        self._program = program
        self._columns = [_plain(cell) for cell, _, _ in _cells(text, header)]

    def row(
        self,
        block: Block,
        outer: tuple[tuple[int | None, int], ...],
        loop: int | None,
        call: str | None,
    ) -> list[Claim]:
        """The claims of one row, given the context in which the table stands."""
        cells = _cells(self._text, block)
        passes = outer
        line: int | None = None
        for column, (cell, _, _) in zip(self._columns, cells, strict=False):
            digits = re.search(r"\d+", cell)
            if _ITERATION.match(column) and digits and digits[0] == _plain(cell):
                passes = (*outer, (loop, int(digits[0])))
            elif _LINE.match(column) and digits:
                line = int(digits[0])
        found: list[Claim] = []
        place = Place(line, passes, call, line is not None)
        for column, (cell, start, end) in zip(self._columns, cells, strict=False):
            name = _STATE_WORDS.sub("", column).strip()
            value = _plain(cell)
            if value.lower() in _NOTHING or _ITERATION.match(column) or _LINE.match(column):
                continue
            statement = self._statement(name, column, value)
            if statement is not None:
                kind: Kind = "value" if isinstance(statement, Value) else "branch"
                found.append(Claim(kind, statement, place, self._text[start:end], start, end))
        return found

    def _statement(self, name: str, column: str, value: str) -> Value | Condition | None:
        node = parsed(name)
        if node is None:
            return None
        before = "before" in column.lower()
        if value.lower() in ("yes", "no", "true", "false") and not name.isidentifier():
            if self._program.has(shapes.normal(name)):
                return Condition(name, value.lower() in ("yes", "true"))
            return None
        names = re.findall(r"[A-Za-z_]\w*", name)
        if not names or names[0] not in self._program.bound:
            return None
        shown = shapes.from_code(value)
        if shown is None:
            return None
        return Value(name, shown, "before" if before else "after")


def _cells(text: str, block: Block) -> list[tuple[str, int, int]]:
    """Cells with their place; a bar inside code in backticks or brackets separates nothing."""
    found: list[tuple[str, int, int]] = []
    row = text[block.start : block.end]
    start = row.index("|") + 1
    position = start
    inside = False
    while position < len(row):
        char = row[position]
        if char == "`":
            inside = not inside
        if char == "|" and not inside and row[position - 1] != "\\":
            cell = row[start:position]
            found.append((cell.strip(), block.start + start, block.start + position))
            start = position + 1
        position += 1
    return found


def _plain(cell: str) -> str:
    return cell.replace("**", "").replace("`", "").replace("\\|", "|").strip()
