"""Read a monologue in free style: what is said, in the order of telling, and the cues of when."""

from __future__ import annotations

import ast
import itertools
import re
from dataclasses import replace

from pytrace_mono.records import Direction
from pytrace_mono.verify.claims import (
    Claim,
    Condition,
    Holds,
    Kind,
    Place,
    Reading,
    Unread,
    Value,
)
from pytrace_mono.verify.program import Loop, Program, targets_of
from pytrace_mono.verify.reading import shapes
from pytrace_mono.verify.reading.cells import cells_of, statement_of
from pytrace_mono.verify.reading.clauses import Clauses, Phrase
from pytrace_mono.verify.reading.comments import LONE, commented, is_made_by, statement_in
from pytrace_mono.verify.reading.cues import PASS, VISIT, hints, is_reason, is_sequel
from pytrace_mono.verify.reading.layout import Block, blocks
from pytrace_mono.verify.reading.phrases import phrases
from pytrace_mono.verify.reading.pieces import Taken, kind_of, take
from pytrace_mono.verify.reading.telling import Said, Telling

_SENTENCE = re.compile(r"(?<=[.!?])(?:[\"')*_])* (?=[A-Z«(\[*_\"'-])|(?<=[.!?][*_])(?= |$)")
_BACK = re.compile(
    r"\b(?:in the end|at the end|finally|in total|altogether|overall|summary|summing up|in all|so far|"
    r"back (?:in|at|on|to|up)|coming back|check|recap|at the start|at first|initially|note|because|since|"
    r"remember|earlier|before|after(?:wards)?|once|witness|result|returns?)\b",
    re.IGNORECASE,
)
_TOPIC = re.compile(
    r"\b(?:[Ww]hat(?:'s| is| does| value| are| was| do| will| happens to)|[Hh]ow (?:long|many|large|big)|[Aa]nd|[Ww]hich)\b[^?]*?(?P<n>«n\d+»)"
)
_ANSWER = re.compile(
    r"^\W*(?:A: ?|\*\*A:?\*\* ?)?\W*(?:(?:It|it|That|that|Still|Now|Then|They|Both|This)(?:'s| is| was| becomes| holds| are| has become)?(?: now| then| still)? )?(?P<v>«v\d+»)(?=[,.;!*)]| (?:entries|elements|items|now|then|because|since|after|at|by)|$)"
)
_OVER = re.compile(
    r"\b(?:loop (?:ends|is over|is done|stops|finishes|exits|terminates|is left)|after the loop|in the end|"
    r"finally|at the end|returns?|in total|altogether|next|then the|outer|inner)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[;:.!?]|, |\bwhile (?!loop|body)|\band\b|\bbut\b|->| - ")
_NUMBERED = re.compile(
    r"^(?:iter(?:ation)?s?|pass(?:es)?|round|pull|visit|turn|loop|trip|year|#|no\.?)$", re.I
)
_ROW_LINE = re.compile(r"^lines?(?: no\.?)?$", re.I)
_NOTHING = frozenset({"", "-", "--", "\u2014", "\u2013", "...", "same", "n/a", "unchanged", "none"})


def tell(text: str, program: Program, direction: Direction) -> Telling:
    """Read a monologue in free style, up to its ``[ANSWER]``."""
    end = text.find("[ANSWER]")
    return _Prose(text, program, direction).read(end if end >= 0 else len(text))


class _Prose:
    def __init__(self, text: str, program: Program, direction: Direction) -> None:
        self._text = text
        self._program = program
        self._direction = direction
        self._said: list[Said] = []
        self._unread: list[Unread] = []
        quoted = take(text, 0, len(text), program).pieces
        self._quotes = sum(p.quoted and p.kind == "n" for p in quoted) > 2
        self._coded = 0
        self._prose = 0
        self._topic: tuple[str, bool] | None = None
        self._columns: list[str] = []
        self._table = 0
        self._loops = [s for s, _ in program.at.values() if isinstance(s, Loop)]
        self._targets = {n for loop in self._loops for n in targets_of(loop)}
        self._written = {
            ast.unparse(loop.target) for loop in self._loops if not isinstance(loop, ast.While)
        }
        self._visit_line: int | None = None
        self._pass: int | None = None

    def read(self, end: int) -> Telling:
        for block in blocks(self._text[:end]):
            if block.kind == "row":
                self._row(block)
                continue
            for start, stop in self._lines(block):
                if block.kind != "code" or not self._text[:start].rstrip(" ").endswith("\n"):
                    self._pass = None
                if block.kind == "code":
                    self._code(start, stop)
                else:
                    self._line(start, stop, block)
        self._said = [replace(s, line=self._text.count("\n", 0, s.claim.start)) for s in self._said]
        claims = tuple(s.claim for s in self._said if not s.hint)
        reading = Reading(claims, tuple(self._unread), self._coded, self._prose)
        return Telling(tuple(self._said), reading, self._direction)

    def _lines(self, block: Block) -> list[tuple[int, int]]:
        """Lines that stand for themselves; one that only wraps belongs to the one above."""
        found: list[tuple[int, int]] = []
        position = block.start
        for line in self._text[block.start : block.end].split("\n"):
            start, position = position, position + len(line) + 1
            wraps = found and found[-1][1] - found[-1][0] > 60 and re.match(r"\s*[a-z`(]", line)
            if wraps and not re.match(r"\s*\w+ ?=", line):
                found[-1] = (found[-1][0], start + len(line))
            elif line.strip():
                found.append((start, start + len(line)))
        return found

    def _code(self, start: int, stop: int) -> None:
        """A line of a block of code."""
        before = len(self._said)
        self._commented(start, stop)
        code, mark, _note = self._text[start:stop].partition("#")
        lines = self._program.lines_of(code) if mark else frozenset()
        if lines:
            self._said[before:] = [
                replace(s, code=lines) if is_made_by(s, lines, self._program) else s
                for s in self._said[before:]
            ]

    def _commented(self, start: int, stop: int) -> None:
        """What stands behind ``#`` tells of what stands before it."""
        line = self._text[start:stop]
        head, mark, _note = line.partition("#")
        taken = take(self._text, start, stop, self._program)
        if not mark:
            code = head.strip().removeprefix("assert ").strip()
            if self._direction == "backward" and kind_of(code, self._program) == "c":
                at = (stop - len(head.lstrip()), stop)
                claim = Claim("constraint", Holds(code), Place(), head.strip(), *at)
                self._said.append(Said(claim))
                return
            if not re.search(r"[^=!<>]=[^=]|->", head) or re.search(
                r"[-+*/%]=|\bfor\b|\bwhile\b|\bif\b", head
            ):
                return
            self._sentence(taken, 0, len(taken.template), 0, code=True)
            return
        code = statement_in(head)
        offset = start + len(head) + 1
        behind = take(self._text, offset, stop, self._program)
        stated = commented(self._text, start, stop, behind, self._program)
        if stated is not None:
            self._said.append(Said(stated))
            return
        lone = LONE.match(behind.template)
        if re.match(r"return\b", code) and lone is not None:
            taken = take(
                f"return {behind.pieces[int(lone[1])].text}",
                0,
                7 + len(behind.pieces[int(lone[1])].text),
                self._program,
            )
        plain = re.search(r"(?<![-+*/%=!<>])=(?!=)", head) and not re.match(
            r"(?:for|while|if|elif|return|def)\b", code
        )
        before = len(self._said)
        node_kind = kind_of(code, self._program) if code else "x"
        if (plain and node_kind == "a") or re.match(r"return\b", code):
            first = take(self._text, start, start + len(head), self._program)
            self._sentence(first, 0, len(first.template), 0, code=True)
        self._sentence(
            behind, 0, len(behind.template), 0, code=True, joint=len(self._said) > before
        )

    def _line(self, start: int, stop: int, block: Block) -> None:
        taken = take(self._text, start, stop, self._program)
        template = taken.template
        cuts = [0, *(m.end() for m in _SENTENCE.finditer(template)), len(template)]
        if block.section == "properties":
            for piece in taken.pieces:
                if piece.kind == "c":
                    at = (piece.start, piece.end)
                    claim = Claim("property", Holds(piece.text), Place(), piece.text, *at)
                    self._said.append(Said(claim))
            return
        for number, (a, b) in enumerate(itertools.pairwise(cuts)):
            if b > a:
                self._sentence(taken, a, b, number)

    def _sentence(
        self, taken: Taken, a: int, b: int, number: int, *, code: bool = False, joint: bool = False
    ) -> None:
        template = taken.template[a:b]
        if self._quotes and not code:
            template = self._words(template, taken)
        clauses = Clauses(template, taken.pieces, self._program, self._direction == "backward")
        for match in re.finditer(r"\b[Ss]teps? «v\d+»", template):
            clauses.taken.append(match.span())
        found_hints = hints(taken, template, a, self._targets, self._written)
        passes, visits, lines = self._cues(clauses)
        if passes and (passes[0][0] < 16 or code):
            self._pass = passes[0][1]
        elif passes or _OVER.search(template):
            self._pass = None
        found = phrases(clauses)
        answered = self._answer(clauses)
        if answered is not None and not any(p.start <= answered.start < p.end for p in found):
            found = sorted([*found, answered], key=lambda p: p.start)
        question = template.rstrip(" *_").endswith("?")
        if question:
            topic = _TOPIC.search(template)
            names = re.findall(r"«n\d+»", template)
            self._topic = None
            if topic is not None and len(names) == 1 and "Which" not in template:
                self._topic = (
                    clauses.code(topic["n"]),
                    bool(re.search("ow (?:long|many|large)|length", template)),
                )
        elif template.strip(" *_").rstrip(":") not in ("A", ""):
            self._topic = None
        self._note(taken, a, b, found)
        back = bool(_BACK.search(template))
        items: list[tuple[int, Said]] = [*found_hints]
        end = -1
        for phrase in found:
            tight = (
                end >= 0
                and re.fullmatch(r",? (?:and )?|; ?", template[end : phrase.start]) is not None
            )
            end = phrase.end
            first, last = (
                taken.places[a + phrase.start],
                taken.places[min(a + phrase.end, len(taken.places) - 1)],
            )
            place, visit = self._place(phrase, passes, visits, lines)
            claim = Claim(
                phrase.kind, phrase.statement, place, self._text[first:last].strip(), first, last
            )
            loosely = not passes and self._pass is not None and not place.passes
            if loosely and self._pass is not None:
                place = Place(place.line, ((None, self._pass),))
                claim = claim._replace(place=place)
            words = (
                phrase.words if phrase.kind != "loop" else self._clause(taken, template, a, phrase)
            )
            items.append(
                (
                    phrase.start,
                    Said(
                        claim,
                        False,
                        True,
                        back,
                        phrase.early or is_reason(template, phrase.start),
                        None,
                        visit,
                        words,
                        loosely,
                        is_sequel(template, phrase.start),
                        tight,
                    ),
                )
            )
        items.sort(key=lambda item: item[0])
        for index, (_, said) in enumerate(items):
            self._said.append(replace(said, joint=bool(index) or joint))

    def _clause(self, taken: Taken, template: str, a: int, phrase: Phrase) -> str:
        """The words of the clause that a phrase stands in."""
        starts = [m.end() for m in _CLAUSE.finditer(template, 0, phrase.start)]
        ends = _CLAUSE.search(template, phrase.end)
        start = taken.places[a + (starts[-1] if starts else 0)]
        stop = taken.places[
            min(a + (ends.start() if ends else len(template)), len(taken.places) - 1)
        ]
        return self._text[start:stop].replace("`", "").replace("*", "")

    def _note(self, taken: Taken, a: int, b: int, found: list[Phrase]) -> None:
        quoted = any(
            p.quoted and taken.places[a] <= p.start < taken.places[b] for p in taken.pieces
        )
        self._coded += quoted
        if found:
            return
        start, end = taken.places[a], taken.places[b]
        if quoted:
            self._unread.append(Unread(self._text[start:end].strip(), start, end))
        elif re.search(r"[A-Za-z]", taken.template[a:b]):
            self._prose += 1

    def _words(self, template: str, taken: Taken) -> str:
        """Where names stand in backticks, one that does not is a word of English."""

        def plain(match: re.Match[str]) -> str:
            piece = taken.pieces[int(match[1])]
            if piece.quoted or not piece.text.isalpha() or len(piece.text) < 3:
                return match[0]
            return "_" * len(match[0])

        return re.sub(r"«n(\d+)»", plain, template)

    def _cues(
        self, s: Clauses
    ) -> tuple[list[tuple[int, int]], list[tuple[int, int, int | None]], list[tuple[int, int]]]:
        """Iterations, visits and lines that are named, with where."""
        passes: list[tuple[int, int]] = []
        for match in PASS.finditer(s.template):
            if match[1] is not None:
                text = s.pieces[int(match[1])].text
                if text.isdigit():
                    passes.append((match.start(), int(text)))
                    s.taken.append(match.span())
            else:
                passes.append((match.start(), shapes.ORDINALS.index(match[2].lower())))
        visits: list[tuple[int, int, int | None]] = []
        for match in VISIT.finditer(s.template):
            word = (match["o"] or match["p"]).lower()
            label = match["l"] or match["m"]
            line = int(s.code(label)) if label else None
            visits.append((match.start(), shapes.ORDINALS.index(word), line))
        lines = [(m.start(), int(s.code(m[0]))) for m in re.finditer(r"«L\d+»", s.template)]
        if lines:
            self._visit_line = lines[0][1]
        return passes, visits, lines

    def _place(
        self,
        phrase: Phrase,
        passes: list[tuple[int, int]],
        visits: list[tuple[int, int, int | None]],
        lines: list[tuple[int, int]],
    ) -> tuple[Place, int | None]:
        before = [n for at, n in passes if at <= phrase.start]
        near = [n for at, n in passes if at >= phrase.end]
        number = before[-1] if before else (near[0] if near and len(passes) == 1 else None)
        told = [(n, line) for at, n, line in visits if at <= phrase.start]
        label = phrase.line
        if label is None:
            labels = [n for at, n in lines if at <= phrase.start]
            label = labels[-1] if labels else None
        visit: int | None = None
        if told:
            visit, line = told[-1]
            named = max(at for at, _, _ in visits if at <= phrase.start)
            since = [n for at, n in lines if named + 24 < at <= phrase.start]
            if since:
                return Place(since[-1], ()), None
            if line is None and isinstance(phrase.statement, Condition):
                return Place(label, ()), None  # the visit may be of another line than is tested
            label = line or label or self._visit_line
            if label is None:
                return Place(None, ((None, visit),)), None
        return Place(label, ((None, number),) if number else ()), visit

    def _answer(self, s: Clauses) -> Phrase | None:
        """What answers "What is `right` at the beginning?"."""
        if self._topic is None:
            return None
        match = _ANSWER.match(s.template)
        if match is None:
            return None
        name, size = self._topic
        shown = s.shown(match["v"])
        if shown is None:
            return None
        expression = f"len({name})" if size else name
        return Phrase(
            match.start("v"),
            match.end("v"),
            "value",
            Value(expression, shown, "state"),
            match[0],
            True,
        )

    def _row(self, block: Block) -> None:
        cells = cells_of(self._text, block)
        if self._table != block.table:
            self._table = block.table
            self._columns = [
                self._text[a:b].replace("**", "").replace("`", "").strip() for a, b in cells
            ]
            return
        self._coded += "`" in self._text[block.start : block.end]
        passes: tuple[tuple[int | None, int], ...] = ()
        line: int | None = None
        joint = False
        for column, (start, end) in zip(self._columns, cells, strict=False):
            value = self._text[start:end].replace("**", "").replace("`", "").strip()
            if _NUMBERED.match(column) and value.isdigit():
                passes = ((None, int(value)),)
            elif _ROW_LINE.match(column) and value.isdigit():
                line = int(value)
        for column, (start, end) in zip(self._columns, cells, strict=False):
            value = self._text[start:end].replace("**", "").replace("`", "").strip()
            if value.lower() in _NOTHING or _NUMBERED.match(column) or _ROW_LINE.match(column):
                continue
            statement = statement_of(column, value, self._program)
            if statement is None:
                taken = take(self._text, start, end, self._program)
                self._sentence(taken, 0, len(taken.template), 0, joint=joint)
                continue
            kind: Kind = "value" if isinstance(statement, Value) else "branch"
            claim = Claim(
                kind, statement, Place(line, passes), self._text[start:end].strip(), start, end
            )
            self._said.append(Said(claim, False, joint, False, True, f"{self._table}:{column}"))
            joint = True
