"""A corpus on the disk, to read.

::

    DIR/README.md             dataset card: ``datasets.load_dataset(DIR)`` opens the rows
    DIR/data/train-00000.…    the Examples, in order, in Parquet or JSON Lines
    DIR/rejects.jsonl         one row for each thing dropped, with its reason
    DIR/manifest.json         counts, versions, config, digests; the times in their own section
    DIR/ledger.sqlite3        what the teacher was asked and what it cost; not for the Narrator

A directory is a corpus when it holds a manifest: it is written last.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pytrace_mono.errors import CorpusError
from pytrace_mono.files import read_rows
from pytrace_mono.manifest import MANIFEST, explained, files_of, read_manifest, rows_of
from pytrace_mono.records import Example, Task

REJECTS = "rejects.jsonl"
DATA = "data"
README = "README.md"
LEDGER = "ledger.sqlite3"
COLLECTED = ".batch"  # files of requests until their jobs are begun


class Corpus:
    """A finished corpus.

    Args:
        path: its directory.

    Attributes:
        path: its directory.
        manifest: what ``manifest.json`` holds.

    Raises:
        CorpusError: there is none, or it is of a newer version.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.manifest = read_manifest(self.path, CorpusError)

    @property
    def complete(self) -> bool:
        """False when the run that made it was cut short."""
        return bool(self.manifest["complete"])

    @property
    def stats(self) -> dict[str, Any]:
        """The counts of what was kept and dropped."""
        counts: dict[str, Any] = self.manifest["counts"]
        return counts

    def __len__(self) -> int:
        return int(self.stats["rows"])

    def examples(self, task: Task | None = None) -> Iterator[Example]:
        """The rows in order, all or those of one task.

        Raises:
            CorpusError: a shard is missing or damaged.
            MissingExtraError: the shards are Parquet and pyarrow is not installed.
        """
        for where, row in rows_of(self.path, self.manifest, CorpusError):
            if task is not None and isinstance(row, dict) and row.get("task") != task:
                continue
            try:
                yield Example.model_validate(row)
            except ValidationError as error:
                raise CorpusError(f"{where}: is no row of a corpus: {explained(error)}") from None

    @property
    def files(self) -> list[Path]:
        """What belongs to it."""
        others = (MANIFEST, REJECTS, README, LEDGER)
        return [*files_of(self.path, self.manifest), *(self.path / name for name in others)]

    def rejects(self) -> Iterator[dict[str, Any]]:
        """What was dropped, in order.

        Raises:
            CorpusError: the file is missing or damaged.
        """
        return read_rows(self.path / REJECTS, CorpusError)
