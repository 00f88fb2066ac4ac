"""Free style: what a variable, an element or an expression is said to be."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from pytrace_mono.verify.claims import ANY, MENTION, Condition, Gives, Inputs, Operand, Shown, Value
from pytrace_mono.verify.reading import shapes
from pytrace_mono.verify.reading.clauses import (
    Clauses,
    Phrase,
    count_of,
    each,
    shown_of,
    value_phrases,
)
from pytrace_mono.verify.reading.pieces import sides
from pytrace_mono.verify.reading.shapes import COUNT
from pytrace_mono.verify.reading.wording import (
    GAP,
    LINK,
    LITERAL,
    NAME,
    NOT_A_VALUE,
    NUMBER_WORD,
    PART,
    SUBJECT,
    SYMBOL,
    TYPE,
    TYPES,
    VALUE,
)
from pytrace_mono.verify.source import is_literal, parsed

_SIZE = re.compile(
    rf"(?P<s>{NAME})(?: (?:\w+ )?«[vn]\d+» (?:and|so|,)| (?:now|then|still|therefore|thus|already))? (?:has|holds|contains|gets|had|is|have) (?:now |exactly |only |still |just )?(?:a length of |length )?"
    rf"(?P<k>{LITERAL}|{COUNT})(?: (?:element|item|entr(?:y|ies)|character|letter|key|pair|number|value|member|tuple|word)s?\b)(?! (?:more|fewer))"
)


_SIZES = re.compile(
    rf"both (?P<s>{NAME}) and (?P<t>{NAME}) (?:have|hold|contain) (?P<k>{LITERAL}|{COUNT}) (?:element|item|entr|character|letter|key)"
)


_LONG = re.compile(
    rf"(?:length of|size of|len(?:gth)? of) (?P<s>{NAME}) (?:is|becomes|=)(?: now)? (?P<k>{LITERAL}|{NUMBER_WORD})"
)


def sizes(s: Clauses) -> Iterator[Phrase]:
    """``result has 3 elements``."""
    for pattern in (_SIZES, _SIZE, _LONG):
        for match in each(s, pattern):
            count = count_of(s, match["k"])
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
    rf"(?P<s>{NAME}) (?:\w+ ){{1,3}}from (?P<a>{LITERAL}|(?:{'|'.join(shapes.WORDS[1:])}|zero)\b) (?:up |down |over )?to (?P<b>{VALUE})"
)


_ARROW = re.compile(
    rf"(?P<s>{NAME}) ?[:=]? ?(?P<a>{LITERAL}) ?(?:->|\u2192|=>) ?(?P<b>{LITERAL}){NOT_A_VALUE}"
    r"(?! ?(?:->|\u2192|=>))"
)


def from_to(s: Clauses) -> Iterator[Phrase]:
    """``s goes from 7 to 12``, ``s: 7 -> 12``."""
    for match in (*each(s, _FROM), *each(s, _ARROW)):
        name, was, shown = s.code(match["s"]), s.shown(match["a"]), s.shown(match["b"])
        if was is not None and shown is not None:
            yield Phrase(*match.span(), "value", Value(name, shown, "after", was), match[0])


_TWO = re.compile(
    rf"(?P<a>{NAME}),? and (?P<b>{NAME})(?P<w>{GAP}|{SYMBOL}) (?P<x>{LITERAL}) and (?P<y>{LITERAL})(?! (?:of|times))"
)


_BOTH = re.compile(
    rf"(?P<a>{NAME})(?:,? and|,| =) (?P<b>{NAME})(?P<w>{GAP})(?: both| again)? (?P<x>{VALUE})"
)


def pairs(s: Clauses) -> Iterator[Phrase]:
    """``lo and hi are 0 and 5``, ``both are 0``."""
    for match in each(s, _TWO):
        for name, value in (("a", "x"), ("b", "y")):
            yield from value_phrases(
                s.code(match[name]), s.shown(match[value]), match["w"], match.span(), s
            )
    for match in each(s, _BOTH):
        if PART.search(s.template[: match.start("b")]):
            continue
        plural = re.match(
            r" (?:are|were|start|begin|both|become|stand|have|now|stay|remain|hold|end)\b",
            match["w"],
        )
        for name in ("a", "b") if plural else ("b",):
            yield from value_phrases(
                s.code(match[name]), s.shown(match["x"]), match["w"], match.span(), s
            )


_IS = re.compile(
    rf"(?P<s>{SUBJECT}|«f\d+»|«v\d+»)(?P<w>,? which{GAP}|,? that's|{GAP}|{SYMBOL}) ?(?P<v>{VALUE})"
)


_IS_NOT = re.compile(
    rf"(?P<s>{SUBJECT})(?: (?:is|was|does|are))(?: not|n't)(?: equal(?: to)?)? (?P<v>{LITERAL}){NOT_A_VALUE}"
)


_NOUN = re.compile(
    r"\b(?:first|second|third|fourth|fifth|sixth|last|final|return|returned|longest|shortest|largest|"
    r"smallest|biggest|highest|lowest|previous|partial|expected|remaining|original|minimum|maximum|middle|"
    r"other|another|whose|their|its|single|total|whole|full|same|only|matching|missing|wanted|resulting|"
    r"correct|actual|extra|running|inner|outer|every|each|any|no|all|not|which|of all|is the|is a|is|some|"
    r"new|both) $",
    re.IGNORECASE,
)


def values(s: Clauses) -> Iterator[Phrase]:
    """``s is now 12``."""
    for match in each(s, _IS_NOT):
        shown = s.shown(match["v"])
        if shown is not None and shown.text is not None:
            text = f"{s.code(match['s'])} == {shown.text}"
            yield Phrase(*match.span(), "branch", Condition(text, False), match[0])
    for match in each(s, _IS, keep=True):
        name = s.code(match["s"])
        before = s.template[: match.start()]
        if match["s"][1] == "f" and not (
            match["v"].startswith("«") and is_literal(s.code(match["v"]))
        ):
            continue  # what is worked out inside of it
        if match["s"][1] == "v" and (is_literal(name) or match["w"].strip() == ":"):
            continue
        if match["s"][1] == "c" or (not s.piece(match["s"]).quoted and _NOUN.search(before)):
            continue
        if PART.search(before):
            continue
        holding = re.search(
            r"\b(?:has|have|had|holds?|held|contains?|contained|gets?|got|takes?|took)$", match["w"]
        )
        if holding and (is_literal(s.code(match["v"])) if match["v"].startswith("«") else True):
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
            rf",? (?:which is |i\.e\.,? |so )?(?:an? |the ){TYPE}", s.template[match.end() :]
        ) or re.search(rf"\b(?:an?|the) {TYPE}$", match["w"])
        if typed is not None and shown.text is not None:
            shown = Shown(shown.text, TYPES[typed["type"]])
        s.taken.append(
            (match.start("s") if not match["s"].startswith("«v") else match.start("w"), match.end())
        )
        yield from value_phrases(name, shown, match["w"], match.span(), s)


_SETS = re.compile(
    r"\b(?:sets?|setting|updates?|updating|initiali[sz]es?|initiali[sz]ing|resets?|resetting|changes?|"
    r"changing|bumps?|bumping|makes?|making|leaves?|leaving|brings?|bringing|takes?|taking|raises?|"
    r"raising|moves?|moving|turns?|turning|lowers?|lowering|increments?|incrementing|decrements?|"
    r"decrementing|increases?|increasing|decreases?|decreasing|drops?|dropping|gives?|giving|keeps?|"
    r"keeping|pushes|pushing|advances?|grows?|extends?|assigns?|reduces?|reducing|sends?|shrinks?|updated|doubles?|doubling|halves?|halving|"
    rf"starts?|starting|begins?|with|rewrites?) (?:the )?(?P<s>{NAME})(?P<w>(?: (?:{LINK}|equal|from «v\d+»))*?)(?: (?:with|at|to|as))? (?P<v>{VALUE})"
)


def sets(s: Clauses) -> Iterator[Phrase]:
    """``this sets s to 12``."""
    for match in each(s, _SETS):
        yield from value_phrases(s.code(match["s"]), s.shown(match["v"]), match[0], match.span(), s)


_ALSO = re.compile(
    rf"{VALUE}(?:,| and|, and) (?P<s>{NAME}) (?P<w>to|at|as) (?P<x>{VALUE.replace('empty>', 'empty2>')})"
)


def also(s: Clauses) -> Iterator[Phrase]:
    """``which takes total to 13 and count to 2``."""
    for match in each(s, _ALSO, keep=True):
        if s.free(match.start("s"), match.end()):
            s.taken.append((match.start("s"), match.end()))
            yield from value_phrases(
                s.code(match["s"]), s.shown(match["x"]), f"goes {match['w']}", match.span("s"), s
            )


_BESIDE = re.compile(
    rf"\b(?:has|have|with|at|gives|and|,) (?P<s>{NAME}) (?:equal to |being |of |= ?)?"
    rf"(?P<v>{LITERAL}{NOT_A_VALUE})"
)


def beside(s: Clauses) -> Iterator[Phrase]:
    """``Next 'o' has pos 14``."""
    for match in each(s, _BESIDE):
        shown = s.shown(match["v"])
        if shown is not None and shown.text is not None:
            name = s.code(match["s"])
            yield Phrase(*match.span(), "value", Value(name, shown, "state"), match[0], True)


_CHOSEN = re.compile(r"\b(?:inputs?|witness|candidate)\b[^.]*$", re.IGNORECASE)


_MANY = re.compile(rf"(?P<names>(?:{NAME}, )+)(?P<a>«a\d+»)(?P<values>(?:, «[vne]\d+»)+)")


def _sides(code: str) -> list[str]:
    """The sides of an equation; ``area = 6 > 0`` ends with what is compared."""
    parts = list(sides(code))
    last = parsed(parts[-1])
    if isinstance(last, ast.Compare) and len(parts) > 1:
        parts[-1] = ast.unparse(last.left)
    return parts


_LISTED = re.compile(
    r"(?:,|,? and|,? or| to| through|\.\.+|\u2026| ?[\u2013-]) ?(?:then )?«v|\.\.|\u2026| or (?:more|less)"
)


def equations(s: Clauses) -> Iterator[Phrase]:
    """``s = 1 + 11 = 12``: every side is what the last literal one is."""
    for match in each(s, _MANY):
        names = [s.code(n) for n in re.findall(NAME, match["names"])]
        parts = list(sides(s.code(match["a"])))
        values = [parts[-1], *(s.code(v) for v in re.findall(r"«[vne]\d+»", match["values"]))]
        names.append(parts[0])
        if len(parts) == 2 and len(names) == len(values):
            for name, text in zip(names, values, strict=True):
                shown = shown_of(text)
                if shown is not None:
                    yield Phrase(*match.span(), "value", Value(name, shown, "state"), "=")
    for match in each(s, re.compile(rf"(?:(?P<s>{NAME})(?P<w>{GAP}|{SYMBOL}) )?(?P<a>«a\d+»)")):
        parts = _sides(s.code(match["a"]))
        subject = match["s"]
        if subject is not None:
            shown = shown_of(parts[-1])
            if shown is not None and all(shown_of(p) is not None for p in parts):
                yield from value_phrases(s.code(subject), shown, match["w"], match.span(), s)
        known = [shown for part in parts if (shown := shown_of(part)) is not None]
        if not known:
            continue
        value = known[-1]
        after = s.template[match.end() :]
        if _LISTED.match(after):
            continue
        typed = re.match(rf",? (?:which is |so )?(?:an? ){TYPE}", after)
        if typed is not None and value.text is not None:
            value = Shown(value.text, TYPES[typed["type"]])
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
            elif parsed(part) is not None:
                yield Phrase(*match.span(), "value", Value(part, value, "state"), "=", early)
        follow = re.match(
            rf"(?: is|,? which is|,? so| gives| makes| ->| \u2192|,? that's) ?(?P<v>{LITERAL}){NOT_A_VALUE}",
            after,
        )
        if follow is not None and shown_of(parts[0]) is None and not is_literal(parts[-1]):
            shown = s.shown(follow["v"])
            if (
                shown is not None
                and parsed(parts[0]) is not None
                and s.free(match.end(), match.end() + follow.end())
            ):
                s.taken.append((match.end(), match.end() + follow.end()))
                typed = re.match(rf",? (?:which is |so )?(?:an? ){TYPE}", after[follow.end() :])
                if typed is not None and shown.text is not None:
                    shown = Shown(shown.text, TYPES[typed["type"]])
                yield Phrase(*match.span(), "value", Value(parts[0], shown, "state"), "=")


_APPENDED = re.compile(
    rf"(?P<v>{LITERAL}) (?:is|gets|was|are)(?: (?:then|also|therefore|again|now|thus))* (?:appended|pushed|inserted)\b|"
    rf"\b(?:append|push|insert)(?:s|es|ed|ing)? (?:the )?(?:value |pair |tuple |number |string |character |item |list )?(?P<u>{LITERAL})"
)


def appended(s: Clauses) -> Iterator[Phrase]:
    """``5 is appended``."""
    for match in each(s, _APPENDED, keep=True):
        shown = s.shown(match["v"] or match["u"])
        if shown is not None and shown.text is not None and not shown.elided:
            yield Phrase(*match.span(), "value", Operand(shown, "puts"), match[0])


_UNNAMED = re.compile(
    rf"\b(?:leaving|giving|[Tt]he (?:list|string|text|window|queue|stack|dict|dictionary|set|array|deck|state)(?: (?:is|reads|becomes|looks like|contains|holds|now|then|again|thus|therefore|just))+)(?: us| only| just)?(?: with)? (?P<v>{LITERAL}){NOT_A_VALUE}"
)


def unnamed(s: Clauses) -> Iterator[Phrase]:
    """A container that some variable holds: ``leaving [7, 2]``."""
    for match in each(s, _UNNAMED):
        shown = s.shown(match["v"])
        if (
            shown is not None
            and shown.text is not None
            and shown.text[:1] in "[{"
            and not shown.elided
        ):
            yield Phrase(*match.span(), "value", Value(ANY, shown, "state"), match[0])


def mentions(s: Clauses) -> Iterator[Phrase]:
    """A list, tuple, dict or set that is written out in passing."""
    for match in each(s, re.compile(LITERAL), keep=True):
        shown = s.shown(match[0])
        if (
            shown is not None
            and shown.text is not None
            and not shown.elided
            and re.match(r"[\[({].*\w", shown.text, re.DOTALL)
            and not re.search(
                r"\b(?:beginning|ending|starting|like|as in)(?: with| in)? $",
                s.template[: match.start()],
            )
        ):
            yield Phrase(*match.span(), "value", Value(ANY, shown, "state"), MENTION)
