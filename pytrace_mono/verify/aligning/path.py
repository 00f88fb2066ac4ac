"""Lay a telling along a run so that as much of it as possible is so.

A dynamic programme over the moments of a run, which lie in stretches. What costs: a statement that is
not so where it is told, a jump over passes within a sentence, going back without a word that
announces it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from pytrace_mono.verify.aligning.segments import Segment

NEAR = 12
STEP = 0.02
"""Going one stretch further."""
FAR = 0.3
"""Going any distance further."""
ACROSS = 0.35
"""Beyond that, to another pass within a sentence."""
TIED = 1.3
"""... within a row, or behind the value of a loop's variable."""
BACK = 0.8
"""Going back; with a word that announces it, a quarter of that."""
WITHIN = 0.1
"""Going back in one stretch."""


class Spot(NamedTuple):
    """Where a statement is told: the stretch and the moment in it."""

    segment: int
    moment: int


def lay(
    costs: Sequence[Sequence[Sequence[float]]],
    across: Sequence[float],
    back: Sequence[bool],
    segments: Sequence[Segment],
    stacks: Sequence[tuple[object, ...]],
) -> list[Spot]:
    """For each statement the moment at which it is told, at the least cost in all.

    Args:
        costs: of each statement at each moment of each stretch.
        across: of each statement, what it costs to be told in another pass than the one before it.
        back: whether its sentence announces going back.
        segments: the stretches.
        stacks: the loops that run in each, also those of its callers, with their passes.
    """
    size = len(segments)
    if not costs or not size:
        return []
    near = _near(segments, stacks)
    total = [[c + min(STEP * s, FAR) for c in row] for s, row in enumerate(costs[0])]
    came: list[list[list[tuple[int, int]]]] = []
    for index in range(1, len(costs)):
        total, sources = _next(total, costs[index], near, across[index], back[index])
        came.append(sources)
    place = min(
        ((s, m) for s in range(size) for m in range(len(total[s]))),
        key=lambda at: (total[at[0]][at[1]], at),
    )
    path = [place]
    for sources in reversed(came):
        place = sources[place[0]][place[1]]
        path.append(place)
    path.reverse()
    return [Spot(*place) for place in path]


def _near(segments: Sequence[Segment], stacks: Sequence[tuple[object, ...]]) -> list[list[bool]]:
    """Of each stretch and each of the few before it, whether they are in different passes."""
    frames = {segment.frame.number: segment.frame.function for segment in segments}
    twice = {f for f, n in Counter(frames.values()).items() if n > 1}
    keys = [
        (*stack, segment.frame.number) if segment.frame.function in twice and not stack else stack
        for stack, segment in zip(stacks, segments, strict=True)
    ]
    return [
        [_apart(keys[s], keys[s - d]) for d in range(min(NEAR, s) + 1)]
        for s in range(len(segments))
    ]


def _apart(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    """Whether two stretches are in different passes of one loop, or activations of one function."""
    if bool(one) is not bool(other):
        return True
    return any(a != b for a, b in zip(one, other, strict=False))


def _jump(near: Sequence[Sequence[bool]], a: int, b: int, across: float, back: bool) -> float:
    """What it costs to be told in stretch ``b`` behind a statement in stretch ``a``."""
    if a == b:
        return 0.0
    going_back = max(BACK * (0.25 if back and not across else 1.0), across)
    if a < b:
        far = FAR + across
        if b - a <= NEAR:
            return min(far, STEP * (b - a) + (across if near[b][b - a] else 0.0))
        return far
    far = going_back + 0.1
    if a - b <= NEAR and not near[a][a - b]:
        return min(far, STEP * (a - b) + 0.1)
    return min(far, going_back) if a - b <= NEAR else far


def _next(
    total: list[list[float]],
    costs: Sequence[Sequence[float]],
    near: Sequence[Sequence[bool]],
    across: float,
    back: bool,
) -> tuple[list[list[float]], list[list[tuple[int, int]]]]:
    size = len(total)
    least = [min(row) for row in total]
    ahead: list[int] = [0] * size  # where the least is at or before
    for s in range(1, size):
        ahead[s] = s if least[s] < least[ahead[s - 1]] else ahead[s - 1]
    behind: list[int] = [size - 1] * size
    for s in range(size - 2, -1, -1):
        behind[s] = s if least[s] <= least[behind[s + 1]] else behind[s + 1]
    result: list[list[float]] = []
    found: list[list[tuple[int, int]]] = []
    for s in range(size):
        best, source = float("inf"), s
        nearby = range(max(0, s - NEAR), min(size, s + NEAR + 1))
        for a in (*nearby, ahead[s], behind[s]):
            if a != s and least[a] < best:
                tried = least[a] + _jump(near, a, s, across, back)
                if tried < best:
                    best, source = tried, a
        other = (source, total[source].index(least[source])) if source != s else (s, 0)
        row, sources = _inside(s, total[s], costs[s], best, other)
        result.append(row)
        found.append(sources)
    return result, found


def _inside(
    s: int,
    total: Sequence[float],
    costs: Sequence[float],
    best: float,
    other: tuple[int, int],
) -> tuple[list[float], list[tuple[int, int]]]:
    """The same within a stretch, which may also be entered from another."""
    count = len(total)
    later: list[int] = [count - 1] * count  # where the least is at or behind
    for m in range(count - 2, -1, -1):
        later[m] = m if total[m] < total[later[m + 1]] else later[m + 1]
    row: list[float] = []
    sources: list[tuple[int, int]] = []
    first = 0
    for m in range(count):
        if total[m] <= total[first]:
            first = m
        value, source = total[first], (s, first)
        if total[later[m]] + WITHIN < value:
            value, source = total[later[m]] + WITHIN, (s, later[m])
        if best < value:
            value, source = best, other
        row.append(value + costs[m])
        sources.append(source)
    return row, sources
