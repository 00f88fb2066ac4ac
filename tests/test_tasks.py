"""The tasks as text, and the way back from text to an answer."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytrace_mono import tasks
from pytrace_mono.errors import AnswerError
from pytrace_mono.records import Example


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ("f(1)", "f(1)"),
        (" f( 1 ) ", "f( 1 )"),
        ("f(1) or 2", "(f(1) or 2)"),
        ("not f(1)", "(not f(1))"),
        ("f(1) == f(2)", "(f(1) == f(2))"),
        ("f(1) if g() else 2", "(f(1) if g() else 2)"),
        ("-f(1) + 2", "-f(1) + 2"),
        ("f(1)  # why", "f(1)"),
        ("f(\n    1,\n    2,\n)", "f(1, 2)"),
        ("f('#')", "f('#')"),
    ],
)
def test_a_call_can_stand_left_of_an_equality(call: str, text: str) -> None:
    assert tasks.assertable(call) == text
    assertion = ast.parse(f"assert {text} == 1").body[0]
    assert isinstance(assertion, ast.Assert) and isinstance(assertion.test, ast.Compare)
    assert ast.dump(assertion.test.left) == ast.dump(ast.parse(call.strip(), mode="eval").body)


@pytest.mark.parametrize(
    ("call", "output"),
    [
        ("f('a==b')", "'x == y'"),
        ("(f(1) == f(2))", "True"),
        ("-f(1)", "-3"),
        ("f'{f(1):.2f}'", "'1.00'"),
        ("[f(i) for i in (1, 2)]", "[1, 4]"),
        ('f("it\'s")', '"it\'s"'),
        ("s.push(3)", "None"),
    ],
)
def test_an_answer_reads_back_whatever_stands_in_it(call: str, output: str) -> None:
    answer = tasks.parse_answer(tasks.response("Because.", call, output), "forward")
    assert answer.monologue == "Because."
    assert answer.call is not None and answer.output is not None
    assert ast.dump(ast.parse(answer.call)) == ast.dump(ast.parse(call))
    assert ast.literal_eval(answer.output) == ast.literal_eval(output)


@given(st.text(alphabet=st.characters(codec="utf-8")), st.text(alphabet="ab[]/\n `'\"="))
def test_no_output_can_be_mistaken_for_another(value: str, monologue: str) -> None:
    text = tasks.response(monologue, "f()", repr(value))
    try:
        answer = tasks.parse_answer(text, "forward")
    except AnswerError:
        assert "ANSWER]" in value
    else:
        assert answer.output is not None
        assert ast.literal_eval(answer.output) == value or "ANSWER]" in value


@pytest.mark.parametrize(
    "text",
    [
        "no tags at all",
        "[ANSWER]\n[/ANSWER]",
        "[ANSWER]\nassert f(1) ==\n[/ANSWER]",
        "[ANSWER]\nassert 3 == f(1)\n[/ANSWER]",
        "[ANSWER]\nassert f(1) == 2 == 2\n[/ANSWER]",
        "[ANSWER]\nassert f(1) < 2\n[/ANSWER]",
        "[ANSWER]\nimport os\n[/ANSWER]",
        "[ANSWER]\n" + "[" * 50_000 + "\n[/ANSWER]",
        "[ANSWER]\nassert f(1) == '" + "a" * 200_000 + "'\n[/ANSWER]",
    ],
)
def test_a_text_without_a_proper_answer_is_an_answer_error(text: str) -> None:
    with pytest.raises(AnswerError):
        tasks.parse_answer(text, "forward")


@pytest.mark.parametrize(
    "text",
    [
        "[ANSWER]\n```python\nassert f(1) == 2\n```\n[/ANSWER]",
        "Sure!\n[ANSWER]\nf(1) == 2",
        "[MONOLOGUE]\nx\n[/MONOLOGUE]\n[ANSWER] assert f(1) == 2 [/ANSWER] Done.",
    ],
)
def test_wrapping_does_not_change_what_was_answered(text: str) -> None:
    answer = tasks.parse_answer(text, "forward")
    assert (answer.call, answer.output) == ("f(1)", "2")


def test_labels_count_lines_as_python_does() -> None:
    # A form feed or U+2028 in a string ends no line of Python, though splitlines() thinks so.
    code = 'a = "x\x0cy\u2028z"\nb = 2\n'
    assert tasks.label_lines(code).split("\n")[1].endswith("# [L2]")
    assert "[L3]" not in tasks.label_lines(code)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_labels_are_the_same_for_each_line_ending(ending: str) -> None:
    code = ending.join(["def f(x):", '    """Two', '    lines."""', "", "    return x", ""])
    assert tasks.label_lines(code).split("\n") == tasks.label_lines(
        code.replace(ending, "\n")
    ).split("\n")
    assert tasks.label_lines(code).endswith("# [L5]")


@given(st.sampled_from(["x = 1", "def f(x):\n    return '''a\nb'''", "y = 1 + \\\n    2", "# c"]))
def test_labelled_code_is_still_the_same_program(code: str) -> None:
    assert ast.dump(ast.parse(tasks.label_lines(code))) == ast.dump(ast.parse(code))


def test_each_task_has_its_prefix_and_its_completion() -> None:
    row = {"id": "1", "problem_id": "1", "program": "", "entry_point": "f", "response": "R"}
    for task, column in (("nl", "nl"), ("forward", "fwd_mnl"), ("backward", "bwd_mnl")):
        example = Example.model_validate({**row, "task": task, column: "INSTRUCTION"})
        prompt, completion = tasks.prompt_and_completion(example)
        assert prompt.startswith(tasks.PREFIXES[example.task])
        assert "INSTRUCTION" in prompt
        assert completion == "R"
