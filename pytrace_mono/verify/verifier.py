"""The Verifier: an answer against what the program does.

Answers are held to value *and* type (``True`` is not ``1``), stricter than an author's own
``assert f(x) == y``: a model that learns ``3.0`` where the program gives ``3`` learns a wrong
execution. Wrong and "could not verify" are never mixed up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pytrace_mono.errors import AnswerError, InputError, SandboxError
from pytrace_mono.tasks import Answer
from pytrace_mono.tracer.types import Outcome, OutcomeKind, Snapshot, Trace
from pytrace_mono.verify.literals import literal, literal_call, same_expression, same_value
from pytrace_mono.verify.reasons import Reason

_BAD_ENDINGS: dict[OutcomeKind, Reason] = {
    "raised": Reason.ANSWER_RAISED,
    "exited": Reason.ANSWER_EXITED,
    "timed_out": Reason.ANSWER_TIMED_OUT,
    "over_limit": Reason.ANSWER_OVER_LIMIT,
    "crashed": Reason.ANSWER_CRASHED,
}


@dataclass(frozen=True)
class Verdict:
    """Kept, or dropped for a reason.

    Attributes:
        kept: the answer is right.
        reason: None when kept.
        detail: what exactly was wrong, for a reader.
        call: the checked left side of the assertion, rebuilt from its syntax tree.
        output: the checked right side, as the run wrote it.
    """

    kept: bool
    reason: Reason | None = None
    detail: str = ""
    call: str | None = None
    output: str | None = None


def verify_forward(answer: Answer, trace: Trace, asked: str) -> Verdict:
    """Whether the answered output is the recorded one.

    Args:
        answer: what the teacher said.
        trace: the complete recording of the asked Call, with an exact value.
        asked: the Call, as it stood in the prompt; an answer that restates it must restate this.
    """
    truth = trace.outcome.value
    if truth is None or not truth.exact:
        return _drop(Reason.COULD_NOT_VERIFY, "the recorded value is not exact")
    if answer.call is not None and not _same_call(answer.call, asked):
        return _drop(Reason.WRONG_CALL, f"asked for {asked}, answered {answer.call}")
    if answer.output is None:
        return _drop(Reason.NO_ANSWER, "no output was given")
    try:
        value = literal(answer.output)
    except AnswerError as error:
        return _drop(Reason.NOT_LITERAL, str(error))
    if not same_value(value, literal(truth.text)):
        return _drop(Reason.WRONG_VALUE, f"the run gave {truth.text}, answered {answer.output}")
    return Verdict(True, call=asked, output=truth.text)


def verify_backward(
    answer: Answer, callee: str, target: Snapshot, run: Callable[[str], Outcome]
) -> Verdict:
    """Whether the answered input, run, gives the target; any such input will do.

    Args:
        answer: what the teacher said.
        callee: source of what the asked Call calls: ``f``, ``s.push``.
        target: the exact output asked for.
        run: evaluates one Call in the sandbox, after the same program and setup.
    """
    if answer.call is None:
        return _drop(Reason.NO_ANSWER, "no call was given")
    try:
        proposed = literal_call(answer.call)
    except AnswerError as error:
        return _drop(Reason.NOT_LITERAL, str(error))
    if not _same_call(proposed.callee, callee):
        return _drop(Reason.WRONG_CALL, f"asked for {callee}, answered {proposed.callee}")
    wanted = literal(target.text)
    if answer.output is not None:
        try:
            claimed = literal(answer.output)
        except AnswerError as error:
            return _drop(Reason.NOT_LITERAL, str(error))
        if not same_value(claimed, wanted):
            return _drop(Reason.WRONG_TARGET, f"asked for {target.text}, answered {answer.output}")
    try:
        outcome = run(proposed.source)
    except SandboxError as error:
        return _drop(Reason.COULD_NOT_VERIFY, str(error))
    except InputError as error:
        return _drop(Reason.WRONG_CALL, str(error))
    if outcome.kind != "returned":
        return _drop(_BAD_ENDINGS[outcome.kind], f"{proposed.source}: {ending(outcome)}")
    value = outcome.value
    if value is None or not value.exact or not same_value(literal(value.text), wanted):
        given = "nothing" if value is None else value.text
        return _drop(
            Reason.WRONG_OUTPUT, f"{proposed.source} gives {given}, asked for {target.text}"
        )
    return Verdict(True, call=proposed.source, output=target.text)


def ending(outcome: Outcome) -> str:
    """How a run ended, in a few words: ``raised ValueError at line 3: too small``."""
    raised = outcome.exception
    words = outcome.kind.replace("_", " ")
    if raised is None:
        return words
    where = "" if raised.line is None else f" at line {raised.line}"
    message = f": {raised.message}" if raised.message else ""
    return f"{words} {raised.type}{where}{message}"


def _same_call(left: str, right: str) -> bool:
    try:
        return same_expression(left, right)
    except AnswerError:
        return False


def _drop(reason: Reason, detail: str) -> Verdict:
    return Verdict(False, reason, detail if len(detail) <= 500 else detail[:497] + "...")
