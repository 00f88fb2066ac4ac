"""Rows in files: Parquet, which needs pyarrow, or JSON Lines, which needs nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, get_args

from pytrace_mono.errors import InputError, MissingExtraError
from pytrace_mono.files import BATCH_ROWS
from pytrace_mono.records import Example

if TYPE_CHECKING:
    import pyarrow

Format = Literal["parquet", "jsonl"]
_KINDS: dict[Any, str] = {int: "int64", bool: "bool_", str: "string"}
_KIND_OF = {
    name: _KINDS.get(field.annotation, "string") for name, field in Example.model_fields.items()
}


def require(format: Format) -> None:
    """Fail now, and not after an hour of work, where rows cannot be written so.

    Raises:
        InputError: there is no such format.
        MissingExtraError: Parquet without pyarrow.
    """
    if format not in get_args(Format):
        raise InputError(f"the format is {format!r}; give one of {', '.join(get_args(Format))}")
    if format == "parquet":
        _pyarrow()


class RowFile:
    """One file of rows, written in batches and flushed to the disk at the end.

    Args:
        path: where to write; an existing file is replaced.
        format: ``parquet`` or ``jsonl``.
        columns: the columns, in order.
    """

    def __init__(self, path: Path, format: Format, columns: Iterable[str]) -> None:
        self.path = path
        self.rows = 0
        self._columns = tuple(columns)
        self._batch: list[dict[str, Any]] = []
        self._stream: IO[bytes] = path.open("wb")
        self._parquet: Any = None
        self._schema: Any = None
        if format == "parquet":
            pyarrow = _pyarrow()
            from pyarrow import parquet

            self._schema = pyarrow.schema([_field(name) for name in self._columns])
            self._parquet = parquet.ParquetWriter(self._stream, self._schema, compression="zstd")

    def add(self, row: Mapping[str, Any]) -> None:
        """Write one row; columns that the file does not have are left out."""
        self.rows += 1
        self._batch.append({name: row[name] for name in self._columns})
        if len(self._batch) >= BATCH_ROWS:
            self._flush()

    def close(self) -> None:
        """Write what is left and wait until it is on the disk."""
        self._flush()
        if self._parquet is not None:
            self._parquet.close()
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()
        self._parquet = self._schema = None  # the metadata of a whole file

    def _flush(self) -> None:
        if not self._batch:
            return
        lines = [json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in self._batch]
        if self._parquet is not None:
            self._parquet.write_table(_table(b"".join(lines), self._schema))
            _pyarrow().default_memory_pool().release_unused()  # which it would keep for the next
        else:
            self._stream.writelines(lines)
        self._batch = []


class Shards:
    """Examples over numbered files ``train-00000.parquet``, a bounded number in each.

    There is always a first shard, so that a corpus without rows still has its columns.
    """

    def __init__(self, directory: Path, format: Format, rows_per_shard: int = 10_000) -> None:
        self.files: list[RowFile] = []
        self._directory = directory
        self._format = format
        self._rows_per_shard = rows_per_shard
        self._open()

    def add(self, example: Example) -> None:
        """Write one row, in a new shard where the last one is full."""
        if self.files[-1].rows >= self._rows_per_shard:
            self.files[-1].close()
            self._open()
        self.files[-1].add(example.model_dump())

    def close(self) -> None:
        """Write what is left."""
        self.files[-1].close()

    def _open(self) -> None:
        name = f"train-{len(self.files):05}.{self._format}"
        self.files.append(RowFile(self._directory / name, self._format, Example.model_fields))


def _field(name: str) -> pyarrow.Field:
    pyarrow = _pyarrow()
    if name == "messages":
        turn = pyarrow.struct([("role", pyarrow.string()), ("content", pyarrow.string())])
        return pyarrow.field(name, pyarrow.list_(turn))
    return pyarrow.field(name, getattr(pyarrow, _KIND_OF.get(name, "string"))())


def _table(lines: bytes, schema: Any) -> Any:
    """JSON Lines as a table. To make one of Python objects, pyarrow would load pandas: 50 MB more."""
    from pyarrow import BufferReader, json

    return json.read_json(
        BufferReader(lines),
        read_options=json.ReadOptions(use_threads=False, block_size=len(lines) + 1),
        parse_options=json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error"),
    )


def _pyarrow() -> Any:
    try:
        import pyarrow
    except ImportError:
        raise MissingExtraError(
            "Parquet (JSON Lines would do without: --format jsonl)", "pyarrow", "synth"
        ) from None
    return pyarrow
