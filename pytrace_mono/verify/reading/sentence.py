"""One sentence as the rules see it, and what a rule gives back.

Which rule is asked of which words depends on the words alone, and on which rules before it found
something; words come again and again. So for each wording the way through the rules is kept, as a tree
of questions that is grown as far as it is asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from pytrace_mono.verify.claims import Kind, Shown, Statement
from pytrace_mono.verify.program import Program
from pytrace_mono.verify.reading import shapes
from pytrace_mono.verify.source import is_literal, parsed


class Found(NamedTuple):
    """A statement that a rule read; ``line`` where the words name another than the one in force."""

    kind: Kind
    statement: Statement
    line: int | None = None


class Spot(NamedTuple):
    """Where in a template a piece of code stands, and its number."""

    start: int
    end: int
    number: int


class Words:
    """A sentence without its code: what depends on nothing else, found once.

    Attributes:
        template: see :mod:`~pytrace_mono.verify.reading.masking`.
        spots: where its code stands.
        labels: the lines it names, with where their labels end.
    """

    def __init__(self, template: str) -> None:
        self.template = template
        self.spots = tuple(Spot(*m.span(), int(m[1])) for m in _PIECE.finditer(template))
        self.labels = tuple((m.end(), int(m[1])) for m in _LABEL.finditer(template))
        self._first: dict[Rules, Question | Rest] = {}
        self._behind: dict[int, int | None] = {}

    def line_at(self, position: int, above: int | None) -> int | None:
        """The label in force at a position; ``above`` where none has been named before it."""
        found = above
        for end, line in self.labels:
            if end > position:
                break
            found = line
        return found

    def line_behind(self, position: int) -> int | None:
        """The label right behind a position: ``becomes 5 (at [L4])``."""
        if position not in self._behind:
            match = _LABEL_BEHIND.match(self.template[position:])
            self._behind[position] = int(match[1]) if match is not None else None
        return self._behind[position]

    def first(self, rules: Rules) -> Question | Rest:
        """What is asked first of these words."""
        found = self._first.get(rules)
        if found is None:
            found = self._first[rules] = rules.ask(self)
        return found


words_of = lru_cache(maxsize=2048)(Words)
"""The same for the same template."""


@dataclass(slots=True)
class Sentence:
    """Words with their code, and all that is known where they stand.

    Attributes:
        words: the words.
        codes: the pieces of the whole block, by number.
        line: the label in force where it begins.
        subject: the variable that this block is about, for "it".
    """

    words: Words
    codes: list[str]
    program: Program
    line: int | None
    subject: str | None = None
    template: str = field(init=False)

    def __post_init__(self) -> None:
        self.template = self.words.template

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
        return self.words.line_at(position, self.line)

    def follows(self, position: int, *words: str) -> bool:
        """Whether the last word before a position is one of ``words``."""
        before = self.template[:position].rstrip().rsplit(" ", 1)[-1].lower()
        return before.strip("(,") in words


def _next_word(template: str, position: int) -> int:
    space = template.find(" ", position)
    return space + 1 if space >= 0 else len(template) + 1


_LABEL = re.compile(r"\[L(\d+)\]")
_LABEL_BEHIND = re.compile(
    r"^[,;]? ?(?:\((?:at |on |in |from |by |via |see )?|(?:at|on|by|via) )\[L(\d+)\]"
)
_PIECE = re.compile(r"«(\d+)»")
_DIGITS = re.compile(r"\d+")

Handler = Callable[[Sentence, "re.Match[str]"], Iterable[Found]]


class Rule(NamedTuple):
    """A shape of words: tried only where one of ``keys`` occurs (cheap), read by ``handler``.

    ``takes`` are the groups of which the words are kept from other rules.
    """

    keys: tuple[str, ...]
    pattern: re.Pattern[str]
    handler: Handler
    takes: tuple[int, ...] = (0,)


class Rest(NamedTuple):
    """No rule is left to ask; ``spots`` is the code that none has read."""

    spots: tuple[Spot, ...]


class Question:
    """A rule that fits words; what is asked next depends on whether it finds something in them."""

    __slots__ = ("_found", "_index", "_none", "_read", "_rules", "match", "rule")

    def __init__(self, rules: list[Rule], index: int, match: re.Match[str], read: int) -> None:
        self.rule = rules[index]
        self.match = match
        self._found: Question | Rest | None = None
        self._none: Question | Rest | None = None
        self._rules = rules
        self._index = index
        self._read = read

    def next(self, words: Words, found: bool) -> Question | Rest:
        """What is asked of the words after it has, or has not, found something."""
        known = self._found if found else self._none
        if known is not None:
            return known
        rules, index, read = self._rules, self._index, self._read
        start, end = self.match.span()
        if found:
            for group in self.rule.takes:
                read |= _bits(*self.match.span(group))
            self._found = known = _ask(words, rules, index, max(end, start + 1), read)
        else:  # what a handler refuses may hide a match that begins inside
            position = _next_word(words.template, start)
            self._none = known = _ask(words, rules, index, position, read)
        return known


def _bits(start: int, end: int) -> int:
    """A bit for each character of a stretch."""
    return (1 << end) - (1 << start)


def _ask(words: Words, rules: list[Rule], index: int, position: int, read: int) -> Question | Rest:
    """The first question from a position on, for the rule at ``index`` and those behind it.

    Args:
        words: of which it is asked.
        rules: those that fit at all.
        index: of the rule whose turn it is.
        position: where it looks from.
        read: the characters that rules before it have taken, as bits.
    """
    template = words.template
    while index < len(rules):
        rule = rules[index]
        while (match := rule.pattern.search(template, position)) is not None:
            if not read & _bits(*match.span()):
                return Question(rules, index, match, read)
            position = _next_word(template, match.start())
        index, position = index + 1, 0
    return Rest(tuple(s for s in words.spots if not read & _bits(s.start, s.end)))


class Rules:
    """An ordered list of rules, filled by decorators; the first to match words has them.

    Args:
        parts: lists whose rules these are, in their order.
    """

    def __init__(self, *parts: Rules) -> None:
        self._rules: list[Rule] = [rule for part in parts for rule in part._rules]
        self._fitting = lru_cache(maxsize=4096)(self._find_fitting)

    def add(
        self, pattern: str, *keys: str, takes: tuple[int, ...] = (0,)
    ) -> Callable[[Handler], Handler]:
        """Register a handler for a pattern; ``keys`` are texts of which one must occur."""

        def register(handler: Handler) -> Handler:
            self._rules.append(Rule(keys, re.compile(pattern), handler, takes))
            return handler

        return register

    def _find_fitting(self, shape: str) -> list[Rule]:
        """The rules whose pattern occurs in a template at all."""
        return [
            rule
            for rule in self._rules
            if (not rule.keys or any(key in shape for key in rule.keys))
            and rule.pattern.search(shape) is not None
        ]

    def ask(self, words: Words) -> Question | Rest:
        """What is asked first."""
        # Which number stands where matters to no pattern, so most templates come again.
        return _ask(words, self._fitting(_DIGITS.sub("0", words.template)), 0, 0, 0)

    def read(self, sentence: Sentence) -> tuple[list[tuple[int, int, Found]], tuple[Spot, ...]]:
        """What the rules find, with its place in the template, and the code that they leave."""
        found: list[tuple[int, int, Found]] = []
        words = sentence.words
        asked = words.first(self)
        while isinstance(asked, Question):
            match = asked.match
            items = list(asked.rule.handler(sentence, match))
            if items:
                start, end = match.span()
                found.extend((start, end, item) for item in items)
            asked = asked.next(words, bool(items))
        return found, asked.spots
