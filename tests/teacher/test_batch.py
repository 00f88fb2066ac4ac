"""Batches: what is asked once is waited for, whoever is killed and whatever a job becomes."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from batch_endpoint import BatchEndpoint, batch_endpoint

from pytrace_mono.errors import BudgetError, PrerequisiteError, TeacherError
from pytrace_mono.records import Call, Problem
from pytrace_mono.synth import Corpus, Narrator, OpenAITeacher, synthesize
from pytrace_mono.synth.corpus import LEDGER
from pytrace_mono.synth.ledger import Ledger
from pytrace_mono.tracer import Limits

pytest.importorskip("openai")
pytest.importorskip("aiohttp")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytrace_mono.synth.batch.POLL_SECONDS", 0.01)


def run(count: int, out: Path, server: BatchEndpoint, **options: Any) -> Corpus:
    asked = [
        Problem(id=str(i), code=f"def f(x):\n    return x + {i}\n", calls=(Call(call="f(1)"),))
        for i in range(count)
    ]
    settings = {key: options.pop(key) for key in ("batch", "samples") if key in options}
    teacher = OpenAITeacher("m", base_url=server.server.url, **options)
    return synthesize(
        asked,
        teacher,
        out,
        limits=Limits(wall_seconds=2),
        format="jsonl",
        **{"batch": True, **settings},
    )


def test_all_but_the_first_request_go_into_one_job_and_give_the_same_corpus(tmp_path: Path) -> None:
    with batch_endpoint() as server:
        corpus = run(10, tmp_path / "c", server)
        # The first finds out which form the endpoint takes.
        assert (server.alone, server.sizes) == (1, [19])
        assert set(server.paid.values()) == {1}
        online = run(10, tmp_path / "d", server, batch=False, cache=tmp_path / "other")
        assert list(corpus.examples()) == list(online.examples()) and len(corpus) == 20
    totals = Ledger(tmp_path / "c").totals()
    assert (totals.paid, totals.cached, totals.usage.prompt_tokens) == (20, 0, 2_000)
    assert not (tmp_path / "c" / ".batch").exists()
    assert corpus.manifest["config"] == online.manifest["config"]


def test_many_requests_are_several_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytrace_mono.synth.batch.MAX_REQUESTS", 8)
    with batch_endpoint(polls=3) as server:
        assert len(run(10, tmp_path / "c", server)) == 20
        assert server.sizes == [8, 8, 3]
    monkeypatch.setattr("pytrace_mono.synth.batch.MAX_BYTES", 9_000)
    with batch_endpoint() as server:
        assert len(run(4, tmp_path / "d", server)) == 8
        assert len(server.sizes) > 1 and sum(server.sizes) == 7
        assert all(len(data) <= 9_000 for name, data in server.files.items() if "-id" not in name)


@pytest.mark.parametrize("status", ["expired", "cancelled", "completed"])
def test_what_a_job_left_unanswered_is_dropped_and_asked_for_by_the_same_command(
    tmp_path: Path, status: str
) -> None:
    with batch_endpoint(ends=[status, "completed"]) as server:
        server.answers = lambda number: number % 3 > 0
        corpus = run(10, tmp_path / "c", server)
        dropped = [reject["reason"] for reject in corpus.rejects()]
        assert dropped == ["teacher_error"] * 7 and len(corpus) == 13 and corpus.complete
        assert status in next(corpus.rejects())["detail"]
        assert Ledger(tmp_path / "c").totals().failures == 7
        server.answers = lambda number: True
        assert len(run(10, tmp_path / "c", server)) == 20
        assert server.sizes == [19, 7] and set(server.paid.values()) == {1}


def test_a_job_that_is_refused_stops_the_run_with_its_reason(tmp_path: Path) -> None:
    refused = pytest.raises(TeacherError, match="batch-0 failed: line 1 is no request")
    with batch_endpoint(ends=["failed"]) as server, refused:
        run(3, tmp_path / "c", server)
    assert not Corpus(tmp_path / "c").complete


def test_lines_that_are_nobodys_or_come_twice_or_are_damaged_harm_no_other(tmp_path: Path) -> None:
    def odd(line: dict[str, Any]) -> list[dict[str, Any]]:
        stranger = {**line, "custom_id": "00" * 32}
        nameless = {"response": line["response"]}
        broken = {**line, "custom_id": "not hex"}
        return [stranger, line, line, nameless, broken]

    with batch_endpoint(line=odd) as server:
        assert len(run(5, tmp_path / "c", server)) == 10
    assert Ledger(tmp_path / "c").totals().paid == 10


def test_a_second_sample_is_asked_for_in_a_second_job(tmp_path: Path) -> None:
    wrong = iter([True] * 4)

    def first_ones_wrong(line: dict[str, Any]) -> list[dict[str, Any]]:
        if next(wrong, False):
            line["response"]["body"]["choices"][0]["message"]["content"] = "no idea"
        return [line]

    with batch_endpoint(line=first_ones_wrong) as server:
        corpus = run(5, tmp_path / "c", server, samples=2)
        assert server.sizes == [9, 4]
    assert sorted(row.attempts for row in corpus.examples()) == [1] * 6 + [2] * 4


def test_a_batch_over_the_budget_is_not_begun(tmp_path: Path) -> None:
    with batch_endpoint() as server:
        with pytest.raises(BudgetError, match="higher --max-tokens"):
            run(30, tmp_path / "c", server, token_budget=20_000)
        assert server.sizes == [] and server.alone == 1


def test_the_narrator_has_no_batches(tmp_path: Path) -> None:
    problem = Problem(id="p", code="def f(x):\n    return x\n", calls=(Call(call="f(1)"),))
    with pytest.raises(PrerequisiteError, match="narrator has no batches"):
        synthesize([problem], Narrator(), tmp_path / "c", batch=True)


def start(rows: Path, out: Path, server: BatchEndpoint) -> subprocess.Popen[str]:
    code = (
        "import sys, pytrace_mono.synth.batch as batch; from pytrace_mono.cli import main; "
        "batch.POLL_SECONDS = 0.02; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "synth", str(rows), "--out", str(out), "--batch"]
    command += ["--teacher", "openai", "--model", "m", "--base-url", server.server.url]
    command += ["--format", "jsonl", "--cache", str(out.parent / "cache"), "--quiet"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)


@pytest.mark.parametrize("noted", [True, False])
def test_a_run_killed_while_it_waits_goes_on_waiting_for_the_same_job(
    tmp_path: Path, noted: bool
) -> None:
    rows = tmp_path / "rows.jsonl"
    each = [{"code": f"def f(x):\n    return x + {i}\n", "calls": ["f(1)"]} for i in range(6)]
    rows.write_text("".join(json.dumps(row) + "\n" for row in each))
    out = tmp_path / "c"
    with batch_endpoint(polls=1_000_000) as server:
        first = start(rows, out, server)
        while not server.looked and first.poll() is None:
            time.sleep(0.001)
        first.send_signal(signal.SIGKILL)
        first.communicate()
        if not noted:  # killed just before the id was in the ledger
            with sqlite3.connect(out / LEDGER) as connection:
                connection.execute("DELETE FROM batches")
        server.polls = 0
        second = start(rows, out, server)
        _, said = second.communicate(timeout=100)
        assert second.returncode == 0, said
        assert server.sizes == [11] and set(server.paid.values()) == {1}
    assert len(Corpus(out)) == 12
