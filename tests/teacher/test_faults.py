"""Every way in which an endpoint fails ends: with an answer, or a drop that says why."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from chat_server import Reply, completion, failure, serve
from endpoint import Endpoint, Fault, answer, endpoint

from pytrace_mono.errors import TeacherError
from pytrace_mono.records import Call, Problem
from pytrace_mono.synth import Corpus, OpenAITeacher, synthesize
from pytrace_mono.tracer import Limits

pytest.importorskip("openai")
pytest.importorskip("aiohttp")

PASSING: Sequence[Fault] = ("429 later", "500", "reset", "cut", "hang", "drip", "html")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits of hundredths of a second, so that a storm passes while the test runs."""
    monkeypatch.setattr("pytrace_mono.synth.retrying.FIRST_WAIT", 0.01)


def numbered(count: int) -> list[Problem]:
    return [
        Problem(id=str(i), code=f"def f(x):\n    return x + {i}\n", calls=(Call(call="f(1)"),))
        for i in range(count)
    ]


def run(count: int, out: Path, server: Endpoint, **options: Any) -> Corpus:
    options = {"timeout": 0.5, "attempts": 8, **options}
    teacher = OpenAITeacher("m", base_url=server.url, **options)
    return synthesize(
        numbered(count),
        teacher,
        out,
        limits=Limits(wall_seconds=2),
        format="jsonl",
        directions=["forward"],
    )


@pytest.mark.parametrize("fault", PASSING)
def test_a_fault_that_passes_costs_no_row(tmp_path: Path, fault: Fault) -> None:
    first = iter([fault, fault])
    with endpoint(lambda chance: next(first, None)) as server:
        assert len(run(6, tmp_path / "c", server)) == 6
        assert server.faults[fault] == 2
        # A slow answer is an answer: it is paid, and not asked for again.
        assert server.paid.total() == (4 if fault == "drip" else 6)


@pytest.mark.parametrize("fault", ["bad json", "wrong schema"])
def test_an_answer_that_is_none_drops_its_row_with_the_reason(tmp_path: Path, fault: Fault) -> None:
    first = iter([fault])
    with endpoint(lambda chance: next(first, None)) as server:
        corpus = run(6, tmp_path / "c", server)
        assert len(corpus) == 5
        (reject,) = corpus.rejects()
        assert reject["reason"] == "teacher_error"
        assert ("not JSON" if fault == "bad json" else "no completion") in reject["detail"]
        # The same command asks for the dropped row alone.
        assert len(run(6, tmp_path / "c", server)) == 6
        assert server.requests == 7


@pytest.mark.parametrize("fault", ["429", "429 later"])
def test_a_storm_of_refusals_passes_without_a_lost_row_or_one_paid_twice(
    tmp_path: Path, fault: Fault
) -> None:
    with endpoint(lambda chance: fault if chance.random() < 0.3 else None) as server:
        assert len(run(60, tmp_path / "c", server)) == 60
        assert server.paid.total() == 60 and server.faults[fault] > 5


def test_an_endpoint_that_tells_its_limit_is_asked_no_faster(tmp_path: Path) -> None:
    with endpoint(a_minute=3_000) as server:
        assert len(run(40, tmp_path / "c", server)) == 40
        # Those that were on their way before the first answer told the limit; 5 were allowed.
        assert server.faults["429"] <= 2 * 16
        server.faults.clear()
        server.a_minute = 1_200
        assert len(run(60, tmp_path / "d", server)) == 60
        assert server.paid.total() == 60


def test_a_row_is_given_up_when_its_deadline_has_passed(tmp_path: Path) -> None:
    refused = iter(["429"] * 10_000)
    with endpoint(lambda chance: next(refused) if server.paid else None) as server:  # type: ignore[arg-type]
        corpus = run(3, tmp_path / "c", server, deadline=0.2, concurrency=1)
    assert len(corpus) == 1
    details = [reject["detail"] for reject in corpus.rejects()]
    assert len(details) == 2 and all("deadline of 0.2 seconds" in detail for detail in details)


def test_every_row_ends_kept_or_dropped_when_everything_fails_now_and_then(tmp_path: Path) -> None:
    faults: Sequence[Fault] = ("429", "500", "reset", "cut", "html", "bad json", "wrong schema")

    def sometimes(chance: random.Random) -> Fault | None:
        return chance.choice(faults) if chance.random() < 0.4 else None

    with endpoint(sometimes) as server:
        for _ in range(3):
            corpus = run(40, tmp_path / "c", server)
            assert len(corpus) + len(list(corpus.rejects())) == 40
        assert set(server.paid.values()) == {1}


def test_runs_with_two_fifths_of_errors_all_come_to_an_end(tmp_path: Path) -> None:
    with endpoint(lambda chance: "500" if chance.random() < 0.4 else None) as server:
        for number in range(5):  # the benchmark has fifty
            cache = tmp_path / f"cache-{number}"
            corpus = run(40, tmp_path / str(number), server, attempts=3, cache=cache)
            rejects = list(corpus.rejects())
            assert len(corpus) + len(rejects) == 40
            assert all("out of luck" in reject["detail"] for reject in rejects)


def test_an_endpoint_that_is_gone_stops_the_run_which_can_go_on_later(tmp_path: Path) -> None:
    gone = True

    def fault(chance: random.Random) -> Fault | None:
        return "500" if gone and server.paid.total() >= 10 else None

    with endpoint(fault) as server:
        with pytest.raises(TeacherError, match="requests in a row failed"):
            run(60, tmp_path / "c", server, attempts=2)
        corpus = Corpus(tmp_path / "c")
        assert not corpus.complete and "requests in a row failed" in corpus.manifest["stopped"]
        gone = False
        assert len(run(60, tmp_path / "c", server, attempts=2)) == 60
        assert set(server.paid.values()) == {1}


def test_rows_that_are_too_long_for_the_model_stop_nobody(tmp_path: Path) -> None:
    def reply(request: dict[str, Any]) -> Reply:
        prompt = "\n".join(turn["content"] for turn in request["messages"])
        number = int(re.findall(r"return x \+ (-?\d+)", prompt)[-1])
        if number in too_long:
            return failure(400, "maximum context length exceeded", "context_length_exceeded")
        return completion(answer(prompt))

    too_long = range(3, 23)
    with serve(reply) as server:
        teacher = OpenAITeacher("m", base_url=server.url, concurrency=1)
        corpus = synthesize(
            numbered(30), teacher, tmp_path / "c", format="jsonl", directions=["forward"]
        )
        assert corpus.complete and len(corpus) == 10
        assert all("maximum context length" in reject["detail"] for reject in corpus.rejects())
        # An endpoint that takes nothing at all is another matter.
        too_long = range(30)
        teacher = OpenAITeacher("m", base_url=server.url, cache=tmp_path / "empty")
        with pytest.raises(TeacherError, match=r"8 requests in a row failed.*maximum context"):
            synthesize(numbered(30), teacher, tmp_path / "d", format="jsonl")
