"""The form of an answer is negotiated; whatever comes is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from chat_server import Reply, completion, failure, serve
from endpoint import answer
from hypothesis import given
from hypothesis import strategies as st

from pytrace_mono import tasks
from pytrace_mono.errors import TeacherError
from pytrace_mono.records import Call, Problem
from pytrace_mono.synth import Corpus, OpenAITeacher, synthesize
from pytrace_mono.synth.structured import as_text
from pytrace_mono.tracer import Limits

pytest.importorskip("openai")
pytest.importorskip("aiohttp")

SAID = {
    "understanding": "It adds.",
    "properties": ["`result >= x`", "`x < 3`"],
    "steps": "- [L2] It adds the two.",
}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytrace_mono.synth.retrying.FIRST_WAIT", 0.01)


def problems(count: int) -> list[Problem]:
    return [
        Problem(id=str(i), code=f"def f(x):\n    return x + {i}\n", calls=(Call(call="f(1)"),))
        for i in range(count)
    ]


def run(count: int, out: Path, url: str, **options: Any) -> Corpus:
    asked = {key: options.pop(key) for key in ("samples", "show_trace") if key in options}
    teacher = OpenAITeacher("m", base_url=url, **options)
    limits = Limits(wall_seconds=2)
    return synthesize(problems(count), teacher, out, limits=limits, format="jsonl", **asked)


def kind(request: dict[str, Any]) -> str:
    asked = request.get("response_format", {"type": "text"})
    return str(asked["type"]) + (" and schema" if "schema" in asked else "")


def said(request: dict[str, Any]) -> str:
    """A right answer, in JSON where that is asked for."""
    prompt = "\n".join(message["content"] for message in request["messages"])
    text = answer(prompt)
    if kind(request) == "text":
        assert "JSON" not in prompt
        return text
    assert "JSON" in prompt
    call = text.partition("[ANSWER]\n")[2].partition("\n[/ANSWER]")[0]
    return json.dumps({**SAID, "answer": call})


TAKEN = [
    (("json_schema",), 0),
    (("json_object and schema", "json_object"), 1),
    (("json_object",), 2),
    ((), 3),
]


@pytest.mark.parametrize(("taken", "refusals"), TAKEN)
@pytest.mark.parametrize("status", [400, 422, 500])
def test_the_most_that_an_endpoint_takes_is_found_once_and_remembered(
    tmp_path: Path, taken: tuple[str, ...], refusals: int, status: int
) -> None:
    def reply(request: dict[str, Any]) -> Reply:
        if kind(request) not in (*taken, "text"):
            return failure(status, "what is a response_format?")
        return completion(said(request))

    with serve(reply) as server:
        for name in "ab":  # the second finds the format in the cache, and every answer
            corpus = run(3, tmp_path / name, server.url, attempts=2, cache=tmp_path / "cache")
            assert len(corpus) == 6, list(corpus.rejects())
    asked = [kind(request) for request in server.requests]
    each = 2 if status == 500 else 1
    assert len(asked) == refusals * each + 6
    assert set(asked[refusals * each :]) == {(*taken, "text")[0]}


def test_an_endpoint_that_refuses_every_form_is_told_as_it_said(tmp_path: Path) -> None:
    with serve(lambda request: failure(400, "context too long")) as server:
        corpus = run(1, tmp_path / "c", server.url, concurrency=1)
    assert {reject["reason"] for reject in corpus.rejects()} == {"teacher_error"}
    assert "context too long" in next(corpus.rejects())["detail"]


def test_an_answer_in_json_becomes_a_monologue_with_its_headings() -> None:
    text = as_text(json.dumps({**SAID, "answer": "assert f(1) == 2"}), "backward")
    read = tasks.parse_answer(text, "backward")
    assert (read.call, read.output) == ("f(1)", "2")
    assert read.monologue.splitlines() == [
        "### Understanding the Function",
        "It adds.",
        "",
        "### Key Properties and Constraints",
        "- `result >= x`",
        "- `x < 3`",
        "",
        "### Reverse Deduction",
        "- [L2] It adds the two.",
    ]


def test_json_in_a_fence_is_read_too() -> None:
    body = json.dumps({**SAID, "answer": "assert f(1) == 2"})
    assert as_text(f"```json\n{body}\n```", "forward") == as_text(body, "forward") != body


@given(st.one_of(st.text(), st.recursive(st.none() | st.text(), st.lists).map(json.dumps)))
def test_a_text_that_is_no_such_object_stays_as_it_is(text: str) -> None:
    assert as_text(text, "forward") == text


@given(st.dictionaries(st.sampled_from([*SAID, "answer", "other"]), st.integers() | st.text()))
def test_whatever_the_object_holds_reading_it_is_no_crash(found: dict[str, Any]) -> None:
    assert isinstance(as_text(json.dumps(found), "forward"), str)


def test_a_row_is_asked_for_again_until_one_sample_is_kept(tmp_path: Path) -> None:
    tries: dict[str, int] = {}

    def reply(request: dict[str, Any]) -> Reply:
        prompt = request["messages"][-1]["content"]
        tries[prompt] = tries.get(prompt, 0) + 1
        right = tries[prompt] == 3 and "x + 0" in prompt
        return completion(said(request) if right else "no idea")

    with serve(reply) as server:
        corpus = run(2, tmp_path / "c", server.url, samples=4)
        assert [row.attempts for row in corpus.examples()] == [3, 3]
        assert [reject["reason"] for reject in corpus.rejects()] == ["no_answer"] * 2
        assert sorted(tries.values()) == [3, 3, 4, 4]
        again = run(2, tmp_path / "d", server.url, samples=4)
        assert len(again) == 2 and len(server.requests) == 14


@pytest.mark.parametrize("shown", [True, False])
def test_the_trace_is_shown_or_withheld_and_the_row_says_which(tmp_path: Path, shown: bool) -> None:
    with serve(lambda request: completion(said(request))) as server:
        corpus = run(1, tmp_path / "c", server.url, show_trace=shown)
    assert [row.trace_shown for row in corpus.examples()] == [shown] * 2
    assert corpus.manifest["config"]["trace_shown"] is shown
    for request in server.requests:
        text = request["messages"][-1]["content"]
        assert ("recorded" in text or "recording" in text) is shown
        assert "$" not in text


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({"content": None, "reasoning_content": "hm"}, "cut_completion"),
        ({"content": "", "reasoning_content": "hm"}, "cut_completion"),
        ({"content": "<think>hm"}, "cut_completion"),
        ({"content": "[MONOLOGUE]\nIt"}, "cut_completion"),
    ],
)
def test_a_model_that_thinks_until_its_end_is_dropped_as_cut(
    tmp_path: Path, message: dict[str, Any], reason: str
) -> None:
    content = message.pop("content")
    with serve(lambda request: completion(content, "length", **message)) as server:
        corpus = run(1, tmp_path / "c", server.url)
    assert {reject["reason"] for reject in corpus.rejects()} == {reason}


def test_what_a_model_thinks_beside_its_answer_is_no_part_of_it(tmp_path: Path) -> None:
    def reply(request: dict[str, Any]) -> Reply:
        return completion(f"<think>{{}} [ANSWER]1</think>{said(request)}", reasoning_content="hm")

    with serve(reply) as server:
        assert len(run(1, tmp_path / "c", server.url)) == 2


def test_a_wrong_key_is_no_matter_of_form(tmp_path: Path) -> None:
    with serve(lambda request: failure(401, "who are you?")) as server:
        with pytest.raises(TeacherError, match="who are you"):
            run(1, tmp_path / "c", server.url)
        assert {kind(request) for request in server.requests} == {"json_schema"}
