"""Free style: what is returned, yielded and raised, what ran how often, and what did not run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from pytrace_mono.verify.claims import Called, Gives, Passes, Raises, Reached, Shown
from pytrace_mono.verify.reading import shapes
from pytrace_mono.verify.reading.clauses import Clauses, Phrase, each, shown_of
from pytrace_mono.verify.reading.pieces import sides
from pytrace_mono.verify.reading.shapes import COUNT, TIMES
from pytrace_mono.verify.reading.wording import LITERAL, NOT_A_VALUE, TYPE, TYPES, VALUE
from pytrace_mono.verify.source import is_literal, parsed

_RETURN = re.compile(
    rf"(?P<who>«f\d+»|[Tt]he (?:whole )?(?:function|outermost call|outer call|call|program)|«x\d+»|[Ff]unction)?"
    r"(?: (?:then|finally|therefore|thus|eventually|itself|simply|just|ultimately|in turn|now|also|still|immediately|again))*,? ?"
    r"\b(?P<w>returns?|returned|returning|hands? back|gives? back|gave back|comes back with|gets? back|answers?|spits out|"
    r"(?:the )?(?:final |overall |whole |return(?:ed)? )?(?:answer|result|output|return value|outcome)(?:'s| is| was|:)|[Rr]eturned:)"
    r"(?: (?:straight away|early|right away|immediately|with|just|simply|exactly|therefore|then|again|the|value|tuple|list|string|number|pair|float|int|integer|bool|dict|also))*:? "
    rf"(?P<v>{VALUE}|«a\d+»)"
)


_RETURNED = re.compile(
    rf"(?P<v>{LITERAL}) (?:is|was|gets|are)(?: (?:then|finally|therefore|what is|what's|immediately|also))* (?P<w>returned|handed back)"
)


_TYPED_RETURN = re.compile(
    rf"(?:function returns|call returns|result is|returned value is|returned? as|answer(?:'s| is)|return value is|output is|value is) (?:just |then |therefore |simply )*(?:{LITERAL}, )?an? {TYPE}(?! (?:of «v\d+» and|whose))"
)


_SPEAKERS = frozenset(
    "it and which that then so we i call function this helper now finally immediately case both one also branch "
    "therefore just to is he she program recursion generator method again here too".split()
)


def returns(s: Clauses) -> Iterator[Phrase]:
    """``f(2) returns 3``, ``the answer is 3``."""
    for match in each(s, _TYPED_RETURN, keep=True):
        yield Phrase(
            match.start(),
            match.start() + 1,
            "call",
            Gives(None, Shown(None, TYPES[match["type"]])),
            "function returns",
        )
    for match in each(s, _RETURN):
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
        if re.match(
            r" (?:along|together|plus)\b|, «n| and «|[^.;:]{0,12}\b(?:if|unless|otherwise|whenever)\b",
            after,
        ):
            continue
        text = match["v"]
        if text.startswith("«a"):
            parts = sides(s.code(text))
            shown = shown_of(parts[-1])
            if shown is None or not all(
                is_literal(p) or s.program.known_names.isdisjoint(re.findall(r"\w+", p))
                for p in parts
            ):
                continue
        else:
            shown = s.shown(text)
        if shown is None:
            continue
        typed = re.match(
            rf",? (?:which is |i\.e\.,? |so )?(?:an? |the ){TYPE}", after
        ) or re.search(rf"\b(?:an?|the) {TYPE} $", s.template[: match.start("v")])
        if typed is not None and shown.text is not None:
            shown = Shown(shown.text, TYPES[typed["type"]])
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
    for match in each(s, _RETURNED):
        if re.match(r" (?:along|together)\b", s.template[match.end() :]):
            continue
        shown = s.shown(match["v"])
        if shown is not None:
            yield Phrase(*match.span(), "call", Gives(None, shown), "")


_YIELD = re.compile(
    rf"\b(?:yields?|yielding|hands? out|yielded) (?:the )?(?P<v>{LITERAL}){NOT_A_VALUE}|(?P<u>{LITERAL}) is (?:then )?yielded"
)


def yields(s: Clauses) -> Iterator[Phrase]:
    """``yields 4``."""
    for match in each(s, _YIELD):
        shown = s.shown(match["v"] or match["u"])
        if shown is not None:
            yield Phrase(*match.span(), "call", Gives(None, shown, "yielded"), match[0])


_RAISED = re.compile(
    r"(?:raises?|raised|throws?|raising|thrown|hits an?|causes? an?|triggers? an?)(?: an?| the)? (?P<t>\w+(?:Error|Exception)|«x\d+»)|(?P<u>\w+(?:Error|Exception)|«x\d+») (?:is|was|gets) (?:raised|thrown)"
)


def raises(s: Clauses) -> Iterator[Phrase]:
    """``raises a KeyError``."""
    for match in each(s, _RAISED):
        word = match["t"] or match["u"]
        name = s.code(word) if word.startswith("«") else word
        found = re.match(r"\w+(?:Error|Exception|Iteration)\b", name)
        if found is not None:
            yield Phrase(*match.span(), "exception", Raises(found[0]), match[0])


_TIMES = re.compile(
    rf"(?P<k>{LITERAL} (?:more )?times?\b|{LITERAL}[x\u00d7](?!\w)|{TIMES}|(?:{LITERAL}|{COUNT}|a single|one single) "
    r"(?:full |whole |complete |single |loop |outer |inner |recursive |function )*"
    r"(?:iterations?|passes|pass|rounds?|calls|laps?|trips?)\b(?! [\d\u00ab])"
    rf"|(?:{LITERAL}|{COUNT}) (?:values?|items?|numbers?|elements?) (?:(?:are|were|is|was|get|gets|has been|have been) (?:\w+ )?(?:yielded|handed out|produced)|come out))",
    re.IGNORECASE,
)


def counts(s: Clauses) -> Iterator[Phrase]:
    """``three times``, ``two passes``."""
    for match in each(s, _TIMES):
        words = match["k"]
        piece = re.search(LITERAL, words)
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
            count = shapes.count_of(words.lower())
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


def calls(s: Clauses) -> Iterator[Phrase]:
    """A call written out with its arguments was made."""
    for match in each(s, re.compile(r"«f\d+»"), keep=True):
        node = parsed(s.code(match[0]))
        if s.backward or not isinstance(node, ast.Call) or not (node.args or node.keywords):
            continue
        given = [*node.args, *(k.value for k in node.keywords)]
        if all(is_literal(ast.unparse(argument)) for argument in given):
            yield Phrase(*match.span(), "call", Called(s.code(match[0])), match[0])


_SKIPPED = re.compile(
    r"(?P<a>«L\d+»)(?:(?: (?:to|through|and) |-|, )(?P<b>«L\d+»|«v\d+»))?(?: (?:is|are|was|were|gets|get|has|have))?(?: (?:also|therefore|thus|then|again|both))*"
    r" (?:skipped|passed over|not (?:run|reached|executed|taken|entered|visited)|never (?:run|reached|executed|runs?|reached)|do(?:es)? not run|never runs?)"
)


def lines(s: Clauses) -> Iterator[Phrase]:
    """``line 5 is never reached``."""
    for match in each(s, _SKIPPED):
        first = int(s.code(match["a"]))
        last = int(s.code(match["b"])) if match["b"] and s.code(match["b"]).isdigit() else first
        yield Phrase(*match.span(), "branch", Reached(first, max(first, last), False), match[0])
