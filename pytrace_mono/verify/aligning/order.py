"""Statements that are so only in another pass than the one they are told in.

Laying a telling along a run finds for each statement a place where it is so, if need be out of order.
What it had to leave the order of telling for, without a word that announces it, is wrong where it is
told.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence

from pytrace_mono.verify.aligning.anywhere import conclude
from pytrace_mono.verify.aligning.freshness import Freshness
from pytrace_mono.verify.aligning.path import BACK, TIED, Spot
from pytrace_mono.verify.aligning.segments import Segment
from pytrace_mono.verify.claims import Condition, Value
from pytrace_mono.verify.findings import Finding
from pytrace_mono.verify.reading.telling import Said, Telling

_RECALLS = re.compile(
    r"\b(?:initiali[sz]ed|initially|starts?|started|begins?|began|was|were|had|originally)\b"
)


def misplaced(
    telling: Telling,
    where: Mapping[int, Spot],
    segments: Sequence[Segment],
    numbers: Sequence[set[int]],
    found: dict[int, Finding],
) -> None:
    """Contradict what is so only out of order.

    Args:
        telling: what is told.
        where: the place of each statement that has one.
        segments: the stretches of the run.
        numbers: of each stretch, the numbers of the passes it is in.
        found: the findings so far, by statement; changed in place.
    """
    order = list(where)
    for n, index in enumerate(order):
        said, spot = telling.said[index], where[index]
        if said.hint or found[index].status != "holds":
            continue
        named = [number for _, number in said.claim.place.passes if number]
        if named and not said.loosely and not numbers[spot.segment].issuperset(named):
            found[index] = conclude(
                said.claim, False, f"it is not so in iteration {named[0]}", found[index].step
            )
        elif spot.paid >= TIED:
            found[index] = conclude(
                said.claim, False, "it is not so where the rest of this is", found[index].step
            )
        elif spot.paid >= BACK and n and telling.direction == "forward" and _is_placed(said):
            outlier = _outlier(telling, where, order, n)
            before = where[order[n - 1]].segment
            if segments[before].frame is not segments[spot.segment].frame:
                continue  # which of several calls is told of is not clear
            if outlier is not None and found[outlier].status == "holds":
                found[outlier] = conclude(
                    telling.said[outlier].claim,
                    False,
                    "it is so only in another pass than what is told around it",
                    found[outlier].step,
                )


def told_twice(
    telling: Telling,
    where: Mapping[int, Spot],
    freshness: Freshness,
    targets: Collection[str],
    found: dict[int, Finding],
) -> None:
    """Contradict what two lines that follow each other tell of one and the same pass.

    Where a line is told as another pass than it is, it often says again what the line beside it does.
    """
    size = Counter(telling.said[index].line for index in where)
    row = {line: number for number, line in enumerate(sorted(size))}
    told: dict[tuple[str, int], int] = {}
    again: dict[int, list[tuple[int, int]]] = defaultdict(list)
    telltale: set[int] = set()
    for index, spot in where.items():
        said = telling.said[index]
        statement = said.claim.statement
        if said.hint or found[index].status != "holds" or telling.direction != "forward":
            continue
        time = freshness.made(said, freshness.segments.all[spot.segment])
        if time is None or not isinstance(statement, (Value, Condition)):
            continue
        key = (statement.expression, time)
        if (
            key in told
            and row[said.line] == row[told[key]] + 1
            and not said.back
            and not any(
                freshness.made(said, later) is not None
                for later in freshness.segments.all[spot.segment + 1 :]
            )
        ):
            again[said.line].append((index, time))
            if said.column or statement.expression in targets or freshness.truth.calculated(said):
                telltale.add(said.line)
        told[key] = said.line
    for line in telltale:
        index, time = again[line][0]  # one for the line, which is wrong as a whole
        fact = "the line before tells of the same step"
        found[index] = conclude(telling.said[index].claim, False, fact, time)


def _is_placed(said: Said) -> bool:
    return (
        isinstance(said.claim.statement, (Value, Condition))
        and not said.early
        and not said.back
        and not _RECALLS.search(said.words)
    )


def _outlier(
    telling: Telling, where: Mapping[int, Spot], order: Sequence[int], n: int
) -> int | None:
    """Of a telling that went back at its ``n``-th statement, which one is out of order."""
    here, before = where[order[n]].segment, where[order[n - 1]].segment
    after = [where[i].segment for i in order[n + 1 :]]
    if not after or max(after) < before:
        return None  # it looks back from the end
    if after[0] >= before:
        return order[n]
    ahead = [
        i
        for i in order[:n]
        if where[i].segment > here and telling.said[i].line == telling.said[order[n - 1]].line
    ]
    return order[n - 1] if len(ahead) == 1 and _is_placed(telling.said[order[n - 1]]) else order[n]
