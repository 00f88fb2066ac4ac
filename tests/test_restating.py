"""A model restates what has no labels, before it is checked: asked over HTTP, once for each text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from chat_server import Reply, body_of, completion, failure, serve

from pytrace_mono.cli import main
from pytrace_mono.synth import prompts
from pytrace_mono.tracer import Sandbox
from pytrace_mono.verify.rows import Row

pytest.importorskip("openai", reason="needs the extra [synth]")

PROGRAM = "def f(n):\n    t = 0\n    for i in range(n):\n        t += i\n    return t\n"
ASKED = f"[PYTHON]\n{PROGRAM}assert f(3) == ??\n[/PYTHON]"
BACKWARD = f"[PYTHON]\n{PROGRAM}assert f(??) == 3\n[/PYTHON]"
FREE = "Nothing is there at first. By the second round one has come in, and three come out."
RESTATED = "1 | L2 | after: t == 0\n2 | L4, pass 2 of L3 | after: t == {}\n2 | | returns 3\n"


def answered(told: str) -> str:
    return f"{told}\n[ANSWER]\nassert f(3) == 3\n[/ANSWER]"


def row(name: str, told: str, asked: str = ASKED) -> dict[str, Any]:
    return {"id": name, "prompt": asked, "response": answered(told)}


@pytest.fixture
def audited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Any:
    """Audits rows with an endpoint: exit code, report, requests, what was said of errors."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("PYTRACE_MONO_CACHE", str(tmp_path / "cache"))

    def run(rows: list[Any], script: Any, *more: str) -> tuple[int, Any, list[Any], str]:
        path = tmp_path / "rows.jsonl"
        path.write_text("".join(json.dumps(one) + "\n" for one in rows))
        with serve(script) as server:
            code = main(
                ["verify", str(path), "--format", "json", "--reader", "m", "--base-url", server.url,
                 "--isolation", "guard", *more]
            )  # fmt: skip
        output = capsys.readouterr()
        report = json.loads(output.out) if output.out else None
        return code, report, server.requests, output.err

    return run


def test_a_text_without_labels_is_judged_by_what_a_model_restates(audited: Any) -> None:
    def script(request: dict[str, Any]) -> Reply:
        asked = request["messages"][-1]["content"]
        if "A recording of the run goes against" in asked:
            return completion("1 | false")
        return completion(RESTATED.format(2 if "two have come in" in asked else 1))

    rows = [
        row("true", FREE),
        row("lie", FREE.replace("one has", "two have")),
        row("labelled", "[L2] `t` starts as `0`."),
        row("silent", "") | {"response": "no answer"},
    ]
    code, report, requests, _ = audited(rows, script)
    assert (code, report["rows"], report["restated"]) == (0, 4, 2)
    assert report["by_reason"] == {"contradicted": 1, "no_answer": 1}
    assert report["first_wrong"] == [
        {
            "id": "lie",
            "claim": "By the second round two have come in, and three come out. (restated: L4, "
            "pass 2 of L3 | after: t == 2) | recorded: t == 2 is false at line 4 (step 9), where "
            "t is 1",
        }
    ]
    assert len(requests) == 3


def test_the_model_is_shown_the_program_the_call_and_the_numbered_text(audited: Any) -> None:
    _, _, [asked], _ = audited([row("a", FREE, BACKWARD)], [completion("1 | | -")])
    system, user = (turn["content"] for turn in asked["messages"])
    assert "never what you think is right" in system
    assert "  4         t += i\n" in user
    assert "The call: f(3)\nThe text argues backward" in user
    assert "[1] Nothing is there at first. [2] By the second round" in user
    assert "response_format" not in asked


def test_what_the_model_takes_back_beside_the_recorded_fact_accuses_nobody(audited: Any) -> None:
    replies = [completion(RESTATED.format(2)), completion("On reflection:\n1 | misread")]
    _, report, requests, _ = audited([row("a", FREE)], replies)
    assert report["claims"] == {"holds": 2, "contradicted": 0, "unsupported": 1}
    assert (report["all_claims_true"], report["by_reason"]) == (1.0, {})
    *before, again = (turn["content"] for turn in requests[1]["messages"])
    assert before[2] == RESTATED.format(2).strip()
    assert "1. `2 | L4, pass 2 of L3 | after: t == 2`\n   recorded: t == 2 is false at" in again


def test_the_same_text_is_paid_for_once(audited: Any) -> None:
    _, report, requests, _ = audited(
        [row("a", FREE), row("b", FREE)], [completion(RESTATED.format(1))]
    )
    assert (report["restated"], report["all_claims_true"], len(requests)) == (2, 1.0, 1)


def test_the_first_rows_alone_are_asked_about(audited: Any) -> None:
    rows = [row(str(n), f"{FREE} {n}.") for n in range(5)]
    _, report, requests, _ = audited(rows, lambda _: completion("1 | | -"), "--limit", "2")
    assert (report["rows"], len(requests)) == (2, 2)


def test_a_model_that_passes_all_over_leaves_a_text_unread(audited: Any) -> None:
    _, report, _, _ = audited([row("a", f"{FREE} More.")], [completion("It is all true.")])
    assert report["by_reason"] == {"unread": 1}
    assert (report["unread"], report["all_claims_true"]) == (1.0, 0.0)


def test_a_row_that_the_model_refuses_fails_and_stops_no_other(audited: Any) -> None:
    def script(request: dict[str, Any]) -> Reply:
        refused = "Long" in request["messages"][-1]["content"]
        return failure(400, "too long") if refused else completion(RESTATED.format(1))

    _, report, _, _ = audited([row("a", "Long."), row("b", FREE)], script)
    assert (report["rows"], report["by_reason"]) == (2, {"teacher_error": 1})
    assert "too long" in report["first_wrong"][0]["claim"]


@pytest.mark.parametrize("cut", [0, 1])
def test_half_an_answer_is_none(audited: Any, cut: int) -> None:
    answers = [(RESTATED.format(2), "stop"), ("1 | false", "stop")]
    answers[cut] = (answers[cut][0], "length")
    replies = [completion(text, finish) for text, finish in answers]
    _, report, requests, _ = audited([row("a", FREE)], replies)
    assert (report["by_reason"], len(requests)) == ({"teacher_error": 1}, cut + 1)
    assert "ended before it was done: length" in report["first_wrong"][0]["claim"]


def test_a_row_that_cannot_be_run_is_not_asked_about(audited: Any) -> None:
    broken = ASKED.replace("def f(n):", "def f(n)")
    _, report, requests, _ = audited([row("a", FREE, broken)], [])
    assert (report["rows"], len(requests)) == (1, 0)


def test_rows_are_given_as_they_are_done_and_what_is_on_its_way_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytrace_mono.synth import OpenAITeacher
    from pytrace_mono.synth.restating import audit_restated

    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    def script(request: dict[str, Any]) -> Reply:
        slow = "slow" in request["messages"][-1]["content"]
        return Reply(body_of(RESTATED.format(1)), delay=0.3 if slow else 0.0)

    def asked(url: str) -> OpenAITeacher:
        return OpenAITeacher("m", base_url=url, cache=tmp_path, structured_output=False)

    texts = [FREE, f"{FREE} A slow one."]
    rows = [Row(str(n), "forward", PROGRAM, "f(3)", "", answered(t)) for n, t in enumerate(texts)]
    with serve(script) as server, Sandbox() as box:
        audits = audit_restated(rows, box, asked(server.url))
        first = next(audits)
        assert first.row.id == "0" and first.all_true
        audits.close()  # as Ctrl-C does
        assert len(list(audit_restated(rows, box, asked(server.url)))) == 2
    assert len(server.requests) == 2


def test_lines_are_numbered_as_python_counts_them() -> None:
    user = prompts.restating("x = 1\x0c\ny = '\u2028'\r\nz = 3\n", "f()", "forward", "It is.")[1]
    assert "  2 y = '\u2028'\n  3 z = 3\n" in user.content


def test_an_endpoint_that_lets_nobody_in_ends_the_audit_with_what_was_found(audited: Any) -> None:
    rows = [row("labelled", "[L2] `t` starts as `0`."), row("a", FREE), row("b", FREE + " ")]
    code, report, _, said = audited(rows, lambda _: failure(401, "wrong key"))
    assert code == 2
    assert (report["rows"], report["complete"]) == (1, False)
    assert "Traceback" not in said
    assert "wrong key" in said


def test_what_is_for_a_reader_is_refused_without_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps(row("a", FREE)))
    assert main(["verify", str(tmp_path / "rows.jsonl"), "--base-url", "http://localhost/v1"]) == 2
    assert "--reader" in capsys.readouterr().err
