"""From a monologue with labels to Claims: its blocks, and what each inherits from those above it."""

from __future__ import annotations

import re

from pytrace_mono.records import Direction
from pytrace_mono.verify.claims import Claim, Reading, Unread
from pytrace_mono.verify.program import Program
from pytrace_mono.verify.reading.block import Context, read_block
from pytrace_mono.verify.reading.layout import Block, blocks
from pytrace_mono.verify.reading.tables import Table

_LABELLED = re.compile(r"\[L\d+\]")
_TOP = Context(-2)


def is_labelled(text: str) -> bool:
    """Whether a monologue tells by labels of lines, ``[L4]``: what is said stands where it was so."""
    return _LABELLED.search(text) is not None


def read(text: str, program: Program, direction: Direction, answer: int | None = None) -> Reading:
    """Read the claims of a monologue.

    Args:
        text: the monologue, with or without its tags.
        program: what it is about.
        direction: whether it argues from the input or from the output.
        answer: where the text of the answer begins, which is not read here; None to look for it.
    """
    end = text.find("[ANSWER]") if answer is None else answer
    return _Reader(text[:end] if end >= 0 else text, program, direction).read()


class _Reader:
    def __init__(self, text: str, program: Program, direction: Direction) -> None:
        self._text = text
        self._program = program
        self._direction = direction
        self._claims: list[Claim] = []
        self._unread: list[Unread] = []
        self._coded = 0
        self._prose = 0
        self._above: list[Context] = []
        self._table: Table | None = None

    def read(self) -> Reading:
        for block in blocks(self._text):
            if block.kind == "row":
                self._row(block)
            elif block.kind != "code" or not self._is_of_the_program(block):
                self._block(block)
        self._claims.sort(key=lambda claim: claim.start)
        return Reading(tuple(self._claims), tuple(self._unread), self._coded, self._prose)

    def _row(self, block: Block) -> None:
        if self._table is None or self._table.number != block.table:
            self._table = Table(self._text, block, self._program)
            return
        above = self._context(block)
        found = self._table.row(block, above.passes, above.loop, above.call)
        self._claims.extend(found)
        if "`" in self._text[block.start : block.end]:
            self._coded += 1

    def _context(self, block: Block) -> Context:
        while self._above and self._above[-1].indent >= block.indent:
            self._above.pop()
        return self._above[-1] if self._above else _TOP

    def _is_of_the_program(self, block: Block) -> bool:
        line = self._text[block.start : block.end]
        return "#" not in line and line.strip() in self._program.lines

    def _block(self, block: Block) -> None:
        start, above = block.start, self._context(block)
        # What a program is for is no argument, in whichever direction the rest goes.
        direction = self._direction if block.section == "run" else "forward"
        part = read_block(
            self._text[start : block.end],
            block.section,
            block.indent,
            above,
            self._program,
            direction,
        )
        for claim in part.claims:
            kind, statement, place, text, first, last = claim
            self._claims.append(Claim(kind, statement, place, text, start + first, start + last))
        for text, first, last in part.unread:
            self._unread.append(Unread(text, start + first, start + last))
        self._coded += part.coded
        self._prose += part.prose
        self._above.append(part.below)
