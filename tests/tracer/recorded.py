"""Records source text in this process, as a sandbox's child does, for the tests of this folder."""

from __future__ import annotations

import json
import sys
from typing import Any, NamedTuple

from pytrace_mono.tracer.limits import Limits
from pytrace_mono.tracer.recorder import Recorder
from pytrace_mono.tracer.scope import PROGRAM_FILE, Scope


class Recorded(NamedTuple):
    """What came of it: the rows, the status, and the value or exception with or without the recorder."""

    rows: list[dict[str, Any]]
    status: dict[str, str]
    value: Any

    def of(self, function: str) -> list[dict[str, Any]]:
        """The rows of one function."""
        return [row for row in self.rows if row["function"] == function]

    def changes(self, function: str) -> list[tuple[int, dict[str, str]]]:
        """Line and new texts of each row of a function that changed something."""
        return [
            (row["line"], {name: value["text"] for name, value in row["changes"].items()})
            for row in self.of(function)
            if row["changes"]
        ]

    def kinds(self, function: str) -> list[tuple[str, int]]:
        return [(row["kind"], row["line"]) for row in self.of(function)]


def run(source: str, call: str | None, start: Any = None, stop: Any = None) -> Any:
    """Value of the call, or what it raised; the same stack with and without a recorder."""
    namespace: dict[str, Any] = {"__name__": "program"}
    program = compile(source, PROGRAM_FILE, "exec", dont_inherit=True)
    code = compile(call or "None", "<call>", "eval", dont_inherit=True)
    if start is not None:
        start()
    try:
        exec(program, namespace)  # noqa: S102
        return eval(code, namespace)  # noqa: S307
    except BaseException as error:
        return error
    finally:
        if stop is not None:
            stop()


def record_source(source: str, call: str | None = None, limits: Limits | None = None) -> Recorded:
    recorder = Recorder(limits or Limits(), Scope.of_files(PROGRAM_FILE))
    found: list[dict[str, str]] = []
    before = sys.gettrace()
    value = run(source, call, recorder.start, lambda: found.append(recorder.stop()))
    assert sys.gettrace() is before
    return Recorded(json.loads(recorder.rows.json()), found[0], value)


def untraced(source: str, call: str | None = None) -> Any:
    """What :func:`record_source` has as its value, without a recorder; equally deep on the stack."""
    return run(source, call, lambda: None, lambda: None)
