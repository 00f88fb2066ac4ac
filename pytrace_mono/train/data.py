"""The documents of a run: read, encoded, split; the digests of the files they come from."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pytrace_mono.errors import TrainingDataError
from pytrace_mono.train.config import TrainConfig
from pytrace_mono.train.encode import Document, Drop, Encoder
from pytrace_mono.train.rows import Row, TrainingTask, files_of, read_rows

_ROUND_TRIPS = 64


@dataclass(frozen=True)
class Data:
    """The documents of a run.

    Attributes:
        train: to learn from.
        held_out: to evaluate on; none of their programs is in ``train`` where rows name theirs.
        dropped: rows that cannot be learnt from, per task and reason.
    """

    train: list[Document]
    held_out: list[Document]
    dropped: Counter[tuple[TrainingTask, Drop]]


def read_all(config: TrainConfig) -> list[Row]:
    """Every row of every file, in order."""
    return [row for path in config.data for row in read_rows(path)]


def load_data(config: TrainConfig, tokenizer: Any, rows: list[Row]) -> Data:
    """Encode and split.

    Raises:
        TrainingDataError: the tokenizer does not give back what it was given, or no row is left to
            learn from.
    """
    encoder = Encoder(tokenizer, config.context)
    encoder.require_round_trip(
        text for row in islice(rows, _ROUND_TRIPS) for text in (row.prompt, row.completion)
    )
    held_out = list(encoder.encode(row for row in rows if _is_held_out(row, config)))
    train = list(encoder.encode(row for row in rows if not _is_held_out(row, config)))
    if not train:
        drops = ", ".join(f"{count} {why}" for (_, why), count in encoder.dropped.items())
        raise TrainingDataError(
            f"{', '.join(map(str, config.data))}: no row to learn from among {len(rows)} "
            f"({len(held_out)} held out, dropped: {drops or 'none'}); the context is "
            f"{config.context} tokens."
        )
    if not any(config.mix.get(document.task, 1.0) for document in train):
        raise TrainingDataError(f"every row to learn from has the weight 0 in mix={config.mix}.")
    return Data(train, held_out, encoder.dropped)


def digests_of(config: TrainConfig) -> dict[str, str]:
    """sha256 of every file of rows, by path."""
    return {
        str(file): hashlib.sha256(file.read_bytes()).hexdigest()
        for path in config.data
        for file in files_of(path)
    }


def _is_held_out(row: Row, config: TrainConfig) -> bool:
    """By the group alone, so that more rows move none from one side to the other."""
    digest = hashlib.sha256(f"{config.seed}:{row.group}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < config.held_out * 2**64
