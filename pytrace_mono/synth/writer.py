"""Writing a corpus so that nothing earlier is lost.

Everything is built in ``DIR/.building`` and moved into place at the end, the manifest last. What it
replaces is put aside in ``DIR/.previous`` first and deleted when all is done; a run that was killed
between the two is undone by the next one.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from pytrace_mono import __version__
from pytrace_mono.errors import CorpusError
from pytrace_mono.records import Example
from pytrace_mono.synth.card import card
from pytrace_mono.synth.corpus import (
    COLLECTED,
    DATA,
    FORMAT_VERSION,
    LEDGER,
    MANIFEST,
    README,
    REJECTS,
    Corpus,
    read_manifest,
)
from pytrace_mono.synth.counts import Counts
from pytrace_mono.synth.rejects import Reject
from pytrace_mono.synth.shards import Shards, require

_BUILDING = ".building"
_PREVIOUS = ".previous"
_HOLDER = ".running"  # who holds the lock, for the message; the lock itself is the kernel's
_IGNORED = frozenset(
    {_BUILDING, _PREVIOUS, _HOLDER, COLLECTED, *(f"{LEDGER}{end}" for end in ("", "-wal", "-shm"))}
)
_PARTS = (DATA, REJECTS, README, MANIFEST)


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
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = _lock(self.path)
            try:
                self._prepare()
            except BaseException:  # Ctrl-C too: nobody else could give the lock back
                _unlock(self.path, self._lock)
                raise
        except OSError as error:
            raise CorpusError(f"{self.path}: cannot be written: {error.strerror}") from None

    def keep(self, example: Example) -> None:
        """Add one row."""
        self.counts.keep(example)
        self._shards.add(example)

    def drop(self, reject: Reject) -> None:
        """Add one reject."""
        self.counts.drop(reject)
        self._rejects.write(json.dumps(reject.to_dict()) + "\n")

    def finish(self, *, level: str, stopped: str | None = None) -> Corpus:
        """Put everything into place.

        Args:
            level: the isolation under which the programs ran.
            stopped: why the run was cut short; None when it is complete. An earlier corpus with
                more rows then stays as it is.
        """
        self._shards.close()
        self._rejects.flush()
        os.fsync(self._rejects.fileno())
        self._rejects.close()
        manifest = self._manifest(level, stopped)
        if stopped is not None and self._earlier_rows() > manifest["counts"]["rows"]:
            self.discard()
            return Corpus(self.path)
        _write(self._staging / README, card(manifest))
        _write(self._staging / MANIFEST, json.dumps(manifest, indent=1) + "\n")
        _swap(self.path)
        _unlock(self.path, self._lock)
        return Corpus(self.path)

    def discard(self) -> None:
        """Leave ``out`` as it was."""
        shutil.rmtree(self._staging, ignore_errors=True)
        with suppress(OSError):
            _unlock(self.path, self._lock)

    def _prepare(self) -> None:
        _undo(self.path)
        self._check_place()
        self._staging = self.path / _BUILDING
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
                    "sha256": _sha256(file.path),
                }
                for file in self._shards.files
            ],
            "times": {
                "started": _timestamp(self._started),
                "finished": _timestamp(finished),
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
        earlier = read_manifest(self.path)
        if not earlier["complete"] and not earlier["counts"]["rows"]:
            return  # a run that failed at once has left nothing to lose
        ours = {"input": self._source["sha256"], **self._config}
        theirs = {**earlier["config"], "input": earlier["input"]["sha256"]}
        differing = sorted(key for key in ours if ours[key] != theirs.get(key))
        if differing:
            raise CorpusError(
                f"{self.path} holds a corpus made with another {', '.join(differing)}; "
                "choose another --out, or delete it."
            )

    def _earlier_rows(self) -> int:
        try:
            return int(read_manifest(self.path)["counts"]["rows"])
        except CorpusError:
            return 0


def _swap(directory: Path) -> None:
    """Move the parts in; the manifest leaves first and comes last, so it is never beside others."""
    building, previous = directory / _BUILDING, directory / _PREVIOUS
    previous.mkdir()
    for name in reversed(_PARTS):
        if (directory / name).exists():
            os.replace(directory / name, previous / name)
    for name in _PARTS:
        os.replace(building / name, directory / name)
    _sync(directory)
    shutil.rmtree(previous)
    building.rmdir()


def _undo(directory: Path) -> None:
    """Bring back what a killed run put aside, unless it got as far as the new manifest."""
    previous = directory / _PREVIOUS
    if not previous.exists():
        return
    if not (directory / MANIFEST).exists():
        # Without an old manifest there was no old corpus, and what lies here is half of a new one.
        first = not (previous / MANIFEST).exists()
        for name in _PARTS:
            target = directory / name
            if not first and not (previous / name).exists():
                continue  # not put aside yet
            if target.is_dir():
                shutil.rmtree(target)
            else:
                target.unlink(missing_ok=True)
            if not first:
                os.replace(previous / name, target)
    shutil.rmtree(previous)


def _lock(directory: Path) -> int:
    """Lock the directory until this process ends, however it ends: the kernel holds the lock."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:  # not on this platform: two runs at once are then the user's care
        pass
    except OSError:
        os.close(descriptor)
        try:
            holder = (directory / _HOLDER).read_text()
        except OSError:
            holder = "which has just begun or ended"
        raise CorpusError(
            f"{directory}: another run is writing here ({holder}); wait for it, or choose another "
            "--out"
        ) from None
    holder = f"process {os.getpid()} on {platform.node()} since {_timestamp(time.time())}"
    with suppress(OSError):  # on a full disk the lock still holds
        (directory / _HOLDER).write_text(holder)
    return descriptor


def _unlock(directory: Path, descriptor: int) -> None:
    (directory / _HOLDER).unlink(missing_ok=True)
    os.close(descriptor)


def _write(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")
