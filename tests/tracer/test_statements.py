"""From lines to statements."""

from __future__ import annotations

import ast

from hypothesis import given
from random_programs import programs

from pytrace_mono.tracer.statements import statements


def test_a_statement_over_several_lines_is_one_range() -> None:
    """Each of its lines maps to all of them; blank lines and comments to nothing."""
    found = statements("x = max(\n    1,\n    2,\n)\n# note\n\ny = 1\n")
    assert found == {**dict.fromkeys(range(1, 5), range(1, 5)), 7: range(7, 8)}


def test_a_compound_statement_is_its_header_with_its_decorators() -> None:
    """The body has statements of its own."""
    found = statements("@a\n@b(\n    1)\ndef f(\n    x,\n):\n    return x\n")
    assert all(found[line] == range(1, 7) for line in range(1, 7))
    assert found[7] == range(7, 8)


def test_clauses_have_ranges_of_their_own() -> None:
    """else, except and finally are lines like others."""
    found = statements("try:\n    a\nexcept (\n    E\n):\n    b\nfinally:\n    c\n")
    assert found[3] == found[4] == found[5] == range(3, 6)
    assert found[7] == range(7, 8)


def test_statements_that_share_a_line_are_one_range() -> None:
    """A comment behind the first would else stand inside the second's string."""
    assert statements('x = 1; y = """\n"""\n')[1] == range(1, 3)


def test_what_does_not_parse_has_no_statements() -> None:
    """Nothing is guessed."""
    assert statements("def f(:\n") == {}
    assert statements("\0") == {}
    assert statements("") == {}


def test_python_decides_what_a_line_is() -> None:
    """A form feed does not begin a line, a carriage return does."""
    assert set(statements("x = 1\r\x0cy = 2\r\nz = 3\n")) == {1, 2, 3}


@given(programs)
def test_every_simple_statement_lies_in_its_range(program: str) -> None:
    """What ast says of a statement's first and last line agrees."""
    found = statements(program)
    for node in ast.walk(ast.parse(program)):
        if isinstance(node, ast.stmt) and not {"body", "cases"} & set(node._fields):
            lines = found[node.lineno]
            assert node.lineno in lines and node.end_lineno in lines
