"""A ``.py`` file as a Problem.

How a file states its Calls: the block ``if __name__ == "__main__":`` holds them. There,

- an expression statement is a Call: ``f([1, 2])``;
- ``assert CALL == LITERAL`` is a Call with its expected value;
- every other statement is setup for the Calls below it.

Each Call starts afresh: the module, then the setup statements above it. The module's docstring is
the description. The block and the docstring are cut from the code, so that neither gives an answer
away; the rest stays exactly as it was written.
"""

from __future__ import annotations

import ast

from pytrace_mono.records import Call, Problem
from pytrace_mono.tracer.parsing import parse_module


def problem_of(source: str, problem_id: str) -> Problem:
    """Read the source of a ``.py`` file.

    Raises:
        SyntaxError: it is not Python. ``ValueError`` where it holds null bytes.

    Returns:
        a Problem; its ``calls`` are empty where the file states none.
    """
    module = parse_module(source)
    lines = [line + "\n" for line in source.split("\n")]  # where Python ends lines
    cut: set[int] = set()
    description = ast.get_docstring(module)
    if description is not None and not _shares_its_line(module.body):
        cut.update(_lines_of(module.body[0]))
    setup: list[str] = []
    calls: list[Call] = []
    for statement in module.body:
        if not _is_main_block(statement):
            continue
        cut.update(_lines_of(statement))
        cut.update(_indented_rest(lines, statement))
        assert isinstance(statement, ast.If)
        for inner in statement.body:
            call = _stated_call(inner, source)
            if call is None:
                setup.append(_text(inner, source))
            else:
                calls.append(call.model_copy(update={"setup": "\n".join(setup)}))
    code = "".join(line for number, line in enumerate(lines, 1) if number not in cut)
    return Problem(
        id=problem_id,
        code=code.strip("\n") + "\n",
        calls=tuple(calls),
        description=description or None,
    )


def _stated_call(statement: ast.stmt, source: str) -> Call | None:
    if isinstance(statement, ast.Expr):
        if isinstance(statement.value, ast.Constant):  # a comment written as a string
            return None
        return Call(call=_text(statement.value, source))
    if not isinstance(statement, ast.Assert) or not isinstance(statement.test, ast.Compare):
        return None
    test = statement.test
    if len(test.ops) != 1 or not isinstance(test.ops[0], ast.Eq):
        return None
    try:
        ast.literal_eval(test.comparators[0])
    except (ValueError, TypeError, RecursionError):
        return None
    return Call(call=_text(test.left, source), expected=ast.unparse(test.comparators[0]))


def _text(node: ast.stmt | ast.expr, source: str) -> str:
    """As written where that is one line; written anew where the block's indentation is in it."""
    segment = ast.get_source_segment(source, node)
    return segment if segment and "\n" not in segment else ast.unparse(node)


def _is_main_block(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.If)
        and not statement.orelse
        and ast.unparse(statement.test) in ("__name__ == '__main__'", "'__main__' == __name__")
    )


def _lines_of(statement: ast.stmt) -> range:
    return range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)


def _shares_its_line(body: list[ast.stmt]) -> bool:
    return len(body) > 1 and body[1].lineno == body[0].end_lineno


def _indented_rest(lines: list[str], statement: ast.stmt) -> list[int]:
    """Comments that belong to the block but stand behind its last statement."""
    rest = []
    for number in range((statement.end_lineno or statement.lineno) + 1, len(lines) + 1):
        line = lines[number - 1]
        if line.strip() and not (line[0] in " \t" and line.lstrip().startswith("#")):
            break
        rest.append(number)
    return [number for number in rest if any(lines[n - 1].strip() for n in rest if n >= number)]
