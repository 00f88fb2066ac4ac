"""Free style: the words of a sentence that say when: passes, visits, the loop's variable, reasons."""

from __future__ import annotations

import re
from collections.abc import Collection

from pytrace_mono.verify.claims import Claim, Place, Shown, Value
from pytrace_mono.verify.reading import shapes
from pytrace_mono.verify.reading.clauses import shown_of, silent_stretches
from pytrace_mono.verify.reading.pieces import Taken, sides
from pytrace_mono.verify.reading.telling import Said
from pytrace_mono.verify.source import is_literal

_ORDINALS = "|".join(shapes.ORDINALS[1:])
PASS = re.compile(
    r"\b(?:[Ii]teration|[Ii]ter|[Pp]ass|[Rr]ound|[Ll]oop|it) ?#?«v(\d+)»(?! (?:times|is|are))"
    rf"|\b(?i:({_ORDINALS}))(?: (?:and|\(?and) (?:final|last))? (?:loop )?(?i:iteration|pass|round|time (?:through|around|round)|trip|turn|lap|go)\b"
)
VISIT = re.compile(
    rf"\b(?i:(?P<o>{_ORDINALS})) (?:visit|execution|time)(?: (?:of|to|on|at|through)(?: (?P<l>«L\d+»))?)?|(?P<m>«L\d+»)[:,]? (?i:(?P<p>{_ORDINALS})) (?:visit|execution|time)"
)
_ITEM = re.compile(
    rf"\b(?i:(?P<o>{_ORDINALS}|next|last|final))(?: (?:up|comes|is|one|item|element|number|letter|character|char|pair|word|value|entry|key|card|digit|token|day|step|of|the|a|an|again|list|in|line|now))*[,:]?(?: (?:is|comes|an?|the|again|=|up|we|have|see|meet))*,? (?P<v>«v\d+»)"
)
_LEADING = re.compile(
    r"^(?:[-*\u2022>]|\W)*(?:(?:For|With|On|At|Then|Next|Now|And|Take|Takes|Handle|the|comes|element|item|number|character|letter) )*(?P<v>«v\d+»)(?=:| arrives| comes| is| -|,| \u2013| \u2014| \()"
)
_SEQUEL = re.compile(
    r"\b(?:then|next|after|before|until|finally|later|last|first|second|third|again)\b", re.I
)


_REASON = re.compile(
    r"\b(?:since|because|as|given that|while|when|with|although|though)\b(?:(?!\bso\b|\bthen\b)[^.;:!?])*$",
    re.I,
)


def is_reason(template: str, position: int) -> bool:
    """Whether what is told there gives the reason of something, and so what was before it."""
    return _REASON.search(template, 0, position) is not None


def is_sequel(template: str, position: int) -> bool:
    """Whether a word of sequence stands before it."""
    return _SEQUEL.search(template, 0, position) is not None


def hints(
    taken: Taken, template: str, a: int, targets: Collection[str], written: Collection[str]
) -> list[tuple[int, Said]]:
    """Values of loop variables that are named in passing.

    Args:
        taken, template, a: a sentence, and where it begins in the template.
        targets: the variables of loops.
        written: the same as the program writes them: ``x``, ``(a, b)``.
    """
    found: list[tuple[int, Said]] = []

    def hint(at: int, name: str, shown: Shown, number: int | None) -> None:
        place = Place(None, ((None, number),) if number else ())
        first = taken.places[a + at]
        claim = Claim("value", Value(name, shown, "state"), place, "", first, first)
        found.append((at, Said(claim, True, True)))

    silent = silent_stretches(template)
    for match in re.finditer(r"«a(\d+)»", template):
        parts = sides(taken.pieces[int(match[1])].text)
        if any(x <= match.start() < y for x, y in silent) and parts[0] in targets:
            shown = shown_of(parts[-1])
            if shown is not None and template.rstrip(" *_").endswith("?"):
                hint(match.start(), parts[0], shown, None)
    for pattern in (_ITEM, _LEADING):
        for match in pattern.finditer(template):
            text = taken.pieces[int(match["v"][2:-1])].text
            shown = shown_of(text)
            if shown is None or not is_literal(text):
                continue
            ordinal = match["o"].lower() if "o" in match.groupdict() and match["o"] else ""
            number = shapes.ORDINALS.index(ordinal) if ordinal in shapes.ORDINALS else None
            for name in sorted(written):
                hint(match.start(), name, shown, number)
    return found
