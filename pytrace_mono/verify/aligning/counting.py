"""How often a loop, a line, a function or a change ran, by the words that a count stands with."""

from __future__ import annotations

import ast
import re
from collections import Counter

from pytrace_mono.verify.aligning.segments import Segment, Segments
from pytrace_mono.verify.claims import Place
from pytrace_mono.verify.frames import Frame, Round
from pytrace_mono.verify.program import effects_of
from pytrace_mono.verify.reading import shapes

_LINE = re.compile(r"\b(?:[Ll]ine |L)\d+")
_RAN_LINE = re.compile(
    r"\b(?:[Ll]ine |L)\d+[^.;,]*\b(?:runs?|ran|executed|visited|reached|entered|hit)\b"
)
_CALLED = re.compile(r"\b(?:call|calls|called|invoked|runs?|ran)\b")
_ALL = re.compile(r"\b(?:total|altogether|in all|overall)\b")
_YIELDS = re.compile(r"\b(?:yielded|handed out|produced|come out)\b")
_CALLS = re.compile(r"\bcall(?:s|ed)?\b")
_LOOPS = re.compile(
    r"\b(?:loop|loops|iterations?|pass|passes|rounds?|body|iterates?|goes round|go round|trips?)\b"
)
_CHANGED = (
    r"(?:updated|incremented|decremented|changed|increased|decreased|reassigned|set|raised|lowered|bumped|"
    r"assigned|computed|replaced)"
)
_CHANGE = re.compile(
    rf"\b(\w+)(?: \w+)? (?:was|is|gets|got|were|been|be) (?:only )?{_CHANGED}"
    r"|(?:assignment|update) (?:to|of) (\w+)|\b(?:computed|updated|changed|incremented) (\w+)\b"
)
_PLACE = re.compile(
    r"\b(?:after|in|within|during|these|those|next|previous|by|at|until|before) (?:\w+ )?\w+ "
    r"(?:full |whole |inner |outer |loop )?(?:iterations?|pass|passes|rounds?|laps?)\b",
    re.IGNORECASE,
)
"""How far the telling is, not how far the run went."""
_ENDS = re.compile(
    r"\b(?:ends?|ended|done|stops?|finish\w*|over|exhaust\w*|lea?ves?|left|exits?|terminat\w*|total|"
    r"altogether|all)\b"
)
_RAN = re.compile(
    r"\b(?:loop|body|line|called|calls)\b.*\b(?:runs?|ran|called|made|executed|entered)"
)
_FEW = re.compile(r"\b(?:no|once|one|zero|never|0|single)\b")
_KNOWN = frozenset(
    """
    a add added after again all also altogether and append appended are assigned assignment
    because been body branch but by call called calls changed code come computed decreased
    decremented did do done driver during else end ended ends enter entered entire entirely
    exactly executed executions exits finally finished finishes for from full function
    functions generator generators gets go goes gone got had handed has have helper hence here
    hit i if in increased incremented inner inside is it iterated iterates iteration iterations
    its just lap laps line lines list loop loops lowered made makes method must nested no
    number of once only out outer over overall own pass passes produced put raised ran reached
    replaced rest round rounds run runs set single so started stop stops taken takes terminates
    that the their then there therefore through thus time times to total trip trips twice up
    update updated updates value values visited was we were when which while whole yield
    yielded yields zero
    """.split()
)
"""Words that leave what is counted as it is; any other may make it something else."""
_WORD = re.compile(r"(?<![\w.\[\"'])[A-Za-z]+(?![\w.(\[=\"'])")
_VAGUE = re.compile(
    r"\b(?:first|second|third|last|more|each|every|other|per|whose|for|true|false|fails?|holds?|"
    r"only once|of which|with)\b"
)


def counts(
    words: str, place: Place, segments: Segments, main: Frame | None, segment: Segment
) -> set[int] | None:
    """The numbers that may be meant; None where it cannot be said what is counted.

    Args:
        words: the clause.
        place: of the claim.
        segments, main: the run.
        segment: the stretch in which it is told.
    """
    if re.search(r"\bin (?:the )?(?:\w+ )?(?:iteration|pass|round) \d", words):
        return None
    if not _is_understood(words, segments):
        return None
    subject = _of_subject(words, place, segments)
    if subject is not None:
        return subject
    if _PLACE.search(words) and not _ENDS.search(words):
        return None
    if _FEW.search(words) and not _RAN.search(words):
        return None
    plain = re.sub(r"\bfor (?=loop|body)", "", words)
    if _VAGUE.search(plain):
        return None
    if _CALLS.search(words):
        return _calls(set(), words, segments)
    if _YIELDS.search(words):
        return _yields(segments)
    if _LOOPS.search(words):
        return _loops(words, segments, segment)
    return None


def _is_understood(words: str, segments: Segments) -> bool:
    """Whether a clause has no word that may change what is counted, as in "3 calls on the stack"."""
    unknown = {
        word
        for word in _WORD.findall(words)
        if word.lower() not in _KNOWN and word.lower() not in shapes.WORDS
    } - segments.run.program.known_names
    return unknown <= {
        node.attr
        for node in (ast.walk(segments.run.program.tree) if unknown else ())
        if isinstance(node, ast.Attribute)
    }


def _of_subject(words: str, place: Place, segments: Segments) -> set[int] | None:
    """The count of what the words name: a line, a function, a variable."""
    if place.passes or re.search(r"\b(?:first|second|third|more|per|each|every|of which)\b", words):
        return None
    line = _RAN_LINE.search(words)
    if line is not None and place.line is not None:
        if place.line in segments.run.program.loop_lines:
            return None
        visits = segments.visits_of.get(place.line, [])
        return {len(visits)} | set(Counter(v.frame.number for v in visits).values())
    names = set(re.findall(r"[A-Za-z_]\w*", words))
    functions = names & segments.run.program.function_names
    if functions and _CALLED.search(words) and not _LOOPS.search(words):
        return _calls(functions, words, segments)
    called = _method(names, segments)
    if called is not None and not functions and not _FEW.search(words):
        return called
    if re.search(r"\belse\b[^.;,]*\b(?:ran|runs?|taken|executed|entered)\b", words):
        return _else(segments)
    changed = _CHANGE.search(words)
    if changed is not None:
        name = changed[1] or changed[2] or changed[3]
        if name in segments.run.program.bound:
            return _stepped(name, segments) if "cremented" in words else _changed(name, segments)
    return None


def _method(names: set[str], segments: Segments) -> set[int] | None:
    """How often lines ran that call a method of that name: ``pop was called 2 times``."""
    visits = [
        v for v in segments.run.visits
        if not isinstance(v.statement, (ast.For, ast.While, ast.If, ast.FunctionDef, ast.With, ast.Try))
        and any(isinstance(n, ast.Attribute) and n.attr in names for n in ast.walk(v.statement))
    ]  # fmt: skip
    return {len(visits), *Counter(v.label for v in visits).values()} if visits else None


def _calls(names: set[str], words: str, segments: Segments) -> set[int] | None:
    called = [f for f in segments.run.called if not f.name.startswith("<")]
    frames = Counter(f.name for f in called)
    recursive = {f.name for f in called if f.caller is not None and f.caller.frame.name == f.name}
    if not frames:
        return None
    if re.search(r"\bhelper|\binner function", words) and len(frames) > 1:
        names = {name for name in frames if name != called[0].name}
    within = {name: {n, n - 1} if name in recursive else {n} for name, n in frames.items()}
    if names:
        if _ALL.search(words):
            return {frames[name] for name in names}
        return set().union(*(within.get(name, {0}) for name in names))
    if len(frames) == 1 and _ALL.search(words):
        return set(frames.values())
    total = sum(frames.values())
    return {total, total - 1}.union(*within.values())


def _yields(segments: Segments) -> set[int]:
    counts = [len(f.yields) for f in segments.run.called if f.yields]
    return {0} if not counts else {sum(counts), *counts}


def _changed(name: str, segments: Segments) -> set[int]:
    visits = [
        v for v in segments.run.visits if name in v.changes or name in effects_of(v.statement)
    ]
    inside = [v for v in visits if segments.stack_of(v)]
    lines = Counter(v.label for v in visits)
    real = [v for v in inside if name in v.changes]
    return {len(visits), len(inside), len(real), *lines.values()}


def _stepped(name: str, segments: Segments) -> set[int] | None:
    """How often ``name += ...`` ran: every such line, or one."""
    lines = Counter(
        v.label
        for v in segments.run.visits
        if isinstance(v.statement, ast.AugAssign) and ast.unparse(v.statement.target) == name
    )
    return {sum(lines.values()), *lines.values()} if lines else None


def _else(segments: Segments) -> set[int] | None:
    """How often an ``else`` ran."""
    found: set[int] = set()
    for statement in {s for s, _ in segments.run.program.at.values()}:
        other = getattr(statement, "orelse", None)
        if other and not (isinstance(statement, ast.If) and isinstance(other[0], ast.If)):
            found.add(sum(v.statement is other[0] for v in segments.run.visits))
    return found or None


def _loops(words: str, segments: Segments, segment: Segment) -> set[int] | None:
    rounds = [r for r in segments.run.rounds if not r.frame.name.startswith("<")]
    if any(not r.counted for r in rounds):
        return None
    depth = {id(r): len(segments.run.program.loops_around(r.loop)) for r in rounds}
    if "inner" in words or "nested" in words:
        rounds = [r for r in rounds if depth[id(r)] > 1]
    elif "outer" in words:
        rounds = [r for r in rounds if depth[id(r)] == 1]
    if re.search(r"\bwhile\b", words):
        rounds = [r for r in rounds if isinstance(r.loop, ast.While)]
    elif re.search(r"\bfor (?:loop|body)", words):
        rounds = [r for r in rounds if not isinstance(r.loop, ast.While)]
    if not rounds:
        return None
    found = {len(r.passes) for r in rounds}
    by_loop: dict[int, list[Round]] = {}
    for running in rounds:
        by_loop.setdefault(running.loop.lineno, []).append(running)
    for group in by_loop.values():
        found.add(sum(len(r.passes) for r in group))
    return found
