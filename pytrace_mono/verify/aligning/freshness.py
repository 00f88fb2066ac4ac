"""Whether what is told of a pass is what the pass left, or only what it found."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache

from pytrace_mono.tracer.types import Snapshot
from pytrace_mono.verify.aligning.anywhere import conclude
from pytrace_mono.verify.aligning.path import Spot
from pytrace_mono.verify.aligning.segments import Moment, Segment
from pytrace_mono.verify.aligning.truth import Truth
from pytrace_mono.verify.claims import Condition, Value
from pytrace_mono.verify.findings import Finding
from pytrace_mono.verify.instances import instance_of
from pytrace_mono.verify.program import touched
from pytrace_mono.verify.reading.telling import Said, Telling
from pytrace_mono.verify.source import parsed

_AFTER = re.compile(
    r"\b(?:still|stays?|stayed|remains?|remained|unchanged|keeps?|kept|now|becomes?|became|goes|moves|jumps|"
    r"drops|grows|rises|changes)\b|->|\u2192"
)
"""Words of what a pass leaves behind."""


class Freshness:
    """When values were made.

    Args:
        truth: of statements at moments of the run.
    """

    def __init__(self, truth: Truth) -> None:
        self.truth = truth
        self.segments = truth.segments
        self._made: dict[tuple[str, int], list[Moment]] = {}

    def _makes(self, moment: Moment, names: set[str]) -> bool:
        visit = moment.visit
        if visit is None or moment.ends:
            return False
        if names & (visit.changes.keys() | touched(visit.statement)):
            return True
        return any(
            _field(visit.had(owner), name) != _field(visit.changes[owner], name)
            for name in names & self.segments.run.program.attributes
            for owner in visit.changes
        )

    def events(self, statement: Value, here: Segment) -> list[Moment]:
        """The moments at which a value was made in the innermost pass in which one was."""
        key = (statement.expression, id(here))
        known = self._made.get(key)
        if known is not None:
            return known
        names = _names(statement.expression)
        frames = {here.frame}
        caller = here.frame.caller
        while caller is not None:
            frames.add(caller.frame)
            caller = caller.frame.caller
        stack = self.segments.full_stack(here)
        found: list[Moment] = []
        while stack and not found:
            found = [
                moment
                for segment in self.segments.all
                if segment.frame in frames
                and self.segments.full_stack(segment)[: len(stack)] == stack
                for moment in segment.moments
                if self._makes(moment, names)
            ]
            stack = stack[:-1]
        self._made[key] = found
        return found

    def is_fresh(self, statement: Value, segment: Segment) -> bool | None:
        """Whether a value was made in that pass; None where none was."""
        events = self.events(statement, segment)
        if not events:
            return None
        return any(self.truth.states(statement, moment) is True for moment in events)

    def is_stale(self, statement: Value, segment: Segment) -> bool:
        """Whether a pass made other values only."""
        return segment.outer is not None and self.is_fresh(statement, segment) is False


def stale(
    telling: Telling,
    where: Mapping[int, Spot],
    found: dict[int, Finding],
    freshness: Freshness,
) -> None:
    """What is told of a pass last should be what the pass left, not what it found.

    It is wrong where the words or what is told beside it say so, or where the telling does so
    otherwise of the same variable in other passes.
    """
    segments = freshness.segments.all
    told: dict[tuple[str, int], list[int]] = defaultdict(list)
    for index, spot in where.items():
        said = telling.said[index]
        statement = said.claim.statement
        if not isinstance(statement, Value) or said.hint or found[index].status != "holds":
            continue
        if events := freshness.events(statement, segments[spot.segment]):
            told[(said.column or statement.expression, events[0].time)].append(index)
    fresh: dict[str, int] = defaultdict(int)
    old: dict[str, list[int]] = defaultdict(list)
    for (name, _), indices in told.items():
        answers = [
            freshness.is_fresh(_value(telling.said[i]), segments[where[i].segment]) for i in indices
        ]
        if True in answers:
            fresh[name] += 1
        elif None not in answers:
            old[name].append(indices[-1])
    for name, indices in old.items():
        for index in indices:
            said = telling.said[index]
            statement = _value(said)
            if said.column is None and (said.early or _opens(index, telling, where)):
                continue
            if fresh[name] >= (1 if said.column else 2) * len(indices) or (
                said.column is None and _is_last(index, telling, where, freshness)
            ):
                moment = freshness.events(statement, segments[where[index].segment])[-1]
                line = moment.visit.label if moment.visit is not None else 0
                text = freshness.truth.text(statement.expression, moment)
                fact = f"{statement.expression} is {text} at line {line} (step {moment.time + 1})"
                found[index] = conclude(said.claim, False, fact, moment.time)


def _is_last(index: int, telling: Telling, where: Mapping[int, Spot], freshness: Freshness) -> bool:
    """Whether it is told of the end of what its sentence tells, not as what is found at the start."""
    said, spot = telling.said[index], where[index]
    statement = _value(said)
    if not freshness.is_stale(statement, freshness.segments.all[spot.segment]):
        return False
    if _AFTER.search(said.words):
        return True
    segment = freshness.segments.all[spot.segment]
    after = telling.said[index + 1] if index + 1 < len(telling.said) else None
    if (
        after is not None
        and after.joint
        and after.tight
        and _apart(said, after, segment, freshness)
    ):
        return True
    if not said.joint or index == 0:
        return False
    before = telling.said[index - 1]
    if said.tight and isinstance(before.claim.statement, Value):
        return _apart(before, said, segment, freshness)
    return isinstance(before.claim.statement, Condition)


def _apart(one: Said, other: Said, segment: Segment, freshness: Freshness) -> bool:
    """Whether two values that are told in one breath were never had at one time."""
    if not isinstance(one.claim.statement, Value) or not isinstance(other.claim.statement, Value):
        return False
    truth = freshness.truth
    both = [(truth.at(one, m) is True, truth.at(other, m) is True) for m in segment.moments]
    return any(a for a, _ in both) and any(b for _, b in both) and (True, True) not in both


def _opens(index: int, telling: Telling, where: Mapping[int, Spot]) -> bool:
    """Whether it is the first thing that is told of a pass that is named."""
    said = telling.said[index]
    return (
        bool(said.claim.place.passes)
        and not _AFTER.search(said.words)
        and not any(
            where[i].segment == where[index].segment and not telling.said[i].hint
            for i in where
            if i < index and telling.said[i].line == said.line
        )
    )


def _field(owner: Snapshot | None, name: str) -> str | None:
    """The text of an object's attribute."""
    instance = instance_of(owner.text) if owner is not None and not owner.exact else None
    field = instance.fields.get(name) if instance is not None else None
    return field.text if field is not None else None


def _value(said: Said) -> Value:
    assert isinstance(said.claim.statement, Value)
    return said.claim.statement


@lru_cache(maxsize=1024)
def _names(expression: str) -> set[str]:
    """The variable that is told of, itself, an item of it or how long it is; none of a calculation."""
    node = parsed(expression)
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "len" and len(node.args) == 1:
        node = node.args[0]
    while isinstance(node, (ast.Subscript, ast.Attribute)):
        node = node.value
    return {node.id} if isinstance(node, ast.Name) else set()
