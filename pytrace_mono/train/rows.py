"""Rows to train on, as (task, prompt, completion), from every file format that training takes.

A corpus directory, or a JSON Lines or Parquet file whose rows have the columns of one of these:

- PyX, and with it our own wide rows: ``nl, fwd_mnl, bwd_mnl, response``, one of the first three filled
- repair: ``fault, response``
- plain: ``prompt, completion``, taken as they are
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from pytrace_mono import manifest
from pytrace_mono.errors import TrainingDataError
from pytrace_mono.tasks import prompt_of, repair_prompt

TrainingTask = Literal["nl", "forward", "backward", "repair", "plain"]
TASKS: tuple[TrainingTask, ...] = get_args(TrainingTask)

# The task, the column that asks, the column that answers.
_FORMATS: tuple[tuple[TrainingTask, str, str], ...] = (
    ("nl", "nl", "response"),
    ("forward", "fwd_mnl", "response"),
    ("backward", "bwd_mnl", "response"),
    ("repair", "fault", "response"),
    ("plain", "prompt", "completion"),
)


@dataclass(frozen=True)
class Row:
    """One prompt and what a model is to say to it.

    Attributes:
        group: rows of one group are evaluated together or trained on together: the Problem's id where
            the file has it, else the prompt.
    """

    task: TrainingTask
    prompt: str
    completion: str
    group: str = ""


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a corpus directory or of one file, in order.

    Raises:
        TrainingDataError: it cannot be read, or a row has the columns of no known format.
        MissingExtraError: the rows are Parquet and pyarrow is not installed.
    """
    for where, raw in manifest.rows_at(path, TrainingDataError):
        yield row_of(raw, where)


def row_of(raw: Any, where: str) -> Row:
    """The Row that one row of a file stands for.

    Args:
        raw: what the file holds; columns that training does not use are ignored.
        where: the file and the row's number, for the error's message.

    Raises:
        TrainingDataError: the columns are those of no known format, or hold no text.
    """
    if not isinstance(raw, dict):
        raise TrainingDataError(f"{where}: an object is expected, not {type(raw).__name__}")
    filled = [kind for kind in _FORMATS if raw.get(kind[1]) and kind[2] in raw]
    if len(filled) != 1:
        raise TrainingDataError(
            f"{where}: has {len(filled)} prompts in the columns {sorted(raw)}; fill one of nl, fwd_mnl, "
            "bwd_mnl and give response (PyX), or give fault and response, or prompt and completion."
        )
    task, *columns = filled[0]
    for column in columns:
        if not isinstance(raw[column], str):
            found = type(raw[column]).__name__
            raise TrainingDataError(f"{where}: {column!r} must be a text, not {found}")
        try:
            raw[column].encode()
        except UnicodeEncodeError as error:
            raise TrainingDataError(f"{where}: {column!r} is no text: {error}") from None
    prompt, completion = (raw[column] for column in columns)
    if task == "repair":
        prompt = repair_prompt(prompt)
    elif task != "plain":
        prompt = prompt_of(task, prompt)
    return Row(task, prompt, completion, str(raw.get("problem_id") or prompt))


def files_of(path: Path) -> list[Path]:
    """The files that hold the rows of a corpus directory; a file itself.

    Raises:
        TrainingDataError: the directory is no finished corpus.
    """
    if not path.is_dir():
        return [path]
    return manifest.files_of(path, manifest.read_manifest(path, TrainingDataError))
