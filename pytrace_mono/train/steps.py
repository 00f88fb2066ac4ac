"""The steps of a run: which documents each shows, in what order, packed; this process's share of them.

A step of the optimizer is a number of documents, whatever fits into a pass: so a run on two
processes, or with smaller passes, takes the same steps. All is a function of the configuration and
the rows alone; a resumed run begins at the number of its step.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytrace_mono.errors import TrainingDataError
from pytrace_mono.train.config import TrainConfig
from pytrace_mono.train.data import Document
from pytrace_mono.train.pack import pack
from pytrace_mono.train.rows import TrainingTask

# Two tokens without a label: a process that has one document fewer still takes part in each pass.
NOTHING = [Document("plain", [0, 0], 2)]


@dataclass(frozen=True)
class Step:
    """What one step shows.

    Attributes:
        rows: what goes through the model at once, Documents end to end: this process's, as many as every
            other process has.
        tokens: of the documents of all processes; likewise the next two.
        labels: theirs.
        squares: the sum of the squares of the documents' lengths, which attention costs.
    """

    rows: list[list[Document]]
    tokens: int
    labels: int
    squares: int


class Steps(Sequence[Step]):
    """All steps of a run, each packed when it is asked for.

    Args:
        documents: those to train on.
        config: of the run.
        rank: of this process.
        world: number of processes.
    """

    def __init__(
        self, documents: Sequence[Document], config: TrainConfig, rank: int = 0, world: int = 1
    ) -> None:
        self._documents, self._config, self._rank, self._world = documents, config, rank, world
        tasks = [document.task for document in documents]
        self.order = [
            index
            for epoch in range(config.epochs)
            for index in epoch_order(tasks, config.mix, seed=config.seed, epoch=epoch)
        ]

    def __len__(self) -> int:
        return -(-len(self.order) // self._config.samples_per_step)

    def __getitem__(self, number: int) -> Step:  # type: ignore[override]  # no slices
        if not 0 <= number < len(self):
            raise IndexError(number)
        config, size = self._config, self._config.samples_per_step
        indices = self.order[number * size : (number + 1) * size]
        chosen = [self._documents[index] for index in indices]
        seed = f"{config.seed}:{number}"
        return step_of(chosen, config.pass_tokens, seed, self._rank, self._world)


def step_of(
    documents: Sequence[Document], capacity: int, seed: str, rank: int = 0, world: int = 1
) -> Step:
    """These documents as one Step.

    Args:
        documents: of all processes.
        capacity: most tokens of a packed row.
        seed: of the packing.
        rank: of this process.
        world: number of processes.
    """
    packed = pack([len(document) for document in documents], capacity, seed)
    rows = [[documents[index] for index in indices] for indices in packed[rank::world]]
    rows += [NOTHING] * (-(-len(packed) // world) - len(rows))
    return Step(
        rows,
        tokens=sum(len(document) for document in documents),
        labels=sum(len(document) - document.prompt_tokens for document in documents),
        squares=sum(len(document) ** 2 for document in documents),
    )


def epoch_order(
    tasks: Sequence[TrainingTask], weights: Mapping[TrainingTask, float], *, seed: int, epoch: int
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
        start, stop = round(epoch * share), round((epoch + 1) * share)
        order += _stretch(members[task], start, stop, f"{seed}:{task}")
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
