"""What a user can get wrong before or while paying: one clear message each, nothing lost, no key."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chat_server import Reply, completion, failure, serve
from endpoint import Fault, endpoint
from teachers import truthful

from pytrace_mono.cli import main
from pytrace_mono.errors import CorpusError, InputError, StoreError
from pytrace_mono.synth import Corpus, OpenAITeacher, ScriptedTeacher, synthesize
from pytrace_mono.synth.cache import ResponseCache
from pytrace_mono.synth.ledger import Ledger
from pytrace_mono.synth.writer import CorpusWriter

pytest.importorskip("openai")
pytest.importorskip("aiohttp")

KEY = "sk-very-secret-0123456789"


@pytest.fixture(autouse=True)
def with_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setattr("pytrace_mono.synth.retrying.FIRST_WAIT", 0.01)


def problems(path: Path, count: int = 3) -> Path:
    rows = [{"code": f"def f(x):\n    return x + {i}\n", "calls": ["f(1)"]} for i in range(count)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def synth(tmp_path: Path, url: str, *more: str, out: Path | None = None) -> int:
    rows = problems(tmp_path / "rows.jsonl")
    asked = ["synth", str(rows), "--out", str(out or tmp_path / "c"), "--teacher", "openai"]
    asked += ["--model", "no-such-model", "--base-url", url, "--format", "jsonl", "--quiet"]
    return main([*asked, *more])


def message(said: str) -> str:
    """The one message; what was made until then may be summed up before it."""
    lines = [line for line in said.splitlines() if line.startswith("pytrace-mono: error: ")]
    assert len(lines) == 1 and "Traceback" not in said, said
    return lines[0]


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (
            failure(401, f"Incorrect API key provided: {KEY}"),
            ("Incorrect API key", "***", "check OPENAI_API_KEY"),
        ),
        (
            failure(404, "The model does not exist", "model_not_found"),
            ("no-such-model", "exist", "check --model"),
        ),
        (failure(429, "You exceeded your quota", "insufficient_quota"), ("quota",)),
    ],
)
def test_a_refusal_that_cannot_pass_is_one_message_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], reply: Reply, words: tuple[str, ...]
) -> None:
    with serve(lambda request: reply) as server:
        assert synth(tmp_path, server.url) == 2
        assert len(server.requests) == 1  # while the form is not known, one asks for all
    told = message(capsys.readouterr().err)
    assert all(word in told for word in (server.url, *words))
    assert KEY not in told
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or KEY.encode() not in file.read_bytes(), file


def test_an_endpoint_that_is_down_stops_the_run_and_the_same_command_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serve([]) as server:
        pass
    asked = ["--out", str(tmp_path / "c"), "--teacher", "openai", "--model", "m", "--quiet"]
    asked += ["--base-url", server.url, "--format", "jsonl"]
    assert main(["synth", str(problems(tmp_path / "rows.jsonl", 20)), *asked]) == 2
    told = message(capsys.readouterr().err)
    assert "could not be reached: Cannot connect" in told and "(4 attempts)" in told
    assert "check --base-url" in told and "the same command" in told
    assert not Corpus(tmp_path / "c").complete
    # One row was enough to find out, where nobody had ever answered.
    with contextlib.closing(sqlite3.connect(tmp_path / "c" / "ledger.sqlite3")) as ledger:
        assert ledger.execute("SELECT count(*) FROM failures").fetchone() == (1,)


def test_an_endpoint_that_was_there_may_be_away_for_a_few_rows(tmp_path: Path) -> None:
    faults: Iterator[Fault | None] = iter([None, None, None, "reset", "reset"])
    with endpoint(lambda chance: next(faults, None)) as server:
        teacher = OpenAITeacher("m", base_url=server.url, concurrency=1, attempts=1)
        corpus = synthesize(
            problems(tmp_path / "rows.jsonl", 10),
            teacher,
            tmp_path / "c",
            format="jsonl",
            directions=["forward"],
        )
    assert len(corpus) == 8 and len(list(corpus.rejects())) == 2


@pytest.mark.parametrize("address", ["localhost:8000/v1", "ftp://localhost/v1", "http://"])
def test_what_is_no_address_is_said_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    assert synth(tmp_path, address) == 2
    assert "as in http://localhost:8000/v1" in message(capsys.readouterr().err)
    assert not (tmp_path / "c").exists()


def test_a_password_in_the_address_is_refused_and_not_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert synth(tmp_path, "http://me:hunter2@localhost:1/v1") == 2
    told = message(capsys.readouterr().err)
    assert "a user or a password" in told and "hunter2" not in told
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize("key", ["sk-a\nsk-b", "sk-\u2026"])
def test_a_key_that_no_request_can_carry_is_refused_and_not_told(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    key: str,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    assert synth(tmp_path, "http://localhost:1/v1") == 2
    told = message(capsys.readouterr().err)
    assert "OPENAI_API_KEY holds a character" in told and "sk-" not in told
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("model", ""),
        ("base_url", 5),
        ("api_key", 5),
        ("concurrency", 0),
        ("attempts", 0),
        ("timeout", None),
        ("deadline", float("nan")),
        ("max_cost", float("nan")),
        ("token_budget", -1),
        ("requests_per_minute", -5.0),
        ("price", (1.0, 2.0)),
        ("temperature", "hot"),
    ],
)
def test_an_argument_that_cannot_be_is_refused_before_anything_is_asked(
    tmp_path: Path, argument: str, value: Any
) -> None:
    given = {"model": "m", "base_url": "http://localhost:1/v1", "cache": tmp_path, argument: value}
    with pytest.raises(InputError, match=f"OpenAITeacher: {argument}: ") as refused:
        OpenAITeacher(**given)
    assert KEY not in str(refused.value)
    assert not list(tmp_path.iterdir())


def test_a_line_end_after_the_key_is_no_part_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}\n")
    with endpoint() as server:
        assert synth(tmp_path, server.url) == 0
        sent = {headers["authorization"] for headers in server.server.headers}
    assert sent == {f"Bearer {KEY}"}


def test_a_budget_of_zero_sends_nothing_and_says_how_to_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with endpoint() as server:
        assert synth(tmp_path, server.url, "--max-tokens", "0") == 2
        assert "higher --max-tokens" in message(capsys.readouterr().err)
        assert synth(tmp_path, server.url, "--max-cost", "0") == 2
        assert "--price PROMPT,COMPLETION" in capsys.readouterr().err
        assert synth(tmp_path, server.url, "--max-cost", "0", "--price", "1,1") == 2
        assert "higher --max-cost" in message(capsys.readouterr().err)
        assert server.requests == 0


def test_a_cache_by_a_newer_version_is_one_message_and_stays_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = tmp_path / "cache"
    ResponseCache(cache).close()
    with contextlib.closing(sqlite3.connect(cache / "responses.sqlite3")) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = (cache / "responses.sqlite3").read_bytes()
    with endpoint() as server:
        assert synth(tmp_path, server.url, "--cache", str(cache)) == 2
        assert server.requests == 0
    assert "newer pytrace_mono" in message(capsys.readouterr().err)
    assert (cache / "responses.sqlite3").read_bytes() == before


def test_a_corpus_that_was_paid_for_is_summed_up_where_nothing_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serve(lambda request: completion("no answer")) as server:
        assert synth(tmp_path, server.url, "--cache", str(tmp_path / "cache")) == 0
    before = sorted((tmp_path / "c").iterdir())
    (tmp_path / "c").chmod(0o555)
    monkeypatch.setattr("os.access", lambda path, mode: False)  # as for others than root
    assert main(["corpus", "stats", str(tmp_path / "c")]) == 0
    assert "paid       6 answers" in capsys.readouterr().out
    assert sorted((tmp_path / "c").iterdir()) == before
    ledger = Ledger(tmp_path / "c", reading=True)
    with pytest.raises(StoreError, match="readonly"):
        ledger.failed("row", 1, "message")
    ledger.close()


@pytest.mark.parametrize("version", [1, 2])
def test_a_cache_of_an_older_version_is_used_and_keeps_its_answers(
    tmp_path: Path, version: int
) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "responses.sqlite3")) as connection:
        connection.executescript(
            "CREATE TABLE responses (key BLOB PRIMARY KEY, body BLOB NOT NULL, "
            "stored REAL NOT NULL DEFAULT (julianday('now'))) WITHOUT ROWID; "
            "INSERT INTO responses (key, body) VALUES (x'00', x'01'), (x'02', x'03'); "
            f"PRAGMA user_version = {version}"
        )
        if version == 2:
            connection.executescript(
                "CREATE TABLE formats (endpoint TEXT, model TEXT, format TEXT NOT NULL, "
                "PRIMARY KEY (endpoint, model)) WITHOUT ROWID; "
                "INSERT INTO formats VALUES ('e', 'm', 'text')"
            )
    for _ in range(2):
        cache = ResponseCache(tmp_path)
        assert cache.get(b"\0") == b"\1" and cache.get(b"\2") == b"\3"
        assert cache.format_of("e", "m") == ("text" if version == 2 else None)
        cache.put(b"\0", b"another")
        cache.close()


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of half a megabyte."""
    if os.geteuid() != 0 or not sys.platform.startswith("linux"):
        pytest.skip("only root can mount a small disk")
    with tempfile.TemporaryDirectory() as place:
        mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", place]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("this machine lets nobody mount a disk")
        try:
            yield Path(place)
        finally:
            subprocess.run(["umount", "-l", place], check=True)


@pytest.mark.parametrize("full", ["cache", "corpus"])
def test_a_full_disk_is_one_message_and_what_was_paid_is_not_paid_again(
    tmp_path: Path, small_disk: Path, capsys: pytest.CaptureFixture[str], full: str
) -> None:
    def long(request: dict[str, Any]) -> Reply:
        return completion("x" * 60_000)

    rows = problems(tmp_path / "many.jsonl", 30)
    cache = (small_disk if full == "cache" else tmp_path) / "cache"
    out = (small_disk if full == "corpus" else tmp_path) / "c"
    asked = ["synth", str(rows), "--out", str(out), "--teacher", "openai", "--model", "m"]
    asked += ["--format", "jsonl", "--quiet", "--cache", str(cache)]
    with serve(long) as server:
        assert main([*asked, "--base-url", server.url]) == 2
        told = message(capsys.readouterr().err)
        assert str(small_disk) in told and ("full" in told or "No space" in told)
        paid = len(server.requests)
        stored = ResponseCache(cache)._database.execute("SELECT count(*) FROM bodies")[0][0]
        assert stored >= paid - 16 and stored > 0  # those in flight at most are lost
        subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
        assert main([*asked, "--base-url", server.url]) == 0
        assert len(server.requests) == 60 + paid - stored


def test_a_teacher_is_closed_also_where_nothing_more_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Closing(ScriptedTeacher):
        closed = False

        async def aclose(self) -> None:
            self.closed = True

    def full(self: CorpusWriter, row: Any) -> None:
        raise CorpusError("full")

    monkeypatch.setattr(CorpusWriter, "keep", full)
    monkeypatch.setattr(CorpusWriter, "drop", full)
    rows = problems(tmp_path / "rows.jsonl", 1)
    with rows.open("a") as stream:
        stream.write("not JSON\n")  # dropped when the first row has failed to be written
    teacher = Closing(truthful)
    with pytest.raises(CorpusError, match="full"):
        synthesize(rows, teacher, tmp_path / "c", format="jsonl")
    assert teacher.closed
