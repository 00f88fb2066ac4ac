"""One block of a labelled monologue, a bullet or a paragraph, as Claims."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from pytrace_mono.records import Direction
from pytrace_mono.verify.claims import Claim, Holds, Place, Quoted, Shown, Unread, Value
from pytrace_mono.verify.program import Program
from pytrace_mono.verify.reading import shapes
from pytrace_mono.verify.reading.deduction import DEDUCTION
from pytrace_mono.verify.reading.events import EVENTS
from pytrace_mono.verify.reading.layout import Section
from pytrace_mono.verify.reading.masking import Masked, mask
from pytrace_mono.verify.reading.sentence import Found, Rules, Sentence, Spot, Words, words_of
from pytrace_mono.verify.reading.values import VALUES
from pytrace_mono.verify.source import parsed

_FORWARD = Rules(VALUES, EVENTS)
_BACKWARD = Rules(DEDUCTION, VALUES, EVENTS)

Passes = tuple[tuple[int | None, int], ...]
"""Iterations, outermost first: the line of the loop, where it is told, and which one."""

_ORDINALS = "|".join(shapes.ORDINALS[1:])
_PASS = re.compile(
    rf"\b(?:iteration|iter|pass|round|loop|visit|turn|trip|lap)\.? ?#?:? ?(\d+)\b(?! (?:to|times)\b)"
    rf"|\b(?:iteration|pass|round|number) ({'|'.join(shapes.WORDS[1:13])})\b"
    rf"|\b({_ORDINALS}|\d+(?:st|nd|rd|th))(?: and (?:final|last))? "
    r"(?:iteration|pass|round|time(?: through| around| round)?|visit|turn|trip|go(?:-round)?|lap)\b",
    re.IGNORECASE,
)
_SPAN = re.compile(
    r"\b(?:iterations|passes|iters|rounds) (\d+) ?(?:to|[-\u2013\u2014]|through|and) ?(\d+)",
    re.IGNORECASE,
)
_IN_CALL = re.compile(
    r"^(?:\[L\d+\] )?(?:In|Inside|Within|Now in|For|Call(?:ing)?) («\d+»)(?::| ?$|,)"
    r"|^For that, («\d+») had to give "
)
_END = re.compile(r"(?<=[.!?])(?:['\")])? (?=[A-Z«\[(~\u2022-])|(?<=[.!?]) (?=[a-z])")
_LEFT_OUT = re.compile(
    r"\b(?:iterations?|passes|iters?|rounds?) (?:\d+ ?(?:to|[-\u2013\u2014]|through) ?)?(\d+) go(?:es)? on\b",
    re.IGNORECASE,
)
_SUMMARY = re.compile(r"(?:After that|In the end|After the loop|Afterwards)\b")
_AFTERWARDS = re.compile(
    r"\bloop (?:ends|is over|is done|finishes|exits|has ended|stops|terminates)|[Aa]fter the loop|"
    r"[Aa]fter that,|leaves? the loop|end of the loop|loop is left"
)


class _Marks(NamedTuple):
    """What in a template says when; numbers are given by their place among those of the sentence.

    Passes are given with their position, and as words are read, where they are no numbers.
    """

    spans: bool
    passes: tuple[tuple[int, str | int], ...]
    left_out: int | None
    summary: bool
    afterwards: bool
    letters: bool


class _Part(NamedTuple):
    """A sentence of a block: where it begins, the place of its first number, its words and marks."""

    start: int
    number: int
    words: Words
    marks: _Marks


class _Parts(NamedTuple):
    """The template of a block in sentences; ``call`` is the piece that is the call it is inside of."""

    sentences: tuple[_Part, ...]
    call: int | None


@lru_cache(maxsize=2048)
def _parts(template: str) -> _Parts:
    """Found once: templates come again and again."""
    starts = [0, *(m.end() for m in _END.finditer(template))]
    if starts[-1] == len(template) and len(starts) > 1:
        starts.pop()
    sentences = []
    numbers = 0
    for start, end in zip(starts, [*starts[1:], len(template)], strict=True):
        words = words_of(template[start:end])
        sentences.append(_Part(start, numbers, words, _marks(words)))
        numbers += len(words.digits)
    called = _IN_CALL.match(template)
    return _Parts(
        tuple(sentences),
        int((called[1] or called[2])[1:-1]) if called is not None else None,
    )


def _marks(words: Words) -> _Marks:
    template = words.template
    passes: list[tuple[int, str | int]] = []
    for match in _PASS.finditer(template):
        stated = match[1] or match[2] or match[3]
        number = words.number_at(match.start())
        passes.append((match.start(), number if stated[0].isdigit() else stated))
    left_out = _LEFT_OUT.search(template)
    return _Marks(
        _SPAN.search(template) is not None,
        tuple(passes),
        words.number_at(left_out.start(1)) if left_out is not None else None,
        _SUMMARY.match(template) is not None,
        _AFTERWARDS.search(template) is not None,
        re.search(r"[A-Za-z]", template) is not None,
    )


@dataclass(slots=True, unsafe_hash=True)
class Context:
    """What a block hands down to those below it; it changes only while its block is read."""

    indent: int
    line: int | None = None
    loop: int | None = None
    passes: Passes = ()
    call: str | None = None
    left_out: Passes = ()


class Part(NamedTuple):
    """What a block says: places of Claims are counted from its beginning, ``below`` is its context."""

    claims: tuple[Claim, ...]
    unread: tuple[Unread, ...]
    coded: int
    prose: int
    below: Context


# What a program is for is told of each of its Calls in the same words.
@lru_cache(maxsize=256)
def read_block(
    text: str,
    section: Section,
    indent: int,
    above: Context,
    program: Program,
    direction: Direction,
) -> Part:
    """Read a block that stands below ``above``."""
    return _Block(text, section, indent, above, program, direction).read()


class _Block:
    def __init__(
        self,
        text: str,
        section: Section,
        indent: int,
        above: Context,
        program: Program,
        direction: Direction,
    ) -> None:
        self._text = text
        self._section = section
        self._above = above
        self._program = program
        self._direction = direction
        self._claims: list[Claim] = []
        self._unread: list[Unread] = []
        self._coded = 0
        self._prose = 0
        self._below = Context(indent, above.line, above.loop, above.passes, above.call)

    def read(self) -> Part:
        """All that the block says."""
        context = self._below
        masked = mask(self._text, self._program.bound)
        codes = masked.codes
        parts = _parts(masked.template)
        if parts.call is not None:
            code = codes[parts.call]
            name = shapes.called(code) or code.rsplit(".", 1)[-1]
            if name in self._program.function_names:
                context.call = code
                context.passes = ()
                context.loop = None
                context.line = None
        line = context.line
        subject: str | None = None
        first: int | None = None
        for part in parts.sentences:
            words = part.words
            sentence = Sentence(
                words,
                codes,
                masked.numbers[part.number : part.number + len(words.digits)],
                self._program,
                line,
                subject,
            )
            self._sentence(sentence, part, masked)
            subject = sentence.subject
            if words.labels:
                first = int(sentence.numbers[words.labels[0][1]]) if first is None else first
                line = int(sentence.numbers[words.labels[-1][1]])
        context.line = line
        if first in self._program.loop_lines:
            context.loop = first
        return Part(tuple(self._claims), tuple(self._unread), self._coded, self._prose, context)

    def _sentence(self, sentence: Sentence, part: _Part, masked: Masked) -> None:
        context = self._below
        words, marks, offset = part.words, part.marks, part.start
        numbers = sentence.numbers
        passes = self._passes(words, marks, numbers)
        over = False
        if marks.summary:
            context.passes = self._base()
            over = self._sums_up(sentence)
        if self._section == "properties":
            found = _properties(sentence)
        else:
            rules = _BACKWARD if self._direction == "backward" else _FORWARD
            found, left = rules.read(sentence)
            if left:
                left = self._bindings(sentence, left, found)
                if self._section == "about":
                    found += [
                        (start, end, Found("quote", Quoted(sentence.codes[number])))
                        for start, end, number in left
                    ]
                elif self._direction == "backward":
                    found += _constraints(sentence, left)
        with_code = any(spot.number in masked.quoted for spot in words.spots)
        self._coded += with_code
        if not found:
            if with_code:
                start = masked.source(offset)
                end = masked.source(offset + len(words.template))
                self._unread.append(Unread(self._text[start:end].strip(), start, end))
            else:
                self._prose += marks.letters
        firm = bool(words.labels)
        for first, last, item in found:
            line = item.line
            if line is None:
                behind = words.behind(last)
                line = sentence.line_at(first) if behind is None else int(numbers[behind])
            if over:
                stack = context.left_out
                place = Place(
                    None if stack else line,
                    stack or self._at(passes, first),
                    context.call,
                    firm,
                    True,
                )
            else:
                place = Place(line, self._at(passes, first), context.call, firm)
            a, b = masked.source(offset + first), masked.source(offset + last)
            self._claims.append(Claim(item.kind, item.statement, place, self._text[a:b], a, b))
        if passes:
            context.passes = passes[-1][1]
        if marks.left_out is not None:
            left_out = int(numbers[marks.left_out])
            context.left_out = (*self._base(), (self._above.loop, left_out))
        if marks.afterwards:
            context.passes = context.passes[:-1] if passes else ()

    def _sums_up(self, sentence: Sentence) -> bool:
        """Whether "After that" or "In the end" is about passes that were left out, or a whole loop."""
        if sentence.template.startswith("After that"):
            return bool(self._below.left_out)
        is_end = sentence.template.startswith("In the end «")
        return is_end and sentence.line in self._program.loop_lines

    def _passes(self, words: Words, marks: _Marks, numbers: list[str]) -> list[tuple[int, Passes]]:
        """Where in the sentence an iteration is named, and which ones are then in force."""
        found: list[tuple[int, Passes]] = []
        base = self._base()
        if marks.spans:
            return [(0, base)]
        loop = self._above.loop
        for start, stated in marks.passes:
            number = int(numbers[stated]) if isinstance(stated, int) else _number(stated)
            here = loop
            if words.labels and words.labels[0][0] < start:
                line = int(numbers[words.labels[0][1]])
                here = line if line in self._program.loop_lines else here
            if any(line is not None and line == here for line, _ in base):
                here = None
            found.append((start, (*base, (here, number))))
        return found

    def _base(self) -> Passes:
        """The iterations of the block above, in which this one stands."""
        return self._above.passes if self._above.indent < self._below.indent else ()

    def _at(self, passes: list[tuple[int, Passes]], position: int) -> Passes:
        current = self._below.passes
        for start, stack in passes:
            if start <= position or start < 12:
                current = stack
        return current

    def _bindings(
        self, s: Sentence, spots: tuple[Spot, ...], found: list[tuple[int, int, Found]]
    ) -> tuple[Spot, ...]:
        """Read ``x = 5`` as one piece of code; the spots that are left."""
        left: list[Spot] = []
        for spot in spots:
            taken = False
            for name, text in shapes.assignments(s.codes[spot.number]):
                shown = shapes.from_code(text)
                if shown is None:
                    if self._program.has(shapes.normal(text)) and not _constant(text):
                        found.append((spot.start, spot.end, Found("quote", Quoted(text))))
                        taken = True
                        continue
                    shown = Shown(text)
                if name.split("[")[0].split(".")[0] in self._program.bound:
                    item = Found("value", Value(name, shown, "after"))
                    found.append((spot.start, spot.end, item))
                    s.subject = name
                    taken = True
            if not taken:
                left.append(spot)
        return tuple(left)


def _constant(text: str) -> bool:
    node = parsed(text)
    return node is not None and not any(isinstance(n, ast.Name) for n in ast.walk(node))


def _properties(s: Sentence) -> list[tuple[int, int, Found]]:
    return [
        (start, end, Found("property", Holds(s.codes[number])))
        for start, end, number in s.words.spots
        if _is_predicate(s.codes[number])
    ]


def _constraints(s: Sentence, spots: tuple[Spot, ...]) -> list[tuple[int, int, Found]]:
    """In a backward text a comparison that nothing else reads must hold where it stands."""
    return [
        (start, end, Found("constraint", Holds(s.codes[number])))
        for start, end, number in spots
        if _is_predicate(s.codes[number])
    ]


def _is_predicate(code: str) -> bool:
    node = parsed(code)
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id in ("all", "any"):
            return True
        return (shapes.called(code) or "").startswith(("is", "starts", "ends"))
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.Not)
    return isinstance(node, (ast.Compare, ast.BoolOp))


def _number(stated: str) -> int:
    """The number that a word is: ``"second"``, ``"two"``."""
    low = stated.lower()
    return shapes.ORDINALS.index(low) if low in shapes.ORDINALS else shapes.WORDS.index(low)
