"""The plain text of a recording."""

from __future__ import annotations

from pytrace_mono.tracer import Outcome, Raised, Snapshot, Status, Step, Trace
from pytrace_mono.tracer.render.text import describe, render

ONE = Snapshot("1", "int", True)


def trace(
    *steps: Step, program: str = "def f(x):\n    y = x\n    return y\n", **more: object
) -> Trace:
    fields: dict[str, object] = {
        "program": program,
        "call": "f(1)",
        "setup": "",
        "outcome": Outcome("returned", ONE),
        "status": Status("complete"),
        "level": "none",
        "limits": {},
        "stdout": "",
        "stderr": "",
        "steps": steps,
        "call_start": 0,
        "python": "3.11.7",
    }
    return Trace(**{**fields, **more})  # type: ignore[arg-type]


def test_each_step_is_a_line_with_its_source_and_what_it_changed() -> None:
    """Steps in order, lines with their code, changes behind it."""
    text = render(
        trace(
            Step("call", 1, "f", 0, 0, {"x": ONE}),
            Step("line", 2, "f", 0, 0, {"y": ONE}),
            Step("line", 3, "f", 0, 0, {}, ("x",)),
            Step("return", 3, "f", 0, 0, value=ONE),
        )
    )
    assert text.splitlines() == [
        "Python 3.11.7, isolation none, recording complete",
        "call: f(1)",
        "",
        "   L1  f enters: x = 1",
        "   L2  " + "y = x".ljust(44) + "  # y = 1",
        "   L3  " + "return y".ljust(44) + "  # x is deleted",
        "   L3  f returns 1",
        "",
        "returned 1",
    ]


def test_lines_are_those_of_python() -> None:
    """A form feed or a line separator inside a string does not begin a line."""
    program = 's = "\x0c\u2028"\r\nt = 1\n'
    assert "t = 1" in render(trace(Step("line", 2, "<module>", 0, 0), program=program))


def test_what_is_missing_and_what_was_printed_are_told() -> None:
    """The head names the state with its reason; streams and setup are shown."""
    status = Status("truncated", "max_steps (5) reached")
    text = render(trace(status=status, stdout="hi\n", setup="a = 1"))
    assert "recording truncated (max_steps (5) reached)" in text
    assert "setup: a = 1" in text and text.endswith("stdout:\nhi\n\n")


def test_outcomes_in_words() -> None:
    """Value, exception with its place, or the kind."""
    assert describe(Outcome("raised", None, Raised("E", "bad", 4))) == "raised E: bad (line 4)"
    assert describe(Outcome("exited", None, Raised("SystemExit", ""))) == "exited SystemExit"
    assert describe(Outcome("timed_out")) == "timed out"


def test_a_line_that_the_program_does_not_have_is_still_told() -> None:
    """A step of another file, or past the end, has no source to show."""
    assert "   L9  f runs" in render(trace(Step("line", 9, "f", 0, 0)))
