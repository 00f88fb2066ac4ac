"""Which Documents an epoch shows, and in what order: a function of seed and epoch alone."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from pytrace_mono.errors import TrainingDataError
from pytrace_mono.train.rows import TrainingTask


def epoch_order(
    tasks: Sequence[TrainingTask],
    weights: Mapping[TrainingTask, float],
    *,
    seed: int,
    epoch: int,
) -> list[int]:
    """The Documents of one epoch, as indices, shuffled.

    A weight is how often an epoch shows a task's Documents: 2 shows each twice, 0.5 shows half of
    them, the other half in the next epoch. Over many epochs no Document of a task is shown more than
    once oftener than another.

    Args:
        tasks: the task of each Document.
        weights: weight per task, 0 or more; 1 where none is given.
        seed: the same seed gives the same order, on every Python.
        epoch: from 0.

    Raises:
        TrainingDataError: a weight is for a task that has no Document.
    """
    members: dict[TrainingTask, list[int]] = {}
    for index, task in enumerate(tasks):
        members.setdefault(task, []).append(index)
    for task, weight in weights.items():
        if weight > 0 and task not in members:
            raise TrainingDataError(
                f"task {task!r} has the weight {weight} and no row that could be used; "
                f"there are rows for: {', '.join(sorted(members)) or 'none'}."
            )
    order: list[int] = []
    for task in sorted(members):
        share = weights.get(task, 1.0) * len(members[task])
        order += _stretch(
            members[task], round(epoch * share), round((epoch + 1) * share), f"{seed}:{task}"
        )
    random.Random(f"{seed}:{epoch}").shuffle(order)
    return order


def _stretch(indices: list[int], start: int, stop: int, seed: str) -> list[int]:
    """A part of the endless row of ``indices``, shuffled anew each time round."""
    chosen: list[int] = []
    size = len(indices)
    for lap in range(start // size, -(-stop // size)):
        shuffled = list(indices)
        random.Random(f"{seed}:{lap}").shuffle(shuffled)
        chosen += shuffled[max(0, start - lap * size) : stop - lap * size]
    return chosen
