"""One sentence as the rules see it, and what a rule gives back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from pytrace_mono.records import Direction
from pytrace_mono.verify.claims import Kind, Shown, Statement
from pytrace_mono.verify.program import Program
from pytrace_mono.verify.reading import shapes
from pytrace_mono.verify.reading.layout import Section
from pytrace_mono.verify.source import is_literal, parsed

_BARE_RESULTS = frozenset({"result", "output", "answer"})


class Found(NamedTuple):
    """A statement that a rule read; ``line`` where the words name another than the one in force."""

    kind: Kind
    statement: Statement
    line: int | None = None


@dataclass(slots=True)
class Sentence:
    """A stretch of template and all that is known where it stands.

    Attributes:
        template: see :mod:`~pytrace_mono.verify.reading.masking`.
        codes: the pieces of the whole block, by number.
        subject: the variable that this block is about, for "it".
        shape: the template with every number as 0.
    """

    template: str
    codes: list[str]
    program: Program
    direction: Direction
    section: Section
    line: int | None
    subject: str | None = None
    shape: str = field(init=False)
    _used: bytearray = field(init=False)

    def __post_init__(self) -> None:
        self.shape = _DIGITS.sub("0", self.template)
        self._used = bytearray(len(self.template))

    def code(self, words: str) -> str:
        """The code that ``«3»`` stands for, or a bare word itself."""
        if words.startswith("«"):
            return self.codes[int(words[1:-1])].strip()
        return words

    def name(self, words: str) -> str | None:
        """A subject: code that can have a value, or a bare word that the program binds."""
        if words.startswith("«"):
            code = self.code(words)
            if parsed(code) is None or is_literal(code):
                return None
            return code
        return words if words in self.program.bound else None

    def shown(self, words: str) -> Shown | None:
        """A value as the words show it."""
        return shapes.shown(words, self.codes)

    def line_at(self, position: int) -> int | None:
        """The label in force at a position."""
        found = None
        for match in _LABEL.finditer(self.template, 0, position):
            found = match
        return int(found[1]) if found is not None else self.line

    def follows(self, position: int, *words: str) -> bool:
        """Whether the last word before a position is one of ``words``."""
        before = self.template[:position].rstrip().rsplit(" ", 1)[-1].lower()
        return before.strip("(,") in words

    def is_free(self, start: int, end: int) -> bool:
        """Whether no rule has read any of these words."""
        return self._used.find(1, start, end) < 0

    def consume(self, start: int, end: int) -> None:
        """Keep these words from other rules."""
        self._used[start:end] = b"\1" * (min(end, len(self._used)) - start)


def _next_word(template: str, position: int) -> int:
    space = template.find(" ", position)
    return space + 1 if space >= 0 else len(template) + 1


_LABEL = re.compile(r"\[L(\d+)\]")
_DIGITS = re.compile(r"\d+")

Handler = Callable[[Sentence, "re.Match[str]"], Iterable[Found]]


class Rule(NamedTuple):
    """A shape of words: tried only where one of ``keys`` occurs (cheap), read by ``handler``.

    ``open`` rules leave their words to others too.
    """

    keys: tuple[str, ...]
    pattern: re.Pattern[str]
    handler: Handler
    open: bool = False


class Rules:
    """An ordered list of rules, filled by decorators; the first to match words has them."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._matching = lru_cache(maxsize=4096)(self._find_matching)

    def add(self, pattern: str, *keys: str, open: bool = False) -> Callable[[Handler], Handler]:
        """Register a handler for a pattern; ``keys`` are texts of which one must occur."""

        def register(handler: Handler) -> Handler:
            self._rules.append(Rule(keys, re.compile(pattern), handler, open))
            return handler

        return register

    def _find_matching(self, template: str) -> tuple[Rule, ...]:
        """The rules whose pattern occurs in a template at all."""
        return tuple(
            rule
            for rule in self._rules
            if (not rule.keys or any(key in template for key in rule.keys))
            and rule.pattern.search(template) is not None
        )

    def read(self, sentence: Sentence) -> list[tuple[int, int, Found]]:
        """What the rules find, with its place in the template."""
        found: list[tuple[int, int, Found]] = []
        template = sentence.template
        # Which number stands where matters to no pattern, so most sentences come again.
        for rule in self._matching(sentence.shape):
            position = 0
            while (match := rule.pattern.search(template, position)) is not None:
                start, end = match.span()
                items = list(rule.handler(sentence, match)) if sentence.is_free(start, end) else []
                if items:
                    if not rule.open:
                        sentence.consume(start, end)
                    found.extend((start, end, item) for item in items)
                # What a handler refuses may hide a match that begins inside.
                position = max(end, start + 1) if items else _next_word(template, start)
        return found
