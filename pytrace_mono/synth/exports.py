"""A corpus in the shape that another tool wants."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from pytrace_mono import tasks
from pytrace_mono.errors import CorpusError, InputError
from pytrace_mono.files import replacing, require_place
from pytrace_mono.records import PYX_COLUMNS, Example
from pytrace_mono.synth.corpus import Corpus
from pytrace_mono.synth.shards import Format, RowFile, require

Shape = Literal["pyx", "wide", "messages"]

_COLUMNS: dict[Shape, tuple[str, ...]] = {
    "pyx": PYX_COLUMNS,
    "wide": tuple(Example.model_fields),
    "messages": ("id", "messages"),
}


def export(corpus: Corpus, *, format: Shape, to: Format, out: str | Path) -> int:
    """Write all rows of a corpus into one file.

    Args:
        corpus: what to export.
        format: ``pyx`` (the five published columns), ``wide`` (all of ours) or ``messages`` (chat
            turns, worded as a model is trained and asked).
        to: ``jsonl`` or ``parquet``.
        out: the file; one that exists is replaced when the new one is whole.

    Returns:
        the number of rows.

    Raises:
        InputError: there is no such format; ``out`` is a folder, or a file of the corpus.
        CorpusError: a shard cannot be read or the file cannot be written.
        MissingExtraError: Parquet without pyarrow.
    """
    require(to)
    if format not in _COLUMNS:
        raise InputError(f"the format is {format!r}; give one of {', '.join(_COLUMNS)}")
    target = Path(out)
    row_of: Callable[[Example], dict[str, Any]] = (
        _messages if format == "messages" else Example.model_dump
    )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CorpusError(f"{target}: cannot be written: {error}") from None
    require_place(target, *corpus.files)
    with replacing(target, CorpusError) as partial:
        file = RowFile(partial, to, _COLUMNS[format])
        try:
            for example in corpus.examples():
                file.add(row_of(example))
        finally:
            file.close()
    return file.rows


def _messages(example: Example) -> dict[str, Any]:
    prompt, completion = tasks.prompt_and_completion(example)
    return {
        "id": example.id,
        "messages": [
            {"role": "user", "content": prompt},
            {"role": "assistant", "content": completion},
        ],
    }
