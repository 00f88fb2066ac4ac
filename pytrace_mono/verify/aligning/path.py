"""Lay a telling along a run so that as much of it as possible is so.

A dynamic programme over stretches of the run. What costs: a statement that is not so where it is
told, a jump over passes within a sentence, going back without a word that announces it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

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


def lay(
    costs: Sequence[Sequence[float]],
    across: Sequence[float],
    back: Sequence[bool],
    segments: Sequence[Segment],
    stacks: Sequence[tuple[object, ...]],
) -> list[int]:
    """For each statement the stretch in which it is told, at the least cost in all.

    Args:
        costs: of each statement in each stretch.
        across: of each statement, what it costs to be told in another pass than the one before it.
        back: whether its sentence announces going back.
        segments: the stretches.
        stacks: the loops that run in each, also those of its callers, with their passes.
    """
    size = len(segments)
    if not costs or not size:
        return []
    frames = {segment.frame.number: segment.frame.function for segment in segments}
    twice = {f for f, n in Counter(frames.values()).items() if n > 1}
    keys = [
        (*stack, segment.frame.number) if segment.frame.function in twice and not stack else stack
        for stack, segment in zip(stacks, segments, strict=True)
    ]
    near = [[_apart(keys[s], keys[s - d]) for d in range(min(NEAR, s) + 1)] for s in range(size)]
    total = [costs[0][s] + min(STEP * s, FAR) for s in range(size)]
    came: list[list[int]] = []
    for index in range(1, len(costs)):
        total, sources = _next(total, costs[index], near, across[index], back[index])
        came.append(sources)
    place = min(range(size), key=lambda s: (total[s], s))
    path = [place]
    for sources in reversed(came):
        place = sources[place]
        path.append(place)
    return path[::-1]


def _apart(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    """Whether two stretches are in different passes of one loop, or activations of one function."""
    if bool(one) is not bool(other):
        return True
    return any(a != b for a, b in zip(one, other, strict=False))


def _next(
    total: list[float],
    costs: Sequence[float],
    near: Sequence[Sequence[bool]],
    across: float,
    back: bool,
) -> tuple[list[float], list[int]]:
    size = len(total)
    ahead: list[int] = [0] * size  # where the least is at or before
    for s in range(1, size):
        ahead[s] = s if total[s] < total[ahead[s - 1]] else ahead[s - 1]
    behind: list[int] = [size - 1] * size
    for s in range(size - 2, -1, -1):
        behind[s] = s if total[s] <= total[behind[s + 1]] else behind[s + 1]
    going_back = max(BACK * (0.25 if back and not across else 1.0), across)
    result: list[float] = []
    sources: list[int] = []
    for s in range(size):
        best, source = total[s], s
        apart = near[s]
        for d in range(1, len(apart)):
            tried = total[s - d] + STEP * d + (across if apart[d] else 0.0)
            if tried < best:
                best, source = tried, s - d
        tried = total[ahead[s]] + FAR + across
        if tried < best:
            best, source = tried, ahead[s]
        for d in range(1, min(NEAR, size - 1 - s) + 1):
            tried = total[s + d] + (going_back if near[s + d][d] else min(STEP * d, FAR) + 0.1)
            if tried < best:
                best, source = tried, s + d
        tried = total[behind[s]] + going_back + 0.1
        if tried < best:
            best, source = tried, behind[s]
        result.append(best + costs[s])
        sources.append(source)
    return result, sources
