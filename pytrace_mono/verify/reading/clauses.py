"""A sentence in free style as its readers see it: template, pieces, and what is no statement."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from pytrace_mono.verify.claims import Gives, Kind, Moment, Shown, Statement, Value
from pytrace_mono.verify.expressions import NotEvaluated, evaluate
from pytrace_mono.verify.program import Program
from pytrace_mono.verify.reading import shapes
from pytrace_mono.verify.reading.pieces import Piece
from pytrace_mono.verify.reading.wording import CHANGE, EARLY, LITERAL


@dataclass(frozen=True, slots=True)
class Phrase:
    """A statement with its place in the template; ``words``: what it says around its pieces."""

    start: int
    end: int
    kind: Kind
    statement: Statement
    words: str = ""
    early: bool = False
    line: int | None = None


@dataclass(slots=True)
class Clauses:
    """A sentence: its template, its pieces, and the stretches that assert nothing."""

    template: str
    pieces: list[Piece]
    program: Program
    backward: bool
    taken: list[tuple[int, int]] = field(default_factory=list)
    silent: list[tuple[int, int]] = field(default_factory=list)

    def piece(self, token: str) -> Piece:
        return self.pieces[int(re.sub(r"\D", "", token))]

    def code(self, token: str) -> str:
        return self.piece(token).text

    def free(self, start: int, end: int) -> bool:
        return not any(a < end and start < b for a, b in self.taken)

    def asserted(self, start: int) -> bool:
        return not any(a <= start < b for a, b in self.silent)

    def shown(self, words: str) -> Shown | None:
        """A value from a piece, a number in words or an "empty list"."""
        found = re.search(LITERAL, words)
        if found is not None:
            return shown_of(self.code(found[0]))
        return shapes.shown(words.removeprefix("the ").replace("fresh ", "new "), [])


def shown_of(code: str) -> Shown | None:
    """A value from code: a literal, or what arithmetic on literals comes to."""
    shown = shapes.from_code(code)
    if shown is not None:
        return shown
    try:
        return Shown(repr(evaluate(code, {})))
    except NotEvaluated:
        return None


Rule = Callable[[Clauses], Iterator[Phrase]]


_SUPPOSED = re.compile(
    r"\b(?:if(?! (?:runs?|branch|block|body|clause|check|test|condition|statement|is (?:true|false|taken|skipped|entered)))|unless|would|could|should|might|otherwise|suppose|supposing|whenever|whether|until|"
    r"instead of|rather than|needs? to|had to|have to|wants? to|instinct|expect|imagine|say,|"
    r"not yet|without|never|e\.g\.|possibly|maybe|perhaps|guess|at most|at least|more generally|"
    r"easiest|can|cannot|may)\b",
    re.IGNORECASE,
)


_BREAK = re.compile(r"[.;:!?\u2014\u2013]|, (?!«v)|\bbut\b|\bso\b|->")


def silent_stretches(template: str) -> list[tuple[int, int]]:
    """Where a sentence supposes, asks or denies rather than states."""
    if template.rstrip(" *_)\"'").endswith("?"):
        return [(0, len(template))]
    found: list[tuple[int, int]] = []
    for match in _SUPPOSED.finditer(template):
        start, word = match.start(), match[0].lower()
        ends = _BREAK.search(template, match.end())
        if word in ("would", "could", "might", "should", "may", "can", "cannot"):
            before = [b.end() for b in _BREAK.finditer(template, 0, start)]
            start = before[-1] if before else 0
        found.append((start, ends.start() if ends else len(template)))
    return found


def each(
    sentence: Clauses, pattern: re.Pattern[str], keep: bool = False
) -> Iterator[re.Match[str]]:
    """Matches in stretches that no rule has used; used from now on unless ``keep``."""
    position = 0
    while (match := pattern.search(sentence.template, position)) is not None:
        if sentence.free(*match.span()):
            if not keep:
                sentence.taken.append(match.span())
            yield match
        used = keep and not sentence.free(*match.span())
        position = match.start() + 1 if used else max(match.end(), match.start() + 1)


def value_phrases(
    name: str, shown: Shown | None, words: str, at: tuple[int, int], s: Clauses
) -> Iterable[Phrase]:
    """A value said of a name; of a call, what it gives."""
    if shown is None:
        return
    if "\u2248" in words and shown.text is not None:
        shown = shown._replace(elided=True)
    moment: Moment = "after" if CHANGE.search(words) else "state"
    early = bool(EARLY.search(words))
    if shapes.called(name) in s.program.function_names:
        yield Phrase(*at, "answer" if "whole" in words else "call", Gives(name, shown), words)
    else:
        yield Phrase(*at, "value", Value(name, shown, moment), words, early)


def count_of(s: Clauses, words: str) -> int | None:
    """A number of times or of elements, in digits or in words."""
    if words.startswith("«"):
        text = s.code(words)
        return int(text) if text.isdigit() else None
    return shapes.count_of(words)
