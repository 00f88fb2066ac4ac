"""Monologues that a model reads: the exact form in which it restates them, sentence by sentence.

Prose without labels says where something was so in a thousand ways ("by then", "the 7 is turned
away"). A model understands them, so it is asked to restate each sentence as statements that leave
nothing to be guessed, a place in the run and what is so there::

    3 | L12 in go(1) | after: self.travelled == 5      once line 12 has run, in the call go(1)
    3 | L9 pass 2 of L7 | before: not x > limit        when line 9 is reached, in the 2nd pass of L7
    4 | L14 in go(7) | does not run
    5 | in go(7) | returns False
    6 | output | len(result) == 3

The number is the sentence's. Whether a statement is so is for the recording to say, not for the model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pytrace_mono.verify.claims import Claim, Kind, Place, Reading, Restated, Unread, Verb
from pytrace_mono.verify.findings import Checked

MOST = 1000
"""Statements of one answer that are read: far more than a text makes, and no endless work."""
_N = r"\d{1,9}"
_LINE = re.compile(r"[^\n]+")
_WORD = re.compile(r"\w")
_END = re.compile(r"(?<=[.!?;])\s+(?=\S)")
_ROW = re.compile(rf"\s*({_N})\s*\|([^|]*)\|(.*)")
_PART = re.compile(
    rf"(?:L(?P<line>{_N})|in (?P<call>[\w.]+(?:\(.*?\))?)|pass (?P<pass>{_N}) of L(?P<loop>{_N})"
    rf"|visit (?P<visit>{_N})|(?P<which>last|every) visit|(?P<whole>input|output))"
    r"(?:[,\s]+|$)(?=in |pass |visit |last |every |L\d|input|output|$)"
)
_MOMENT = re.compile(r"(before|after): *(.+)")
_OFTEN = re.compile(rf"(?:(runs|loops|yields)|calls ([\w.]+(?:\(.*\))?)) ({_N}) times?")
_MISREAD = "misread: "
_AGAIN = re.compile(rf"\s*({_N})\s*\|\s*(false|misread)\b.*")
_VERBED = re.compile(r"(returns|yields|raises|calls) (.+)")
_FIXED = {"runs": None, "does not run": 0}
_AT_A_LINE = ("before", "after", "runs", "loops")
_NOTHING = "-"
_WHICH = {"last": -1, "every": 0}
_KINDS: dict[Verb, Kind] = {
    "before": "value",
    "after": "value",
    "runs": "branch",
    "loops": "loop",
    "returns": "call",
    "yields": "call",
    "calls": "call",
    "raises": "exception",
    "input": "constraint",
    "output": "constraint",
}


class _Row(NamedTuple):
    sentence: int
    there: str
    said: str

    @property
    def form(self) -> str:
        """The place, where there is one, and the statement."""
        return f"{self.there} | {self.said}" if self.there else self.said


class _There(NamedTuple):
    place: Place
    visit: int | None
    whole: Verb | None


class _Said(NamedTuple):
    verb: Verb
    what: str = ""
    times: int | None = None


def sentences(text: str) -> list[tuple[int, int]]:
    """Where the sentences of a text begin and end, in characters; a line is one at least."""
    found: list[tuple[int, int]] = []
    for line in _LINE.finditer(text):
        if _WORD.search(line[0]) is None:
            continue
        start = line.start()
        for end in _END.finditer(line[0]):
            found.append((start, line.start() + end.start()))
            start = line.start() + end.end()
        found.append((start, line.end()))
    return found


def numbered(text: str) -> str:
    """A text with the number of each sentence before it, from 1."""
    parts: list[str] = []
    last = 0
    for number, (start, _) in enumerate(sentences(text), 1):
        parts += [text[last:start], f"[{number}] "]
        last = start
    return "".join([*parts, text[last:]])


def read_restated(answer: str, text: str) -> Reading:
    """The claims of a text as a model restated them.

    A sentence is unread where the model passed it over, and where nothing that it said of it is of the
    form, or stands behind the first :data:`MOST` statements.

    Args:
        answer: what the model said.
        text: the monologue.
    """
    spans = sentences(text)
    claims: list[Claim] = []
    told: set[int] = set()
    silent = 0
    for row in _rows(answer):
        if not 1 <= row.sentence <= len(spans):
            continue
        if row.said == _NOTHING:
            told.add(row.sentence)
            silent += 1
            continue
        found = _statement(row)
        if found is None or len(claims) == MOST:
            continue
        told.add(row.sentence)
        start, end = spans[row.sentence - 1]
        place, statement = found
        kind = _KINDS.get(statement.verb, "value")
        claims.append(Claim(kind, statement, place, text[start:end], start, end))
    claims.sort(key=lambda claim: claim.start)
    unread = [Unread(text[a:b], a, b) for n, (a, b) in enumerate(spans, 1) if n not in told]
    return Reading(tuple(claims), tuple(unread), len(spans), silent)


def accused(checked: Checked) -> list[tuple[str, str]]:
    """The statements that go against a recording, each as the model wrote it, and the recorded fact."""
    return [
        (f"{said.sentence} | {said.form}", finding.fact)
        for finding in checked.contradicted
        if isinstance(said := finding.claim.statement, Restated)
    ]


def looked_again(answer: str, against: Sequence[str], again: str) -> str:
    """What a model restated, with what it took back when it saw the recorded facts marked so.

    Args:
        answer: what it said first.
        against: the statements of it that were asked about again, as :func:`accused` gives them.
        again: what it said of these.
    """
    verdicts = {int(m[1]): m[2] for m in map(_AGAIN.fullmatch, again.splitlines()) if m is not None}
    back = {said for n, said in enumerate(against, 1) if verdicts.get(n) == "misread"}
    return "\n".join(
        f"{row.sentence} | {row.there} | {_MISREAD * (f'{row.sentence} | {row.form}' in back)}{row.said}"
        for row in _rows(answer)
    )


def _rows(answer: str) -> Iterator[_Row]:
    for line in answer.splitlines():
        row = _ROW.fullmatch(line)
        if row is not None:
            yield _Row(int(row[1]), row[2].strip(), row[3].strip())


def _statement(row: _Row) -> tuple[Place, Restated] | None:
    found = _place(row.there)
    if found is None:
        return None
    taken_back = row.said.startswith(_MISREAD)
    said = _Said("misread") if taken_back else _said(row.said, found)
    if said is None:
        return None
    return found.place, Restated(*said, found.visit, row.sentence, row.form)


def _place(there: str) -> _There | None:
    line = call = visit = None
    whole: Verb | None = None
    passes: list[tuple[int | None, int]] = []
    at = 0
    while at < len(there):
        part = _PART.match(there, at)
        if part is None:
            return None
        at = part.end()
        if part["line"]:
            line = int(part["line"])
        elif part["call"]:
            call = part["call"]
        elif part["pass"]:
            passes.append((int(part["loop"]), int(part["pass"])))
        elif part["whole"]:
            whole = "input" if part["whole"] == "input" else "output"
        else:
            visit = int(part["visit"]) if part["visit"] else _WHICH[part["which"]]
    return _There(Place(line, tuple(passes), call), visit, whole)


def _said(words: str, there: _There) -> _Said | None:
    if there.whole is not None:
        return _Said(there.whole, words)
    if words in _FIXED:
        said = _Said("runs", "", _FIXED[words])
    elif (moment := _MOMENT.fullmatch(words)) is not None:
        said = _Said("before" if moment[1] == "before" else "after", moment[2])
    elif (often := _OFTEN.fullmatch(words)) is not None:
        said = _Said(_verb(often[1] or "calls"), often[2] or "", int(often[3]))
    elif (verbed := _VERBED.fullmatch(words)) is not None:
        said = _Said(_verb(verbed[1]), verbed[2])
    else:
        return None
    return said if there.place.line is not None or said.verb not in _AT_A_LINE else None


def _verb(word: str) -> Verb:
    return next(verb for verb in _KINDS if verb == word)
