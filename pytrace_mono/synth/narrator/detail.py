"""How much is told: levels of detail, and which passes of a loop are worth telling one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytrace_mono.synth.narrator.story import Iteration, visits


@dataclass(frozen=True)
class Detail:
    """One level of detail of a simulation.

    Attributes:
        bullets: after so many, inner calls and loops are only summed up.
        outer, inner: most passes told of an outermost loop, and of one inside another.
        calls: how deep calls inside calls are told.
    """

    bullets: int
    outer: int
    inner: int
    calls: int


LEVELS = (
    Detail(60, 6, 4, 3),
    Detail(40, 4, 3, 2),
    Detail(20, 3, 2, 1),
    Detail(8, 2, 1, 1),
    Detail(0, 0, 0, 0),
)
LONGEST = 4500
"""Characters of a simulation above which the next level is tried: a page, not a log."""


def path_of(iteration: Iteration) -> frozenset[int]:
    """The lines that a pass visits."""
    return frozenset(visit.line for visit in visits(iteration.body))


def told_passes(iterations: Sequence[Iteration], most: int) -> list[int]:
    """Positions of the passes to tell: the first ones, each that takes a new path, the last."""
    count = len(iterations)
    if count <= most:
        return list(range(count))
    chosen = {0, count - 1}
    met: set[frozenset[int]] = set()
    for position, iteration in enumerate(iterations):
        path = path_of(iteration)
        if path not in met and len(chosen) < most:
            chosen.add(position)
        met.add(path)
    for position in range(1, max(2, most // 2)):  # the second of a kind shows what repeats
        if len(chosen) < most:
            chosen.add(position)
    return sorted(chosen)
