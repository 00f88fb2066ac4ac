"""Ask a teacher for one monologue and check what it says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace

from pytrace_mono import tasks
from pytrace_mono.errors import AnswerError, TeacherError
from pytrace_mono.records import Direction, Example
from pytrace_mono.synth.breaker import Breaker
from pytrace_mono.synth.ledger import Ledger
from pytrace_mono.synth.question import Question, prompt_of, revision_of, row_id
from pytrace_mono.synth.rejects import Reject
from pytrace_mono.synth.teacher import Completion, Prompt, Teacher
from pytrace_mono.tracer.types import Outcome, Trace
from pytrace_mono.verify import (
    Evidence,
    Reason,
    Verdict,
    check,
    judge,
    verify_backward,
    verify_forward,
)
from pytrace_mono.verify.literals import same_expression


@dataclass(frozen=True)
class _Tried:
    """What one request came to.

    Attributes:
        made: the row, or why there is none.
        looked_at: how many completions came.
        said: the last of them that the Verifier found wrong, in the model's own form.
        mismatch: what it found; "" where it found nothing wrong.
    """

    made: Example | Reject
    looked_at: int
    said: str = ""
    mismatch: str = ""


class Judge:
    """Asks and checks.

    Args:
        teacher: whom to ask.
        threads: where to wait for the sandbox.
        breaker: told of each success and failure of the teacher.
        ledger: told what becomes of each row, where there is one.
        show_trace: whether the teacher is shown the recording.
        samples: how often a row is asked for, until one completion is kept.
        revise: whether it is then asked for once more, with the mismatch that was found last.
    """

    def __init__(
        self,
        teacher: Teacher,
        threads: Executor,
        breaker: Breaker,
        ledger: Ledger | None = None,
        *,
        show_trace: bool = True,
        samples: int = 1,
        revise: bool = False,
    ) -> None:
        self._show_trace = show_trace
        self._samples = samples
        self._revise = revise
        self._ledger = ledger
        self._teacher = teacher
        self._threads = threads
        self._breaker = breaker

    async def forward(self, question: Question) -> Example | Reject:
        """A monologue from the input to the output, or why there is none.

        Raises:
            TeacherError: the run should stop.
        """
        call = question.call.call
        return await self._monologue(
            question,
            "forward",
            lambda answer: _faithful(
                verify_forward(answer, question.trace, call),
                answer,
                question,
                question.trace,
                "forward",
            ),
        )

    async def backward(self, question: Question, run: Callable[[str], Trace]) -> Example | Reject:
        """A monologue from the output to an input, or why there is none.

        Args:
            question: about a Call with literal arguments.
            run: records a Call after the same program and setup.

        Raises:
            TeacherError: the run should stop.
        """
        return await self._monologue(
            question,
            "backward",
            lambda answer: _backward(answer, question, run),
        )

    async def _monologue(
        self, question: Question, direction: Direction, verify: Callable[[tasks.Answer], Verdict]
    ) -> Example | Reject:
        self._breaker.check()
        row = row_id(question, direction)
        if self._ledger is not None:
            self._ledger.asking(row)
        prompt = prompt_of(question, direction, row, show_trace=self._show_trace)
        attempts = 0
        wrong = None
        for sample in range(self._samples):
            tried = await self._tried(
                question, direction, verify, replace(prompt, sample=sample), attempts
            )
            attempts += tried.looked_at
            wrong = tried if tried.mismatch else wrong
            if isinstance(tried.made, Example) or not tried.looked_at:
                break
        made = tried.made
        if isinstance(made, Reject) and tried.looked_at and self._revise and wrong is not None:
            revision = revision_of(prompt, wrong.said, wrong.mismatch)
            made = (await self._tried(question, direction, verify, revision, attempts)).made
            if isinstance(made, Reject):
                made = replace(made, detail=f"after a revision: {made.detail}")
        if self._ledger is not None:
            self._ledger.ended(row, made.reason if isinstance(made, Reject) else None)
        return made

    async def _tried(
        self,
        question: Question,
        direction: Direction,
        verify: Callable[[tasks.Answer], Verdict],
        prompt: Prompt,
        before: int,
    ) -> _Tried:
        try:
            completions = await self._teacher.complete(prompt)
        except TeacherError as error:
            self._breaker.failed(error)
            return _Tried(_reject(question, direction, Reason.TEACHER_ERROR, str(error), None), 0)
        self._breaker.succeeded()
        row = _reject(question, direction, Reason.EMPTY_COMPLETION, "no completion came", None)
        said = mismatch = ""
        for attempt, completion in enumerate(completions, 1):
            text = completion.text.encode("utf-8", "replace").decode()  # no lone surrogates
            answer = _answer(completion, text, direction)
            if isinstance(answer, tasks.Answer):
                loop = asyncio.get_running_loop()
                verdict = await loop.run_in_executor(self._threads, verify, answer)
                if verdict.reason is not None and verdict.reason is not Reason.COULD_NOT_VERIFY:
                    said = completion.said or text
                    mismatch = f"{verdict.reason.explanation}: {verdict.detail}"
                if verdict.kept:
                    verdict = _readable(answer, verdict, direction)
                if verdict.kept:
                    made = self._example(question, prompt, answer, verdict, before + attempt)
                    return _Tried(made, attempt)
            else:
                verdict = answer
            assert verdict.reason is not None
            row = _reject(question, direction, verdict.reason, verdict.detail, text)
        return _Tried(row, len(completions), said, mismatch)

    def _example(
        self,
        question: Question,
        prompt: Prompt,
        answer: tasks.Answer,
        verdict: Verdict,
        attempt: int,
    ) -> Example:
        direction = prompt.direction
        problem, call, trace = question.located.problem, question.call, question.trace
        forward = backward = ""
        if direction == "forward":
            forward = tasks.forward_instruction(problem.code, call.call, call.setup)
        else:
            backward = tasks.backward_instruction(
                problem.code, question.masked_call, question.output.text, call.setup
            )
        return Example(
            id=row_id(question, direction),
            fwd_mnl=forward,
            bwd_mnl=backward,
            response=_response(answer, verdict),
            task=direction,
            problem_id=problem.id,
            program=problem.code,
            entry_point=question.entry_point,
            setup=call.setup,
            call=question.stated.call,
            output=question.output.text,
            python=trace.python,
            trace_digest=question.digest,
            level=trace.level,
            teacher=self._teacher.name,
            attempts=attempt,
            trace_shown=self._show_trace,
            revised=bool(prompt.mismatch),
        )


def _answer(completion: Completion, text: str, direction: Direction) -> tasks.Answer | Verdict:
    cut = completion.finish_reason == "length"
    if not text.strip():
        reason = Reason.CUT_COMPLETION if cut else Reason.EMPTY_COMPLETION
        return Verdict(False, reason, reason.explanation)
    try:
        answer = tasks.parse_answer(text, direction)
    except AnswerError as error:
        return Verdict(False, Reason.CUT_COMPLETION if cut else Reason.NO_ANSWER, str(error))
    if not answer.monologue:
        return Verdict(False, Reason.NO_MONOLOGUE, Reason.NO_MONOLOGUE.explanation)
    return answer


def _backward(answer: tasks.Answer, question: Question, run: Callable[[str], Trace]) -> Verdict:
    """Run the witness and hold every claim against its recording."""
    traces: list[Trace] = []

    def outcome(call: str) -> Outcome:
        same = same_expression(call, question.call.call)
        traces.append(question.trace if same else run(call))
        return traces[-1].outcome

    verdict = verify_backward(answer, question.callee, question.output, outcome)
    if not verdict.kept:
        return verdict
    return _faithful(verdict, answer, question, traces[-1], "backward")


def _faithful(
    verdict: Verdict,
    answer: tasks.Answer,
    question: Question,
    trace: Trace,
    direction: Direction,
) -> Verdict:
    """A right answer is kept only where every claim on the way to it holds."""
    if not verdict.kept:
        return verdict
    if not trace.complete:
        detail = f"the run of the answer was not recorded whole: {trace.status.reason}"
        return Verdict(False, Reason.COULD_NOT_VERIFY, detail)
    evidence = Evidence(trace, question.entry_point, question.traces)
    judged = judge(check(answer.monologue, evidence, direction), direction)
    return verdict if judged.kept else judged


def _response(answer: tasks.Answer, verdict: Verdict) -> str:
    """The target: the monologue as it was said, the answer as it was checked."""
    return tasks.response(answer.monologue, verdict.call or "", verdict.output or "")


def _readable(answer: tasks.Answer, verdict: Verdict, direction: Direction) -> Verdict:
    """A text or value that holds one of our tags would read back as another row: drop it."""
    try:
        again = tasks.parse_answer(_response(answer, verdict), direction)
        same = (
            again.monologue == answer.monologue
            and same_expression(again.call or "", verdict.call or "")
            and same_expression(again.output or "", verdict.output or "")
        )
    except AnswerError:
        same = False
    return verdict if same else Verdict(False, Reason.AMBIGUOUS, Reason.AMBIGUOUS.explanation)


def _reject(
    question: Question, direction: Direction, reason: Reason, detail: str, response: str | None
) -> Reject:
    located, call = question.located, question.stated.call
    return Reject(direction, reason, detail, located.problem.id, call, located.origin, response)
