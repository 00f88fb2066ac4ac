"""Statements that are so only in another pass than the one that is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytrace_mono.verify.aligning.anywhere import conclude
from pytrace_mono.verify.aligning.path import Spot
from pytrace_mono.verify.findings import Finding
from pytrace_mono.verify.reading.telling import Telling


def misplaced(
    telling: Telling,
    where: Mapping[int, Spot],
    numbers: Sequence[set[int]],
    found: dict[int, Finding],
) -> None:
    """Contradict what is not so in the iteration it is told of.

    That something is told out of the order of the run contradicts nothing: people do so.

    Args:
        telling: what is told.
        where: the place of each statement that has one.
        numbers: of each stretch of the run, the numbers of the passes it is in.
        found: the findings so far, by statement; changed in place.
    """
    for index, spot in where.items():
        said = telling.said[index]
        named = [number for _, number in said.claim.place.passes if number]
        if said.hint or said.loosely or not named or found[index].status != "holds":
            continue
        if not numbers[spot.segment].issuperset(named):
            found[index] = conclude(
                said.claim, False, f"it is not so in iteration {named[0]}", found[index].step
            )
