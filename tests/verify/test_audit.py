"""The audit of a file of monologues, as the command gives it."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Any

import pytest

from pytrace_mono import tasks
from pytrace_mono.cli import main

PROGRAM = "def f(n):\n    t = 0\n    for i in range(n):\n        t += i\n    return t\n"
TRUE = "[L2] `t` starts as `0`. Iteration 2: `i = 1`, so [L4] `t` becomes `1`."
LIE = TRUE.replace("becomes `1`", "becomes `5`")
ASKED = f"[PYTHON]\n{PROGRAM}assert f(3) == ??\n[/PYTHON]"


def answered(told: str, value: str = "3") -> str:
    return f"{told}\n[ANSWER]\nassert f(3) == {value}\n[/ANSWER]"


def rows_of() -> list[Any]:
    """One of each kind, in each of the shapes."""
    pyx = {"nl": None, "bwd_mnl": None}
    return [
        {"id": "true", "fwd_mnl": ASKED, "response": answered(TRUE), **pyx},
        {"id": "lie", "prompt": ASKED, "response": answered(LIE)},
        {"id": "wrong", "prompt": ASKED, "completion": answered(TRUE, "4")},
        {"id": "silent", "messages": [
            {"role": "user", "content": ASKED}, {"role": "assistant", "content": TRUE},
        ]},
        {"id": "shapeless", "text": TRUE},
        {"id": "code", "nl": "Write f.", "fwd_mnl": None, "response": PROGRAM},
        ["no object"],
    ]  # fmt: skip


def written(folder: Path, rows: list[Any]) -> str:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def audited(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    code = main(["verify", *arguments, "--format", "json"])
    return code, json.loads(capsys.readouterr().out)


def test_each_row_counts_once_with_the_reason_against_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, report = audited(capsys, written(tmp_path, rows_of()))
    assert code == 0
    assert (report["rows"], report["skipped"]) == (6, 1)
    assert report["right_answer"] == pytest.approx(2 / 6)
    assert report["all_claims_true"] == pytest.approx(1 / 6)
    reasons = {"bad_row": 2, "contradicted": 1, "no_answer": 1, "wrong_value": 1}
    assert report["by_reason"] == reasons
    first = {item["id"]: item["claim"] for item in report["first_wrong"]}
    assert "becomes `5`" in first["lie"]
    assert "an object is expected, not list" in first["7"]


@pytest.mark.parametrize(("bound", "holds"), [(3, True), (2, False)])
def test_a_property_is_held_against_the_function_within_the_call(
    bound: int, holds: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = f"### Key Properties and Constraints\n- It is small: `result <= {bound}`.\n\n{TRUE}"
    asked = ASKED.replace("f(3)", "str(f(3))")
    row = {"id": "within", "prompt": asked, "response": told + "\n[ANSWER]\n'3'\n[/ANSWER]"}
    _, report = audited(capsys, written(tmp_path, [row]))
    assert (report["right_answer"], report["all_claims_true"]) == (1, int(holds))
    assert report["claims"]["unsupported"] == 0


@pytest.mark.parametrize(("chosen", "code"), [(slice(1), 0), (slice(2), 1), (slice(4, 5), 1)])
def test_strict_fails_when_a_row_does(
    chosen: slice, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audited(capsys, written(tmp_path, rows_of()[chosen]), "--strict")[0] == code


def test_rows_can_be_parquet_as_pyx_is_published(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="needs pyarrow")
    from pyarrow import parquet

    rows = rows_of()[:1]
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "rows.parquet")
    _, report = audited(capsys, str(tmp_path / "rows.parquet"), "--strict")
    assert report == audited(capsys, written(tmp_path, rows), "--strict")[1]


def test_only_the_first_rows_are_read_when_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, report = audited(capsys, written(tmp_path, rows_of()), "--limit", "2")
    assert report["rows"] == 2


def test_what_cannot_be_read_or_written_is_told_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = written(tmp_path, rows_of())
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n\x00")
    for arguments, told in (
        ((str(picture),), "picture.png: line 1: is not JSON"),
        ((str(tmp_path / "none.jsonl"),), "none.jsonl: cannot be read"),
        ((whole, "-o", str(tmp_path / "no" / "report")), "there is no folder"),
    ):
        assert main(["verify", *arguments]) == 2
        assert told in capsys.readouterr().err


def test_a_line_that_is_not_json_is_a_row_that_fails_and_stops_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    true, lie = (json.dumps(row) for row in rows_of()[:2])
    path = tmp_path / "half.jsonl"
    path.write_text(f'{true}\n{{"id":\n\n{lie}\n{true[:40]}')
    code, report = audited(capsys, str(path))
    assert (code, report["rows"], report["complete"]) == (0, 4, True)
    assert report["by_reason"] == {"not_json": 2, "contradicted": 1}
    assert [item["id"] for item in report["first_wrong"]] == ["line 2", "lie", "line 5"]
    assert report["first_wrong"][0]["claim"].startswith("is not JSON: ")
    assert main(["verify", str(path), "--strict"]) == 1
    assert "line 2: is not JSON" in capsys.readouterr().out
    _, report = audited(capsys, str(path), "--limit", "2")
    assert (report["rows"], report["by_reason"]) == (2, {"not_json": 1})


def test_what_was_read_before_a_corpus_turns_out_damaged_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "f.py"
    source.write_text(f'{PROGRAM}\n\nif __name__ == "__main__":\n    f(3)\n')
    corpus = tmp_path / "corpus"
    assert main(["synth", str(source), "--out", str(corpus), "--format", "jsonl"]) == 0
    (shard,) = (corpus / "data").iterdir()
    shard.write_text(shard.read_text() + "{")
    capsys.readouterr()
    assert main(["verify", str(corpus)]) == 2
    told = capsys.readouterr()
    assert (
        told.out.startswith("2 monologues, stopped before the end")
        and "line 3: is not JSON" in told.err
    )


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_tell_of_what_was_checked_by_then(tmp_path: Path, by: int) -> None:
    pipe, out = tmp_path / "rows.jsonl", tmp_path / "report.json"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "pytrace_mono", "verify", str(pipe), "--format", "json"]
    row = (json.dumps(rows_of()[1]) + "\n").encode()
    with (
        subprocess.Popen([*command, "-o", str(out)], stderr=subprocess.PIPE) as audit,
        pipe.open("wb", buffering=0) as rows,
    ):
        for _ in range(2):  # the second is taken once the first has been checked
            rows.write(row)
            while int.from_bytes(fcntl.ioctl(rows, termios.FIONREAD, bytes(4)), sys.byteorder):
                time.sleep(0.01)
        audit.send_signal(by)
        _, told = audit.communicate()
    assert (audit.returncode, told.decode()) == (130, "pytrace-mono: interrupted\n")
    report = json.loads(out.read_text())
    assert report["complete"] is False and report["rows"] in (1, 2)
    assert report["by_reason"] == {"contradicted": report["rows"]}


WRONG_TYPES = [
    {"fwd_mnl": 5, "response": "r"},
    {"fwd_mnl": ["x"], "response": "r"},
    {"fwd_mnl": ASKED, "response": None},
    {"prompt": ASKED, "completion": 5},
    {"prompt": None, "response": "r"},
    {"messages": []},
    {"messages": [1, 2]},
    {"messages": [{"content": None}, {"role": "assistant"}]},
    {"messages": [{"content": [{"text": ASKED}]}, {"content": "r"}]},
]


@pytest.mark.parametrize("row", WRONG_TYPES)
def test_a_row_of_wrong_types_is_a_bad_row_and_stops_no_other(
    row: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, report = audited(capsys, written(tmp_path, [row, rows_of()[0]]))
    assert (report["rows"], report["by_reason"]) == (2, {"bad_row": 1})
    assert "not both texts" in report["first_wrong"][0]["claim"]


def test_a_chat_of_another_task_is_skipped_as_its_row_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chat = [{"content": tasks.prompt_of("nl", "Write f.")}, {"content": PROGRAM}]
    code, report = audited(capsys, written(tmp_path, [{"messages": chat}]), "--strict")
    assert (code, report["rows"], report["skipped"]) == (0, 0, 1)


def test_what_is_read_is_not_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path(written(tmp_path, rows_of()))
    before = path.read_bytes()
    for out, told in ((path, "it is what is read"), (tmp_path, "it is a folder")):
        assert main(["verify", str(path), "-o", str(out)]) == 2
        assert told in capsys.readouterr().err
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_no_row_at_all_is_no_clean_audit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", written(tmp_path, []), "--strict"]) == 2
    assert "holds no row" in capsys.readouterr().err
