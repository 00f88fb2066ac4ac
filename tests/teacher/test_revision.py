"""A teacher may be told once what was wrong, and is paid for that once."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from batch_endpoint import batch_endpoint
from chat_server import Reply, completion, serve
from endpoint import Endpoint, answer, endpoint

from pytrace_mono.cli import main
from pytrace_mono.records import Call, Problem
from pytrace_mono.synth import Corpus, OpenAITeacher, synthesize
from pytrace_mono.synth.corpus import LEDGER
from pytrace_mono.synth.prices import Price
from pytrace_mono.synth.summary import summary
from pytrace_mono.tracer import Limits

pytest.importorskip("openai")
pytest.importorskip("aiohttp")

LIE = "- [L1] `x` is `7`.\n"  # the tests call f(1)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytrace_mono.synth.retrying.FIRST_WAIT", 0.01)
    monkeypatch.setattr("pytrace_mono.synth.batch.POLL_SECONDS", 0.01)


def lying(prompt: str) -> str:
    """The right answer after a step that never happened."""
    return answer(prompt).replace("- [L2]", f"{LIE}- [L2]")


def right_when_told(prompt: str) -> str:
    return answer(prompt) if "was found wrong" in prompt else lying(prompt)


def problems(count: int) -> list[Problem]:
    return [
        Problem(id=str(i), code=f"def f(x):\n    return x + {i}\n", calls=(Call(call="f(1)"),))
        for i in range(count)
    ]


def run(count: int, out: Path, url: str, **options: Any) -> Corpus:
    asked = {"revise": True, "directions": ["forward"]}
    asked |= {key: options.pop(key) for key in ("samples", "revise", "batch") if key in options}
    teacher = OpenAITeacher("m", base_url=url, price=Price(1.0, 10.0), **options)
    limits = Limits(wall_seconds=2)
    return synthesize(problems(count), teacher, out, limits=limits, format="jsonl", **asked)  # type: ignore[arg-type]  # one dict for all options


def revisions(server: Endpoint) -> list[str]:
    return [prompt for prompt in server.paid if "was found wrong" in prompt]


def test_a_teacher_is_told_what_was_wrong_and_the_row_says_that_it_was(tmp_path: Path) -> None:
    with endpoint(says=right_when_told) as server:
        (reject,) = run(1, tmp_path / "d", server.url, revise=False).rejects()
        detail = reject["detail"]
        (row,) = run(1, tmp_path / "c", server.url).examples()
        assert (row.revised, row.attempts) == (True, 2) and "`7`" not in row.response
        first, second = (request["messages"] for request in server.server.requests)
    assert second[:-2] == first
    assert second[-2]["role"] == "assistant" and LIE in second[-2]["content"]
    told = second[-1]["content"].split("\n\n")[1]
    assert told == f"a claim of the monologue goes against the recording: {detail}"
    assert detail.startswith("[L1] `x` is `7` | recorded: x is 1 ")


def test_without_the_option_nothing_is_asked_twice(tmp_path: Path) -> None:
    with endpoint(says=right_when_told) as server:
        corpus = run(2, tmp_path / "c", server.url, revise=False)
        assert len(corpus) == 0 and server.paid.total() == 2
        assert not corpus.manifest["config"]["revise"]
        # What was paid for is not paid again: the revisions are all that the option costs.
        assert len(run(2, tmp_path / "d", server.url)) == 2
        assert server.paid.total() == 4


def test_a_model_that_speaks_json_is_quoted_in_its_own_words(tmp_path: Path) -> None:
    said = {"understanding": "u", "properties": "p", "steps": f"{LIE}- [L2] It adds."}

    def reply(request: dict[str, Any]) -> Reply:
        told = len(request["messages"]) > 2
        steps = said["steps"].replace("7", "1") if told else said["steps"]
        return completion(json.dumps({**said, "steps": steps, "answer": "assert f(1) == 1"}))

    with serve(reply) as server:
        assert len(run(1, tmp_path / "c", server.url)) == 1
        quoted = server.requests[1]["messages"][-2]["content"]
    assert json.loads(quoted)["steps"] == said["steps"]


def test_a_second_lie_is_dropped_and_no_third_answer_is_asked_for(tmp_path: Path) -> None:
    with endpoint(says=lying) as server:
        corpus = run(1, tmp_path / "c", server.url, samples=3)
        assert len(corpus) == 0 and server.paid.total() == 4 and len(revisions(server)) == 1
    (reject,) = corpus.rejects()
    assert reject["reason"] == "contradicted" and reject["detail"].startswith("after a revision: ")


@pytest.mark.parametrize("said", ["no idea", "", "[MONOLOGUE]\nIt\n[/MONOLOGUE]"])
def test_where_the_verifier_found_nothing_there_is_nothing_to_revise(
    tmp_path: Path, said: str
) -> None:
    with serve(lambda request: completion(said)) as server:
        run(1, tmp_path / "c", server.url)
        assert len(server.requests) == 1


def test_no_revision_is_paid_twice_whatever_happens(tmp_path: Path) -> None:
    def now_and_then(chance: Any) -> Any:
        return chance.choice(["429", "500", "reset", None, None])

    with endpoint(now_and_then, says=right_when_told) as server:
        assert len(run(10, tmp_path / "c", server.url, attempts=20)) == 10
        assert server.paid.total() == 20 and set(server.paid.values()) == {1}
        before = server.requests
        run(10, tmp_path / "d", server.url)
        assert server.requests == before


def test_another_mismatch_is_another_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with endpoint(says=right_when_told) as server:
        run(2, tmp_path / "c", server.url)
        monkeypatch.setattr("pytrace_mono.verify.policy.mismatch", lambda finding: "otherwise")
        run(2, tmp_path / "d", server.url)
        assert server.paid.total() == 6 and len(revisions(server)) == 4


def test_what_revisions_cost_stands_in_the_ledger_and_in_the_summary(tmp_path: Path) -> None:
    def stubborn(prompt: str) -> str:
        return lying(prompt) if "x + 0\n" in prompt else right_when_told(prompt)

    with endpoint(says=stubborn) as server:
        corpus = run(3, tmp_path / "c", server.url)
    assert corpus.stats["revised"] == len(corpus) == 2
    assert (
        "revised    3 rows asked to put right what was wrong, 2 of them kept; of the sum above "
        "300 + 60 tokens (prompt + completion), $0.0009\n"
    ) in summary(corpus)
    with contextlib.closing(sqlite3.connect(corpus.path / LEDGER)) as connection:
        told = connection.execute("SELECT DISTINCT mismatch FROM revisions").fetchall()
    assert len(told) == 1 and "recorded: x is 1 " in told[0][0]


def test_a_dry_run_knows_which_answers_will_have_to_be_revised(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(problem.model_dump_json() + "\n" for problem in problems(4)))
    asked = ["synth", str(rows), "--teacher", "openai", "--model", "m", "--format", "jsonl"]
    asked += ["--directions", "forward", "--price", "1,10", "--base-url"]
    with endpoint(says=right_when_told) as server:
        asked += [server.url, "--quiet"]
        estimate = [*asked, "--out", str(tmp_path / "d"), "--revise", "--dry-run"]
        assert main(estimate) == 0
        said = capsys.readouterr().out
        assert "requests   about 4," in said and "at most    about 8 requests, about $0.0" in said
        assert main([*asked, "--out", str(tmp_path / "c")]) == 0
        paid = server.paid.total()
        assert main(estimate) == 0
        said = capsys.readouterr().out
        assert "requests   about 4, and 4 answers from the cache" in said
        assert "at most  " not in said and server.paid.total() == paid
        main([*asked, "--out", str(tmp_path / "d"), "--revise"])
        assert server.paid.total() == paid + 4


def test_revisions_go_into_a_batch_of_their_own(tmp_path: Path) -> None:
    with batch_endpoint(says=right_when_told) as server:
        assert len(run(4, tmp_path / "c", server.server.url, batch=True)) == 4
        assert server.sizes == [4, 3] and set(server.paid.values()) == {1}
