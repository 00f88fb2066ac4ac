"""Moving the parts of a corpus into place so that a kill in between can be undone."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from pytrace_mono.manifest import MANIFEST
from pytrace_mono.synth.corpus import DATA, README, REJECTS

BUILDING = ".building"
PREVIOUS = ".previous"
_PARTS = (DATA, REJECTS, README, MANIFEST)


def swap(directory: Path) -> None:
    """Move the parts in; the manifest leaves first and comes last, so it is never beside others."""
    building, previous = directory / BUILDING, directory / PREVIOUS
    previous.mkdir()
    for name in reversed(_PARTS):
        if (directory / name).exists():
            os.replace(directory / name, previous / name)
    for name in _PARTS:
        os.replace(building / name, directory / name)
    _sync(directory)
    shutil.rmtree(previous)
    building.rmdir()


def undo(directory: Path) -> None:
    """Bring back what a killed run put aside, unless it got as far as the new manifest."""
    previous = directory / PREVIOUS
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


def write(path: Path, text: str) -> None:
    """Write a text file and wait until it is on the disk."""
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


def sha256(path: Path) -> str:
    """The digest of a file, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
