"""How programs end, and that each ending is told as what it was."""

from __future__ import annotations

import platform

import pytest

from pytrace_mono.tracer import Limits
from pytrace_mono.tracer.sandbox import Sandbox

ADD = """\
import sys

def add(a, b):
    print("adding")
    sys.stderr.write("to stderr")
    return a + b
"""


def test_a_call_that_returns_is_recorded_from_the_module_to_its_value(sandbox: Sandbox) -> None:
    trace = sandbox.trace(ADD, "add(x, 2)", setup="x = 40")
    assert trace.outcome.kind == "returned"
    assert trace.outcome.value is not None and trace.outcome.value.text == "42"
    assert trace.status.state == "complete" and trace.status.reason is None
    assert [step.function for step in trace.steps[: trace.call_start]][:1] == ["<module>"]
    assert {step.function for step in trace.call_steps} == {"add"}
    assert (trace.stdout, trace.stderr) == ("adding\n", "to stderr")


def test_what_was_asked_is_filled_in_by_the_main_process(sandbox: Sandbox) -> None:
    trace = sandbox.trace(ADD, "add(1, 2)", setup="y = 1")
    assert (trace.program, trace.call, trace.setup) == (ADD, "add(1, 2)", "y = 1")
    assert trace.level == sandbox.level
    assert trace.limits == sandbox.limits.to_dict()
    assert trace.python == platform.python_version()


def test_without_a_call_the_module_body_alone_runs(sandbox: Sandbox) -> None:
    trace = sandbox.trace("x = 1\nassert __name__ == '__program__'\n")
    assert trace.outcome.kind == "returned" and trace.outcome.value is None
    assert trace.call_start == len(trace.steps) > 0


def test_functions_that_setup_calls_are_recorded_before_the_call_begins(sandbox: Sandbox) -> None:
    trace = sandbox.trace("def f(n):\n    return n\n", "f(2)", setup="f(1)")
    called = [i for i, step in enumerate(trace.steps) if step.kind == "call" and step.line == 1]
    before = [i for i in called if i < trace.call_start]
    assert trace.steps[before[-1]].changes["n"].text == "1"
    assert trace.call_steps[0].changes["n"].text == "2"


def test_run_gives_the_same_outcome_as_trace(sandbox: Sandbox) -> None:
    for call in ("add(1, 2)", "add(1, 'x')", "sys.exit('bye')"):
        assert sandbox.run(ADD, call) == sandbox.trace(ADD, call).outcome


def test_an_exception_is_told_with_its_line_in_the_program(sandbox: Sandbox) -> None:
    trace = sandbox.trace("def f(x):\n    return 1 / x\n", "f(0)")
    assert trace.outcome.kind == "raised" and trace.outcome.exception is not None
    assert trace.outcome.exception.type == "ZeroDivisionError"
    assert trace.outcome.exception.line == 2
    assert trace.complete and trace.call_start == 3


def test_a_module_body_that_raises_leaves_no_call(sandbox: Sandbox) -> None:
    trace = sandbox.trace("x = 1\nraise KeyError('k')\n", "f()")
    assert trace.outcome.exception is not None and trace.outcome.exception.line == 2
    assert trace.call_steps == ()
    assert trace.status.reason == "the program ended before the Call"


def test_a_setup_that_raises_is_the_outcome(sandbox: Sandbox) -> None:
    trace = sandbox.trace("def f(): return 1\n", "f()", setup="{}['k']")
    assert trace.outcome.kind == "raised" and trace.outcome.exception is not None
    assert (trace.outcome.exception.type, trace.outcome.exception.line) == ("KeyError", None)
    assert trace.status.reason == "setup raised"


@pytest.mark.parametrize(
    ("code", "message"), [("3", "3"), ("'no'", "no"), ("", "")], ids=["number", "text", "none"]
)
def test_sys_exit_is_an_exit_and_not_a_crash(sandbox: Sandbox, code: str, message: str) -> None:
    outcome = sandbox.run("import sys\n", f"sys.exit({code})")
    assert outcome.kind == "exited" and outcome.exception is not None
    assert (outcome.exception.type, outcome.exception.message) == ("SystemExit", message)


def test_a_process_that_ends_without_a_word_has_crashed(sandbox: Sandbox) -> None:
    trace = sandbox.trace("import os\n", "os._exit(3)")
    assert trace.outcome.kind == "crashed"
    assert (trace.status.state, trace.status.reason) == ("truncated", "exit status 3")


@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV", "SIGABRT", "SIGTERM"])
def test_a_program_that_kills_itself_has_crashed(sandbox: Sandbox, name: str) -> None:
    trace = sandbox.trace("import os, signal\n", f"os.kill(os.getpid(), signal.{name})")
    assert trace.outcome.kind == "crashed"
    assert trace.status.reason is not None and trace.status.reason.endswith(f"({name})")


def test_programs_find_a_module_of_their_own(sandbox: Sandbox) -> None:
    source = """\
import dataclasses, enum, inspect, pickle, sys, traceback, typing

class Colour(enum.Enum):
    RED = 1

@dataclasses.dataclass
class Point:
    x: "int"

def described():
    hints = typing.get_type_hints(Point)
    point = pickle.loads(pickle.dumps(Point(1)))
    try:
        raise ValueError("here")
    except ValueError:
        shown = traceback.format_exc()
    return point == Point(1), hints["x"] is int, inspect.getsource(described)[:3], "raise" in shown
"""
    outcome = sandbox.run(source, "described()")
    assert outcome.value is not None and outcome.value.text == "(True, True, 'def', True)"


def test_programs_read_an_empty_standard_input(sandbox: Sandbox) -> None:
    outcome = sandbox.run("def f():\n    return input()\n", "f()")
    assert outcome.exception is not None and outcome.exception.type == "EOFError"


def test_bytes_and_odd_characters_can_be_printed(sandbox: Sandbox) -> None:
    source = "import sys\nsys.stdout.buffer.write(b'\\xff')\nprint('\\ud800', 'é')\n"
    assert sandbox.trace(source).stdout == "\ufffd\\ud800 é\n"


def test_the_program_is_stopped_at_max_steps() -> None:
    with Sandbox(Limits(max_steps=50), "guard") as sandbox:
        trace = sandbox.trace("while True:\n    pass\n")
    assert trace.outcome.kind == "over_limit"
    assert len(trace.steps) == 50
    assert (trace.status.state, trace.status.reason) == ("truncated", "max_steps (50) reached")
