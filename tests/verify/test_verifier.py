"""The Verifier keeps what is right and names what is wrong with the rest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytrace_mono.errors import SandboxError
from pytrace_mono.tasks import Answer
from pytrace_mono.tracer import Limits, Outcome, Snapshot, Trace
from pytrace_mono.tracer.sandbox import Sandbox
from pytrace_mono.verify import Reason, verify_backward, verify_forward
from pytrace_mono.verify.reasons import explain

PROGRAM = """\
def half(n):
    if n < 0:
        raise ValueError("negative")
    while n > 1000:
        pass
    if n == 999:
        raise SystemExit
    return n / 2
"""


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(Limits(wall_seconds=2, cpu_seconds=1, max_steps=2_000), workers=1) as box:
        yield box


@pytest.fixture(scope="module")
def trace(box: Sandbox) -> Trace:
    return box.trace(PROGRAM, "half(6)")


def forward(trace: Trace, call: str | None, output: str | None) -> Reason | None:
    return verify_forward(Answer("text", call, output), trace, "half(6)").reason


@pytest.mark.parametrize(
    ("call", "output", "reason"),
    [
        ("half(6)", "3.0", None),
        ("half( 6 )", "3.00", None),
        (None, "3.0", None),
        ("half(6)", "3", Reason.WRONG_VALUE),
        ("half(6)", "4.0", Reason.WRONG_VALUE),
        ("half(6)", "6 / 2", Reason.NOT_LITERAL),
        ("half(6)", "half(6)", Reason.NOT_LITERAL),
        ("half(8)", "3.0", Reason.WRONG_CALL),
        ("half(6.0)", "3.0", Reason.WRONG_CALL),
        ("half(6)", None, Reason.NO_ANSWER),
    ],
)
def test_a_forward_answer_is_the_recorded_output_of_the_asked_call(
    trace: Trace, call: str | None, output: str | None, reason: Reason | None
) -> None:
    assert forward(trace, call, output) is reason


@pytest.mark.parametrize(
    ("call", "output", "reason"),
    [
        ("half(6)", "3.0", None),
        ("half(6.0)", "3.0", None),  # any input that gives the output counts
        ("half(n=6)", None, None),
        ("half(8)", "3.0", Reason.WRONG_OUTPUT),
        ("half(8)", "4.0", Reason.WRONG_TARGET),
        ("half(6)", "3", Reason.WRONG_TARGET),
        ("half(6)", "6 / 2", Reason.NOT_LITERAL),
        ("half(3 + 3)", "3.0", Reason.NOT_LITERAL),
        ("float(3)", "3.0", Reason.WRONG_CALL),
        ("half", "3.0", Reason.NOT_LITERAL),
        (None, "3.0", Reason.NO_ANSWER),
        ("half(-1)", "3.0", Reason.ANSWER_RAISED),
        ("half('a')", "3.0", Reason.ANSWER_RAISED),
        ("half(999)", "3.0", Reason.ANSWER_EXITED),
    ],
)
def test_a_backward_answer_is_run_and_must_give_the_output(
    box: Sandbox, call: str | None, output: str | None, reason: Reason | None
) -> None:
    verdict = verify_backward(
        Answer("text", call, output),
        "half",
        Snapshot("3.0", "float", True),
        lambda text: box.run(PROGRAM, text),
    )
    assert verdict.reason is reason
    assert verdict.kept is (reason is None)


def test_an_answer_that_never_ends_has_a_reason_of_its_own(box: Sandbox) -> None:
    verdict = verify_backward(
        Answer("text", "half(2000)", None),
        "half",
        Snapshot("3.0", "float", True),
        lambda text: box.run(PROGRAM, text),
    )
    assert verdict.reason in (Reason.ANSWER_TIMED_OUT, Reason.ANSWER_OVER_LIMIT)


def test_what_is_run_is_written_anew_and_never_the_teachers_text() -> None:
    ran = []

    def run(text: str) -> Outcome:
        ran.append(text)
        return Outcome("returned", Snapshot("3.0", "float", True))

    verdict = verify_backward(
        Answer("text", "half ( 6 ,)  # and more", None), "half", Snapshot("3.0", "float", True), run
    )
    assert ran == ["half(6)"]
    assert (verdict.call, verdict.output) == ("half(6)", "3.0")


def test_a_sandbox_that_fails_is_not_a_wrong_answer() -> None:
    def run(text: str) -> Outcome:
        raise SandboxError("the warm parent died")

    verdict = verify_backward(
        Answer("text", "half(6)", "3.0"), "half", Snapshot("3.0", "float", True), run
    )
    assert verdict.reason is Reason.COULD_NOT_VERIFY
    assert "warm parent" in verdict.detail


def test_each_reason_has_an_explanation_of_one_line() -> None:
    for reason in Reason:
        assert explain(reason.value) == reason.explanation
        assert reason.explanation and "\n" not in reason.explanation
    assert explain("of_a_later_version") == ""
