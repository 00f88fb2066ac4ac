"""A monologue in free style, read: Claims with what their words tell of when."""

from __future__ import annotations

from dataclasses import dataclass

from pytrace_mono.records import Direction
from pytrace_mono.verify.claims import Claim, Reading


@dataclass(frozen=True, slots=True)
class Said:
    """A Claim with what its words tell of when.

    Attributes:
        hint: it only helps to find the place and is not held against anything.
        joint: it stands in one sentence (or row) with the one before it.
        back: the sentence has a word that allows it to go back or ahead.
        early: its words allow the value from before what the pass did.
        column: what a table's column, or a list's entries, say in the same way.
        visit: it is about that visit of its line, from 1.
        words: what else the sentence says.
        tight: nothing but "and" or a comma stands between it and the one before.
        sequel: a word of sequence stands before it in its sentence.
        loosely: the iteration was named in a sentence before.
        line: number of the line of the text it stands in.
        code: the program's lines that the line of code it stands beside may be.
    """

    claim: Claim
    hint: bool = False
    joint: bool = False
    back: bool = False
    early: bool = False
    column: str | None = None
    visit: int | None = None
    words: str = ""
    loosely: bool = False
    sequel: bool = False
    tight: bool = False
    line: int = 0
    code: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Telling:
    """A monologue in free style, read."""

    said: tuple[Said, ...]
    reading: Reading
    direction: Direction
