"""Free style: lines of code with what they came to behind ``#``."""

from __future__ import annotations

import ast
import re

from pytrace_mono.verify.claims import Claim, Condition, Place, Value
from pytrace_mono.verify.program import Program, effects_of
from pytrace_mono.verify.reading.clauses import shown_of
from pytrace_mono.verify.reading.pieces import Taken, kind_of
from pytrace_mono.verify.reading.telling import Said

LONE = re.compile(r"\s*(?:->|=)?\s*«v(\d+)»\s*(?:,|$|\()")
"""A value that is all a comment says, or what it says first."""
_VERDICT = re.compile(r"\s*(?:->|is|=)?\s*(?:«v(\d+)»|([A-Za-z]+))")
_TARGET = re.compile(r"([A-Za-z_][\w.\[\]]*)\s*(?:[-+*/%]|//)?=(?!=)")
_TRUTH = {"True": True, "true": True, "yes": True, "False": False, "false": False, "no": False}


def statement_in(line: str) -> str:
    """The test of a header, or another line of code as it is."""
    code = line.strip().rstrip(":")
    return code.removeprefix("if ").removeprefix("while ").removeprefix("elif ").strip()


def commented(text: str, start: int, stop: int, behind: Taken, program: Program) -> Claim | None:
    """How a test came out (``x > 2  # True``) or what an assignment made (``x += 1  # 3``).

    Args:
        text: the monologue.
        start, stop: the line of code, with a comment.
        behind: the comment.
        program: what it is about.
    """
    line = text[start:stop]
    head = line.partition("#")[0]
    code = statement_in(head)
    verdict = _VERDICT.match(behind.template)
    if verdict is not None and code and kind_of(code, program) == "c":
        word = behind.pieces[int(verdict[1])].text if verdict[1] else verdict[2]
        if word in _TRUTH:
            first = start + len(head) - len(head.lstrip())
            said = Condition(code, _TRUTH[word])
            return Claim("branch", said, Place(), text[first:stop], first, stop)
    lone, target = LONE.match(behind.template), _TARGET.match(code)
    if lone is None or target is None or target[1].split("[")[0] not in program.known_names:
        return None
    value = behind.pieces[int(lone[1])].text
    shown = shown_of(value)
    if shown is None:
        return None
    whole = value[0] in "[{(" and target[1].endswith("]")  # what it is an item of
    name = target[1].split("[")[0] if whole else target[1]
    return Claim("value", Value(name, shown, "after"), Place(), line.strip(), start, stop)


def is_made_by(said: Said, lines: frozenset[int], program: Program) -> bool:
    """Whether what is told is what one of these lines makes or tests."""
    statement = said.claim.statement
    places = [s for s, n in program.at.values() if n in lines]
    if isinstance(statement, Condition):
        return any(isinstance(s, (ast.If, ast.While)) for s in places)
    if said.early or not isinstance(statement, Value):  # early: why the line ran
        return False
    root = re.match(r"\w+", statement.expression)
    return root is not None and any(root[0] in effects_of(s) for s in places)
