"""What a sentence in free style states: short patterns over the template of a sentence's pieces."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from pytrace_mono.verify.claims import (
    Condition,
    Gives,
    Holds,
    Inputs,
    Kind,
    Moment,
    Operand,
    Passes,
    Raises,
    Reached,
    Shown,
    Statement,
    Value,
)
from pytrace_mono.verify.expressions import NotEvaluated, evaluate
from pytrace_mono.verify.program import Program
from pytrace_mono.verify.reading import shapes
from pytrace_mono.verify.reading.pieces import Piece, sides
from pytrace_mono.verify.reading.shapes import COUNT, TIMES

_N = r"«[n]\d+»"
_S = r"«[nec]\d+»"
_V = r"«v\d+»"
_E = r"«[nev]\d+»"
_WORD = (
    rf"(?:{'|'.join(shapes.WORDS[1:])}|zero)\b"
    r"(?=\W*$| ?[.,;:)!\u2014-]| (?:and|now|so|at|after|again|then|because|since|when|but|as|too|here|there|in)\b)"
)
_NOT_A_VALUE = (
    r"(?! (?!(?:and|so|now|at|after|again|then|because|since|when|but|as|too|here|there|in|which|while|is|"
    r"are|was|before|on|this|that|with|for|by|from|we|it|he|she|they|making|giving|leaving|once|still|also|"
    r"already|instead|not|if|the|their|its|just|right|yet|afterwards|afterward|finally|next|first|until|"
    r"without|exactly|initially|both|where|whereas|who|only|immediately|today|straight|back|upon|during|due|"
    r"inside|outside|meaning|means|though|although|even|i|a|an|my|his|her|does|do|has|gets|goes|becomes|"
    r"returns?|returned|plus|therefore|thus|hence|thanks|per|via|through|throughout|all|no|yes|each|every|"
    r"let|another|next|lo|hi|ok|okay|good|great|fine|done|nothing|nice|whose|later|anyway|altogether|yields)\b)"
    r"[a-z])(?! (?:or|each|in a row|at a time|by \u00ab)\b)"
    r"(?!(?:,|,? and|,? or) (?:then )?«v)(?! ?(?:[+*/%<>]|-(?!>)) ?)"
)
_VALUE = (
    r"(?! (?:of|times?|iterations?|pass(?:es)?|rounds?|elements?|items?|entries|entry|letters?|characters?|"
    r"more|less|greater|larger|smaller|bigger|than|numbers?|pairs?|others?|steps?|calls?|values?|keys?|or|into|to|votes?|left|each)\b)"
    r"(?!(?:,|,? and|,? or) (?:then )?«v)(?! ?(?:[+*/%<>]|-(?!>)) ?)"
)
_VALUE = rf"(?:(?:an? |the )?(?:new |fresh )?(?:empty (?P<empty>string|list|dict|dictionary|set|tuple))|{_V}|{_WORD}){_NOT_A_VALUE}"
_LINK = (
    r"is|are|was|were|be|becomes?|became|becoming|being|equals?|equal|gets?|got|goes|went|going|moves?|"
    r"moved|jumps?|drops?|dropped|rises?|grows?|grew|climbs?|falls?|shrinks?|turns?|turned|takes?|took|"
    r"reads?|reach(?:es|ed)?|comes?|came|makes?|made|stands?|starts?|started|begins?|began|stays?|"
    r"stayed|remains?|remained|left|leaves|holds?|held|contains?|contained|has|have|had|ends?|ended|"
    r"set|updated|reset|initiali[sz]ed|incremented|decremented|increased|decreased|increases|decreases|"
    r"reduced|raised|lowered|bumped|changed|changes|advanced|advances|assigned|bound|computed|"
    r"evaluates|works|looks|gives|yields|produces|results|returns|now|then|again|still|also|both|each|"
    r"therefore|thus|so|just|only|simply|already|finally|once|currently|exactly|in|turn|"
    r"to|at|as|with|into|up|down|on|off|out|back|like|the|value|a|list|string|set|tuple|dict|actually|"
    r"initially|indeed|instead|even|here|there|all|settles|lands|sits|stepped|steps|bumps|slides|counts|"
    r"shows?|updates|flips|flipped|switches|switched|shrunk|grown|gone|total|too|always|merely|hits|whole|"
    r"continues|keeps|kept|rebound|replaced|int|float|integer"
)
_VERB = (
    r"(?:is|are|was|were|be|becomes?|became|becoming|being|equals?|gets?|got|goes|went|moves?|moved|"
    r"jumps?|drops?|dropped|rises?|grows?|grew|climbs?|falls?|shrinks?|turns?|turned|takes?|took|reads?|"
    r"reach(?:es|ed)?|comes?|came|makes?|stands?|starts?|started|begins?|began|stays?|stayed|remains?|"
    r"remained|left|holds?|held|contains?|has|had|have|ends?|ended|set|updated|reset|initiali[sz]ed|"
    r"increases|decreases|advances|evaluates|works|gives|yields|now|changes|settles|lands|sits|slides|"
    r"steps|bumps|counts|updates|flips|switches|hits|keeps|continues)"
)
_GAP = rf"(?: (?:{_LINK}))*? {_VERB}(?: (?:{_LINK}))*?"
_SYMBOL = r" ?(?:=|==|:|->|=>|\u2192|\u27f6|:=|<-|\u2190)(?: (?:now|then|is))?"
_CHANGE = re.compile(
    r"becom|became|\bgoes|\bgot|\bgets|moves|jump|drop|rise|grow|climb|fall|shrink|turns|now|updated|"
    r"incremented|decremented|increase|decrease|reduced|raised|lowered|bump|changed|changes|advance|"
    r"->|\u2192|to\b|set\b"
)
_EARLY = re.compile(r"\b(?:was|were|had|start|begin|before|initially|so far|already)")
_YES = (
    r"(?:[Tt]rue|[Yy]es(?=\W*(?:[.,;:)!?\u2192\u21d2]|->|=>|$| so\b| \u2014))|[Yy]ep|holds?|held|succeeds?|succeeded|passes|passed|satisfied|met|okay|ok|"
    r"the case|correct|it does|it is)\b|[\u2713\u2714\u2705]"
)
_NO = (
    r"(?:[Ff]alse|[Nn]o(?=\W*(?:[.,;:)!?\u2192\u21d2]|->|=>|$| so\b| \u2014))|[Nn]ope|[Nn]ah|fails?|failed|does not hold|doesn't hold|not true|not satisfied|"
    r"not met|isn't true|not the case|it does not|it doesn't|it isn't|it is not)\b|[\u2717\u2718\u00d7\u274c]"
)
_TYPES = {
    "int": "int", "integer": "int", "float": "float", "string": "str", "str": "str", "list": "list",
    "tuple": "tuple", "dict": "dict", "dictionary": "dict", "set": "set", "bool": "bool",
    "boolean": "bool",
}  # fmt: skip
_TYPE = rf"(?P<type>{'|'.join(_TYPES)})(?:s)?\b"


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
        found = re.search(_V, words)
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


def phrases(sentence: Clauses) -> list[Phrase]:
    """All statements of a sentence, in its order."""
    sentence.silent = silent_stretches(sentence.template)
    found: list[Phrase] = []
    for rule in _RULES:
        found.extend(p for p in rule(sentence) if sentence.asserted(p.start))
    return sorted(found, key=lambda phrase: phrase.start)


def _each(
    sentence: Clauses, pattern: re.Pattern[str], keep: bool = False
) -> Iterator[re.Match[str]]:
    """Matches in stretches that no rule has used; used from now on unless ``keep``."""
    position = 0
    while (match := pattern.search(sentence.template, position)) is not None:
        if sentence.free(*match.span()):
            if not keep:
                sentence.taken.append(match.span())
            yield match
        position = (
            max(match.end(), match.start() + 1)
            if sentence.free(*match.span()) or not keep
            else match.start() + 1
        )
        if match.end() > match.start() and not keep and position > match.end():
            position = match.end()


def _value(
    name: str, shown: Shown | None, words: str, at: tuple[int, int], s: Clauses
) -> Iterable[Phrase]:
    if shown is None:
        return
    moment: Moment = "after" if _CHANGE.search(words) else "state"
    early = bool(_EARLY.search(words))
    if shapes.called(name) in s.program.function_names:
        yield Phrase(*at, "answer" if "whole" in words else "call", Gives(name, shown), words)
    else:
        yield Phrase(*at, "value", Value(name, shown, moment), words, early)


# ---------------------------------------------------------------------------------- the rules


_ASKED = re.compile(
    rf"(?P<c>«[ca]\d+»)(?: (?:again|too|also|still|now|here|then|itself))*(?: ?(?:[:,(#?\u2014\u2013-]|->|=>|\u2192|is|was|are|comes out|came out|evaluates to|gives|that's|that is|which|which is|this is|it's|holds|turns out|works out|indeed|therefore|to be|to|so|and|therefore|just|also|still|again|now|then|\u00ab[v]\d+\u00bb(?=\W*X)))*? ?(?P<v>{_NO}|{_YES}|«v\d+»)"
)


def _verdicts(s: Clauses) -> Iterator[Phrase]:
    """A comparison and how it came out."""
    for match in _each(s, _ASKED, keep=True):
        code, verdict = s.code(match["c"]), match["v"]
        if match["c"][1] == "a" and "==" not in code:
            continue
        if verdict.startswith("«"):
            text = s.code(verdict)
            if text not in ("True", "False") or match.end("c") == match.start("v"):
                continue
            held = text == "True"
        else:
            if match.end("c") == match.start("v"):
                continue
            held = re.match(_NO, verdict) is None
        if re.search(
            r"\b(?:no longer|not|n't|neither)\b", s.template[match.end("c") : match.start("v")]
        ):
            held = not held
        s.taken.append(match.span())
        words = s.template[max(0, match.start() - 12) : match.start()]
        if re.search(r"\bnot $", words):
            held = not held
        yield Phrase(*match.span(), "branch", Condition(code, held), match[0])


_COMPARED = re.compile(
    rf"(?P<l>{_E}|«f\d+»)(?P<v>,? (?:which |that |and )?(?:is|are|was|isn't|aren't|wasn't|being|exceeds|equals|stays|it's|that's)?(?: (?:itself|now|again|also|already|still|therefore|indeed|just|only|definitely|clearly|strictly|certainly))*)"
    r"(?P<n> not| no| n't| neither| never)?(?: (?:strictly|already|even|any))*"
    r" ?(?P<op>greater than or equal to|less than or equal to|greater than|larger than|bigger than|more than|above|"
    r"over|beyond|smaller than|less than|lower than|below|under|at most|at least|not equal to|different from|"
    r"equal to|the same as|divisible by|a multiple of|exceeds|exceed|equals)"
    rf"(?: the| its| our)?(?: (?:target|limit|cap|threshold|goal))?(?: of| value)? (?P<r>{_E})"
)
_WORDED = {
    "greater than or equal to": ">=", "less than or equal to": "<=", "greater than": ">",
    "larger than": ">", "bigger than": ">", "more than": ">", "above": ">", "over": ">", "beyond": ">",
    "smaller than": "<", "less than": "<", "lower than": "<", "below": "<", "under": "<",
    "at most": "<=", "at least": ">=", "not equal to": "!=", "different from": "!=", "equal to": "==",
    "the same as": "==", "exceeds": ">", "exceed": ">", "equals": "==",
}  # fmt: skip


def _worded(s: Clauses) -> Iterator[Phrase]:
    """``16 is greater than 11``."""
    for match in _each(s, _COMPARED):
        left, right, op = s.code(match["l"]), s.code(match["r"]), match["op"]
        verb = re.search(r"is|are|was|n't|being|exceed|equals|it's|that's", match["v"] + op)
        if verb is None or _PART.search(s.template[: match.start()]):
            continue
        if op in ("divisible by", "a multiple of"):
            text = f"({left}) % ({right}) == 0"
        else:
            text = f"({left}) {_WORDED[op]} ({right})"
        held = not (match["n"] or "n't" in match["v"])
        yield Phrase(*match.span(), "branch", Condition(text, held), match[0])


_PARITY = re.compile(
    rf"(?P<l>{_E}) (?:is|was)(?: (?:itself|also|again))* (?P<n>not |neither )?(?P<w>even|odd|negative|positive|empty)\b(?! number)"
)


def _properties(s: Clauses) -> Iterator[Phrase]:
    tests = {
        "even": "({}) % 2 == 0",
        "odd": "({}) % 2 == 1",
        "negative": "({}) < 0",
        "positive": "({}) > 0",
        "empty": "len({}) == 0",
    }
    for match in _each(s, _PARITY):
        text = tests[match["w"]].format(s.code(match["l"]))
        yield Phrase(*match.span(), "branch", Condition(text, not match["n"]), match[0])


_MEMBER = re.compile(
    rf"(?P<l>{_E})(?: (?:is|was|isn't|are|yet|already))+(?P<n> not| n't)?(?: (?:yet|already))* (?:in|among|inside) (?:the )?(?P<r>«[nev]\d+»)"
)


def _members(s: Clauses) -> Iterator[Phrase]:
    for match in _each(s, _MEMBER):
        held = not (match["n"] or "isn't" in match[0])
        text = f"({s.code(match['l'])}) in ({s.code(match['r'])})"
        yield Phrase(*match.span(), "branch", Condition(text, held), match[0])


_SIZE = re.compile(
    rf"(?P<s>{_N})(?: (?:now|then|still|therefore|thus|already))? (?:has|holds|contains|gets|had|is|have) (?:now |exactly |only |still |just )?(?:a length of |length )?"
    rf"(?P<k>{_V}|{COUNT})(?: (?:element|item|entr(?:y|ies)|character|letter|key|pair|number|value|member|tuple|word)s?\b)(?! (?:more|fewer))"
)
_SIZES = re.compile(
    rf"both (?P<s>{_N}) and (?P<t>{_N}) (?:have|hold|contain) (?P<k>{_V}|{COUNT}) (?:element|item|entr|character|letter|key)"
)
_LONG = re.compile(
    rf"(?:length of|size of|len(?:gth)? of) (?P<s>{_N}) (?:is|becomes|=)(?: now)? (?P<k>{_V}|{_WORD})"
)


def _count(s: Clauses, words: str) -> int | None:
    if words.startswith("«"):
        text = s.code(words)
        return int(text) if text.isdigit() else None
    return shapes.count_of(words)


def _sizes(s: Clauses) -> Iterator[Phrase]:
    for pattern in (_SIZES, _SIZE, _LONG):
        for match in _each(s, pattern):
            count = _count(s, match["k"])
            if count is None:
                continue
            for group in ("s", "t") if "t" in match.groupdict() else ("s",):
                name = s.code(match[group])
                yield Phrase(
                    *match.span(),
                    "value",
                    Value(f"len({name})", Shown(str(count)), "state"),
                    match[0],
                )


_FROM = re.compile(
    rf"(?P<s>{_N}) (?:\w+ ){{1,3}}from (?P<a>{_V}|(?:{'|'.join(shapes.WORDS[1:])}|zero)\b) (?:up |down |over )?to (?P<b>{_VALUE})"
)


def _from_to(s: Clauses) -> Iterator[Phrase]:
    for match in _each(s, _FROM):
        name, was, shown = s.code(match["s"]), s.shown(match["a"]), s.shown(match["b"])
        if was is not None and shown is not None:
            yield Phrase(*match.span(), "value", Value(name, shown, "after", was), match[0])


_TWO = re.compile(
    rf"(?P<a>{_N}),? and (?P<b>{_N})(?P<w>{_GAP}|{_SYMBOL}) (?P<x>{_V}) and (?P<y>{_V})(?! (?:of|times))"
)
_BOTH = re.compile(
    rf"(?P<a>{_N})(?:,? and|,| =) (?P<b>{_N})(?P<w>{_GAP})(?: both| again)? (?P<x>{_VALUE})"
)


def _pairs(s: Clauses) -> Iterator[Phrase]:
    for match in _each(s, _TWO):
        for name, value in (("a", "x"), ("b", "y")):
            yield from _value(
                s.code(match[name]), s.shown(match[value]), match["w"], match.span(), s
            )
    for match in _each(s, _BOTH):
        if _PART.search(s.template[: match.start("b")]):
            continue
        plural = re.match(
            r" (?:are|were|start|begin|both|become|stand|have|now|stay|remain|hold|end)\b",
            match["w"],
        )
        for name in ("a", "b") if plural else ("b",):
            yield from _value(s.code(match[name]), s.shown(match["x"]), match["w"], match.span(), s)


_IS = re.compile(
    rf"(?P<s>{_S}|«f\d+»|«v\d+»)(?P<w>,? which{_GAP}|,? that's|{_GAP}|{_SYMBOL}) ?(?P<v>{_VALUE})"
)
_IS_NOT = re.compile(
    rf"(?P<s>{_S})(?: (?:is|was|does|are))(?: not|n't)(?: equal(?: to)?)? (?P<v>{_V}){_NOT_A_VALUE}"
)
_PART = re.compile(
    r"\b(?:of|plus|minus|times|between|than|from|over|versus) (?:the )?$|"
    r"\b(?:sum|product|difference|of|between|both|max|min) (?:\S+ ){1,3}(?:and|or) $"
)
"""Words that make what follows a part of what is spoken of."""
_NOUN = re.compile(
    r"\b(?:first|second|third|fourth|fifth|sixth|last|final|return|returned|longest|shortest|largest|"
    r"smallest|biggest|highest|lowest|previous|partial|expected|remaining|original|minimum|maximum|middle|"
    r"other|another|whose|their|its|single|total|whole|full|same|only|matching|missing|wanted|resulting|"
    r"correct|actual|extra|running|inner|outer|every|each|any|no|all|not|which|of all|is the|is a|is|some|"
    r"new) $"
)
_OF = re.compile(
    r"(?:len(?:gth)?|element|first|last|value|copy|index|part|multiple|end|rest|one|pair|many|all|most) of (?:the )?$|\b(?:of|index|position|number|with) $"
)


def _values(s: Clauses) -> Iterator[Phrase]:
    for match in _each(s, _IS_NOT):
        shown = s.shown(match["v"])
        if shown is not None and shown.text is not None:
            text = f"{s.code(match['s'])} == {shown.text}"
            yield Phrase(*match.span(), "branch", Condition(text, False), match[0])
    for match in _each(s, _IS, keep=True):
        name = s.code(match["s"])
        before = s.template[: match.start()]
        if match["s"][1] == "v" and (shapes.is_literal(name) or match["w"].strip() == ":"):
            continue
        if match["s"][1] == "c" or (not s.piece(match["s"]).quoted and _NOUN.search(before)):
            continue
        if _PART.search(before):
            continue
        holding = re.search(
            r"\b(?:has|have|had|holds?|held|contains?|contained|gets?|got|takes?|took)$", match["w"]
        )
        if holding and (
            shapes.is_literal(s.code(match["v"])) if match["v"].startswith("«") else True
        ):
            text = s.code(match["v"]) if match["v"].startswith("«") else "0"
            if text[:1] not in "[{(":
                continue
        if re.search(
            r"\bof (?:the )?$|\bnumber |\bmaximum |\bminimum |\bfrom $|\bindex $", before
        ) or (re.search(r"«[nev]\d+» and $", before) and " are" in match["w"]):
            continue
        if match["w"].strip() in (":", "->", "\u2192", "=>", "") and not re.search(
            r"(?:^|[,;(|>\u2022-])\s*$", before
        ):
            continue
        shown = s.shown(match["v"])
        if shown is None:
            continue
        typed = re.match(
            rf",? (?:which is |i\.e\.,? |so )?(?:an? |the ){_TYPE}", s.template[match.end() :]
        ) or re.search(rf"\b(?:an?|the) {_TYPE}$", match["w"])
        if typed is not None and shown.text is not None:
            shown = Shown(shown.text, _TYPES[typed["type"]])
        s.taken.append(
            (match.start("s") if not match["s"].startswith("«v") else match.start("w"), match.end())
        )
        yield from _value(name, shown, match["w"], match.span(), s)


_SETS = re.compile(
    r"\b(?:sets?|setting|updates?|updating|initiali[sz]es?|initiali[sz]ing|resets?|resetting|changes?|"
    r"changing|bumps?|bumping|makes?|making|leaves?|leaving|brings?|bringing|takes?|taking|raises?|"
    r"raising|moves?|moving|turns?|turning|lowers?|lowering|increments?|incrementing|decrements?|"
    r"decrementing|increases?|increasing|decreases?|decreasing|drops?|dropping|gives?|giving|keeps?|"
    r"keeping|pushes|pushing|advances?|grows?|extends?|assigns?|reduces?|reducing|sends?|shrinks?|updated|doubles?|doubling|halves?|halving|"
    rf"starts?|starting|begins?|with|rewrites?) (?:the )?(?P<s>{_N})(?P<w>(?: (?:{_LINK}|equal|from «v\d+»))*?)(?: (?:with|at|to|as))? (?P<v>{_VALUE})"
)


def _sets(s: Clauses) -> Iterator[Phrase]:
    for match in _each(s, _SETS):
        yield from _value(s.code(match["s"]), s.shown(match["v"]), match[0], match.span(), s)


_RETURN = re.compile(
    rf"(?P<who>«f\d+»|[Tt]he (?:whole )?(?:function|outermost call|outer call|call|program)|«x\d+»|[Ff]unction)?"
    r"(?: (?:then|finally|therefore|thus|eventually|itself|simply|just|ultimately|in turn|now|also|still|immediately|again))*,? ?"
    r"\b(?P<w>returns?|returned|returning|hands? back|gives? back|gave back|comes back with|gets? back|answers?|spits out|"
    r"(?:the )?(?:final |overall |whole |return(?:ed)? )?(?:answer|result|output|return value|outcome)(?:'s| is| was|:)|[Rr]eturned:)"
    r"(?: (?:straight away|early|right away|immediately|with|just|simply|exactly|therefore|then|again|the|value|tuple|list|string|number|pair|float|int|integer|bool|dict|also))*:? "
    rf"(?P<v>{_VALUE}|«a\d+»)"
)
_RETURNED = re.compile(
    rf"(?P<v>{_V}) (?:is|was|gets|are)(?: (?:then|finally|therefore|what is|what's|immediately|also))* (?P<w>returned|handed back)"
)
_TYPED_RETURN = re.compile(
    rf"(?:function returns|call returns|result is|returned value is|returned? as|answer(?:'s| is)|return value is|output is|value is) (?:just |then |therefore |simply )*(?:{_V}, )?an? {_TYPE}(?! (?:of «v\d+» and|whose))"
)


_SPEAKERS = frozenset(
    "it and which that then so we i call function this helper now finally immediately case both one also branch "
    "therefore just to is he she program recursion generator method again here too".split()
)


def _returns(s: Clauses) -> Iterator[Phrase]:
    for match in _each(s, _TYPED_RETURN, keep=True):
        yield Phrase(
            match.start(),
            match.start() + 1,
            "call",
            Gives(None, Shown(None, _TYPES[match["type"]])),
            "function returns",
        )
    for match in _each(s, _RETURN):
        before = s.template[: match.start()]
        if re.search(
            r"\b(?:never|not|n't|no|final|early|first|last|line|doesn't|only|with)\s*$",
            before[-12:],
        ) or re.match(
            r" (?:at the|in the|at) (?:bottom|end|last)|[^.]*\bis not\b",
            s.template[match.end() :][:30],
        ):
            continue
        alone = re.search(r"(\w+)[ ,]*$", before)
        if (
            not match["who"]
            and alone is not None
            and alone[1].islower()
            and alone[1] not in _SPEAKERS
            and match["w"].startswith("return")
        ):
            continue
        after = s.template[match.end() :]
        if re.match(r" (?:along|together|plus)\b|, «n", after) or re.match(r" and «", after):
            continue
        text = match["v"]
        if text.startswith("«a"):
            parts = sides(s.code(text))
            shown = shown_of(parts[-1])
            if shown is None or not all(
                shapes.is_literal(p) or s.program.bound.isdisjoint(re.findall(r"\w+", p))
                for p in parts
            ):
                continue
        else:
            shown = s.shown(text)
        if shown is None:
            continue
        typed = re.match(
            rf",? (?:which is |i\.e\.,? |so )?(?:an? |the ){_TYPE}", after
        ) or re.search(rf"\b(?:an?|the) {_TYPE} $", s.template[: match.start("v")])
        if typed is not None and shown.text is not None:
            shown = Shown(shown.text, _TYPES[typed["type"]])
        who = match["who"] or ""
        call = s.code(who) if who.startswith("«f") else None
        words = (
            "function"
            if re.search(r"unction|outermost|outer call|program", who)
            or re.match(
                r"(?:the )?(?:final|overall|return(?:ed)? value|answer|result|output)",
                match["w"],
                re.I,
            )
            else ""
        )
        if who.startswith("«x"):
            call = s.code(who) if s.code(who) in s.program.function_names else None
        yield Phrase(*match.span(), "call", Gives(call, shown), words)
    for match in _each(s, _RETURNED):
        if re.match(r" (?:along|together)\b", s.template[match.end() :]):
            continue
        shown = s.shown(match["v"])
        if shown is not None:
            yield Phrase(*match.span(), "call", Gives(None, shown), "")


_YIELD = re.compile(
    rf"\b(?:yields?|yielding|hands? out|yielded) (?:the )?(?P<v>{_V}){_NOT_A_VALUE}|(?P<u>{_V}) is (?:then )?yielded"
)


def _yields(s: Clauses) -> Iterator[Phrase]:
    for match in _each(s, _YIELD):
        shown = s.shown(match["v"] or match["u"])
        if shown is not None:
            yield Phrase(*match.span(), "call", Gives(None, shown, "yielded"), match[0])


_TYPED = re.compile(
    rf"(?P<v>{_V}),? (?:which is |that is |that's |is |so |it's )?(?:again |still |just )?(?:an? ){_TYPE}(?! of «)|\bthe {_TYPE.replace('type', 'type2')} (?P<w>{_V})"
)


def _types(s: Clauses) -> Iterator[Phrase]:
    for match in _each(s, _TYPED, keep=True):
        shown = s.shown(match["v"] or match["w"])
        kind = _TYPES[match["type"] or match["type2"]]
        if shown is not None and shown.text is not None and not shown.elided:
            text = f"isinstance({shown.text}, {kind})"
            yield Phrase(
                match.start(), match.start() + 1, "branch", Condition(text, True), match[0]
            )


_CHOSEN = re.compile(r"\b(?:inputs?|witness|candidate)\b[^.]*$", re.IGNORECASE)
_MANY = re.compile(rf"(?P<names>(?:{_N}, )+)(?P<a>«a\d+»)(?P<values>(?:, «[vne]\d+»)+)")


def _sides(code: str) -> list[str]:
    """The sides of an equation; ``area = 6 > 0`` ends with what is compared."""
    parts = list(sides(code))
    last = shapes.parsed(parts[-1])
    if isinstance(last, ast.Compare) and len(parts) > 1:
        parts[-1] = ast.unparse(last.left)
    return parts


_LISTED = re.compile(
    r"(?:,|,? and|,? or| to| through|\.\.+|\u2026| ?[\u2013-]) ?(?:then )?«v|\.\.|\u2026| or (?:more|less)"
)


def _equations(s: Clauses) -> Iterator[Phrase]:
    """``s = 1 + 11 = 12``: every side is what the last literal one is."""
    for match in _each(s, _MANY):
        names = [s.code(n) for n in re.findall(_N, match["names"])]
        parts = list(sides(s.code(match["a"])))
        values = [parts[-1], *(s.code(v) for v in re.findall(r"«[vne]\d+»", match["values"]))]
        names.append(parts[0])
        if len(parts) == 2 and len(names) == len(values):
            for name, text in zip(names, values, strict=True):
                shown = shown_of(text)
                if shown is not None:
                    yield Phrase(*match.span(), "value", Value(name, shown, "state"), "=")
    for match in _each(s, re.compile(rf"(?:(?P<s>{_N})(?P<w>{_GAP}|{_SYMBOL}) )?(?P<a>«a\d+»)")):
        parts = _sides(s.code(match["a"]))
        subject = match["s"]
        if subject is not None:
            shown = shown_of(parts[-1])
            if shown is not None and all(shown_of(p) is not None for p in parts):
                yield from _value(s.code(subject), shown, match["w"], match.span(), s)
        known = [shown for part in parts if (shown := shown_of(part)) is not None]
        if not known:
            continue
        value = known[-1]
        after = s.template[match.end() :]
        if _LISTED.match(after):
            continue
        typed = re.match(rf",? (?:which is |so )?(?:an? ){_TYPE}", after)
        if typed is not None and value.text is not None:
            value = Shown(value.text, _TYPES[typed["type"]])
        before = s.template[: match.start()]
        early = bool(
            re.search(r"\b(?:was|with|had|from|since|because|still|at|before)\s$", before, re.I)
        )
        for part in parts:
            if shown_of(part) is not None:
                if part != parts[-1]:
                    yield Phrase(*match.span(), "value", Value(part, value, "state"), "")
            elif shapes.called(part) in s.program.function_names:
                yield Phrase(*match.span(), "call", Gives(part, value), "")
            elif s.backward and _CHOSEN.search(before) and part.isidentifier():
                yield Phrase(*match.span(), "witness", Inputs(((part, value),)), "=")
            elif shapes.parsed(part) is not None:
                yield Phrase(*match.span(), "value", Value(part, value, "state"), "=", early)
        follow = re.match(
            rf"(?: is|,? which is|,? so| gives| makes| ->| \u2192|,? that's) ?(?P<v>{_V}){_NOT_A_VALUE}",
            after,
        )
        if follow is not None and shown_of(parts[0]) is None and not shapes.is_literal(parts[-1]):
            shown = s.shown(follow["v"])
            if (
                shown is not None
                and shapes.parsed(parts[0]) is not None
                and s.free(match.end(), match.end() + follow.end())
            ):
                s.taken.append((match.end(), match.end() + follow.end()))
                typed = re.match(rf",? (?:which is |so )?(?:an? ){_TYPE}", after[follow.end() :])
                if typed is not None and shown.text is not None:
                    shown = Shown(shown.text, _TYPES[typed["type"]])
                yield Phrase(*match.span(), "value", Value(parts[0], shown, "state"), "=")


_RAISED = re.compile(
    r"(?:raises?|raised|throws?|raising|thrown|hits an?|causes? an?|triggers? an?)(?: an?| the)? (?P<t>\w+(?:Error|Exception)|«x\d+»)|(?P<u>\w+(?:Error|Exception)|«x\d+») (?:is|was|gets) (?:raised|thrown)"
)


def _raises(s: Clauses) -> Iterator[Phrase]:
    for match in _each(s, _RAISED):
        word = match["t"] or match["u"]
        name = s.code(word) if word.startswith("«") else word
        found = re.match(r"\w+(?:Error|Exception|Iteration)\b", name)
        if found is not None:
            yield Phrase(*match.span(), "exception", Raises(found[0]), match[0])


_TIMES = re.compile(
    rf"(?P<k>{_V} (?:more )?times?\b|{_V}[x\u00d7](?!\w)|{TIMES}|(?:{_V}|{COUNT}|a single|one single) "
    r"(?:full |whole |complete |single |loop |outer |inner |recursive |function )*"
    r"(?:iterations?|passes|pass|rounds?|calls|laps?|trips?)\b(?! \d))"
)


def _counts(s: Clauses) -> Iterator[Phrase]:
    for match in _each(s, _TIMES):
        words = match["k"]
        piece = re.search(_V, words)
        if piece is not None:
            text = s.code(piece[0])
            if not text.isdigit():
                continue
            count = int(text)
        elif re.match(r"a\b|one single", words):
            if not words.startswith(("a single", "one single")):
                continue
            count = 1
        else:
            count = shapes.count_of(words)
        before, after = s.template[: match.start()], s.template[match.end() :]
        if re.match(r"(?:no|zero) (?:more|longer)", words) or (
            words == "once"
            and (
                re.search(r"\b(?:even|at|not|all|than) $", before)
                or re.match(r" (?:more|again|for|the|it|we|\u00ab)", after)
            )
        ):
            continue
        yield Phrase(*match.span(), "loop", Passes(count), s.template)


_SKIPPED = re.compile(
    r"(?P<a>«L\d+»)(?:(?: (?:to|through|and) |-|, )(?P<b>«L\d+»|«v\d+»))?(?: (?:is|are|was|were|gets|get|has|have))?(?: (?:also|therefore|thus|then|again|both))*"
    r" (?:skipped|passed over|not (?:run|reached|executed|taken|entered|visited)|never (?:run|reached|executed|runs?|reached)|do(?:es)? not run|never runs?)"
)


def _lines(s: Clauses) -> Iterator[Phrase]:
    for match in _each(s, _SKIPPED):
        first = int(s.code(match["a"]))
        last = int(s.code(match["b"])) if match["b"] and s.code(match["b"]).isdigit() else first
        yield Phrase(*match.span(), "branch", Reached(first, max(first, last), False), match[0])


_TEST = re.compile(
    r"(?P<l>«L\d+»)(?:,? (?:the |its )?(?:test|condition|check|comparison|if|elif|while|guard))?(?: (?:is|was|comes out|evaluates to|are|now|then|again|also|therefore|both|just))* "
    rf"(?P<v>{_NO}|{_YES}|«v\d+»)|"
    r"(?:test|condition|check|comparison|guard|question) (?:on|at|in|of) (?P<m>«L\d+»)(?:(?: (?:is|was|comes out|evaluates to|now|then|again|also|therefore|here))+|:|,) "
    rf"(?P<w>{_NO}|{_YES}|«v\d+»)"
)


def _tests(s: Clauses) -> Iterator[Phrase]:
    for match in _each(s, _TEST):
        verdict = match["v"] or match["w"]
        label = match["l"] or match["m"]
        if verdict.startswith("«"):
            text = s.code(verdict)
            if text not in ("True", "False"):
                continue
            held = text == "True"
        else:
            held = re.match(_NO, verdict) is None
        if re.match(r"yes|no\b|passes|passed|ok", verdict, re.I):
            continue
        yield Phrase(
            *match.span(),
            "branch",
            Condition(f"line {s.code(label)}", held),
            match[0],
            False,
            int(s.code(label)),
        )


def _plain(s: Clauses, template: str) -> str:
    """Words with their pieces put back."""
    return re.sub(r"«[a-zL]\d+»", lambda m: s.code(m[0]), template)


_CHECK = re.compile(
    r"\b(?:[Tt]he |that |this |its |a )?(?P<k>(?:while|loop|outer|inner|elif|if|equality|first|second|early|mismatch|overlap)?(?: loop)?)(?:['\u2019]s)?(?:[- ](?:condition|test|check|comparison|guard|branch|statement|clause))?"
    rf"(?: (?:on it|itself|again|now|here|there|there too|then|also|still|therefore|this time))*(?P<w>(?: (?:is|was|comes out|evaluates to|turns out|now|then|again|also|still|therefore|as well|both|just|simply|this time|clearly))*) (?P<v>{_NO}|{_YES}|«v\d+»|taken|entered|skipped)"
)


def _checks(s: Clauses) -> Iterator[Phrase]:
    """``the loop condition is false``, ``the elif is true``: which test is told by its kind only."""
    for match in _each(s, _CHECK, keep=True):
        head = match[0][: match.start("v") - match.start()]
        word = re.search(
            r"\b(elif|while|if)\b|(loop) condition|(condition|test|check|comparison|guard)\b", head
        )
        if word is None or re.search(r"\b(?:first|second|early|outer|inner|no|neither)\b", head):
            continue
        verdict = match["v"]
        if verdict.startswith("«"):
            if s.code(verdict) not in ("True", "False"):
                continue
            held = s.code(verdict) == "True"
        elif verdict in ("taken", "entered"):
            if "branch" not in head and "clause" not in head:
                continue
            held = True
        else:
            held = verdict != "skipped" and re.match(_NO, verdict) is None
        if re.match(r"yes|no\b|passes|passed|ok|it ", verdict, re.I) or re.search(
            r"\bnot$|n't$", head.strip()
        ):
            continue
        if word[1] and not re.search(
            r"\b(?:is|was|loop|condition|test|check|branch|clause|comes|evaluates)\b", match[0]
        ):
            continue
        kind = "loop" if word[1] == "while" or word[2] else (word[1] or "any")
        s.taken.append(match.span())
        yield Phrase(*match.span(), "branch", Condition(f"test {kind}", held), match[0])


_APPENDED = re.compile(
    rf"(?P<v>{_V}) (?:is|gets|was|are)(?: (?:then|also|therefore|again|now|thus))* (?:appended|pushed|inserted)\b|"
    rf"\b(?:append|push|insert)(?:s|es|ed|ing)? (?:the )?(?:value |pair |tuple |number |string |character |item |list )?(?P<u>{_V})"
)


def _appended(s: Clauses) -> Iterator[Phrase]:
    for match in _each(s, _APPENDED, keep=True):
        shown = s.shown(match["v"] or match["u"])
        if shown is not None and shown.text is not None and not shown.elided:
            yield Phrase(*match.span(), "value", Operand(shown, "puts"), match[0])


_UNNAMED = re.compile(
    rf"\b(?:leaving|giving|[Tt]he (?:list|string|text|window|queue|stack|dict|dictionary|set|array|deck|state)(?: (?:is|reads|becomes|looks like|contains|holds|now|then|again|thus|therefore|just))+)(?: us| only| just)?(?: with)? (?P<v>{_V}){_NOT_A_VALUE}"
)


def _unnamed(s: Clauses) -> Iterator[Phrase]:
    """A container that some variable holds: ``leaving [7, 2]``."""
    for match in _each(s, _UNNAMED):
        shown = s.shown(match["v"])
        if (
            shown is not None
            and shown.text is not None
            and shown.text[:1] in "[{"
            and not shown.elided
        ):
            yield Phrase(*match.span(), "value", Value("_", shown, "state"), match[0])


_IT = re.compile(
    rf"(?P<s>{_N})[^«;:.]*[;:.,][^«;:.]*\b(?P<p>[Ii]t)(?P<w>(?:'s|\u2019s)?{_GAP}|'s(?: (?:{_LINK}))*|\u2019s(?: (?:{_LINK}))*) (?P<v>{_VALUE})"
)


def _its(s: Clauses) -> Iterator[Phrase]:
    """``Then passes is incremented, it's 1 now``."""
    for match in _each(s, _IT, keep=True):
        if not s.free(match.start("p"), match.end()):
            continue
        s.taken.append((match.start("p"), match.end()))
        yield from _value(
            s.code(match["s"]), s.shown(match["v"]), match["w"], (match.start("p"), match.end()), s
        )


def _bare(s: Clauses) -> Iterator[Phrase]:
    """A comparison of literals that is stated is true: ``16 > 10, so we leave``."""
    for match in _each(s, re.compile(r"«c\d+»")):
        code = s.code(match[0])
        before = s.template[: match.start()]
        after = s.template[match.end() :]
        if re.match(
            r"\s*(?:\?|:|#|check|test|\)\s*\?|gives|would|returns|yields|means)", after
        ) or re.search(
            r"\b(?:is|whether|if|elif|while|does|check|test|condition|question|ask|asks|evaluate|evaluates|"
            r"compare|compares|guard|comparison|tests|checks|until|unless|not|as|loop)(?:s|ing)?:? ?(?:the |that |for )?$",
            before.rstrip("("),
            re.I,
        ):
            continue
        if re.search(r"(?:[Ff]alse|fails?|not|n't|\bno|[Nn]ope)\W*$", _plain(s, before[-40:])):
            continue
        if s.backward:
            yield Phrase(*match.span(), "constraint", Holds(code), match[0])
        elif not re.search(
            r"[A-Za-z_]",
            re.sub(r"'[^']*'|\"[^\"]*\"|\bin\b|\bnot\b|\band\b|\bor\b|True|False|None", "", code),
        ):
            yield Phrase(*match.span(), "branch", Condition(code, True), "bare")


_RULES: tuple[Rule, ...] = (
    _lines,
    _tests,
    _verdicts,
    _counts,
    _types,
    _returns,
    _yields,
    _raises,
    _from_to,
    _worded,
    _properties,
    _members,
    _sizes,
    _equations,
    _sets,
    _pairs,
    _values,
    _its,
    _appended,
    _unnamed,
    _checks,
    _bare,
)
