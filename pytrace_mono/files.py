"""Files that people give and get: rows, read one after another; source; text, replaced in one step."""

from __future__ import annotations

import json
import os
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pytrace_mono.errors import InputError, MissingExtraError, PytraceMonoError, SourceError

BATCH_ROWS = (
    250  # that are in memory together; with 1,000 a corpus is a sixth smaller, for 9 MB more
)


def read_rows(path: Path, error: type[PytraceMonoError] = InputError) -> Iterator[Any]:
    """The rows of a Parquet file, or the values of a file of JSON Lines, in order.

    Args:
        path: the file; Parquet where its name ends so.
        error: raised where it cannot be read, or a line is not JSON.

    Raises:
        MissingExtraError: the rows are Parquet and pyarrow is not installed.
    """
    try:
        if path.suffix == ".parquet":
            try:
                from pyarrow import parquet
            except ImportError:
                raise MissingExtraError(f"{path}: reading Parquet", "pyarrow", "synth") from None
            with parquet.ParquetFile(path) as table:
                for batch in table.iter_batches(batch_size=BATCH_ROWS):
                    yield from batch.to_pylist()
            return
        with path.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    try:
                        yield json.loads(line)
                    except (ValueError, RecursionError) as wrong:
                        raise error(f"{path}: line {number}: is not JSON: {wrong}") from None
    except (OSError, ValueError) as wrong:  # pyarrow's errors are one or the other
        raise error(f"{path}: cannot be read: {wrong}") from None


def read_source(path: Path) -> str:
    """The source of a program, in the encoding that it states (PEP 263).

    Raises:
        SourceError: it cannot be read.
    """
    try:
        with tokenize.open(path) as stream:
            return stream.read()
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}") from None
    except (SyntaxError, UnicodeDecodeError) as error:
        raise SourceError(f"{path}: not text in the encoding it states: {error}") from None


def require_folder(path: Path) -> None:
    """Stop before the work is done whose result could not be written.

    Raises:
        InputError: the folder of ``path`` does not exist.
    """
    if not path.parent.is_dir():
        raise InputError(
            f"{path}: cannot be written: there is no folder {path.parent}; make it first."
        )


def replace_text(path: Path, text: str) -> None:
    """Write a text file; one that exists is replaced when the new one is whole.

    Raises:
        InputError: it cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None
