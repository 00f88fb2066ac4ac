"""Problems are read in every form of the contract, and each bad row is one reject that says why."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytrace_mono.errors import ProblemError
from pytrace_mono.records import Call, Problem
from pytrace_mono.synth import Reject, load_problems
from pytrace_mono.synth.problems import survey
from pytrace_mono.synth.programs import problem_of
from pytrace_mono.verify import Reason

CODE = "def f(x):\n    return x\n"


def write(path: Path, *rows: Any) -> Path:
    """A JSON Lines file; bytes stand for themselves."""
    lines = [row if isinstance(row, bytes) else json.dumps(row).encode() + b"\n" for row in rows]
    path.write_bytes(b"".join(lines))
    return path


def read(path: Path) -> tuple[list[Problem], list[Reject]]:
    items = list(load_problems(path))
    return (
        [item for item in items if isinstance(item, Problem)],
        [item for item in items if isinstance(item, Reject)],
    )


def one(tmp_path: Path, row: Any) -> Problem:
    problems, rejects = read(write(tmp_path / "rows.jsonl", row))
    assert rejects == []
    return problems[0]


def test_the_full_form_with_calls_as_text_and_as_objects(tmp_path: Path) -> None:
    problem = one(
        tmp_path,
        {
            "id": "a",
            "code": CODE,
            "entry_point": "f",
            "calls": ["f(1)", {"call": "f(y)", "setup": "y = 2", "expected": "2"}],
            "description": "Gives it back.",
        },
    )
    assert (problem.id, problem.entry_point, problem.description) == ("a", "f", "Gives it back.")
    assert [(call.call, call.setup, call.expected) for call in problem.calls] == [
        ("f(1)", "", None),
        ("f(y)", "y = 2", "2"),
    ]


def test_the_short_form_takes_setup_and_expected_beside_its_call(tmp_path: Path) -> None:
    problem = one(tmp_path, {"code": CODE, "call": "f(y)", "setup": "y = [1]", "expected": [1]})
    assert problem.calls == (Call(call="f(y)", setup="y = [1]", expected="[1]"),)
    assert problem.entry_point is None and problem.entry_of(problem.calls[0]) == "f"


def test_the_form_of_cruxeval(tmp_path: Path) -> None:
    row = {"code": CODE, "input": "'a', [1]", "output": "'b'", "id": "sample_0"}
    problem = one(tmp_path, row)
    assert problem.calls == (Call(call="f('a', [1])", expected="'b'"),)
    assert (problem.id, problem.entry_point) == ("sample_0", "f")


def test_text_is_a_description_and_unknown_fields_are_carried_along(tmp_path: Path) -> None:
    call = {"call": "f(1)", "line_steps": 4}
    problem = one(
        tmp_path, {"code": CODE, "calls": [call], "text": "Says it.", "licence": "MIT", "copy": 1}
    )
    assert problem.description == "Says it."
    assert (problem.model_extra or {})["licence"] == "MIT"
    assert (problem.calls[0].model_extra or {})["line_steps"] == 4


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("[1, 2]", "[1, 2]"),
        ("'a'", "'a'"),
        ([1, {"a": None}], "[1, {'a': None}]"),
        (True, "True"),
        (0, "0"),
        (1.5, "1.5"),
        (None, None),
        (float("nan"), None),
    ],
)
def test_an_expected_value_is_literal_text_or_any_other_json_value(
    tmp_path: Path, value: Any, expected: str | None
) -> None:
    row = {"code": CODE, "calls": [{"call": "f(1)", "expected": value}]}
    assert one(tmp_path, row).calls[0].expected == expected


def test_a_row_without_an_id_gets_one_that_depends_on_what_it_says(tmp_path: Path) -> None:
    rows = [{"code": CODE, "call": "f(1)"}, {"code": CODE, "call": "f(2)"}]
    problems, _ = read(write(tmp_path / "a.jsonl", *rows))
    again, _ = read(write(tmp_path / "b.jsonl", *reversed(rows)))
    assert len({problem.id for problem in problems}) == 2
    assert {problem.id for problem in problems} == {problem.id for problem in again}


@pytest.mark.parametrize(
    ("row", "reason", "words"),
    [
        (b"{not json}\n", Reason.NOT_JSON, "not JSON"),
        (b'{"code": "x = 1", "ca', Reason.NOT_JSON, "ends in the middle"),
        (b'{"code": "\xff"}\n', Reason.INVALID_UTF8, "not UTF-8"),
        (b"[1]\n", Reason.BAD_ROW, "JSON object"),
        (b"3\n", Reason.BAD_ROW, "JSON object"),
        (b"[" * 100_000 + b"\n", Reason.NOT_JSON, "not JSON"),
        ({"call": "f(1)"}, Reason.NO_CODE, "no code"),
        ({"code": "  \n", "call": "f(1)"}, Reason.NO_CODE, "no code"),
        ({"code": None, "call": "f(1)"}, Reason.NO_CODE, "no code"),
        ({"code": 3, "call": "f(1)"}, Reason.BAD_ROW, "code must be text"),
        ({"code": CODE}, Reason.NO_CALLS, "no calls"),
        ({"code": CODE, "calls": []}, Reason.NO_CALLS, "empty"),
        ({"code": CODE, "calls": "f(1)"}, Reason.BAD_ROW, "calls must be a list"),
        ({"code": CODE, "calls": [3]}, Reason.BAD_ROW, "calls[0]"),
        ({"code": CODE, "calls": ["f(1)", {}]}, Reason.BAD_ROW, "calls[1]"),
        ({"code": CODE, "calls": [{"call": "f(1)", "setup": 3}]}, Reason.BAD_ROW, "setup"),
        ({"code": CODE, "input": 3}, Reason.BAD_ROW, "input must be text"),
        ({"code": CODE, "call": "f(1)", "id": [1]}, Reason.BAD_ROW, "id must be"),
        ({"code": CODE, "call": "f(1)", "entry_point": "a b"}, Reason.BAD_ROW, "entry_point"),
        ({"code": CODE, "call": "f(1)", "description": 3}, Reason.BAD_ROW, "description"),
        ({"code": CODE, "call": "f('\ud800')"}, Reason.BAD_ROW, ""),
        ({"code": "def f(:\n", "call": "f(1)"}, Reason.BAD_CODE, "line 1"),
        ({"code": "x = 1\nreturn x\n", "call": "f(1)"}, Reason.BAD_CODE, "line 2"),
        ({"code": "x = '\0'", "call": "f(1)"}, Reason.BAD_CODE, "null"),
        ({"code": "(" * 1000, "call": "f(1)"}, Reason.BAD_CODE, "not Python"),
    ],
)
def test_a_bad_row_is_named_and_the_others_go_on(
    tmp_path: Path, row: Any, reason: Reason, words: str
) -> None:
    before, after = {"code": CODE, "call": "f(1)"}, {"code": CODE, "call": "f(2)"}
    half = isinstance(row, bytes) and not row.endswith(b"\n")
    path = write(tmp_path / "rows.jsonl", before, *([after, row] if half else [row, after]))
    problems, rejects = read(path)
    assert len(problems) == 2
    assert [reject.reason for reject in rejects] == [reason]
    assert f"rows.jsonl, row {3 if half else 2}" in rejects[0].message
    assert words in rejects[0].message


def test_a_row_that_is_longer_than_a_problem_may_be_is_skipped(tmp_path: Path) -> None:
    row = {"code": CODE, "call": "f(1)"}
    huge = b'{"code": "' + b"a" * (17 * 1024 * 1024) + b'"}\n'
    problems, rejects = read(write(tmp_path / "rows.jsonl", huge, row))
    assert [reject.reason for reject in rejects] == [Reason.TOO_LONG]
    assert len(problems) == 1


def test_duplicates_are_told_from_clashes(tmp_path: Path) -> None:
    row = {"id": "a", "code": CODE, "call": "f(1)"}
    path = write(tmp_path / "rows.jsonl", row, row, {**row, "call": "f(2)"})
    problems, rejects = read(path)
    assert len(problems) == 1
    assert [(reject.reason, str(reject.origin)) for reject in rejects] == [
        (Reason.DUPLICATE_ROW, "rows.jsonl, row 2"),
        (Reason.DUPLICATE_ID, "rows.jsonl, row 3"),
    ]


def test_blank_lines_a_byte_order_mark_and_crlf_are_no_trouble(tmp_path: Path) -> None:
    row = json.dumps({"code": CODE, "call": "f(1)"}).encode()
    problems, rejects = read(write(tmp_path / "a.jsonl", b"\xef\xbb\xbf" + row + b"\r\n\r\n\n"))
    assert (len(problems), rejects) == (1, [])


@pytest.mark.parametrize(
    ("name", "words"),
    [("missing.jsonl", "no such file"), ("empty.jsonl", "empty"), ("bare", "no .py file")],
)
def test_an_input_that_holds_nothing_fails_before_the_first_row(
    tmp_path: Path, name: str, words: str
) -> None:
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "bare").mkdir()
    for function in (load_problems, survey):
        with pytest.raises(ProblemError, match=words):
            function(tmp_path / name)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_no_value_in_any_field_stops_the_reading(value: Any) -> None:
    import tempfile

    base = {"id": "a", "code": CODE, "entry_point": "f", "calls": ["f(1)"], "description": "d"}
    rows = [{**base, key: value} for key in base]
    rows += [{**base, "calls": [{"call": "f(1)", key: value}]} for key in ("setup", "expected")]
    rows += [{"code": CODE, key: value} for key in ("call", "input", "calls")]
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "rows.jsonl"
        lines = [json.dumps(row).encode() + b"\n" for row in rows]
        path.write_bytes(b"".join(lines))
        assert len(list(load_problems(path))) == len(rows)


PROGRAM = '''\
"""Counts words.

In any text.
"""
from __future__ import annotations


def count(text):  # the text
    return len(text.split())


if __name__ == "__main__":
    # The everyday case.
    assert count("a b") == 2
    text = "x y z"
    count(text)
    for _ in range(2):
        text += " w"
    count(
        text
    )
    assert count(text) > 1
    assert count("") == count(" ")
    # the end
'''


def test_a_program_states_its_calls_in_its_main_block() -> None:
    problem = problem_of(PROGRAM, "count")
    assert problem.description == "Counts words.\n\nIn any text."
    loop = "for _ in range(2):\n    text += ' w'"
    assert [(call.call, call.setup, call.expected) for call in problem.calls] == [
        ('count("a b")', "", "2"),
        ("count(text)", 'text = "x y z"', None),
        ("count(text)", f'text = "x y z"\n{loop}', None),
    ]


def test_the_docstring_and_the_main_block_are_cut_and_the_rest_is_as_it_was() -> None:
    code = problem_of(PROGRAM, "count").code
    assert code == (
        "from __future__ import annotations\n\n\n"
        "def count(text):  # the text\n    return len(text.split())\n"
    )


def test_code_below_the_block_and_a_docstring_that_shares_its_line_stay() -> None:
    problem = problem_of(
        '"""Doc."""; x = 1\nif __name__ == "__main__":\n    f(x)\n# A note.\ny = 2\n', "p"
    )
    assert problem.code == '"""Doc."""; x = 1\n# A note.\ny = 2\n'
    assert [call.call for call in problem.calls] == ["f(x)"]


@given(st.lists(st.sampled_from(["x = 1", "# c", "def g():\n    pass", "", "'s'"]), max_size=6))
def test_what_is_left_of_a_program_has_the_statements_it_had(lines: list[str]) -> None:
    body = "\n".join(lines)
    code = problem_of(f'"""D."""\n{body}\nif __name__ == "__main__":\n    g()\n', "p").code
    assert ast.dump(ast.parse(code)) == ast.dump(ast.parse(body))


def test_a_directory_is_read_in_the_order_of_its_names(tmp_path: Path) -> None:
    block = '\nif __name__ == "__main__":\n    f(1)\n'
    (tmp_path / "b.py").write_text(CODE + block)
    (tmp_path / "a.py").write_text(CODE + block)
    (tmp_path / "broken.py").write_text("def f(:\n")
    (tmp_path / "empty.py").touch()
    (tmp_path / "latin.py").write_bytes(b"# caf\xe9\n")
    (tmp_path / "silent.py").write_text(CODE)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "c.py").write_text(CODE + block)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "d.py").write_text(CODE + block)
    problems, rejects = read(tmp_path)
    assert [problem.id for problem in problems] == ["a", "b", "sub/c"]
    assert [(str(reject.origin), reject.reason) for reject in rejects] == [
        ("broken.py", Reason.BAD_CODE),
        ("empty.py", Reason.NO_CODE),
        ("latin.py", Reason.INVALID_UTF8),
        ("silent.py", Reason.NO_CALLS),
    ]


def test_one_program_can_be_given_alone(tmp_path: Path) -> None:
    path = tmp_path / "count.py"
    path.write_text(PROGRAM)
    problems, rejects = read(path)
    assert (problems[0].id, rejects) == ("count", [])


def test_the_survey_changes_with_any_byte(tmp_path: Path) -> None:
    row = {"code": CODE, "call": "f(1)"}
    first = survey(write(tmp_path / "rows.jsonl", row))
    assert first == survey(write(tmp_path / "rows.jsonl", row))
    assert first.sha256 != survey(write(tmp_path / "rows.jsonl", row, b"\n")).sha256
