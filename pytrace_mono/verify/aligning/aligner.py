"""The findings on a monologue in free style."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from pytrace_mono.verify.aligning.anywhere import Anywhere, conclude
from pytrace_mono.verify.aligning.counting import counts
from pytrace_mono.verify.aligning.freshness import Freshness, stale
from pytrace_mono.verify.aligning.order import misplaced
from pytrace_mono.verify.aligning.path import ACROSS, TIED, Spot, lay
from pytrace_mono.verify.aligning.segments import Moment, Segment, Segments
from pytrace_mono.verify.aligning.truth import ABSENT, Truth, meets
from pytrace_mono.verify.claims import (
    ANY,
    MENTION,
    Condition,
    Passes,
    Raises,
    Reached,
    Statement,
    Value,
)
from pytrace_mono.verify.findings import Finding
from pytrace_mono.verify.frames import Frame
from pytrace_mono.verify.program import effects_of, targets_of
from pytrace_mono.verify.reading.telling import Said, Telling
from pytrace_mono.verify.recording import Known, Run
from pytrace_mono.verify.source import literal_of

WRONG = 1.0
"""What a statement costs where it is not so."""
TARGET = 1.6
"""... of a loop's variable, which says in which pass it is told."""
HINT = 0.5
ABROAD = 0.6
"""... of a calculation that is right, where the program did not make it."""
ELSEWHERE = 1.4
"""What it costs to be outside of the iteration that is named."""
UNKNOWN = 0.1
LOOSELY = 0.8
STALE = 0.15
"""What it costs where it was so only until the pass changed it."""
OTHER_LINE = 0.25
MOST = 400
"""Stretches of a run beyond which nothing is laid along it."""


_CONTAINERS = (list, tuple, dict, set, frozenset)


class Aligner:
    """Holds the statements of a telling against a run.

    Args:
        run: the recording; of the witness where the monologue argues backwards.
        main: the activation that the Call is about.
        known: gives every known Call, for properties.
        backward: whether the text argues from the output.
    """

    def __init__(
        self,
        run: Run,
        main: Frame | None,
        known: Callable[[], Sequence[Known]],
        backward: bool = False,
    ) -> None:
        self.run = self._run = run
        self._main = main
        self._segments = Segments(run)
        self._truth = Truth(self._segments, main)
        self._targets = {
            name
            for statement, _ in run.program.at.values()
            if isinstance(statement, ast.For)
            for name in targets_of(statement)
        }
        self._anywhere = Anywhere(self._truth, main, known, backward)
        self._stacks = [
            tuple((r.loop.lineno, r.begins, n) for r, n in self._segments.full_stack(segment))
            for segment in self._segments.all
        ]
        self._numbers = [{n for _, _, n in stack} for stack in self._stacks]
        self._labels = [
            {m.visit.label for m in segment.moments if m.visit is not None}
            for segment in self._segments.all
        ]
        self._fresh = Freshness(self._truth)
        self.told: set[int] = set()
        self.in_order = 0
        self.placed = 0

    def findings(self, telling: Telling) -> tuple[Finding, ...]:
        """One finding for each claim, in the order of the text."""
        telling = replace(telling, said=tuple(map(self._named, telling.said)))
        segments = self._segments.all
        found: dict[int, Finding] = {}
        placed: list[int] = []
        for index, said in enumerate(telling.said):
            finding = self._anywhere.finding(said)
            if finding is not None:
                found[index] = finding
            elif not isinstance(said.claim.statement, Passes) and len(segments) <= MOST:
                placed.append(index)
        spoken = [telling.said[i] for i in placed]
        rows = [self._truth.over(said) for said in spoken]
        costs = [
            [self._costs(said, row[s], s) for s in range(len(segments))]
            for said, row in zip(spoken, rows, strict=True)
        ]
        path = lay(
            costs,
            self._across(telling, placed),
            [s.back for s in spoken],
            segments,
            self._stacks,
        )
        where = dict(zip(placed, path, strict=True))
        for n, spot in enumerate(path):
            self.placed += 1
            self.in_order += not n or spot >= path[n - 1]
            settled = self._is_settled(n, spoken, rows, path)
            found[placed[n]] = self._placed(spoken[n], rows[n], spot, settled)
        stale(telling, where, found, self._fresh)
        misplaced(telling, where, self._numbers, found)
        last = 0
        findings: list[Finding] = []
        for index, said in enumerate(telling.said):
            last = where[index].segment if index in where else last
            if said.hint:
                continue
            finding = found.get(index)
            if finding is None:
                finding = self._counted(said, segments[last] if segments else None)
            findings.append(finding)
        return tuple(self._doubted(findings))

    def _named(self, said: Said) -> Said:
        """A value of some variable is told of the only one that ever has it."""
        statement = said.claim.statement
        if (
            not isinstance(statement, Value)
            or statement.expression != ANY
            or said.words == MENTION
            or statement.shown.text is None
        ):
            return said
        names = {
            name
            for visit in self._run.visits
            for name, value in visit.changes.items()
            if value.exact and meets(statement.shown, literal_of(value.text))
        }
        if len(names) != 1:
            return said
        named = statement._replace(expression=names.pop())
        return replace(said, claim=said.claim._replace(statement=named))

    def _across(self, telling: Telling, placed: list[int]) -> list[float]:
        """What it costs each statement to be told in another pass than the one before it."""
        found: list[float] = []
        last = -1
        tied = False
        for index in placed:
            said = telling.said[index]
            joint = all(other.joint for other in telling.said[last + 1 : index + 1])
            tied = joint and (tied or said.column is not None)
            before = telling.said[last].claim.statement if last >= 0 else None
            close = (
                joint
                and said.tight
                and isinstance(before, Value)
                and isinstance(said.claim.statement, Value)
                and before.expression != said.claim.statement.expression
            )
            found.append(
                TIED if close or (tied and not said.sequel) else (ACROSS if joint else 0.0)
            )
            statement = said.claim.statement
            if isinstance(statement, Value) and statement.expression in self._targets:
                if joint and said.column is None:
                    found[-1] = ACROSS
                tied = True
            if said.column is not None:
                tied = True
            last = index
        return found

    def _doubted(self, found: list[Finding]) -> list[Finding]:
        """Where most is not so the thread is lost, and only what is so nowhere is wrong."""
        wrong = [f for f in found if f.status == "contradicted" and f.step is not None]
        held = sum(f.status == "holds" for f in found)
        if len(wrong) <= max(2, held * 0.5):
            return found
        return [replace(f, status="unsupported") if f in wrong else f for f in found]

    # ------------------------------------------------------------------ with a place

    def _costs(self, said: Said, answers: list[Any], at: int) -> list[float]:
        """What a statement costs at each moment of a stretch."""
        statement, segment = said.claim.statement, self._segments.all[at]
        extra = 0.0
        for _, number in said.claim.place.passes:
            if number not in self._numbers[at]:
                extra += HINT if said.hint else (LOOSELY if said.loosely else ELSEWHERE)
        line = said.claim.place.line
        if line is not None and said.visit is None and line not in self._labels[at]:
            extra += OTHER_LINE
        right = 0.0
        if isinstance(statement, Value) and not said.hint and True in answers:
            right = STALE if self._fresh.is_stale(statement, segment) else 0.0
        false = WRONG
        if isinstance(statement, (Value, Condition)) and self._truth.calculated(said):
            false = ABROAD
        elif said.hint:
            false = HINT
        elif isinstance(statement, Value) and statement.expression in self._targets:
            false = TARGET
        absent = 1.1 * WRONG if false == WRONG else false
        return [
            extra
            + (
                right
                if answer is True
                else UNKNOWN
                if answer is None
                else absent
                if answer is ABSENT
                else false
            )
            for answer in answers
        ]

    def _placed(self, said: Said, row: list[list[Any]], spot: Spot, settled: bool) -> Finding:
        claim, statement = said.claim, said.claim.statement
        answer = row[spot.segment][spot.moment]
        if answer is True:
            segment = self._segments.all[spot.segment]
            self._tell(statement, segment)
            return conclude(claim, True, "", segment.moments[spot.moment].time)
        if answer is None:
            return conclude(claim, None, "the recording does not tell")
        following = row[spot.segment + 1] if spot.segment + 1 < len(row) else [False]
        if isinstance(statement, Condition) and following[0] is True:
            return conclude(claim, True)  # the test that the pass is followed by
        if isinstance(statement, (Value, Condition)) and self._truth.calculated(said):
            return conclude(claim, True)  # right, though not worked out there
        if not any(a is True or a is False for r in row for a in r):
            return conclude(claim, None, "it has no value in this run")
        somewhere = any(a is True for r in row for a in r)
        if isinstance(statement, Raises) and somewhere:
            return conclude(claim, True, "")
        names = set(re.findall(r"\w+", getattr(statement, "expression", "")))
        if (
            isinstance(statement, Reached)
            or (isinstance(statement, Value) and self._is_of_items(statement, spot))
            or (somewhere and not settled)
            or names & self._segments.passing
        ):
            return conclude(claim, None, "where it is meant is not clear")
        return conclude(claim, False, *self._fact(statement, spot.segment))

    def _is_settled(
        self, n: int, spoken: Sequence[Said], rows: list[list[list[Any]]], path: Sequence[Spot]
    ) -> bool:
        """Whether the words themselves say where in the run the ``n``-th statement is told.

        A pass that is named, a visit, a row of a table, a line of code, or in its sentence the
        value of a loop's variable that only one pass has.
        """
        said = spoken[n]
        named = bool(said.claim.place.passes) and not said.loosely
        if named or said.visit is not None or said.column is not None or said.code:
            return True
        while spoken[n].joint and n and not said.early and not said.back:
            n -= 1
            statement = spoken[n].claim.statement
            if isinstance(statement, Value) and statement.expression in self._targets:
                passes = {s for s, answers in enumerate(rows[n]) if True in answers}
                return passes == {path[n].segment}
        return False

    def _is_of_items(self, statement: Value, spot: Spot) -> bool:
        """Whether a single value is said of a container, and so, likely, of its items or size."""
        shown = statement.shown
        if shown.text is None or shown.elided or shown.type is not None:
            return False
        moment = self._segments.all[spot.segment].moments[spot.moment]
        held = self._truth.value(statement.expression, moment)
        return isinstance(held, _CONTAINERS) and not isinstance(
            literal_of(shown.text), (*_CONTAINERS, str)
        )

    def _fact(self, statement: Statement, at: int) -> tuple[str, int]:
        segment = self._segments.all[at]
        moment: Moment = segment.moments[-1]
        line = moment.visit.label if moment.visit is not None else 0
        where = f"at line {line} (step {moment.time + 1})"
        if isinstance(statement, (Value, Condition)):
            if statement.expression == ANY:
                return f"nothing is {statement.shown.text} {where}", moment.time  # type: ignore[union-attr]  # a Value
            if statement.expression.startswith(("line ", "test ")):
                return f"{statement.expression} comes out otherwise {where}", moment.time
            return (
                f"{statement.expression} is {self._truth.text(statement.expression, moment)} {where}",
                moment.time,
            )
        return f"it is otherwise {where}", moment.time

    def _tell(self, statement: Statement, segment: Segment) -> None:
        """Keep which lines with side effects were narrated."""
        if not isinstance(statement, Value):
            return
        root = statement.expression.split("[")[0].split(".")[0]
        for moment in segment.moments:
            visit = moment.visit
            if visit is not None and (root in visit.changes or root in effects_of(visit.statement)):
                self.told.add(visit.label)

    # ------------------------------------------------------------------ counts

    def _counted(self, said: Said, segment: Segment | None) -> Finding:
        claim, statement = said.claim, said.claim.statement
        if not isinstance(statement, Passes) or statement.times is None or segment is None:
            return conclude(claim, None, "the run is too long to be laid along")
        possible = counts(said.words, claim.place, self._segments, self._main, segment)
        if possible is None:
            return conclude(claim, None, "what is counted is not clear")
        told = " or ".join(map(str, sorted(possible)))
        return conclude(claim, statement.times in possible, f"it is {told} times")
