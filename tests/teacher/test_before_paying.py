"""What a user can see before a run is paid for, and afterwards."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from endpoint import Endpoint, endpoint

from pytrace_mono.cli import main
from pytrace_mono.synth.counts import Counts
from pytrace_mono.synth.progress import Progress

pytest.importorskip("openai")
pytest.importorskip("aiohttp")


def problems(path: Path, count: int) -> Path:
    rows = [{"code": f"def f(x):\n    return x + {i}\n", "calls": ["f(1)"]} for i in range(count)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def synth(rows: Path, out: Path, server: Endpoint, *more: str) -> int:
    asked = ["synth", str(rows), "--out", str(out), "--teacher", "openai", "--model", "m"]
    asked += ["--base-url", server.url, "--format", "jsonl", "--price", "1,10", *more]
    return main(asked)


def test_a_dry_run_estimates_says_so_and_asks_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = problems(tmp_path / "rows.jsonl", 10)
    with endpoint() as server:
        assert synth(rows, tmp_path / "c", server, "--dry-run", "--samples", "3") == 0
        assert server.requests == 0 and not (tmp_path / "c").exists()
        said = capsys.readouterr().out
        assert said.startswith("an estimate; nothing was asked\n")
        assert "requests   about 20, and 0 answers from the cache" in said
        assert "14000 (prompt + completion; 700 for each completion, assumed)" in said
        assert (
            "cost       about $0.1" in said and "at most    about 60 requests, about $0.4" in said
        )
        synth(rows, tmp_path / "c", server, "--limit", "4")
        capsys.readouterr()
        synth(rows, tmp_path / "c", server, "--dry-run")
    said = capsys.readouterr().out
    assert "requests   about 12, and 8 answers from the cache" in said
    assert "240 (prompt + completion; 20 for each completion, as long as those in the ledg" in said


def test_a_large_input_is_extrapolated_from_its_beginning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytrace_mono.synth.estimate.LOOKED_AT", 5)
    with endpoint() as server:
        synth(problems(tmp_path / "rows.jsonl", 49), tmp_path / "c", server, "--dry-run")
    said = capsys.readouterr().out
    assert "problems   49 at most, 5 of them run for this" in said
    assert "requests   about 98," in said


def test_a_preview_is_printed_and_its_answers_are_not_paid_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = problems(tmp_path / "rows.jsonl", 5)
    faults = iter([None, None, "wrong schema"])
    with endpoint(lambda chance: next(faults, None)) as server:  # type: ignore[arg-type]
        synth(rows, tmp_path / "c", server, "--preview", "2")
        said = capsys.readouterr().out
        assert said.count("=== kept: ") == 3 and said.count("[/ANSWER]") >= 3
        assert "teacher_error" in said and "holds no completion" in said
        assert "preview: 2 problems, 3 rows kept, 1 dropped; nothing was written" in said
        assert "paid: 3 answers" in said and not (tmp_path / "c").exists()
        synth(rows, tmp_path / "c", server, "--quiet")
        assert server.paid.total() == 10


def test_the_summary_of_what_was_paid_can_be_read_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    faults = iter([None, "500", "wrong schema"])
    with endpoint(lambda chance: next(faults, None)) as server:  # type: ignore[arg-type]
        synth(problems(tmp_path / "rows.jsonl", 3), tmp_path / "c", server)
    first = capsys.readouterr().out
    assert main(["corpus", "stats", str(tmp_path / "c")]) == 0
    again = capsys.readouterr().out
    assert again.startswith(first.rstrip())
    assert "paid       5 answers, 500 + 100 tokens (prompt + completion), $0.0015" in again
    assert "rows       1 without an answer, 5 kept" in again
    assert "1.20 attempts each, 2 at most" in again and "s (median)" in again


def test_without_a_terminal_there_is_a_plain_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pytrace_mono.synth.progress._SECONDS_BETWEEN_LINES", 0.0)
    progress = Progress(3, quiet=False, spent=lambda: 0.25)
    progress.step(Counts())
    progress.close()
    said = capsys.readouterr().err
    assert said.startswith("1 of at most 3 problems, 0 kept, 0 dropped, $0.2500, ")
    assert said.endswith(" problems a second\n")
    quiet = Progress(3, quiet=True)
    quiet.step(Counts())
    assert capsys.readouterr().err == ""


def test_on_a_terminal_there_is_a_bar(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def yes(*args: Any) -> bool:
        return True

    monkeypatch.setattr(sys.stderr, "isatty", yes)
    progress = Progress(3, quiet=False, spent=lambda: 0.25)
    progress.step(Counts())
    progress.close()
    said = capsys.readouterr().err
    assert "\r" in said and "0 kept, 0 dropped, $0.2500" in said
