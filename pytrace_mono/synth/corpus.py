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

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pytrace_mono.errors import CorpusError
from pytrace_mono.files import read_rows
from pytrace_mono.records import Example, Task

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
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
        self.manifest = read_manifest(self.path)

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
        for shard in self.manifest["shards"]:
            for row in read_rows(self.path / shard["path"], CorpusError):
                if task is None or row["task"] == task:
                    yield Example.model_validate(row)

    def rejects(self) -> Iterator[dict[str, Any]]:
        """What was dropped, in order.

        Raises:
            CorpusError: the file is missing or damaged.
        """
        return read_rows(self.path / REJECTS, CorpusError)


def read_manifest(directory: Path) -> dict[str, Any]:
    """The manifest of the corpus in ``directory``.

    Raises:
        CorpusError: there is none, it is damaged, or of a newer version.
    """
    path = directory / MANIFEST
    try:
        manifest = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise CorpusError(f"{directory}: no corpus is here ({MANIFEST} is missing)") from None
    except (OSError, ValueError) as error:
        raise CorpusError(f"{path}: cannot be read: {error}") from None
    version = manifest.get("versions", {}).get("format") if isinstance(manifest, dict) else None
    if version != FORMAT_VERSION:
        raise CorpusError(
            f"{path}: this corpus is of format {version!r}; pytrace_mono reads format "
            f"{FORMAT_VERSION}: upgrade pytrace_mono, or make the corpus again."
        )
    return dict(manifest)
