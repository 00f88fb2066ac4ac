"""The programs of `examples/programs`: each one describes itself, states its Calls, and is right."""

from __future__ import annotations

import ast
import contextlib
import io
import runpy
from pathlib import Path
from typing import Any

import pytest

PROGRAMS = sorted((Path(__file__).parent.parent / "examples" / "programs").glob("*.py"))

#: A Call that raises ends its file, so that `python file.py` gets to every other Call.
RAISING = {
    "bank_account.py": "InsufficientFunds",
    "parse_config.py": "ConfigError",
    "postfix_calculator.py": "ZeroDivisionError",
}

each_program = pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)


def split(path: Path) -> tuple[ast.Module, list[ast.stmt]]:
    """The program itself, and the statements of its main block."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    main = tree.body.pop()
    assert isinstance(main, ast.If), "the main block comes last"
    assert ast.unparse(main.test) == "__name__ == '__main__'"
    return tree, main.body


def is_call(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr | ast.Assert)


def parts(statement: ast.stmt) -> tuple[ast.expr, list[ast.expr]]:
    """The expression of a Call, and its expected value if it states one."""
    if isinstance(statement, ast.Expr):
        return statement.value, []
    assert isinstance(statement, ast.Assert)
    test = statement.test
    assert isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Eq), "CALL == LITERAL"
    assert len(test.comparators) == 1
    return test.left, test.comparators


def run_call(path: Path, program: ast.Module, setup: list[ast.stmt], call: ast.expr) -> Any:
    """Run a Call afresh: the module, the setup above it, then the Call."""
    scope: dict[str, Any] = {"__name__": path.stem}
    for body in (program.body, setup):
        module = compile(ast.Module(body, []), str(path), "exec", dont_inherit=True)
        exec(module, scope)  # noqa: S102
    expression = compile(ast.Expression(call), str(path), "eval", dont_inherit=True)
    return eval(expression, scope)  # noqa: S307


def test_there_are_forty_eight_programs() -> None:
    assert len(PROGRAMS) == 48
    assert {path.name for path in PROGRAMS} >= RAISING.keys()


@each_program
def test_a_program_is_described_and_states_its_calls(path: Path) -> None:
    program, main = split(path)
    assert ast.get_docstring(program)
    calls = [statement for statement in main if is_call(statement)]
    assert 3 <= len(calls) <= 5
    for statement in calls:
        call, expected = parts(statement)
        assert isinstance(call, ast.Call)
        for literal in expected:
            ast.literal_eval(literal)


@each_program
def test_a_program_runs_by_itself(path: Path) -> None:
    _, main = split(path)
    with contextlib.redirect_stdout(io.StringIO()):
        if path.name not in RAISING:
            runpy.run_path(str(path), run_name="__main__")
            return
        with pytest.raises(Exception) as raised:
            runpy.run_path(str(path), run_name="__main__")
    assert raised.typename == RAISING[path.name]
    lines = [entry.lineno + 1 for entry in raised.traceback if entry.path == path]
    assert lines[0] == main[-1].lineno, "only the last Call raises"


@each_program
def test_each_call_is_right_afresh(path: Path) -> None:
    program, main = split(path)
    for index, statement in enumerate(main):
        if not is_call(statement):
            continue
        call, expected = parts(statement)
        setup = [earlier for earlier in main[:index] if not is_call(earlier)]
        raises = path.name in RAISING and statement is main[-1]
        outcome = pytest.raises(Exception) if raises else contextlib.nullcontext()
        with contextlib.redirect_stdout(io.StringIO()), outcome:
            result = run_call(path, program, setup, call)
            for literal in expected:
                wanted = ast.literal_eval(literal)
                assert (type(result), result) == (type(wanted), wanted)
