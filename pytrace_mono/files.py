"""Files that people give and get: rows, read one after another; source; text, replaced in one step."""

from __future__ import annotations

import json
import os
import tokenize
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pytrace_mono.errors import InputError, MissingExtraError, PytraceMonoError, SourceError

# In memory together; with 1,000 a corpus is a sixth smaller, for 9 MB more.
BATCH_ROWS = 250


def read_rows(
    path: Path,
    error: type[PytraceMonoError] = InputError,
    damaged: Callable[[str, str], None] | None = None,
) -> Iterator[Any]:
    """The rows of a Parquet file, or the values of a file of JSON Lines, in order.

    Args:
        path: the file; Parquet where its name ends so.
        error: raised where it cannot be read, or a line is not JSON.
        damaged: told which line is not JSON, and why, instead; the others are read all the same.

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
                        row = json.loads(line)
                    except (ValueError, RecursionError) as wrong:
                        if damaged is None:
                            raise error(f"{path}: line {number}: is not JSON: {wrong}") from None
                        damaged(f"line {number}", f"is not JSON: {wrong}")
                    else:
                        yield row
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
        raise SourceError(
            f"{path}: not text in the encoding it states (UTF-8 where it states none): {error}"
        ) from None


def require_place(path: Path, *read: Path) -> None:
    """Stop before the work is done whose result could not be written.

    Args:
        path: the file to write.
        read: what the work reads, which must stay as it is.

    Raises:
        InputError: ``path`` is a folder, in none, may not be written, or is one of ``read``.
    """
    if path.is_dir():
        why = "it is a folder; name a file in it."
    elif not path.parent.is_dir():
        why = f"there is no folder {path.parent}; make it first."
    elif path.exists() and any(given.exists() and path.samefile(given) for given in read):
        why = "it is what is read; name another file."
    elif not os.access(path.parent if path.is_file() or not path.exists() else path, os.W_OK):
        why = "permission denied; choose another place."
    else:
        return
    raise InputError(f"{path}: cannot be written: {why}")


@contextmanager
def replacing(path: Path, error: type[PytraceMonoError] = InputError) -> Iterator[Path]:
    """A file to write, which takes the place of ``path`` when it is whole.

    A link stays, and what it leads to is replaced. A pipe or a device is written to itself.

    Args:
        path: the file; one that exists stays as it is until then.
        error: raised where it cannot be written.
    """
    try:
        if path.exists() and not path.is_file():
            yield path
            return
        target = Path(os.path.realpath(path))
        partial = target.with_name(f".{target.name}.partial")
        try:
            yield partial
            os.replace(partial, target)
        finally:  # after an error, and Ctrl-C, too
            with suppress(OSError):
                partial.unlink()
    except OSError as wrong:
        raise error(f"{path}: cannot be written: {wrong.strerror}") from None


def replace_text(path: Path, text: str) -> None:
    """Write a text file; one that exists is replaced when the new one is whole.

    Raises:
        InputError: it cannot be written.
    """
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")
