"""A run that is killed is resumed by the same command, and pays for nothing twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from endpoint import Endpoint, endpoint

from pytrace_mono.errors import CorpusError
from pytrace_mono.synth import Corpus, OpenAITeacher, synthesize
from pytrace_mono.verify import Reason, Verdict

pytest.importorskip("openai")
pytest.importorskip("aiohttp")

CONCURRENCY = 16  # what the command line asks for


def problems(path: Path, count: int) -> Path:
    rows = [{"code": f"def f(x):\n    return x + {i}\n", "calls": ["f(1)"]} for i in range(count)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def start(
    rows: Path, out: Path, server: Endpoint, cache: Path, format: str = "jsonl"
) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pytrace_mono", "synth", str(rows), "--out", str(out)]
    command += ["--teacher", "openai", "--model", "m", "--base-url", server.url, "--quiet"]
    command += ["--format", format, "--directions", "forward", "--cache", str(cache)]
    path = os.pathsep.join(filter(None, sys.path))
    return subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path}
    )


def finish(process: subprocess.Popen[str]) -> None:
    _, said = process.communicate(timeout=100)
    assert process.returncode == 0, said


def kill_when(process: subprocess.Popen[str], server: Endpoint, answered: int) -> int:
    """Kill it once so many prompts were answered; how many requests were in flight then."""
    while len(server.paid) < answered and process.poll() is None:
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    in_flight = server.open_now
    process.communicate()
    return in_flight


def contents(out: Path) -> dict[str, object]:
    """Every file that a reader of the corpus sees, the manifest without its times."""
    manifest = json.loads((out / "manifest.json").read_bytes())
    del manifest["times"]
    files = [out / "README.md", out / "rejects.jsonl", *sorted((out / "data").iterdir())]
    return {"manifest": manifest, **{file.name: file.read_bytes() for file in files}}


def kills(tmp_path: Path, *, rows: int, runs: int, moments: int, format: str) -> None:
    """Kill each run at so many random moments, rerun, and compare with one that nobody disturbed."""
    asked = problems(tmp_path / "rows.jsonl", rows)
    with endpoint(delay=0.01) as server:
        finish(start(asked, tmp_path / "whole", server, tmp_path / "undisturbed", format))
        whole = contents(tmp_path / "whole")
        prompts = set(server.paid)
        assert server.paid.total() == len(prompts) == rows
        chance = random.Random(6)
        for run in range(runs):
            server.paid.clear()
            out, cache = tmp_path / f"out-{run}", tmp_path / f"cache-{run}"
            lost = 0
            # So far apart that each rerun comes to ask for something before it is killed as well.
            for at in sorted(chance.sample(range(1, rows, CONCURRENCY + 1), moments)):
                in_flight = kill_when(start(asked, out, server, cache, format), server, at)
                lost += max(in_flight, CONCURRENCY)
            finish(start(asked, out, server, cache, format))
            assert not (out / "rejects.jsonl").read_text()
            assert contents(out) == whole
            assert set(server.paid) == prompts  # each was answered, and nothing else was asked
            twice = server.paid.total() - rows
            assert twice <= lost, f"{twice} paid twice, of {lost} in flight when it was killed"
            assert not list(out.glob(".*"))


@pytest.mark.parametrize("format", ["jsonl", "parquet"])
def test_a_killed_run_goes_on_where_it_was_and_ends_as_if_undisturbed(
    tmp_path: Path, format: str
) -> None:
    kills(tmp_path, rows=60, runs=1, moments=2, format=format)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "a scheduler"])
def test_a_run_that_is_asked_to_end_pays_for_nothing_twice(
    tmp_path: Path, sent: signal.Signals
) -> None:
    asked, out, cache = problems(tmp_path / "rows.jsonl", 60), tmp_path / "c", tmp_path / "cache"
    with endpoint(delay=0.05) as server:
        process = start(asked, out, server, cache)
        while len(server.paid) < 20:
            time.sleep(0.001)
        process.send_signal(sent)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 130 and said == "pytrace-mono: interrupted\n"
        assert 0 < len(Corpus(out)) < 60
        finish(start(asked, out, server, cache))
        assert len(Corpus(out)) == 60
        assert server.paid.total() == len(server.paid) == 60


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_run_may_be_killed_at_any_moment_again_and_again(tmp_path: Path) -> None:
    kills(tmp_path, rows=500, runs=6, moments=5, format="parquet")


def test_one_more_row_costs_one_request_and_a_repetition_none(tmp_path: Path) -> None:
    with endpoint() as server:
        cache = tmp_path / "cache"
        few = problems(tmp_path / "few.jsonl", 20)
        finish(start(few, tmp_path / "few", server, cache))
        assert server.requests == 20
        finish(start(problems(tmp_path / "more.jsonl", 21), tmp_path / "more", server, cache))
        assert server.requests == 21
        finish(start(few, tmp_path / "few", server, cache))
        assert server.requests == 21
    assert len(Corpus(tmp_path / "more")) == 21


def test_another_parser_or_verifier_costs_no_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made(name: str) -> int:
        teacher = OpenAITeacher("m", base_url=server.url, cache=tmp_path / "cache")
        out = tmp_path / name
        return len(synthesize(rows, teacher, out, format="jsonl", directions=["forward"]))

    rows = problems(tmp_path / "rows.jsonl", 12)
    wrong = Verdict(False, Reason.WRONG_VALUE, "not today")
    with endpoint() as server:
        with monkeypatch.context() as at_first:
            at_first.setattr("pytrace_mono.synth.monologue.judge", lambda *given: wrong)
            assert made("strict") == 0
        with monkeypatch.context() as later:
            later.setattr("pytrace_mono.synth.structured.as_text", lambda said, direction: "?")
            assert made("unread") == 0
        assert made("right") == 12
        assert server.requests == server.paid.total() == 12


def test_a_second_run_on_a_directory_is_told_who_holds_it(tmp_path: Path) -> None:
    asked = problems(tmp_path / "rows.jsonl", 3)
    with endpoint(lambda chance: "429 later" if held else None) as server:
        held = True
        first = start(asked, tmp_path / "c", server, tmp_path / "cache")
        while not server.requests and first.poll() is None:
            time.sleep(0.001)
        second = start(asked, tmp_path / "c", server, tmp_path / "cache")
        _, said = second.communicate(timeout=100)
        held = False
        assert second.returncode == 2
        assert f"another run is writing here (process {first.pid} on " in said
        finish(first)
    assert Corpus(tmp_path / "c").complete
    with pytest.raises(CorpusError, match="no corpus"):
        Corpus(tmp_path)
