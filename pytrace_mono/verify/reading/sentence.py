"""One sentence as the rules see it, and what a rule gives back.

Which rule is asked of which words depends on the words alone, and on which rules before it found
something; words come again and again. So for each wording the way through the rules is kept, as a tree
of questions that is grown as far as it is asked.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from pytrace_mono.verify.claims import Kind, Shown, Statement
from pytrace_mono.verify.program import Program
from pytrace_mono.verify.reading import shapes
from pytrace_mono.verify.reading.masking import NUMBERED
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
        digits: where its numbers stand.
        labels: where the labels of lines end that it names, and which of its numbers they are.
    """

    def __init__(self, template: str) -> None:
        self.template = template
        self.spots = tuple(Spot(*m.span(), int(m[1])) for m in _PIECE.finditer(template))
        self.digits = [m.start() for m in NUMBERED.finditer(template) if m[1] is not None]
        self.labels = tuple((m.end(), self.number_at(m.start())) for m in _LABEL.finditer(template))
        self._first: dict[Rules, Question | Rest] = {}
        self._behind: dict[int, int | None] = {}

    def number_at(self, position: int) -> int:
        """Which of its numbers is the first from a position on."""
        return bisect_left(self.digits, position)

    def behind(self, position: int) -> int | None:
        """Which number is the label right behind a position: ``becomes 5 (at [L4])``."""
        if position not in self._behind:
            match = _LABEL_BEHIND.match(self.template[position:])
            number = self.number_at(position + match.start(1)) if match is not None else None
            self._behind[position] = number
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
        numbers: the numbers in its words, in order.
        line: the label in force where it begins.
        subject: the variable that this block is about, for "it".
    """

    words: Words
    codes: list[str]
    numbers: list[str]
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
        found = None
        for end, number in self.words.labels:
            if end > position:
                break
            found = number
        return self.line if found is None else int(self.numbers[found])

    def follows(self, position: int, *words: str) -> bool:
        """Whether the last word before a position is one of ``words``."""
        before = self.template[:position].rstrip().rsplit(" ", 1)[-1].lower()
        return before.strip("(,") in words


def _next_word(template: str, position: int) -> int:
    space = template.find(" ", position)
    return space + 1 if space >= 0 else len(template) + 1


_LABEL = re.compile(r"\[L(\d+)\]")
_PIECE = re.compile(r"«(\d+)»")
_LABEL_BEHIND = re.compile(
    r"^[,;]? ?(?:\((?:at |on |in |from |by |via |see )?|(?:at|on|by|via) )\[L(\d+)\]"
)


class Match:
    """What a pattern matched, with the numbers of a sentence where the template has ``0``."""

    __slots__ = ("_groups", "_numbers", "end", "start")

    def __init__(self, groups: Groups, found: re.Match[str], numbers: list[str]) -> None:
        self._groups = groups
        self._numbers = numbers
        self.start = found.start
        self.end = found.end

    def __getitem__(self, group: int) -> Any:
        """The words of a group; None where it did not take part."""
        words = self._groups[group]
        if isinstance(words, list):
            return "".join(w if isinstance(w, str) else self._numbers[w] for w in words)
        return words


Groups = list[str | list[str | int] | None]
"""What each group matched; in parts where it has numbers, which are given by their place."""

Handler = Callable[[Sentence, Match], Iterable[Found]]


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

    __slots__ = ("_found", "_groups", "_index", "_match", "_none", "_read", "_rules", "span")

    def __init__(
        self, words: Words, rules: list[Rule], index: int, match: re.Match[str], read: int
    ) -> None:
        self.span = match.span()
        self._match = match
        self._groups = [_group(words, match, group) for group in range(match.re.groups + 1)]
        self._found: Question | Rest | None = None
        self._none: Question | Rest | None = None
        self._rules = rules
        self._index = index
        self._read = read

    def answer(self, sentence: Sentence) -> list[Found]:
        """What it finds."""
        match = Match(self._groups, self._match, sentence.numbers)
        return list(self._rules[self._index].handler(sentence, match))

    def next(self, words: Words, found: bool) -> Question | Rest:
        """What is asked of the words after it has, or has not, found something."""
        known = self._found if found else self._none
        if known is not None:
            return known
        rules, index, read = self._rules, self._index, self._read
        start, end = self.span
        if found:
            for group in rules[index].takes:
                read |= _bits(*self._match.span(group))
            self._found = known = _ask(words, rules, index, max(end, start + 1), read)
        else:  # what a handler refuses may hide a match that begins inside
            position = _next_word(words.template, start)
            self._none = known = _ask(words, rules, index, position, read)
        return known


def _group(words: Words, match: re.Match[str], group: int) -> str | list[str | int] | None:
    text = match[group]
    if text is None or not any(m[1] for m in NUMBERED.finditer(text)):
        return text
    parts: list[str | int] = []
    position = 0
    number = words.number_at(match.start(group))
    for found in NUMBERED.finditer(text):
        if found[1] is not None:
            parts += (text[position : found.start()], number)
            position, number = found.end(), number + 1
    return [*parts, text[position:]]


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
                return Question(words, rules, index, match, read)
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

    def add(
        self, pattern: str, *keys: str, takes: tuple[int, ...] = (0,)
    ) -> Callable[[Handler], Handler]:
        """Register a handler for a pattern; ``keys`` are texts of which one must occur."""

        def register(handler: Handler) -> Handler:
            self._rules.append(Rule(keys, re.compile(pattern), handler, takes))
            return handler

        return register

    def _fitting(self, template: str) -> list[Rule]:
        """The rules whose pattern occurs in a template at all."""
        return [
            rule
            for rule in self._rules
            if (not rule.keys or any(key in template for key in rule.keys))
            and rule.pattern.search(template) is not None
        ]

    def ask(self, words: Words) -> Question | Rest:
        """What is asked first."""
        return _ask(words, self._fitting(words.template), 0, 0, 0)

    def read(self, sentence: Sentence) -> tuple[list[tuple[int, int, Found]], tuple[Spot, ...]]:
        """What the rules find, with its place in the template, and the code that they leave."""
        found: list[tuple[int, int, Found]] = []
        words = sentence.words
        asked = words.first(self)
        while isinstance(asked, Question):
            items = asked.answer(sentence)
            if items:
                start, end = asked.span
                found.extend((start, end, item) for item in items)
            asked = asked.next(words, bool(items))
        return found, asked.spots
