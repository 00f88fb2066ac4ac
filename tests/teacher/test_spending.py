"""What a run may spend, and what it says that it spent."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from endpoint import Endpoint, endpoint
from hypothesis import given
from hypothesis import strategies as st

from pytrace_mono.errors import BudgetError, PrerequisiteError, StoreError, TeacherError
from pytrace_mono.records import Call, Problem
from pytrace_mono.synth import Corpus, OpenAITeacher, Usage, synthesize
from pytrace_mono.synth.budget import Budget
from pytrace_mono.synth.corpus import LEDGER
from pytrace_mono.synth.ledger import Ledger, told
from pytrace_mono.synth.prices import Price, list_price
from pytrace_mono.synth.summary import summary
from pytrace_mono.synth.tokens import TokenCounter
from pytrace_mono.tracer import Limits

pytest.importorskip("openai")
pytest.importorskip("aiohttp")

PRICE = Price(1.0, 10.0)  # the endpoint counts 100 + 20 tokens an answer: $0.0003


def problems(count: int) -> list[Problem]:
    return [
        Problem(id=str(i), code=f"def f(x):\n    return x + {i}\n", calls=(Call(call="f(1)"),))
        for i in range(count)
    ]


def run(asked: Sequence[Problem], out: Path, server: Endpoint, **options: Any) -> Corpus:
    teacher = OpenAITeacher("m", base_url=server.url, **options)
    limits = Limits(wall_seconds=2)
    return synthesize(asked, teacher, out, limits=limits, format="jsonl", directions=["forward"])


def rows(out: Path, statement: str) -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(out / LEDGER)) as connection:
        return connection.execute(statement).fetchall()


def test_the_ledger_holds_what_every_answer_cost_and_what_became_of_every_row(
    tmp_path: Path,
) -> None:
    with endpoint() as server:
        corpus = run(problems(4), tmp_path / "c", server, price=PRICE)
    assert len(corpus) == 4
    ledger = Ledger(tmp_path / "c")
    totals = ledger.totals()
    assert (totals.paid, totals.cached, totals.failures) == (4, 0, 0)
    assert (totals.usage, totals.estimated, totals.unpriced) == (Usage(400, 80), False, 0)
    assert totals.cost == pytest.approx(4 * 0.0003)
    assert told(totals).startswith("4 answers, 400 + 80 tokens (prompt + completion), $0.0012;")
    assert told(totals) in summary(corpus)
    ids = sorted(example.id for example in corpus.examples())
    kept = rows(corpus.path, "SELECT row, stage, reason FROM rows ORDER BY row")
    assert kept == [(row, "kept", None) for row in ids]
    assert rows(corpus.path, "SELECT row FROM answers ORDER BY row") == [(row,) for row in ids]


def test_a_dropped_row_stands_in_the_ledger_with_its_stage_and_reason(tmp_path: Path) -> None:
    with endpoint(lambda chance: "wrong schema") as server:
        corpus = run(problems(1), tmp_path / "c", server)
    assert len(corpus) == 0
    assert rows(corpus.path, "SELECT stage, reason FROM rows") == [("asking", "teacher_error")]
    ((attempts, message),) = rows(corpus.path, "SELECT attempts, message FROM failures")
    assert attempts == 1 and "holds no completion" in message


def test_an_answer_that_another_corpus_paid_for_is_free(tmp_path: Path) -> None:
    with endpoint() as server:
        run(problems(3), tmp_path / "c", server, price=PRICE)
        corpus = run(problems(4), tmp_path / "d", server, price=PRICE, max_cost=0.02)
    totals = Ledger(corpus.path).totals()
    assert (totals.paid, totals.cached, server.requests) == (1, 3, 4)
    assert totals.cost == pytest.approx(0.0003)


def test_a_price_that_nobody_knows_is_said_to_be_unknown(tmp_path: Path) -> None:
    with endpoint() as server:
        assert "cost not known" in summary(run(problems(1), tmp_path / "c", server))


@pytest.mark.parametrize(
    "bound", [{"max_cost": 0.0061, "price": PRICE}, {"token_budget": 2_450}], ids=str
)
def test_a_budget_is_never_passed_and_the_same_command_goes_on_with_a_higher_one(
    tmp_path: Path, bound: dict[str, Any]
) -> None:
    options: dict[str, Any] = {"max_tokens": 20, "concurrency": 4}
    with endpoint() as server:
        for _ in range(2):  # however often it is started
            with pytest.raises(BudgetError, match="run the same command with a higher"):
                run(problems(40), tmp_path / "c", server, **options, **bound)
        assert 5 <= server.paid.total() <= 20
        corpus = Corpus(tmp_path / "c")
        assert not corpus.complete and "budget" in corpus.manifest["stopped"]
        more = {name: value if name == "price" else value * 10 for name, value in bound.items()}
        assert len(run(problems(40), tmp_path / "c", server, **options, **more)) == 40
        assert server.paid.total() == 40


def test_a_budget_of_nothing_sends_nothing(tmp_path: Path) -> None:
    with endpoint() as server:
        with pytest.raises(BudgetError, match=r"budget of \$0 does not cover"):
            run(problems(2), tmp_path / "c", server, price=PRICE, max_cost=0.0)
        assert server.requests == 0


def test_a_budget_in_dollars_needs_a_price() -> None:
    with pytest.raises(PrerequisiteError, match="--price PROMPT,COMPLETION"):
        OpenAITeacher("m", base_url="http://localhost:1/v1", max_cost=1.0)


def test_what_was_asked_when_a_run_stops_is_still_waited_for(tmp_path: Path) -> None:
    failing = iter([None, "429"])
    with endpoint(lambda chance: next(failing, None), delay=0.2) as server:  # type: ignore[arg-type]
        with contextlib.suppress(TeacherError):
            run(problems(8), tmp_path / "c", server, token_budget=5_000, concurrency=8)
        assert Ledger(tmp_path / "c").totals().paid == server.paid.total() > 0


def test_a_ledger_of_a_newer_version_is_left_alone_and_nothing_is_asked(tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    Ledger(tmp_path / "c").close()
    with contextlib.closing(sqlite3.connect(tmp_path / "c" / LEDGER)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with endpoint() as server:
        with pytest.raises(StoreError, match="newer pytrace_mono"):
            run(problems(1), tmp_path / "c", server)
        assert server.requests == 0
    assert rows(tmp_path / "c", "PRAGMA user_version") == [(99,)]


@given(
    st.lists(st.tuples(st.integers(1, 500), st.integers(0, 300), st.booleans()), max_size=60),
    st.floats(0, 0.05),
    st.integers(0, 9_000),
)
def test_whatever_comes_back_a_bounded_answer_keeps_the_budget(
    requests: list[tuple[int, int, bool]], dollars: float, tokens: int
) -> None:
    budget = Budget(dollars, tokens, PRICE, longest=300)
    spent = [Usage(0, 0)]
    with contextlib.suppress(BudgetError):
        for prompt, completion, succeeds in requests:
            reserved = budget.reserve(prompt)
            answer = Usage(prompt, completion) if succeeds else None
            budget.settle(reserved, answer)
            if answer is not None:
                spent.append(answer)
    assert sum(PRICE.of(usage) for usage in spent) <= dollars + 1e-9
    assert sum(usage.prompt_tokens + usage.completion_tokens for usage in spent) <= tokens


def test_list_prices_are_known_for_hosted_models_and_not_for_a_server_of_ones_own() -> None:
    pytest.importorskip("genai_prices")
    known = list_price("gpt-4o-mini", "https://api.openai.com/v1")
    assert known is not None and 0 < known.prompt < known.completion
    assert list_price("gpt-4o-mini", "http://localhost:8000/v1") is None
    assert list_price("no-such-model", "https://api.openai.com/v1") is None


def test_without_a_vocabulary_tokens_are_estimated_and_said_to_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)
    counter = TokenCounter("gpt-4o")
    assert counter.estimated and counter.count("x" * 420) == 100 and counter.count("") == 1


def test_tokens_are_counted_with_the_vocabulary_of_the_model_or_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One small vocabulary, of single bytes and ``ab``: the real ones come over the network."""
    tiktoken = pytest.importorskip("tiktoken")
    ranks = {bytes([i]): i for i in range(256)} | {b"ab": 256}
    words = tiktoken.Encoding("words", pat_str=r"\S+|\s+", mergeable_ranks=ranks, special_tokens={})
    loaded = []

    def load(name: str) -> Any:
        loaded.append(name)
        if name == "broken":
            raise OSError("no network")
        return words

    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr("tiktoken.model.get_encoding", load)
    monkeypatch.setattr("tiktoken.get_encoding", load)
    for model, vocabulary in (("gpt-4", "cl100k_base"), ("no-such-model", "o200k_base")):
        counter = TokenCounter(model)
        assert loaded.pop() == vocabulary
        assert (counter.count("abab x"), counter.estimated) == (4, False)
    monkeypatch.setattr("tiktoken.get_encoding", lambda name: load("broken"))
    assert TokenCounter("no-such-model").estimated
