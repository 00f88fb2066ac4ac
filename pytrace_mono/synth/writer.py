"""Writing a corpus so that nothing earlier is lost.

Everything is built in ``DIR/.building`` and moved into place at the end, the manifest last. What it
replaces is put aside in ``DIR/.previous`` first and deleted when all is done; a run that was killed
between the two is undone by the next one.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pytrace_mono import __version__
from pytrace_mono.errors import CorpusError
from pytrace_mono.locking import HOLDER, lock, timestamp, unlock
from pytrace_mono.manifest import FORMAT_VERSION, MANIFEST, read_manifest
from pytrace_mono.records import Example
from pytrace_mono.synth.card import card
from pytrace_mono.synth.corpus import (
    COLLECTED,
    DATA,
    LEDGER,
    README,
    REJECTS,
    Corpus,
)
from pytrace_mono.synth.counts import Counts
from pytrace_mono.synth.placing import BUILDING, PREVIOUS, sha256, swap, undo, write
from pytrace_mono.synth.rejects import Reject
from pytrace_mono.synth.shards import Shards, require

_IGNORED = frozenset(
    {BUILDING, PREVIOUS, HOLDER, COLLECTED, *(f"{LEDGER}{end}" for end in ("", "-wal", "-shm"))}
)


class CorpusWriter:
    """Collects Examples and rejects; ``finish`` makes them the corpus in ``out``.

    Args:
        out: the directory; it is made, and may hold an earlier corpus of the same input and config.
        source: name and sha256 of the input.
        config: what the rows depend on; ``format`` among it.

    Raises:
        CorpusError: ``out`` holds something else, or another run is writing to it.
        MissingExtraError: Parquet without pyarrow.
    """

    def __init__(self, out: str | Path, source: Mapping[str, str], config: Mapping[str, Any]):
        require(config["format"])
        self.path = Path(out)
        self.counts = Counts()
        self._source = dict(source)
        self._config = dict(config)
        self._started = time.time()
        try:
            if self.path.exists() and not self.path.is_dir():
                raise CorpusError(
                    f"{self.path}: cannot be written: it is no directory; choose another --out."
                )
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = lock(self.path, CorpusError)
            try:
                self._prepare()
            except BaseException:  # Ctrl-C too: nobody else could give the lock back
                unlock(self.path, self._lock)
                raise
        except OSError as error:
            raise CorpusError(f"{self.path}: cannot be written: {error.strerror}") from None

    def keep(self, example: Example) -> None:
        """Add one row."""
        with self._told():
            self._shards.add(example)
        self.counts.keep(example)

    def drop(self, reject: Reject) -> None:
        """Add one reject."""
        with self._told():
            self._rejects.write(json.dumps(reject.to_dict()) + "\n")
        self.counts.drop(reject)

    def finish(self, *, level: str, stopped: str | None = None) -> Corpus:
        """Put everything into place.

        Args:
            level: the isolation under which the programs ran.
            stopped: why the run was cut short; None when it is complete. An earlier corpus with
                more rows then stays as it is.

        Raises:
            CorpusError: the disk is full; ``out`` is as it was.
        """
        try:
            with self._told():
                return self._finish(level, stopped)
        except CorpusError:
            self.discard()
            raise

    def _finish(self, level: str, stopped: str | None) -> Corpus:
        self._shards.close()
        self._rejects.flush()
        os.fsync(self._rejects.fileno())
        self._rejects.close()
        manifest = self._manifest(level, stopped)
        if stopped is not None and self._earlier_rows() > manifest["counts"]["rows"]:
            self.discard()
            return Corpus(self.path)
        write(self._staging / README, card(manifest))
        write(self._staging / MANIFEST, json.dumps(manifest, indent=1) + "\n")
        swap(self.path)
        unlock(self.path, self._lock)
        return Corpus(self.path)

    def discard(self) -> None:
        """Leave ``out`` as it was."""
        with suppress(OSError):  # on a full disk its last lines cannot be written, and need not
            self._rejects.close()
        shutil.rmtree(self._staging, ignore_errors=True)
        with suppress(OSError):
            unlock(self.path, self._lock)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise CorpusError(
                f"{self.path}: cannot be written: {error.strerror}; free the disk and run the same "
                "command again: what was paid for is in the cache"
            ) from None

    def _prepare(self) -> None:
        undo(self.path)
        self._check_place()
        self._staging = self.path / BUILDING
        shutil.rmtree(self._staging, ignore_errors=True)
        (self._staging / DATA).mkdir(parents=True)
        self._shards = Shards(self._staging / DATA, self._config["format"])
        self._rejects = (self._staging / REJECTS).open("w", encoding="utf-8")

    def _manifest(self, level: str, stopped: str | None) -> dict[str, Any]:
        finished = time.time()
        return {
            "complete": stopped is None,
            "stopped": stopped,
            "counts": self.counts.to_dict(),
            "versions": {
                "pytrace_mono": __version__,
                "python": platform.python_version(),
                "format": FORMAT_VERSION,
            },
            "config": {**self._config, "level": level},
            "input": self._source,
            "shards": [
                {
                    "path": f"{DATA}/{file.path.name}",
                    "rows": file.rows,
                    "sha256": sha256(file.path),
                }
                for file in self._shards.files
            ],
            "times": {
                "started": timestamp(self._started),
                "finished": timestamp(finished),
                "seconds": round(finished - self._started, 3),
            },
        }

    def _check_place(self) -> None:
        others = [name for name in os.listdir(self.path) if name not in _IGNORED]
        if not others:
            return
        if MANIFEST not in others:
            raise CorpusError(
                f"{self.path}: the directory is not empty and holds no corpus; choose another "
                "--out, or empty it."
            )
        earlier = read_manifest(self.path, CorpusError)
        if not earlier["counts"]["rows"]:
            return  # nothing to lose
        ours, theirs = _flat(self._config), _flat(earlier["config"])
        differing = [
            f"{key}: {theirs.get(key)}, not {ours[key]}"
            for key in sorted(ours)
            if ours[key] != theirs.get(key)
        ]
        if self._source["sha256"] != earlier["input"]["sha256"]:
            differing.insert(0, f"another input: {earlier['input'].get('name')}")
        if differing:
            raise CorpusError(
                f"{self.path}: holds a corpus of another run; choose another --out, or delete it "
                f"({'; '.join(differing)})"
            )

    def _earlier_rows(self) -> int:
        try:
            return int(read_manifest(self.path, CorpusError)["counts"]["rows"])
        except CorpusError:
            return 0


def _flat(config: Mapping[str, Any]) -> dict[str, Any]:
    """With the limits among the other settings."""
    return {**config, **config.get("limits", {}), "limits": None}
