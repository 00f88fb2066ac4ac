"""Which files a Scope has."""

from __future__ import annotations

import json
import os
import sys
import sysconfig
from pathlib import Path

import pytest

from pytrace_mono.errors import InputError
from pytrace_mono.tracer import Scope, record, trace_call


def test_a_module_is_its_file_and_a_package_all_below_it() -> None:
    """Also one of the standard library, when it is asked for by name."""
    scope = Scope.of_modules("json", "textwrap")
    folder = os.path.dirname(json.__file__)
    assert scope.accepts(json.__file__) and scope.accepts(os.path.join(folder, "decoder.py"))
    assert scope.accepts(__import__("textwrap").__file__)
    assert not scope.accepts(__file__) and not scope.accepts("<string>")
    with record(scope=Scope.of_modules("json")) as recording:
        json.loads("[1]")
    files = {step.file for step in recording.trace.steps}
    assert os.path.join(folder, "decoder.py") in files
    assert recording.trace.program == Path(__file__).read_text()


def test_a_module_that_is_not_there_is_an_error() -> None:
    """With its name; so is one that has no source file."""
    for name in ("no_such_module", "no_such.module", "sys"):
        with pytest.raises(InputError, match=name):
            Scope.of_modules(name)


def test_a_folder_leaves_libraries_out(tmp_path: Path) -> None:
    """Those installed below it, and the standard library, unless the folder is in there."""
    scope = Scope.of_folder(tmp_path)
    assert scope.accepts(str(tmp_path / "a" / "b.py"))
    assert not scope.accepts(str(tmp_path / ".venv" / "lib" / "site-packages" / "x.py"))
    assert not scope.accepts(str(tmp_path) + "2/b.py")
    library = sysconfig.get_path("stdlib")
    assert not Scope.of_folder(Path(library).anchor).accepts(json.__file__)
    assert Scope.of_folder(os.path.dirname(json.__file__)).accepts(json.__file__)


def test_by_default_libraries_are_left_out() -> None:
    """Only the file with the function is recorded."""

    def f() -> object:
        return json.loads("[1]")

    trace = trace_call(f)
    assert trace.complete and {(s.file, s.function.split(".")[-1]) for s in trace.steps} == {
        (None, "f")
    }


def test_a_predicate_decides_by_file_name() -> None:
    """Once for each file."""
    asked: list[str] = []

    def accepts(name: str) -> bool:
        asked.append(name)
        return name == __file__

    with record(scope=Scope(accepts)) as recording:
        json.loads("[1]")
        json.loads("[2]")
    assert {(step.kind, step.depth) for step in recording.trace.steps} == {("line", 0)}
    assert asked.count(json.__file__) == 1


def test_a_scope_that_wants_everything_does_not_get_the_recorder_itself() -> None:
    """Nor would there be an end to it."""
    with record(scope=Scope(lambda file: True)) as recording:
        doubled = [1] * 2
    assert recording.trace.complete and doubled
    assert {step.function.rsplit(".", 1)[-1] for step in recording.trace.steps} == {
        sys._getframe().f_code.co_name
    }


def test_a_predicate_on_the_code_picks_functions_out_of_a_file() -> None:
    """Neither the block nor what the function calls is recorded."""

    def wanted(n: int) -> int:
        return other(n) + 1

    def other(n: int) -> int:
        return n * 2

    scope = Scope(lambda file: file == __file__, code=lambda code: code.co_name == "wanted")
    with record(scope=scope) as recording:
        value = wanted(2)
    assert value == 5 and recording.trace.complete
    steps = recording.trace.steps
    assert [(s.function.rsplit(".", 1)[-1], s.kind, s.depth) for s in steps] == [
        ("wanted", "call", 0),
        ("wanted", "line", 0),
        ("wanted", "return", 0),
    ]


@pytest.mark.parametrize("asked_of", ["file", "code"])
def test_a_predicate_that_raises_ends_the_recording_and_not_the_program(asked_of: str) -> None:
    """The Trace says why there is no more of it."""

    def picky(what: object) -> bool:
        name = getattr(what, "co_name", what)
        if name in ("dumps", json.__file__):
            raise LookupError(name)
        return True

    mine = (__file__, json.__file__)
    scope = Scope(picky) if asked_of == "file" else Scope(mine.__contains__, code=picky)
    with record(scope=scope) as recording:
        before = 1
        text = json.dumps([before])
    assert text == "[1]"
    status = recording.trace.status
    assert (status.state, status.reason) == ("tracer_lost", "the scope raised LookupError")
    assert any("before" in step.changes for step in recording.trace.steps)
