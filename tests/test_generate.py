"""A model's monologue is asked for as it was trained, and judged by running the program."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from chat_server import completion, failure, serve

from pytrace_mono import cli, tasks
from pytrace_mono.cli import main
from pytrace_mono.synth import Corpus, Narrator, synthesize

PROGRAM = "def f(x):\n    return x + 1\n"


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs the command with a model that says what it is told; gives prompt, output, exit code."""
    file = tmp_path / "f.py"
    file.write_text(PROGRAM)

    def asked(answer: str, *arguments: str) -> tuple[str, str, int]:
        from pytrace_mono.cli import generate

        seen: list[str] = []
        monkeypatch.setattr(
            generate, "_checkpoint", lambda _, prompt: seen.append(prompt) or answer
        )
        code = cli.main(["generate", "model", "--isolation", "guard", *arguments])
        output = capsys.readouterr()
        return "".join(seen), output.out + output.err, code

    return lambda answer, *arguments: asked(
        answer, *(str(file) if argument == "FILE" else argument for argument in arguments)
    )


FORWARD = ("--task", "forward", "--program", "FILE", "--call", "f(1)")
BACKWARD = ("--task", "backward", "--program", "FILE", "--call", "f(1)")


def told(assertion: str) -> str:
    return f"[MONOLOGUE]\nx\n[/MONOLOGUE]\n[ANSWER]\nassert {assertion}\n[/ANSWER]"


def test_a_forward_answer_is_held_to_what_the_call_gives(ask: Any) -> None:
    prompt, output, code = ask(told("f(1) == 2"), *FORWARD)
    assert prompt == tasks.prompt_of("forward", tasks.forward_instruction(PROGRAM, "f(1)"))
    assert output.splitlines()[-1] == "right: f(1) == 2"
    assert code == 0
    assert ask(told("f(1) == 3"), *FORWARD)[1].splitlines()[-1].startswith("wrong: wrong_value")
    assert "wrong: no_answer: the completion has no [ANSWER]" in ask("nothing", *FORWARD)[1]


def test_a_program_is_shown_as_the_corpus_made_from_it_shows_it(tmp_path: Path, ask: Any) -> None:
    file = tmp_path / "add.py"
    main = 'if __name__ == "__main__":\n    assert f(1) == 2\n'
    file.write_text(f'"""Adds one."""\n\n\n{PROGRAM}\n\n{main}')
    synthesize(file, Narrator(), tmp_path / "corpus", format="jsonl")
    trained = {
        example.task: tasks.prompt_and_completion(example)[0]
        for example in Corpus(tmp_path / "corpus").examples()
    }
    for task in ("forward", "backward"):
        prompt, _, code = ask("", "--task", task, "--program", str(file), "--call", "f(1)")
        assert (prompt, code) == (trained[task], 0)
    assert "Adds one" not in trained["forward"]


def test_a_backward_answer_is_run(ask: Any) -> None:
    prompt, output, _ = ask(told("f(True) == 2"), *BACKWARD)
    assert prompt == tasks.prompt_of("backward", tasks.backward_instruction(PROGRAM, "f(??)", "2"))
    assert output.splitlines()[-1] == "right: f(True) == 2"
    assert "wrong: wrong_output" in ask(told("f(2) == 2"), *BACKWARD)[1]


def test_what_the_monologue_claims_is_held_against_the_recording(ask: Any) -> None:
    said = told("f(1) == 2").replace("\nx\n", "\n[L2] The function returns `{}`.\n")
    _, output, _ = ask(said.format(2), *FORWARD, "--setup", "y = 1")
    assert output.splitlines()[-2].startswith("claims: 1 hold, 0 contradicted, 0 unsupported; 0 of")
    _, output, _ = ask(said.format(3), *FORWARD)
    summary, wrong, verdict = output.splitlines()[-3:]
    assert summary.startswith("claims: 0 hold, 1 contradicted")
    assert wrong == "contradicted: [L2] returns `3` | recorded: it is 2"
    assert verdict.startswith("right: f(1) == 2")


def test_code_is_said_to_be_python_or_not(ask: Any) -> None:
    assert "not checked: it is Python" in ask("x = 1", "--task", "nl", "--describe", "one")[1]
    assert "wrong: this is not Python" in ask("x = (", "--task", "nl", "--describe", "one")[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--task", "forward", "--call", "f(1)"), "needs --program and --call"),
        (("--task", "nl"), "needs --describe"),
        (("--task", "forward", "--program", "FILE", "--call", "f("), "not one expression"),
        (("--task", "forward", "--program", "FILE", "--call", "f('')"), "(raised "),
        (("--task", "backward", "--program", "FILE", "--call", "1 + 1"), "no call of a function"),
        (("--task", "forward", "--program", "none.py", "--call", "f(1)"), "cannot be read"),
    ],
)
def test_what_cannot_be_asked_is_told(ask: Any, arguments: tuple[str, ...], words: str) -> None:
    prompt, output, code = ask("", *arguments)
    assert (prompt, code) == ("", 2)
    assert words in output


def test_an_endpoint_is_asked_over_http_and_again_after_a_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openai", reason="needs the extra [synth]")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    file = tmp_path / "f.py"
    file.write_text(PROGRAM)
    right = completion(told("f(1) == 2"))
    with serve([failure(429, retry_after="0.01"), right, right]) as server:
        for task in ("forward", "backward"):
            code = cli.main(
                ["generate", "m", "--base-url", server.url, "--isolation", "guard", "--task", task,
                 "--program", str(file), "--call", "f(1)"]
            )  # fmt: skip
            output = capsys.readouterr()
            assert (code, output.err) == (0, "")
            assert output.out.startswith(told("f(1) == 2"))
            assert output.out.splitlines()[-1] == "right: f(1) == 2"
    asked = [request["messages"][-1]["content"] for request in server.requests]
    forward = tasks.prompt_of("forward", tasks.forward_instruction(PROGRAM, "f(1)"))
    backward = tasks.prompt_of("backward", tasks.backward_instruction(PROGRAM, "f(??)", "2"))
    assert asked == [forward, forward, backward]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_example_goes_from_a_program_to_a_generated_monologue_that_is_right(
    tmp_path: Path,
) -> None:
    pytest.importorskip("torch", reason="needs the extra [train]")
    script = Path(__file__).parent.parent / "examples" / "finetune_cpu.sh"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [script, tmp_path / "demo"], capture_output=True, text=True, check=False,
        env=os.environ | {"PATH": path},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "\nright: first_at_least([2, 3, 5, 7, 11, 13], 6) == 3\n" in done.stdout
    assert (tmp_path / "demo" / "run" / "model" / "model.safetensors").exists()


def test_a_model_without_a_name_is_refused_before_anything_is_looked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["generate", "", "--task", "nl", "--describe", "x"])
    assert "MODEL: it is empty" in capsys.readouterr().err


@pytest.mark.parametrize("call", ["not " * 50_000 + "1", "(" * 3000, "f("])
def test_a_call_that_no_parser_takes_is_told_in_short(ask: Any, call: str) -> None:
    prompt, output, code = ask("x", *FORWARD[:-1], call)
    assert (prompt, code) == ("", 2)
    assert "not one expression" in output and len(output) < 600


def test_a_description_that_is_no_text_is_refused(
    ask: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        ask("x", "--task", "nl", "--describe", os.fsdecode(b"\xff"))
    assert ended.value.code == 2 and "it is no text" in capsys.readouterr().err
