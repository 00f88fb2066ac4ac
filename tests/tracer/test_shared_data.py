"""Agreement with recordings by others: coverage.py's own suite, and snoop's samples."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytrace_mono.tracer import Limits, Sandbox, Trace

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

# The samples, without what they need to be installed: decorators leave a function as it is, and
# "is the original tracer active" is asked of the place, because here it is another tracer.
STUBS = {
    "import snoop\n": "snoop = type('snoop', (), {'__new__': lambda cls, *a, **k: "
    "a[0] if a and callable(a[0]) else (lambda f: f)}); snoop.snoop = snoop\n",
    "from snoop.configuration import Config\n": "Config = type('Config', (), "
    "{'__init__': lambda self, **k: None, 'snoop': lambda self, f: f})\n",
    "import pytest\n": "import contextlib; "
    "pytest = type('pytest', (), {'raises': contextlib.suppress})\n",
    "lambda: (sys.gettrace() is original_tracer)": "lambda: sys._getframe(1).f_code.co_name == 'main'",
}

IN_A_THREAD = {"cov-8eef91f1c8": {7}}
"""Lines that ran in a thread of the program's own: not recorded, and the status says so."""
NO_STATEMENT = {"cov-770caf7e1c": {1}}
"""A file of comments only: the interpreter visits its first line, where there is no statement."""


def rows(name: str) -> list[dict[str, Any]]:
    path = DATA / name
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(Limits(wall_seconds=10), "guard") as made:
        yield made


@pytest.mark.skipif(not rows("executed_lines.jsonl"), reason="executed_lines.jsonl is not here")
@pytest.mark.parametrize("row", rows("executed_lines.jsonl"), ids=lambda row: row["id"])
def test_the_executed_lines_are_those_of_coverage(row: dict[str, Any], sandbox: Sandbox) -> None:
    """Each statement that ran is in the recording, and none that did not."""
    trace = sandbox.trace(row["code"])
    in_a_thread = IN_A_THREAD.get(row["id"], set())
    assert trace.status.state == ("thread_untraced" if in_a_thread else "complete")
    to_statement = {int(line): first for line, first in row["first_line_map"].items()}
    lines = {to_statement.get(s.line, s.line) for s in trace.steps if s.kind == "line"}
    assert set(row["executed"]) - lines == in_a_thread
    assert lines & set(row["not_executed"]) <= NO_STATEMENT.get(row["id"], set())


def own(trace: Trace, functions: list[str]) -> list[tuple[str, int | None]]:
    kinds = {"unwind": "return"}
    return [
        (kinds.get(s.kind, s.kind), s.line if s.kind == "line" else None)
        for s in trace.call_steps
        if s.function in functions
    ]


@pytest.mark.skipif(not rows("snoop_traces.jsonl"), reason="snoop_traces.jsonl is not here")
@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="recorded with Python 3.11")
@pytest.mark.parametrize("row", rows("snoop_traces.jsonl"), ids=lambda row: row["id"])
def test_steps_and_variables_are_those_of_snoop(row: dict[str, Any], sandbox: Sandbox) -> None:
    """The same events in the same order, and each variable that snoop saw change."""
    code = row["code"]
    for needed, stub in STUBS.items():
        code = code.replace(needed, stub, 1)
    trace = sandbox.trace(code, "main()")
    functions = row["traced_functions"]
    expected = [
        (step["event"], step["line"] if step["event"] == "line" else None) for step in row["steps"]
    ]
    # A call's line is the decorator's for CPython and the def's for snoop, so it is left out; and the
    # data has an exception once for each line of its message.
    assert own(trace, functions) == [
        event
        for event, before in zip(expected, [None, *expected], strict=False)
        if event != before or event[0] != "exception"
    ]
    seen = {n for s in trace.call_steps if s.function in functions for n in s.changes}
    told = {name for step in row["steps"] for name in step["vars"] if name.isidentifier()}
    assert told <= seen
