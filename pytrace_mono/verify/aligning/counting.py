"""How often a loop, a line, a function or a change ran, by the words that a count stands with."""

from __future__ import annotations

import ast
import re
from collections import Counter

from pytrace_mono.verify.aligning.segments import Segment, Segments
from pytrace_mono.verify.claims import Place
from pytrace_mono.verify.program import effects_of
from pytrace_mono.verify.recording import Frame, Round

_LINE = re.compile(r"«L\d+»")
_CALLS = re.compile(r"\bcall(?:s|ed)?\b")
_LOOPS = re.compile(
    r"\b(?:loop|loops|iterations?|pass|passes|rounds?|body|iterates?|goes round|go round|trips?)\b"
)
_CHANGES = re.compile(
    r"«n\d+»(?: \w+)? (?:was|is|gets|got|were|been) (?:only )?(?:updated|incremented|decremented|changed|increased|decreased|"
    r"reassigned|set|raised|lowered|bumped)|assignment to «n\d+»"
)


def counts(
    words: str, name: str | None, place: Place, segments: Segments, main: Frame | None, segment: Segment
) -> set[int] | None:
    """The numbers that may be meant; None where it cannot be said what is counted.

    Args:
        words: the clause, as a template.
        name: the variable or function that the clause names, if any.
        place: of the claim.
        segments, main: the run.
        segment: the stretch in which it is told.
    """
    if re.search(r"\b(?:first|second|third|last|more|each|every|other|per|whose)\b|\bfor «", words):
        return None
    if place.line is not None and _LINE.search(words):
        if place.line in segments.run.program.loop_lines:
            return None
        visits = segments.visits_of.get(place.line, [])
        return {len(visits)} | set(Counter(v.frame.number for v in visits).values())
    if _CALLS.search(words):
        return _calls(name, segments)
    if _CHANGES.search(words) and name is not None:
        return _changed(name, segments)
    if _LOOPS.search(words) or re.search(r"\bwhile\b|\bfor\b", words):
        return _loops(words, segments, main, segment)
    return None


def _calls(name: str | None, segments: Segments) -> set[int] | None:
    frames = Counter(f.name for f in segments.run.called if not f.name.startswith("<"))
    if name is not None:
        return {frames[name]} if name in frames else None
    if not frames:
        return None
    total = sum(frames.values())
    return {total, total - 1, *frames.values()} if len(frames) > 1 else {total, total - 1}


def _changed(name: str, segments: Segments) -> set[int]:
    visits = [v for v in segments.run.visits if name in v.changes or name in effects_of(v.statement)]
    inside = [v for v in visits if segments.stack_of(v)]
    lines = Counter(v.label for v in visits)
    real = [v for v in inside if name in v.changes]
    return {len(inside), len(real), *lines.values()}


def _loops(words: str, segments: Segments, main: Frame | None, segment: Segment) -> set[int] | None:
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
    elif re.search(r"\bfor\b (?:loop|body)", words):
        rounds = [r for r in rounds if not isinstance(r.loop, ast.While)]
    if not rounds:
        return None
    found = {len(r.passes) for r in rounds}
    by_loop: dict[int, list[Round]] = {}
    for running in rounds:
        by_loop.setdefault(running.loop.lineno, []).append(running)
    for group in by_loop.values():
        found.add(sum(len(r.passes) for r in group))
    here = [r for r in rounds if r.frame is segment.frame and _inside(r, segment)]
    if here and ("inner" in words) and "total" not in words and "altogether" not in words:
        return {len(r.passes) for r in here} | ({0} if not here else set())
    return found


def _inside(running: Round, segment: Segment) -> bool:
    """Whether a loop ran in the pass that a stretch is in."""
    if not segment.stack:
        return False
    outer, number = segment.stack[0]
    window = outer.window(number)
    return window is not None and running is not outer and window[0] <= running.begins < window[1]
