"""The text of a recording is whole wherever it is cut off."""

from __future__ import annotations

import json

from pytrace_mono.tracer.rows import SEPARATOR, Rows


def test_a_step_that_is_not_all_there_is_no_step() -> None:
    """A clock may end the run between the two texts of a step."""
    rows = Rows()
    assert rows.json() == "[]"
    for line in (1, 2):
        rows.pieces.append(f'{SEPARATOR}{{"line": {line}, ')
        assert len(rows) == line - 1
        assert json.loads(rows.json()) == [{"line": n, "changes": {}} for n in range(1, line)]
        rows.pieces.append('"changes": {}}')
        assert len(rows) == line
        assert json.loads(rows.latest()) == {"line": line, "changes": {}}
    rows.pop()
    assert json.loads(rows.json()) == [{"line": 1, "changes": {}}]
