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
from typing import NamedTuple

from pytrace_mono.verify.claims import Claim, Kind, Place, Reading, Restated, Unread, Verb

_LINE = re.compile(r"[^\n]*\w[^\n]*")
_END = re.compile(r"(?<=[.!?;])\s+(?=\S)")
_ROW = re.compile(r"\s*(\d+)\s*\|([^|]*)\|(.*)")
_PART = re.compile(
    r"(?:L(?P<line>\d+)|in (?P<call>[\w.]+(?:\(.*?\))?)|pass (?P<pass>\d+) of L(?P<loop>\d+)"
    r"|visit (?P<visit>\d+)|(?P<which>last|every) visit|(?P<whole>input|output))"
    r"(?:[,\s]+|$)(?=in |pass |visit |last |every |L\d|input|output|$)"
)
_MOMENT = re.compile(r"(before|after): *(.+)")
_OFTEN = re.compile(r"(?:(runs|loops|yields)|calls ([\w.]+)) (\d+) times?")
_VERBED = re.compile(r"(returns|yields|raises|calls) (.+)")
_FIXED = {"runs": None, "does not run": 0}
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


class _There(NamedTuple):
    place: Place
    visit: int | None
    whole: Verb | None


def sentences(text: str) -> list[tuple[int, int]]:
    """Where the sentences of a text begin and end, in characters; a line is one at least."""
    found: list[tuple[int, int]] = []
    for line in _LINE.finditer(text):
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

    A sentence that it passed over is unread. A statement that is not of the form is a claim all the
    same, one that nothing decides; a line without the number of a sentence says nothing.

    Args:
        answer: what the model said.
        text: the monologue.
    """
    spans = sentences(text)
    claims: list[Claim] = []
    told: set[int] = set()
    silent = 0
    for line in answer.splitlines():
        row = _ROW.fullmatch(line)
        number = 0 if row is None else int(row[1])
        if row is None or not 1 <= number <= len(spans):
            continue
        there, said = row[2].strip(), row[3].strip()
        told.add(number)
        if said == _NOTHING:
            silent += 1
            continue
        start, end = spans[number - 1]
        found = _place(there)
        statement = None if found is None else _statement(said, found)
        if found is None or statement is None:
            found = _There(Place(), None, None)
            statement = Restated("unclear", f"{there} | {said}")
        kind = _KINDS.get(statement.verb, "value")
        claims.append(Claim(kind, statement, found.place, text[start:end], start, end))
    claims.sort(key=lambda claim: claim.start)
    unread = [Unread(text[a:b], a, b) for n, (a, b) in enumerate(spans, 1) if n not in told]
    return Reading(tuple(claims), tuple(unread), len(spans), silent)


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


def _statement(said: str, there: _There) -> Restated | None:
    if there.whole is not None:
        return Restated(there.whole, said)
    has_line = there.place.line is not None
    moment = _MOMENT.fullmatch(said)
    if moment is not None:
        verb: Verb = "before" if moment[1] == "before" else "after"
        return Restated(verb, moment[2], visit=there.visit) if has_line else None
    if said in _FIXED:
        return Restated("runs", "", _FIXED[said], there.visit) if has_line else None
    often = _OFTEN.fullmatch(said)
    if often is not None:
        verb = _verb(often[1] or "calls")
        if verb in ("runs", "loops") and not has_line:
            return None
        return Restated(verb, often[2] or "", int(often[3]), there.visit)
    verbed = _VERBED.fullmatch(said)
    return None if verbed is None else Restated(_verb(verbed[1]), verbed[2], visit=there.visit)


def _verb(word: str) -> Verb:
    return next(verb for verb in _KINDS if verb == word)
