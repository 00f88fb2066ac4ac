"""Rows to train on come out of every file format as prompt and completion."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytrace_mono import tasks
from pytrace_mono.errors import TrainingDataError
from pytrace_mono.records import Example
from pytrace_mono.synth.writer import CorpusWriter
from pytrace_mono.train.rows import Row, files_of, read_rows, row_of

EXAMPLE = Example(
    id="1",
    fwd_mnl="[PYTHON]\nassert f(1) == ??\n[/PYTHON]",
    response="[ANSWER]\nassert f(1) == 2\n[/ANSWER]",
    task="forward",
    problem_id="p",
    program="def f(x): return x + 1\n",
    entry_point="f",
)


def test_a_wide_row_is_asked_exactly_as_tasks_asks_it() -> None:
    assert row_of(EXAMPLE.model_dump(), "here") == Row(
        "forward", *tasks.prompt_and_completion(EXAMPLE), group="p"
    )


@pytest.mark.parametrize(
    ("column", "task"), [("nl", "nl"), ("fwd_mnl", "forward"), ("bwd_mnl", "backward")]
)
def test_the_filled_column_of_a_pyx_row_tells_the_task(column: str, task: str) -> None:
    raw = {"nl": "", "fwd_mnl": "", "bwd_mnl": "", "response": "r"} | {column: "ask"}
    row = row_of(raw, "here")
    assert (row.task, row.completion) == (task, "r")
    assert row.prompt.startswith(tasks.PREFIXES[row.task])  # type: ignore[index]
    assert "ask" in row.prompt


def test_a_repair_row_gets_the_repair_prefix_and_a_plain_row_gets_none() -> None:
    prompt = f"{tasks.REPAIR_PREFIX}\nbug\n"
    assert row_of({"fault": "bug", "response": "fix"}, "here") == Row(
        "repair", prompt, "fix", group=prompt
    )
    assert row_of({"prompt": "a", "completion": "b"}, "here") == Row("plain", "a", "b", group="a")


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ([], "an object is expected, not list"),
        ({"text": "x"}, "has 0 prompts in the columns ['text']; fill one of nl"),
        ({"nl": "", "response": "r"}, "has 0 prompts in the columns ['nl', 'response']"),
        ({"nl": "a", "fwd_mnl": "b", "response": "r"}, "has 2 prompts in the columns"),
        ({"prompt": "a", "completion": None}, "'completion' must be a text, not NoneType"),
        ({"prompt": "a", "completion": "\ud800"}, "'completion' is no text: 'utf-8' codec"),
    ],
)
def test_a_row_of_no_known_format_is_told_with_its_place(raw: object, told: str) -> None:
    with pytest.raises(TrainingDataError) as caught:
        row_of(raw, "file.jsonl: row 3")
    assert str(caught.value).startswith("file.jsonl: row 3: ")
    assert told in str(caught.value)


def test_json_lines_and_a_corpus_directory_give_the_same_rows(tmp_path: Path) -> None:
    config = {"teacher": "t", "directions": ["forward"], "format": "jsonl"}
    writer = CorpusWriter(tmp_path, {"name": "p", "sha256": "0"}, config)
    writer.keep(EXAMPLE)
    [file] = files_of(writer.finish(level="guard").path)
    assert list(read_rows(tmp_path)) == list(read_rows(file))
    assert len(list(read_rows(file))) == 1
    file.write_text("")
    with pytest.raises(TrainingDataError, match="0 rows where"):
        list(read_rows(tmp_path))


def test_parquet_gives_the_same_rows_as_json_lines(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="Parquet needs pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet", reason="Parquet needs pyarrow")
    raw = {"nl": "ask", "fwd_mnl": "", "bwd_mnl": "", "response": "r"}
    parquet.write_table(pyarrow.Table.from_pylist([raw]), tmp_path / "rows.parquet")
    assert list(read_rows(tmp_path / "rows.parquet")) == [row_of(raw, "here")]


def test_a_missing_or_broken_file_is_told_by_name(tmp_path: Path) -> None:
    broken = tmp_path / "broken.jsonl"
    broken.write_text("{")
    for path in (broken, tmp_path / "missing.jsonl", tmp_path):
        with pytest.raises(TrainingDataError, match=str(path)):
            list(read_rows(path))
