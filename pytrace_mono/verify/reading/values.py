"""Words for values: what a variable or expression is, becomes, goes to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytrace_mono.verify.claims import (
    Condition,
    Gives,
    Moment,
    Operand,
    Shown,
    Value,
)
from pytrace_mono.verify.reading import shapes
from pytrace_mono.verify.reading.sentence import Found, Match, Rules, Sentence
from pytrace_mono.verify.reading.shapes import VW, C, S, V
from pytrace_mono.verify.source import is_literal, parsed

VALUES = Rules()

_ADVERB = (
    r"(?:(?:now|then|also|thus|therefore|finally|again|still|just|simply|currently|exactly|already|"
    r"once more|in turn|instead|only|both|equal to|back) )*"
)
_AFTER = (
    r"(?:becomes?|became|is now|are now|starts? (?:out |off )?(?:as|at|with|from)|"
    r"started (?:as|at|with)|begins? (?:as|at|with)|"
    r"(?:is|are|was|gets|being) (?:set|updated|initiali[sz]ed|reset|assigned|changed|incremented|"
    r"bumped|raised|decremented|reduced|increased|decreased|reassigned|bound|rebound|replaced|"
    r"extended|stored|created|lowered)"
    r"(?: again| back| up| down)? ?(?:to|as|at|with|into)?|gets(?: the value)?|got|"
    r"turns? into|changes to|"
    r"goes (?:back |up |down |on )?to|grows? (?:in)?to|rises to|drops (?:back )?to|falls to|"
    r"climbs to|"
    r"shrinks to|moves (?:up |down |on )?to|jumps to|steps to|ends (?:up )?(?:as|at|being|with)|"
    r"is left (?:as|at|with)|"
    r"comes to|came to|reaches|now (?:holds?|equals?|contains?|is|has|reads|stands at)|"
    r"takes (?:on )?(?:the value )?|receives|stands at|increases to|decreases to|becoming|"
    r"went to|advances to|counts up to|"
    r"(?:is|are)(?: therefore| thus)? (?:bound|given)|=|:=|\u2190|<-|\u2192|->|=>)"
)
_STATE = (
    r"(?:is|are|was|were|equals?|has the value|has value|holds?|held|contains?|evaluates to|gives|gave|"
    r"yields|results in|comes out (?:as|to|at)|makes|being|still is|has|had|reads|==|works out (?:to|as)|"
    r"turns out (?:to be|as)|amounts to|came out (?:as|at))"
)
_HYPOTHETICAL = ("if", "unless", "until", "whenever", "while", "whether", "would", "once")


def value(
    sentence: Sentence, name: str, words: str, moment: Moment, was: Shown | None = None
) -> Iterator[Found]:
    """A claim that ``name`` has the value that ``words`` show; calls of the program give theirs."""
    shown = sentence.shown(words)
    if shown is None:
        return
    sentence.subject = name
    if shapes.called(name) in sentence.program.function_names:
        yield Found("call", Gives(name, shown))
    else:
        yield Found("value", Value(name, shown, moment, was))


@VALUES.add(
    rf"({S}) (?:goes|moves|changes|rises|drops|falls|grows|climbs|jumps|steps|shrinks|went|moved|"
    r"increases|decreases|advances|turns|is (?:raised|lowered|updated|changed|increased|decreased|"
    rf"incremented|decremented|reduced|bumped))(?: up| down| on)?,? from ({VW}) "
    rf"(?:up |down |over )?(?:to|into) ({VW})",
    " from ",
)
def _from_to(s: Sentence, m: Match) -> Iterable[Found]:
    name = s.name(m[1])
    return value(s, name, m[3], "after", s.shown(m[2])) if name else ()


@VALUES.add(
    rf"({S}) (?:stays|remains|stayed|is still|is kept at|still (?:holds|is)|is unchanged|"
    rf"is left|keeps its value)(?: unchanged| as it (?:is|was))?,?(?: at| as)?:? ?({VW})",
    "stay", "remain", "still", "unchanged", "kept", "left", "keeps",
)  # fmt: skip
def _stays(s: Sentence, m: Match) -> Iterable[Found]:
    name = s.name(m[1])
    return value(s, name, m[2], "state") if name else ()


@VALUES.add(
    rf"({S}) and ({S}) (?:(?:both )?(?:become|start(?: out)? (?:as|at|with)|are(?: now)?(?: both)?|"
    rf"begin (?:as|at)|are set to|are|go to|=)) (?:both )?({VW}) and ({VW})",
    " and ",
)
def _two(s: Sentence, m: Match) -> Iterable[Found]:
    first, second = s.name(m[1]), s.name(m[2])
    if first and second:
        yield from value(s, first, m[3], "state")
        yield from value(s, second, m[4], "state")


@VALUES.add(
    rf"({S}) and ({S}) (?:both )?(?:become|start(?: out)? (?:both )?(?:as|at|with)|"
    rf"are(?: now)?|begin (?:as|at)|are set to|are initiali[sz]ed to|equal) (?:both )?({VW})",
    " and ",
)
def _both(s: Sentence, m: Match) -> Iterable[Found]:
    first, second = s.name(m[1]), s.name(m[2])
    if first and second:
        yield from value(s, first, m[3], "state")
        yield from value(s, second, m[3], "state")


@VALUES.add(rf"({S}) is ({V}), which is (neither )?empty n?or zero", "which is")
def _truth(s: Sentence, m: Match) -> Iterable[Found]:
    name = s.name(m[1])
    if name:
        yield from value(s, name, m[2], "state")
        yield Found("branch", Condition(name, m[3] is not None))


# What comes before "from" is left to the rules below.
@VALUES.add(rf"({V}),? (?:which comes |coming )?from ({C})", "from «", takes=(2,))
def _from(s: Sentence, m: Match) -> Iterable[Found]:
    """``becomes `3`, from `1 + 2` ``: where the value comes from must give it, too."""
    code, shown = s.code(m[2]), s.shown(m[1])
    node = parsed(code)
    if shown is None or node is None or is_literal(code):
        return
    yield Found("value", Value(code, shown, "before"))


@VALUES.add(
    rf"({S}) (?:is not|isn't|was not|wasn't|never becomes|is no longer|does not equal|differs from|"
    rf"!=|is different from) ({V})",
    "not", "n't", "never", "no longer", "!=", "differ",
)  # fmt: skip
def _is_not(s: Sentence, m: Match) -> Iterable[Found]:
    name, shown = s.name(m[1]), s.shown(m[2])
    if name and shown and shown.text and not s.follows(m.start(), *_HYPOTHETICAL):
        yield Found("branch", Condition(f"{name} == {shown.text}", False))


@VALUES.add(rf"({S}),? {_ADVERB}{_AFTER},? {_ADVERB}(?:the (?:list|value|string|set|dict) )?({VW})")
def _becomes(s: Sentence, m: Match) -> Iterable[Found]:
    if s.follows(m.start(), *_HYPOTHETICAL):
        return ()
    name = s.name(m[1])
    return value(s, name, m[2], "after") if name else ()


@VALUES.add(
    r"(?:sets?|setting|updates?|updating|updated|initiali[sz]es?|assigns?|resets?|changes?|changing|"
    r"bumps?|bumping|makes?|making|leaves?|leaving|brings?|bringing|takes?|taking|raises?|raising|"
    r"pushes|moves?|moving|turns?|turning|lowers?|extends?|grows?|keeps?|keeping|gives?|giving|puts?) "
    rf"({S}) {_ADVERB}(?:equal to |to |as |at |into |= ?|up to |down to |from {VW} to )?({VW})",
)
def _sets(s: Sentence, m: Match) -> Iterable[Found]:
    name = s.name(m[1])
    return value(s, name, m[2], "after") if name else ()


@VALUES.add(
    rf"({S}) {_ADVERB}{_STATE} {_ADVERB}(?:the (?:list|value|string) )?({VW})(?! of\b)(?! times)"
)
def _is(s: Sentence, m: Match) -> Iterable[Found]:
    if s.follows(m.start(), *_HYPOTHETICAL):
        return ()
    name = s.name(m[1])
    return value(s, name, m[2], "state") if name else ()


@VALUES.add(rf"({S}): ?({V})(?=[,;.) ]|$)", ":")
def _colon(s: Sentence, m: Match) -> Iterable[Found]:
    name = s.name(m[1])
    return value(s, name, m[2], "state") if name else ()


_PUTS = r"append(?:s|ed|ing)?|adds|adding|add|inserts?|push(?:es)?|puts|stores?|record(?:s)?"
_TAKES = r"removes?|pops?|drops|discards?|takes (?:off|out)|deletes?"


@VALUES.add(rf"\b(?:({_PUTS})|({_TAKES})) (?:the (?:value|item|character|pair|tuple) )?({V})")
def _operand(s: Sentence, m: Match) -> Iterable[Found]:
    shown = s.shown(m[3])
    if shown is not None and shown.text is not None:
        yield Found("value", Operand(shown, "puts" if m[1] else "takes"))


@VALUES.add(
    rf"({C}|{shapes.NUM}) is (not )?(?:in|inside|among|one of|a member of) ({C})",
    "in «", "inside «", "among «", "of «",
)  # fmt: skip
def _in(s: Sentence, m: Match) -> Iterable[Found]:
    if not s.follows(m.start(), *_HYPOTHETICAL):
        text = f"({s.code(m[1])}) in ({s.code(m[3])})"
        yield Found("branch", Condition(text, m[2] is None))


@VALUES.add(rf"({C}|{shapes.NUM}|{S}) is (even|odd)\b", "even", "odd")
def _parity(s: Sentence, m: Match) -> Iterable[Found]:
    code = s.code(m[1])
    if (is_literal(code) or s.name(m[1])) and not s.follows(m.start(), *_HYPOTHETICAL):
        yield Found("branch", Condition(f"({code}) % 2 == 0", m[2] == "even"))


@VALUES.add(
    rf"({C}|{shapes.NUM}|{S}) is (not |n't )?(?:evenly )?(?:divisible by|a multiple of) ({C}|{shapes.NUM}|{S})",
    "divisible", "multiple",
)  # fmt: skip
def _divisible(s: Sentence, m: Match) -> Iterable[Found]:
    left, right = s.code(m[1]), s.code(m[3])
    known = (is_literal(c) or s.name(w) for c, w in ((left, m[1]), (right, m[3])))
    if all(known) and not s.follows(m.start(), *_HYPOTHETICAL):
        yield Found("branch", Condition(f"({left}) % ({right}) == 0", m[2] is None))
