"""Plant one lie in a true monologue, each proven false against the recording.

The proofs are independent of the checker: they look at the steps of the Trace alone. A lie is planted
only where the changed statement can be decided so.
"""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from pytrace_mono.tracer import Trace
from pytrace_mono.verify import Checked

_BOUND = re.compile(r"(`(\w+)` (?:becomes|is now|starts as) )`([^`\n]+)`")
_MOVED = re.compile(r"(`(\w+)` goes from `[^`\n]+` to )`([^`\n]+)`")
_TEST = re.compile(r"(\[L(\d+)\] `[^`\n]+` )(holds|fails)(?=[,;. ])")
_RUNS = re.compile(r"(\[L(\d+)\] The loop [^\n]*?; it runs )(once|twice|\w+ times)")
_RETURNS = re.compile(r"([Tt]he function returns )`([^`\n]+)`")
_LABEL = re.compile(r"\[L(\d+)\]")
_BULLET = re.compile(
    r"^( *)- \[L(\d+)\] `\w+` (?:starts as|becomes|is now|goes from) (?:(?!\[L)[^\n])*\.\n",
    re.MULTILINE,
)
_STATED = re.compile(r"\[L(\d+)\] `(\w+)` ((?:becomes|is now|starts as) `[^`\n]+`)")
_ITERATION = re.compile(r"^( *- Iteration (\d+): )`(\w+) = ([^`\n]+)`", re.MULTILINE)


@dataclass(frozen=True)
class Lie:
    """A monologue with one lie in it; ``dropped`` is the line it leaves out, where that is the lie."""

    kind: str
    text: str
    said: str
    dropped: int | None = None

    def is_caught(self, checked: Checked) -> bool:
        """Whether a claim is contradicted, or the line left out is reported as missing."""
        return bool(checked.contradicted) or self.dropped in checked.missing


def lies(monologue: str, trace: Trace, seed: int = 0, most: int = 1) -> Iterator[Lie]:
    """At most so many lies of each kind, at places chosen by the seed."""
    chooser = random.Random(seed)
    for kind, plant in _KINDS.items():
        found = list(plant(monologue, trace))
        for start, end, words in chooser.sample(found, min(most, len(found))):
            dropped = _LABEL.search(monologue, start) if kind == "dropped_line" else None
            line = int(dropped[1]) if dropped is not None else None
            yield Lie(kind, monologue[:start] + words + monologue[end:], words, line)


Edit = tuple[int, int, str]


def _values(trace: Trace) -> dict[str, list[str]]:
    """Every text that a variable was ever seen to have, in order."""
    seen: dict[str, list[str]] = {}
    for step in trace.call_steps:
        for name, value in step.changes.items():
            seen.setdefault(name, []).append(value.text)
    return seen


def _off_by_one(text: str, trace: Trace) -> Iterator[Edit]:
    """A number that the variable never is in the whole run."""
    seen = _values(trace)
    for pattern in (_BOUND, _MOVED):
        for match in pattern.finditer(text):
            if re.fullmatch(r"-?\d+", match[3]):
                for wrong in (str(int(match[3]) + 1), str(int(match[3]) - 1)):
                    if wrong not in seen.get(match[2], [wrong]):
                        yield match.start(), match.end(), f"{match[1]}`{wrong}`"
                        break


def _wrong_type(text: str, trace: Trace) -> Iterator[Edit]:
    """The same value of another type, which the variable never is."""
    seen = _values(trace)
    for match in _BOUND.finditer(text):
        value = match[3]
        wrong = None
        if re.fullmatch(r"-?\d+", value):
            wrong = f"'{value}'"
        elif re.fullmatch(r"\[[^<(]+, [^<(]+\]", value):  # objects have no literal
            wrong = f"({value[1:-1]})"
        if wrong is not None and wrong not in seen.get(match[2], [wrong]):
            yield match.start(), match.end(), f"{match[1]}`{wrong}`"


def _stale(text: str, trace: Trace) -> Iterator[Edit]:
    """``goes from a to b`` told as if nothing had happened."""
    pattern = re.compile(r"`(\w+)` goes from `([^`\n]+)` to `([^`\n]+)`")
    for match in pattern.finditer(text):
        name, before, after = match.groups()
        history = _values(trace).get(name, [])
        # False if the variable never comes back to the value it had.
        if history.count(before) <= 1 and before != after:
            yield match.start(), match.end(), f"`{name}` goes from `{before}` to `{before}`"


def _wrong_visit(text: str, trace: Trace) -> Iterator[Edit]:
    """The loop's value of another iteration; false where no two iterations share one."""
    rows = list(_ITERATION.finditer(text))
    for match in rows:
        history = _values(trace).get(match[3], [])
        if len(set(history)) != len(history):
            continue
        for other in rows:
            if other[3] == match[3] and other[4] != match[4]:
                yield match.start(), match.end(), f"{match[1]}`{match[3]} = {other[4]}`"
                break


def _swapped(text: str, trace: Trace) -> Iterator[Edit]:
    """Two iterations that follow each other, told in each other's place."""
    rows = list(_ITERATION.finditer(text))
    for first, second in pairwise(rows):
        history = _values(trace).get(first[3], [])
        follow = int(second[2]) == int(first[2]) + 1 and first[3] == second[3]
        if follow and len(set(history)) == len(history) and first[4] != second[4]:
            between = text[first.end() : second.start()]
            words = (
                f"{first[1]}`{first[3]} = {second[4]}`{between}"
                f"{second[1]}`{second[3]} = {first[4]}`"
            )
            yield first.start(), second.end(), words


def _flipped(text: str, trace: Trace) -> Iterator[Edit]:
    """A test told the other way round, on a line that ran once: then there is one outcome."""
    for match in _TEST.finditer(text):
        line = int(match[2])
        if sum(s.kind == "line" and s.line == line for s in trace.call_steps) == 1:
            other = "fails" if match[3] == "holds" else "holds"
            yield match.start(), match.end(), f"{match[1]}{other}"


def _loop_count(text: str, trace: Trace) -> Iterator[Edit]:
    """One more pass than all visits of the header leave room for."""
    for match in _RUNS.finditer(text):
        line = int(match[2])
        visits = sum(s.kind == "line" and s.line == line for s in trace.call_steps)
        yield match.start(), match.end(), f"{match[1]}{visits + 1} times"


def _other_return(text: str, trace: Trace) -> Iterator[Edit]:
    """A value that no call in the run returned."""
    returned = {s.value.text for s in trace.call_steps if s.kind == "return" and s.value}
    for match in _RETURNS.finditer(text):
        number = re.fullmatch(r"-?\d+", match[2])
        wrong = str(int(match[2]) + 1) if number else "'nothing of the kind'"
        if wrong not in returned:
            yield match.start(), match.end(), f"{match[1]}`{wrong}`"


def _negated(text: str, trace: Trace) -> Iterator[Edit]:
    """Backwards: the output told as what it is not."""
    pattern = re.compile(r"(so (?:at the end|there) `\w+ )==( [^`\n<]+`)")
    for match in pattern.finditer(text):
        yield match.start(), match.end(), f"{match[1]}!={match[2]}"


def _witness(text: str, trace: Trace) -> Iterator[Edit]:
    """Backwards: an input that is not the one that was run."""
    pattern = re.compile(r"((?:met by|every point is|all of this is) `(\w+) = )([^`\n]+)`\.")
    for match in pattern.finditer(text):
        try:
            value = ast.literal_eval(match[3])
        except (ValueError, SyntaxError):
            continue
        if isinstance(value, (int, str, list)) and not isinstance(value, bool):
            wrong = repr(
                value + type(value)((1,))
                if isinstance(value, list)
                else value * 2 or type(value)(5)
            )
            if wrong != match[3]:
                yield match.start(), match.end(), f"{match[1]}{wrong}`."


def _dropped(text: str, trace: Trace) -> Iterator[Edit]:
    """A bullet left out that alone told of a line of the function, which changed something."""
    outermost = {s.function for s in trace.call_steps if s.kind == "call" and s.depth == 0}
    for match in _BULLET.finditer(text):
        line = int(match[2])
        deeper = text.startswith(match[1] + "  ", match.end())
        steps = [s for s in trace.call_steps if s.kind == "line" and s.line == line]
        own = bool(steps) and {s.function for s in steps} <= outermost
        told = len(re.findall(rf"\[L{line}\]", text.partition("### Execution")[2]))
        if own and told == 1 and not deeper and any(s.changes for s in steps):
            yield match.start(), match.end(), ""


def _another_function(text: str, trace: Trace) -> Iterator[Edit]:
    """What another function bound, told of a line of a function that never has such a variable."""
    bound: dict[str, set[str]] = {}
    at: dict[int, set[str]] = {}
    for step in trace.steps:
        bound.setdefault(step.function, set()).update(step.changes)
        at.setdefault(step.line, set()).add(step.function)
    clauses = list(_STATED.finditer(text))
    for match in clauses:
        functions = at.get(int(match[1]), set())
        seen = set().union(*(bound[f] for f in functions), bound.get("<module>", set()))
        for other in clauses:
            apart = functions.isdisjoint(at.get(int(other[1]), functions))
            if functions and apart and other[2] not in seen:
                yield match.start(), match.end(), f"[L{match[1]}] `{other[2]}` {other[3]}"
                break


_KINDS: dict[str, Callable[[str, Trace], Iterator[Edit]]] = {
    "value_off_by_one": _off_by_one,
    "wrong_type": _wrong_type,
    "stale_value": _stale,
    "wrong_visit": _wrong_visit,
    "iterations_swapped": _swapped,
    "branch_flipped": _flipped,
    "wrong_loop_count": _loop_count,
    "another_result": _other_return,
    "constraint_negated": _negated,
    "another_witness": _witness,
    "dropped_line": _dropped,
    "another_function": _another_function,
}
