"""The manifest of a corpus directory: what says which files hold its rows, and what was counted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from pytrace_mono.errors import PytraceMonoError
from pytrace_mono.files import read_rows

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
_AGAIN = "delete it and make the corpus again"


class _Shard(BaseModel):
    path: str = Field(pattern=r"^data/[\w.-]+$")  # a stranger's corpus leads to no other file
    rows: int


class _Problems(BaseModel):
    read: int
    rejected: int


class _Calls(BaseModel):
    stated: int
    usable: int
    dropped: int


class _Nl(BaseModel):
    kept: int
    dropped: int
    verified: int
    unverified: int


class _Forward(BaseModel):
    kept: int
    dropped: int
    asked: int


class _Backward(_Forward):
    not_invertible: int


class _Counts(BaseModel):
    problems: _Problems
    calls: _Calls
    nl: _Nl
    forward: _Forward
    backward: _Backward
    rows: int
    reasons: dict[str, dict[str, int]]


class _Config(BaseModel):
    directions: list[str]


class _Input(BaseModel):
    sha256: str


class _Manifest(BaseModel):
    """What is read of one; the rest is for people."""

    complete: bool
    stopped: str | None
    counts: _Counts
    config: _Config
    input: _Input
    shards: list[_Shard]


def read_manifest(directory: Path, error: type[PytraceMonoError]) -> dict[str, Any]:
    """The manifest of the corpus in ``directory``.

    Args:
        directory: where the corpus is.
        error: raised where there is none, it is damaged, or of a newer version.
    """
    path = directory / MANIFEST
    try:
        manifest = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise error(
            f"{directory}: no corpus is here ({MANIFEST} is missing); give the directory that "
            "`pytrace-mono synth` has written"
        ) from None
    except (OSError, ValueError, RecursionError) as wrong:
        raise error(f"{path}: cannot be read: {wrong}; {_AGAIN}") from None
    versions = manifest.get("versions") if isinstance(manifest, dict) else None
    version = versions.get("format") if isinstance(versions, dict) else None
    if version != FORMAT_VERSION:
        raise error(
            f"{path}: this corpus is of format {version!r}; pytrace_mono reads format "
            f"{FORMAT_VERSION}: upgrade pytrace_mono, or {_AGAIN}."
        )
    try:
        _Manifest.model_validate(manifest)
    except ValidationError as wrong:
        raise error(f"{path}: is damaged: {explained(wrong)}; {_AGAIN}") from None
    return dict(manifest)


def files_of(directory: Path, manifest: Mapping[str, Any]) -> list[Path]:
    """The files that hold the rows, in order."""
    return [directory / shard["path"] for shard in manifest["shards"]]


def rows_of(
    directory: Path, manifest: Mapping[str, Any], error: type[PytraceMonoError]
) -> Iterator[tuple[str, Any]]:
    """Every row, in order, with the file and the number where it stands.

    Args:
        directory: where the corpus is.
        manifest: its manifest.
        error: raised where a shard is missing or damaged, or has lost or won rows.

    Raises:
        MissingExtraError: the shards are Parquet and pyarrow is not installed.
    """
    for path, shard in zip(files_of(directory, manifest), manifest["shards"], strict=True):
        number = 0
        for number, row in enumerate(read_rows(path, error), 1):
            yield f"{path}: row {number}", row
        if number != shard["rows"]:
            raise error(
                f"{path}: is damaged: {number} rows where {MANIFEST} says {shard['rows']}; {_AGAIN}"
            )


def rows_at(
    path: Path,
    error: type[PytraceMonoError],
    damaged: Callable[[str, str], None] | None = None,
) -> Iterator[tuple[str, Any]]:
    """Every row of a corpus directory, or of one file, with where it stands.

    Args:
        path: the directory or file.
        error: raised where it cannot be read, or is damaged.
        damaged: as for :func:`~pytrace_mono.files.read_rows`, of one file.

    Raises:
        MissingExtraError: the rows are Parquet and pyarrow is not installed.
    """
    if path.is_dir():
        yield from rows_of(path, read_manifest(path, error), error)
    else:
        for number, row in enumerate(read_rows(path, error, damaged), 1):
            yield f"{path}: row {number}", row


def explained(error: ValidationError) -> str:
    """The first thing that is wrong with a value that was read, in a line."""
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg']}" if where else str(first["msg"])
