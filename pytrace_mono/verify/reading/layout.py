"""The shape of a monologue: sections, bullets and paragraphs, tables, blocks of code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Section = Literal["about", "properties", "run"]

_HEADING = re.compile(r"^\s*(?:#{1,6}\s+(.*?)|\*\*([^*]+?):?\*\*:?)\s*#*$")
_BULLET = re.compile(r"^([ \t]*)([-*+\u2022]|\(?\d+[.)]|[a-z][.)])[ \t]+")
_FENCE = re.compile(r"^\s*(```|~~~)")
_ROW = re.compile(r"^\s*\|.*\|\s*$")
_RULE = re.compile(r"^[\s|:+-]+$")
_TAG = re.compile(r"^\s*\[/?(?:MONOLOGUE|ANSWER|PYTHON|THOUGHT)\]\s*$")


@dataclass(frozen=True, slots=True)
class Block:
    """A bullet, a paragraph, a row of a table, or a line of a block of code.

    Attributes:
        kind: what it is.
        section: what the heading above it announces.
        indent: how deep it stands; a deeper block below is part of this one.
        start, end: its text in the monologue.
        table: number of the table that a row belongs to.
    """

    kind: Literal["text", "row", "code", "heading"]
    section: Section
    indent: int
    start: int
    end: int
    table: int = 0


def blocks(text: str) -> list[Block]:
    """The blocks of a monologue, in order."""
    found: list[Block] = []
    section: Section = "run"
    fenced = False
    table = 0
    in_table = False
    position = 0
    open_block: Block | None = None
    for line in text.split("\n"):
        start, end = position, position + len(line)
        position = end + 1
        if _FENCE.match(line):
            fenced = not fenced
            open_block = None
            continue
        if fenced:
            if line.strip():
                found.append(Block("code", section, 900, start, end))
            continue
        if not line.strip() or _TAG.match(line):
            open_block = None
            in_table = False
            continue
        if _ROW.match(line):
            if not in_table:
                table += 1
                in_table = True
            if not _RULE.match(line):
                found.append(Block("row", section, 900, start, end, table))
            open_block = None
            continue
        in_table = False
        heading = _HEADING.match(line)
        if heading is not None:
            title = heading[1] or heading[2] or ""
            section = _section(title, section)
            found.append(Block("heading", section, -1, start, end))
            open_block = None
            continue
        bullet = _BULLET.match(line)
        if bullet is not None:
            indent = 2 * len(bullet[1].expandtabs(4)) + 1
            open_block = Block("text", section, indent, start + bullet.end(), end)
            found.append(open_block)
            continue
        blanks = len(line) - len(line.lstrip())
        ended = text[open_block.start : open_block.end].rstrip() if open_block is not None else ""
        if open_block is not None and not ended.endswith(":") and not _breaks(line):
            open_block = Block("text", section, open_block.indent, open_block.start, end)
            found[-1] = open_block
            continue
        open_block = Block("text", section, 2 * blanks, start + blanks, end)
        found.append(open_block)
    return found


def _breaks(line: str) -> bool:
    """Lines of notes stand for themselves though nothing marks them as a list."""
    return bool(
        re.match(r"\s*(?:\[L\d+\]|L\d+\b|[Ll]ine \d+|[Ii]ter|[Pp]ass |[Ss]tep |[QA]:|\w+=)", line)
    )


def _section(title: str, current: Section) -> Section:
    low = title.lower()
    if "propert" in low or low.startswith("constraint") or "invariant" in low:
        return "properties"
    if "understand" in low or "overview" in low or "purpose" in low or "about" in low:
        return "about"
    words = ("simulat", "execut", "trace", "walk", "revers", "deduc", "backward", "reason", "run")
    if any(word in low for word in words):
        return "run"
    return "run" if current != "about" else current
