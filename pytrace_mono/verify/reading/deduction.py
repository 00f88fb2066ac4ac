"""Words of arguing backwards: where values came from, what had to hold, the input that is chosen."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pytrace_mono.verify.claims import (
    Changes,
    Condition,
    Gives,
    Growth,
    History,
    Inputs,
    Passes,
    Quoted,
    Reached,
    Shown,
    Taken,
    Value,
)
from pytrace_mono.verify.reading import shapes
from pytrace_mono.verify.reading.sentence import Found, Match, Rules, Sentence
from pytrace_mono.verify.reading.shapes import COUNT, TIMES, C, S, V

DEDUCTION = Rules()
_ALL_V = re.compile(V)
_LABELLED = re.compile(rf"\[L(\d+)\] ({C})")


def _values(sentence: Sentence, words: str) -> tuple[Shown, ...]:
    found = (sentence.shown(m[0]) for m in _ALL_V.finditer(words))
    return tuple(s for s in found if s is not None)


@DEDUCTION.add(
    rf"({S}) was (?:made|built|computed|produced) from ({C}) and came to ({V})", "came to"
)
def _made(s: Sentence, m: Match) -> Iterable[Found]:
    name, shown = s.name(m[1]), s.shown(m[3])
    if name and shown:
        yield Found("quote", Quoted(s.code(m[2])))
        yield Found("value", Value(name, shown, "after"))


@DEDUCTION.add(rf"[Ww]hat comes back is ({C})", "omes back is")
def _comes_back(s: Sentence, m: Match) -> Iterable[Found]:
    if s.program.has(shapes.normal(s.code(m[1]))):
        yield Found("quote", Quoted(s.code(m[1])))


@DEDUCTION.add(rf"({C}) was set to ({V})", "was set to")
@DEDUCTION.add(rf"left ({C}) as ({V})", "left ")
def _set(s: Sentence, m: Match) -> Iterable[Found]:
    name, shown = s.name(m[1]), s.shown(m[2])
    if name and shown:
        yield Found("value", Value(name, shown, "after"))


@DEDUCTION.add(r"[Gg]oing back from the end it was (.+)", "back from the end")
@DEDUCTION.add(r"[Ii]ts values?(?: were)?,? from the end back(?: were)?:? (.+)", "from the end")
def _history(s: Sentence, m: Match) -> Iterable[Found]:
    if s.subject:
        elided = "so on" in m[1] or "..." in m[1]
        yield Found("value", History(s.subject, _values(s, m[1]), elided))


@DEDUCTION.add(r"[Tt]he amounts by which it moved were (.+)", "by which it moved")
@DEDUCTION.add(r"[Ww]hat it appended was (.+)", "it appended was")
@DEDUCTION.add(r"[Ee]ach time it moved by (.+)", "ach time it moved")
def _growth(s: Sentence, m: Match) -> Iterable[Found]:
    if s.subject:
        each = m[0][1:].startswith("ach")
        yield Found("value", Growth(s.subject, _values(s, m[1]), each))


@DEDUCTION.add(rf"(?:The end value is|It ends as) ({V})", "nd")
def _end(s: Sentence, m: Match) -> Iterable[Found]:
    shown = s.shown(m[1])
    if s.subject and shown:
        yield Found("value", History(s.subject, (shown,), True))


@DEDUCTION.add(
    rf"after that (?:only )?((?:\[L\d+\](?:, | and )?)+) changes? it, ({TIMES})", "after that"
)
def _changes(s: Sentence, m: Match) -> Iterable[Found]:
    if s.subject:
        lines = tuple(int(n) for n in re.findall(r"\[L(\d+)\]", m[1]))
        yield Found("loop", Changes(s.subject, lines, shapes.count_of(m[2])))


@DEDUCTION.add(
    rf"\[L(\d+)\] sets ({C}) ({TIMES}) in this run(?:, from ({C}))?"
    rf"(?:: (?:from ({V}) on, )?to ([^.;]+)|; the last time to ({V}))?",
    "in this run",
)
def _sets(s: Sentence, m: Match) -> Iterable[Found]:
    name, line = s.code(m[2]), int(m[1])
    yield Found("loop", Changes(name, (line,), shapes.count_of(m[3])), line)
    if m[4]:
        yield Found("quote", Quoted(s.code(m[4])), line)
    if m[6]:
        values = _values(s, m[6])
        start = s.shown(m[5]) if m[5] else None
        elided = "so on" in m[6] or "..." in m[6]
        yield Found(
            "value", History(name, ((start,) if start else ()) + values, elided, True), line
        )
    if m[7] and (last := s.shown(m[7])):
        yield Found("value", History(name, (last,), True), line)


_EVERY = rf"(?:all ({COUNT})|(both)) checks|its one check"


def _every(count: str | None, both: str | None) -> int:
    return 2 if both else shapes.count_of(count or "one")


@DEDUCTION.add(
    rf"\[L(\d+)\] chooses when \[L\d+\] runs: it needs ({C}), which was so in "
    rf"(?:({COUNT}) of ({COUNT})|{_EVERY})",
    "chooses when",
)
def _chooses(s: Sentence, m: Match) -> Iterable[Found]:
    every = _every(m[5], m[6])
    share = (shapes.count_of(m[3]), shapes.count_of(m[4])) if m[3] else (every, every)
    yield Found("branch", Condition(s.code(m[2]), True, share), int(m[1]))


@DEDUCTION.add(
    rf"took ({C}) from ({C})(?:: ([^.]*?(?:\.\.\.[^.]*?)?)(?:, in this order| alone))?", " took "
)
def _took(s: Sentence, m: Match) -> Iterable[Found]:
    yield Found("quote", Quoted(s.code(m[2])))
    if m[3]:
        yield Found("loop", Taken(s.code(m[1]), _values(s, m[3]), "..." in m[3]))


@DEDUCTION.add(rf"kept the loop going while ({C}), for ({COUNT}) pass", "kept the loop")
def _kept(s: Sentence, m: Match) -> Iterable[Found]:
    yield Found("quote", Quoted(s.code(m[1])))
    yield Found("loop", Passes(shapes.count_of(m[2])))


@DEDUCTION.add(
    r"(?:only under (?:this condition|these conditions): |; it took |it needed )(\[L[^.]*)", "[L"
)
def _gates(s: Sentence, m: Match) -> Iterable[Found]:
    for line, piece in _LABELLED.findall(m[1]):
        yield Found("branch", Condition(s.code(piece), True), int(line))


@DEDUCTION.add(r"inside the loop at \[L(\d+)\], in iteration (\d+)", "inside the loop")
def _inside(s: Sentence, m: Match) -> Iterable[Found]:
    yield Found("loop", Passes(int(m[2]), False), int(m[1]))


@DEDUCTION.add(rf"\[L(\d+)\] broke it off(?:, when \[L(\d+)\] ({C}) held)?", "broke it off")
def _broken(s: Sentence, m: Match) -> Iterable[Found]:
    yield Found("branch", Reached(int(m[1]), int(m[1]), True))
    if m[2]:
        yield Found("branch", Condition(s.code(m[3]), True), int(m[2]))


@DEDUCTION.add(
    r"((?:\[L\d+\](?:, | and )?)+) would [^.:]*, so (?:it|they) must not run"
    rf"(?:: \[L(\d+)\] ({C}) (?:(?:was {V} and )?(ran no pass)|failed in (?:{_EVERY})))?",
    "must not run",
)
def _not_run(s: Sentence, m: Match) -> Iterable[Found]:
    for line in map(int, re.findall(r"\d+", m[1])):
        yield Found("branch", Reached(line, line, False))
    if m[4]:
        yield Found("loop", Passes(0), int(m[2]))
    elif m[2]:
        every = _every(m[5], m[6])
        yield Found("branch", Condition(s.code(m[3]), False, (every, every)), int(m[2]))


@DEDUCTION.add(r"the last of these is the base case at \[L(\d+)\]", "base case")
def _base(s: Sentence, m: Match) -> Iterable[Found]:
    yield Found("branch", Reached(int(m[1]), int(m[1]), True))


@DEDUCTION.add(rf"\[L(\d+)\] is the ({C}) that this takes", "is the ")
def _takes(s: Sentence, m: Match) -> Iterable[Found]:
    yield Found("quote", Quoted(s.code(m[2])), int(m[1]))


@DEDUCTION.add(r"\[L(\d+)\] stands in the «\d+» of the loop at \[L(\d+)\]", "stands in")
def _stands(s: Sentence, m: Match) -> Iterable[Found]:
    yield Found("quote", Quoted("else"), int(m[1]))


@DEDUCTION.add(rf"(?:it has to be|it must be|has to come out as) ({V})", "it ")
def _has_to(s: Sentence, m: Match) -> Iterable[Found]:
    shown = s.shown(m[1])
    if shown is not None:
        yield Found("call", Gives(None, shown))


@DEDUCTION.add(rf"(?:[Oo]nly this line|[Tt]his line) hands back ({C})", "hands back")
def _hands(s: Sentence, m: Match) -> Iterable[Found]:
    shown = shapes.from_code(s.code(m[1]))
    if shown is not None:
        yield Found("call", Gives(None, shown))


@DEDUCTION.add(
    r"(?:met by|every point is|all of this is|that was found is|simple one is|input is|witness(?: is|:)?|[Cc]hoose|[Pp]ick|[Tt]ake|"
    r"choosing|arguments?(?: are|:)|inputs?(?: are|:)|one (?:such )?input(?: is|:)?) ((?:«\d+»(?:, and |, | and )?)+)",
)
def _witness(s: Sentence, m: Match) -> Iterable[Found]:
    pairs: list[tuple[str, Shown]] = []
    for piece in re.findall(C, m[1]):
        code = s.code(piece)
        for name, text in shapes.assignments(code):
            shown = shapes.from_code(text)
            if shown is not None:
                pairs.append((name, shown))
        called = re.match(r"([A-Za-z_][\w.]*)\(", code)
        if called and called[1].rsplit(".", 1)[-1] in s.program.function_names:
            pairs.append(("", Shown(code)))
    if pairs:
        yield Found("witness", Inputs(tuple(pairs)))
