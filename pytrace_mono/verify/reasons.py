"""Why something was left out of a corpus: every drop has one of these codes.

The codes are part of the file format (``rejects.jsonl``, ``manifest.json``): later versions add
some, they rename none.
"""

from __future__ import annotations

from enum import Enum


class Reason(str, Enum):
    """A stable code, which is the member's value, and one line that explains it."""

    explanation: str

    def __new__(cls, code: str, explanation: str) -> Reason:
        member = str.__new__(cls, code)
        member._value_ = code
        member.explanation = explanation
        return member

    def __str__(self) -> str:
        return str(self.value)

    # A row of a problems file.
    NOT_JSON = "not_json", "the line is not JSON, or only half of it was written"
    INVALID_UTF8 = "invalid_utf8", "the text is not UTF-8 (or the encoding it states)"
    TOO_LONG = "too_long", "the row is longer than a Problem may be"
    BAD_ROW = "bad_row", "the row is JSON, but a field has a wrong type or the shape is unknown"
    NO_CODE = "no_code", "the row holds no code"
    BAD_CODE = "bad_code", "the code is not Python that compiles"
    NO_CALLS = "no_calls", "no Call is stated"
    DUPLICATE_ROW = "duplicate_row", "the same Problem came before"
    DUPLICATE_ID = "duplicate_id", "another Problem has the same id"

    # A Call and its run.
    BAD_CALL = "bad_call", "the Call is not one expression, or its setup does not compile"
    DUPLICATE_CALL = "duplicate_call", "the same Call stands earlier in the Problem"
    CALL_RAISED = "call_raised", "the Call raised an exception"
    SETUP_RAISED = "setup_raised", "the program's body or the Call's setup raised an exception"
    EXITED = "exited", "the program ended the process"
    TIMED_OUT = "timed_out", "the run took longer than the time limit"
    OVER_LIMIT = "over_limit", "the run went over a limit on steps, memory or output"
    CRASHED = "crashed", "the run died without an outcome"
    TRACE_INCOMPLETE = "trace_incomplete", "part of the run was not recorded"
    NOT_EXACT = "not_exact", "the value cannot be written as a literal (within the limits)"
    NOT_INVERTIBLE = "not_invertible", "no input of literals to ask for (backward is not asked)"
    SANDBOX_FAILED = "sandbox_failed", "the sandbox failed, so nothing is known of the Call"

    # A teacher's completion.
    TEACHER_ERROR = "teacher_error", "the teacher gave no completion"
    EMPTY_COMPLETION = "empty_completion", "the teacher said nothing"
    CUT_COMPLETION = "cut_completion", "the completion was cut at its token limit"
    NO_ANSWER = "no_answer", "the completion has no answer in the required form"
    NO_MONOLOGUE = "no_monologue", "the completion has an answer but no monologue"
    AMBIGUOUS = "ambiguous", "written out, the row would not read back as the same answer"

    # The Verifier's.
    NOT_LITERAL = "not_literal", "the answer is not made of literals"
    WRONG_CALL = "wrong_call", "the answer is about another Call"
    WRONG_VALUE = "wrong_value", "the predicted output is not what the run gave"
    WRONG_TARGET = "wrong_target", "the answer asserts another output than the one asked for"
    WRONG_OUTPUT = "wrong_output", "the proposed input, run, gives another output"
    ANSWER_RAISED = "answer_raised", "the proposed input, run, raises an exception"
    ANSWER_EXITED = "answer_exited", "the proposed input, run, ends the process"
    ANSWER_TIMED_OUT = "answer_timed_out", "the proposed input runs longer than the time limit"
    ANSWER_OVER_LIMIT = "answer_over_limit", "the proposed input, run, goes over a limit"
    ANSWER_CRASHED = "answer_crashed", "the proposed input, run, dies without an outcome"
    CONTRADICTED = "contradicted", "a claim of the monologue goes against the recording"
    UNREAD = "unread", "too many sentences with code in which no claim could be read"
    LOW_COVERAGE = "low_coverage", "too few of the lines with side effects are narrated"
    COULD_NOT_VERIFY = "could_not_verify", "the check itself failed: neither right nor wrong"
    EXPECTED_MISMATCH = "expected_mismatch", "the code does not give the expected value"


def explain(code: str) -> str:
    """The explanation of a code read from a file; "" for one of a newer version."""
    try:
        return Reason(code).explanation  # type: ignore[call-arg]  # by its value
    except ValueError:
        return ""
