"""The OpenAI teacher against a real server on the loopback: its answers, moods and failures."""

from __future__ import annotations

import asyncio
import builtins
import subprocess
import sys
import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from chat_server import ChatServer, Reply, completion, failure, serve

from pytrace_mono import tasks
from pytrace_mono.errors import MissingExtraError, MissingKeyError, TeacherError
from pytrace_mono.records import Call, Problem
from pytrace_mono.synth import (
    Completion,
    Corpus,
    Message,
    OpenAITeacher,
    Prompt,
    ScriptedTeacher,
    Teacher,
    Usage,
    synthesize,
)
from pytrace_mono.synth.cache import Keys, ResponseCache
from pytrace_mono.synth.replies import without_thinking
from pytrace_mono.tracer import Limits, Outcome, Snapshot, Status, Trace

pytest.importorskip("openai")
pytest.importorskip("aiohttp")

CALL = Call(call="f(1)")
PROBLEM = Problem(id="p", code="def f(x):\n    return x\n", calls=(CALL,))
TRACE = Trace(
    program=PROBLEM.code,
    call="f(1)",
    setup="",
    outcome=Outcome("returned", Snapshot("1", "int", True)),
    status=Status("complete"),
    level="none",
    limits={},
    stdout="",
    stderr="",
    steps=(),
    call_start=0,
    python="3.12.0",
)
PROMPT = Prompt(
    direction="forward",
    messages=(Message("system", "Explain."), Message("user", "f(1)?")),
    problem=PROBLEM,
    call=CALL,
    trace=TRACE,
    traces=(TRACE,),
    entry_point="f",
    literal_call="f(1)",
    masked_call="f(??)",
    output="1",
)


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pytrace_mono.synth.retrying.FIRST_WAIT", 0.01)


def ask(teacher: Teacher, n: int = 1, times: int = 1) -> list[Completion]:
    async def go() -> list[Completion]:
        try:
            asked = [teacher.complete(PROMPT, n=n) for _ in range(times)]
            return [said for all_said in await asyncio.gather(*asked) for said in all_said]
        finally:
            await teacher.aclose()  # type: ignore[attr-defined]

    return asyncio.run(go())


def one(server: ChatServer, **options: Any) -> Completion:
    return ask(OpenAITeacher("m", base_url=server.url, **options))[0]


def test_a_completion_with_its_usage() -> None:
    with serve([completion("It is 1.")]) as server:
        said = one(server, temperature=0.5, max_tokens=100)
    assert said == Completion("It is 1.", Usage(7, 3), "stop")
    request = server.requests[0]
    assert request["path"] == "/v1/chat/completions"
    assert (request["model"], request["temperature"], request["max_tokens"]) == ("m", 0.5, 100)
    assert [turn["role"] for turn in request["messages"]] == ["system", "user"]


def test_what_was_not_asked_for_is_left_to_the_server() -> None:
    with serve([completion("x")]) as server:
        one(server, structured_output=False)
    assert set(server.requests[0]) == {"path", "model", "messages"}


def test_several_completions_are_several_requests() -> None:
    with serve([completion("a"), completion("b"), completion("c")]) as server:
        said = ask(OpenAITeacher("m", base_url=server.url), n=3)
    assert sorted(each.text for each in said) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<think>hm</think>\nIt is 1.", "It is 1."),
        ("hm, the template opened it</think>It is 1.", "It is 1."),
        ("<think>I never get to the", ""),
        ("<think>a</think>It says `</think>`.", "It says `</think>`."),
        ("It splits '<think>' off.", "It splits '<think>' off."),
        ("It is 1.", "It is 1."),
        ("", ""),
    ],
)
def test_what_a_reasoning_model_thinks_is_cut(text: str, left: str) -> None:
    assert without_thinking(text) == left


@pytest.mark.parametrize("content", [None, "", "<think>so"])
def test_an_empty_completion_is_no_crash(content: str | None) -> None:
    with serve([completion(content, "length")]) as server:
        assert one(server) == Completion("", Usage(7, 3), "length")


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
def test_a_passing_trouble_is_waited_out(status: int) -> None:
    with serve([failure(status, retry_after="0"), completion("x")]) as server:
        assert one(server).text == "x"
    assert len(server.requests) == 2


@pytest.mark.parametrize("header", ["0.3", "date"])
def test_a_server_that_says_when_to_come_back_is_obeyed(header: str) -> None:
    value = formatdate(time.time() + 2, usegmt=True) if header == "date" else header
    with serve([failure(429, retry_after=value), completion("x")]) as server:
        started = time.monotonic()
        one(server)
    assert time.monotonic() - started >= 0.3


@pytest.mark.parametrize(
    ("reply", "fatal", "requests"),
    [
        (failure(401, "bad key sk-secret-123"), True, 1),
        (failure(403), True, 1),
        (failure(404, "no such model", "model_not_found"), True, 1),
        (failure(400, "no such model", "model_not_found"), True, 1),
        (failure(429, "pay first", "insufficient_quota"), True, 1),
        (failure(400, "too long"), False, 1),
        (failure(422), False, 1),
        (failure(500, retry_after="0"), False, 3),
        (Reply({"choices": []}), False, 1),
        (Reply({"error": "odd"}), False, 1),
        (Reply(b"<html>hello</html>", headers={"content-type": "text/html"}), False, 1),
        (Reply(b"{half"), False, 1),
    ],
)
def test_a_refusal_is_a_teacher_error_that_names_the_endpoint_and_no_key(
    reply: Reply, fatal: bool, requests: int
) -> None:
    with serve([reply] * 3) as server, pytest.raises(TeacherError) as caught:
        one(server, api_key="sk-secret-123", attempts=3, structured_output=False)
    assert caught.value.fatal is fatal
    assert server.url in str(caught.value)
    assert "sk-secret" not in str(caught.value)
    assert len(server.requests) == requests


def test_a_server_that_is_not_there_is_a_teacher_error() -> None:
    with serve([]) as server:
        pass
    with pytest.raises(TeacherError, match="could not be reached") as caught:
        one(server, attempts=1)
    assert caught.value.fatal  # nobody was ever there


def test_a_server_that_never_answers_is_given_up() -> None:
    refused = pytest.raises(TeacherError, match=r"(?i)timed? ?out")
    with serve([Reply({}, delay=1)]) as server, refused:
        one(server, timeout=0.1, attempts=1)


def test_no_more_requests_are_open_than_allowed() -> None:
    reply = completion("x")
    reply.delay = 0.02
    with serve(lambda request: reply) as server:
        ask(OpenAITeacher("m", base_url=server.url, concurrency=3), n=12)
    assert server.at_once == 3


def test_one_teacher_serves_several_loops() -> None:
    with serve(lambda request: completion("x")) as server:
        teacher = OpenAITeacher("m", base_url=server.url, concurrency=1)
        assert [ask(teacher, n=samples)[0].text for samples in (3, 6)] == ["x", "x"]


def test_the_environment_gives_endpoint_and_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve([completion("x")]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-from-env")
        ask(OpenAITeacher("m"))
    assert server.headers[0]["authorization"] == "Bearer sk-from-env"


def test_a_missing_key_says_what_to_do() -> None:
    with pytest.raises(MissingKeyError, match="export OPENAI_API_KEY"):
        OpenAITeacher("m")
    with pytest.raises(MissingKeyError, match=r"example\.com"):
        OpenAITeacher("m", base_url="https://example.com/v1")


def test_a_server_on_this_machine_needs_no_key() -> None:
    for url in ("http://localhost:8000/v1", "http://127.0.0.1/v1", "http://[::1]:80/v1"):
        OpenAITeacher("m", base_url=url)


def test_a_secret_in_the_address_is_not_shown() -> None:
    teacher = OpenAITeacher("m", base_url="http://localhost:80/v1?key=hush")
    assert teacher.endpoint == "http://localhost:80/v1"


def test_without_the_client_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_openai(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "openai":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_openai)
    with pytest.raises(MissingExtraError, match=r'pip install "pytrace_mono\[synth\]"'):
        OpenAITeacher("m", base_url="http://localhost/v1")


def test_the_client_is_imported_with_the_first_teacher_and_not_before() -> None:
    code = (
        "import sys; from pytrace_mono.synth import OpenAITeacher, synthesize; "
        "sys.exit('openai' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_corpus_is_made_over_the_wire_and_holds_no_key(tmp_path: Path) -> None:
    def answer(request: dict[str, Any]) -> Reply:
        assert "assert f(" in request["messages"][-1]["content"]
        return completion(tasks.response("It is handed back.", "f(1)", "1"))

    with serve(answer) as server:
        teacher = OpenAITeacher("m", base_url=server.url, api_key="sk-secret-123")
        asked = [
            PROBLEM,
            PROBLEM.model_copy(update={"id": "q", "code": "def f(x):\n    return x + 1\n"}),
        ]
        corpus = synthesize(asked, teacher, tmp_path / "c", limits=Limits(wall_seconds=2))
    assert [row.id.partition("/")[0] for row in corpus.examples()] == ["p", "p"]
    assert [reject["reason"] for reject in corpus.rejects()] == ["wrong_value", "wrong_target"]
    config = corpus.manifest["config"]
    assert (config["teacher"], config["model"], config["endpoint"]) == ("openai", "m", server.url)
    for path in Path(corpus.path).rglob("*.*"):
        assert path.is_dir() or b"sk-secret" not in path.read_bytes()


def test_a_refused_key_stops_the_run_at_once(tmp_path: Path) -> None:
    asked = [PROBLEM.model_copy(update={"id": str(i)}) for i in range(50)]
    with serve(lambda request: failure(401, "who are you?")) as server:
        teacher = OpenAITeacher("m", base_url=server.url, concurrency=2)
        with pytest.raises(TeacherError, match="who are you"):
            synthesize(asked, teacher, tmp_path / "c", limits=Limits(wall_seconds=2))
    assert len(server.requests) < 20
    assert not Corpus(tmp_path / "c").complete


def test_the_scripted_teacher_ends_with_its_script() -> None:
    teacher = ScriptedTeacher(["a", Completion("b")])
    assert [said.text for said in asyncio.run(teacher.complete(PROMPT, n=2))] == ["a", "b"]
    with pytest.raises(TeacherError, match="no more"):
        asyncio.run(teacher.complete(PROMPT))
    assert teacher.prompts == [PROMPT, PROMPT]


def test_what_was_answered_once_is_not_asked_again(tmp_path: Path) -> None:
    with serve([completion("a"), completion("b"), completion("c")]) as server:
        options: dict[str, Any] = {"base_url": server.url, "cache": tmp_path / "cache"}
        assert ask(OpenAITeacher("m", **options), times=5) == ask(OpenAITeacher("m", **options)) * 5
        assert len(server.requests) == 1
        assert len(ask(OpenAITeacher("m", **options), n=3)) == 3  # two more samples
        assert len(server.requests) == 3
        ask(OpenAITeacher("m", api_key="sk-other", timeout=5, **options), n=3)
        assert len(server.requests) == 3


def test_an_answer_is_kept_as_it_came_so_that_another_parser_may_read_it(tmp_path: Path) -> None:
    with serve([completion("<think>long</think>It is 1.", extra=[1])]) as server:
        options: dict[str, Any] = {"cache": tmp_path, "structured_output": False}
        ask(OpenAITeacher("m", base_url=server.url, api_key="sk-secret-123", **options))
    key = Keys(server.url, {"model": "m"}).of(server.requests[0]["messages"], 0)
    body = ResponseCache(tmp_path).get(key)
    assert body is not None and b"<think>long</think>" in body and b"extra" in body
    for file in tmp_path.iterdir():
        assert b"sk-secret" not in file.read_bytes()


def test_a_failure_is_not_kept(tmp_path: Path) -> None:
    options: dict[str, Any] = {"cache": tmp_path, "structured_output": False}
    with serve([failure(400), Reply({"choices": []}), completion("x")]) as server:
        for _ in range(2):
            with pytest.raises(TeacherError):
                one(server, **options)
        assert one(server, **options).text == "x"
