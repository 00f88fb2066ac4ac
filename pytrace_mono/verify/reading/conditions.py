"""Free style: comparisons, tests and types, and how they came out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytrace_mono.verify.claims import Condition, Holds
from pytrace_mono.verify.reading.clauses import Clauses, Phrase, count_of, each
from pytrace_mono.verify.reading.shapes import COUNT
from pytrace_mono.verify.reading.wording import (
    LITERAL,
    NO,
    OPERAND,
    PART,
    SUBJECT,
    TYPE,
    TYPES,
    YES,
)

_ASKED = re.compile(
    rf"(?P<c>«[ca]\d+»)(?: (?:again|too|also|still|now|here|then|itself))*(?: ?(?:[:,(#?\u2014\u2013-]|->|=>|\u2192|is|was|are|comes out|came out|evaluates to|gives|that's|that is|which|which is|this is|it's|holds|turns out|works out|indeed|therefore|to be|to|so|and|therefore|just|also|still|again|now|then|\u00ab[v]\d+\u00bb(?=\W*X)))*? ?(?P<v>{NO}|{YES}|«v\d+»)"
)


def verdicts(s: Clauses) -> Iterator[Phrase]:
    """A comparison and how it came out."""
    for match in each(s, _ASKED, keep=True):
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
            held = re.match(NO, verdict) is None
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
    rf"(?P<l>{OPERAND}|«f\d+»)(?P<v>,? (?:which |that |and )?(?:is|are|was|isn't|aren't|wasn't|being|exceeds|equals|stays|it's|that's)?(?: (?:itself|now|again|also|already|still|therefore|indeed|just|only|definitely|clearly|strictly|certainly))*)"
    r"(?P<n> not| no| n't| neither| never)?(?: (?:strictly|already|even|any))*"
    r" ?(?P<op>>=|<=|==|!=|[<>](?!=)|greater than or equal to|less than or equal to|greater than|larger than|bigger than|more than|above|"
    r"over|beyond|smaller than|less than|lower than|below|under|at most|at least|not equal to|different from|"
    r"equal to|the same as|divisible by|a multiple of|exceeds|exceed|equals)"
    rf"(?: the| its| our)?(?: (?:target|limit|cap|threshold|goal))?(?: of| value)? (?P<r>{OPERAND})"
)


_WORDED = {
    "greater than or equal to": ">=", "less than or equal to": "<=", "greater than": ">",
    "larger than": ">", "bigger than": ">", "more than": ">", "above": ">", "over": ">", "beyond": ">",
    "smaller than": "<", "less than": "<", "lower than": "<", "below": "<", "under": "<",
    "at most": "<=", "at least": ">=", "not equal to": "!=", "different from": "!=", "equal to": "==",
    "the same as": "==", "exceeds": ">", "exceed": ">", "equals": "==",
    ">": ">", "<": "<", ">=": ">=", "<=": "<=", "==": "==", "!=": "!=",
}  # fmt: skip


def worded(s: Clauses) -> Iterator[Phrase]:
    """``16 is greater than 11``."""
    for match in each(s, _COMPARED):
        left, right, op = s.code(match["l"]), s.code(match["r"]), match["op"]
        verb = re.search(
            r"\b(?:is|are|was|being|exceeds?|equals|it's|that's|which is)\b|n't", match["v"] + op
        )
        if verb is None or PART.search(s.template[: match.start()]):
            continue
        if op in ("divisible by", "a multiple of"):
            text = f"({left}) % ({right}) == 0"
        else:
            text = f"({left}) {_WORDED[op]} ({right})"
        held = not (match["n"] or "n't" in match["v"])
        yield Phrase(*match.span(), "branch", Condition(text, held), match[0])


_DEMANDED = re.compile(
    rf"(?P<l>{SUBJECT}) (?:must|has to|have to|had to|needs? to)(?P<n> not)? "
    rf"(?:have (?:exactly )?(?P<k>{LITERAL}|{COUNT}) (?:element|item|entr|character|letter)"
    rf"|be (?P<op>{'|'.join(_WORDED)}) (?P<r>{OPERAND}))"
)


def demands(s: Clauses) -> Iterator[Phrase]:
    """``names must have 3 elements``: what a text that argues backwards deduces."""
    if not s.backward:
        return
    for match in each(s, _DEMANDED):
        if PART.search(s.template[: match.start()]) or match["op"] in (
            "divisible by",
            "a multiple of",
        ):
            continue
        if match["op"]:
            text = f"({s.code(match['l'])}) {_WORDED[match['op']]} ({s.code(match['r'])})"
        else:
            text = f"len({s.code(match['l'])}) == {count_of(s, match['k'])}"
        text = f"not ({text})" if match["n"] else text
        yield Phrase(*match.span(), "constraint", Holds(text), match[0])


_PARITY = re.compile(
    rf"(?P<l>{OPERAND})(?:,? which| itself|,? and (?:so )?it)? (?:is|was|stays|remains|became|becomes)"
    r"(?: (?:itself|also|again|still|now))* (?P<n>not |neither )?(?P<w>even|odd|negative|positive|empty)\b(?! number)"
)


def properties(s: Clauses) -> Iterator[Phrase]:
    """``n is even``, ``the list is empty``."""
    tests = {
        "even": "({}) % 2 == 0",
        "odd": "({}) % 2 == 1",
        "negative": "({}) < 0",
        "positive": "({}) > 0",
        "empty": "len({}) == 0",
    }
    for match in each(s, _PARITY):
        text = tests[match["w"]].format(s.code(match["l"]))
        yield Phrase(*match.span(), "branch", Condition(text, not match["n"]), match[0])


_MEMBER = re.compile(
    rf"(?P<l>{OPERAND})(?: (?:is|was|isn't|are|yet|already))+(?P<n> not| n't)?(?: (?:yet|already))* (?:in|among|inside) (?:the )?(?P<r>«[nev]\d+»)"
)


def members(s: Clauses) -> Iterator[Phrase]:
    """``3 is not in seen``."""
    for match in each(s, _MEMBER):
        held = not (match["n"] or "isn't" in match[0])
        text = f"({s.code(match['l'])}) in ({s.code(match['r'])})"
        yield Phrase(*match.span(), "branch", Condition(text, held), match[0])


_TYPED = re.compile(
    rf"(?P<v>{LITERAL}),? (?:which is |that is |that's |is |so |it's )?(?:again |still |just )?(?:an? ){TYPE}(?! of «)|\bthe {TYPE.replace('type', 'type2')} (?P<w>{LITERAL})"
)


def types(s: Clauses) -> Iterator[Phrase]:
    """``5.0, which is a float``."""
    for match in each(s, _TYPED, keep=True):
        shown = s.shown(match["v"] or match["w"])
        kind = TYPES[match["type"] or match["type2"]]
        if shown is not None and shown.text is not None and not shown.elided:
            text = f"isinstance({shown.text}, {kind})"
            yield Phrase(
                match.start(), match.start() + 1, "branch", Condition(text, True), match[0]
            )


_TEST = re.compile(
    r"(?P<l>«L\d+»)(?:,? (?:the |its )?(?:test|condition|check|comparison|if|elif|while|guard))?(?: (?:is|was|comes out|evaluates to|are|now|then|again|also|therefore|both|just))* "
    rf"(?P<v>{NO}|{YES}|«v\d+»)|"
    r"(?:test|condition|check|comparison|guard|question) (?:on|at|in|of) (?P<m>«L\d+»)(?:(?: (?:is|was|comes out|evaluates to|now|then|again|also|therefore|here))+|:|,) "
    rf"(?P<w>{NO}|{YES}|«v\d+»)"
)


def tests(s: Clauses) -> Iterator[Phrase]:
    """``the test on line 4 is true``."""
    for match in each(s, _TEST):
        verdict = match["v"] or match["w"]
        label = match["l"] or match["m"]
        if verdict.startswith("«"):
            text = s.code(verdict)
            if text not in ("True", "False"):
                continue
            held = text == "True"
        else:
            held = re.match(NO, verdict) is None
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
    rf"(?: (?:on it|itself|again|now|here|there|there too|then|also|still|therefore|this time))*(?P<w>(?: (?:is|was|comes out|evaluates to|turns out|now|then|again|also|still|therefore|as well|both|just|simply|this time|clearly))*) (?P<v>{NO}|{YES}|«v\d+»|taken|entered|skipped)"
)


def checks(s: Clauses) -> Iterator[Phrase]:
    """``the loop condition is false``, ``the elif is true``: which test is told by its kind only."""
    for match in each(s, _CHECK, keep=True):
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
            held = verdict != "skipped" and re.match(NO, verdict) is None
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


def bare(s: Clauses) -> Iterator[Phrase]:
    """A comparison of literals that is stated is true: ``16 > 10, so we leave``."""
    for match in each(s, re.compile(r"«c\d+»")):
        code = s.code(match[0])
        before = s.template[: match.start()]
        after = s.template[match.end() :]
        if re.match(
            r"\s*(?:\?|:|#|check|test|\)\s*\?|gives|would|returns|yields|means)", after
        ) or re.search(
            r"\b(?:is|whether|if|elif|while|does|check|test|condition|question|ask|asks|evaluate|evaluates|from|by|"
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
