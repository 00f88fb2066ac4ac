"""One Problem, from its Calls to rows: run, ask, check."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pytrace_mono.errors import AnswerError, InputError, SandboxError
from pytrace_mono.records import Direction, Example, Problem
from pytrace_mono.synth import calls as calls_
from pytrace_mono.synth.monologue import Judge
from pytrace_mono.synth.problems import Located
from pytrace_mono.synth.question import Question
from pytrace_mono.synth.recording import CallRecorder, Run, drop
from pytrace_mono.synth.rejects import Reject
from pytrace_mono.tracer.sandbox import Sandbox
from pytrace_mono.tracer.types import Outcome, OutcomeKind, Trace
from pytrace_mono.verify import Reason, literal
from pytrace_mono.verify.verifier import ending

T = TypeVar("T")

_ENDINGS: dict[OutcomeKind, Reason] = {
    "raised": Reason.CALL_RAISED,
    "exited": Reason.EXITED,
    "timed_out": Reason.TIMED_OUT,
    "over_limit": Reason.OVER_LIMIT,
    "crashed": Reason.CRASHED,
}


@dataclass
class Made:
    """What became of one Problem: its rows and rejects, in the order in which they are written."""

    calls: int
    usable: int = 0
    rows: list[Example | Reject] = field(default_factory=list)


@dataclass(frozen=True)
class _Again:
    """A :class:`~pytrace_mono.synth.teacher.Rerun` in the sandbox of the run."""

    box: Sandbox
    threads: Executor
    code: str
    setup: str

    async def outcome(self, call: str, more_setup: str = "") -> Outcome:
        loop = asyncio.get_running_loop()
        setup = f"{self.setup}\n{more_setup}"
        return await loop.run_in_executor(self.threads, self.box.run, self.code, call, setup)

    async def trace(self, call: str) -> Trace:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.threads, self.box.trace, self.code, call, self.setup)


class Asker:
    """Turns Problems into rows; several may be in work at once.

    Args:
        box: runs the programs.
        threads: where to wait for it.
        judge: asks the teacher and checks what it says.
        directions: which monologues to ask for.
    """

    def __init__(
        self, box: Sandbox, threads: Executor, judge: Judge, directions: Sequence[Direction]
    ) -> None:
        self._box = box
        self._threads = threads
        self._recorder = CallRecorder(box, threads)
        self._judge = judge
        self._directions = directions

    async def rows_of(self, located: Located) -> Made:
        """Everything that can be made of one Problem.

        Raises:
            TeacherError: the teacher is gone; the run should stop.
        """
        problem = located.problem
        made = Made(calls=len(problem.calls))
        runs = await self._recorder.runs(located)
        traces = tuple(run.trace for run in runs if isinstance(run, Run) and run.trace.complete)
        described = await self._description(located, runs)
        if described is not None:
            made.rows.append(described)
        for rows in await asyncio.gather(*(self._ask(located, run, traces) for run in runs)):
            made.usable += not (len(rows) == 1 and _is_call_drop(rows[0]))
            made.rows.extend(rows)
        return made

    async def _ask(
        self, located: Located, run: Run | Reject, traces: tuple[Trace, ...]
    ) -> list[Example | Reject]:
        if isinstance(run, Reject):
            return [run]
        unusable = _unusable(located, run)
        if unusable is not None:
            return [unusable]
        problem, call, trace = located.problem, run.call, run.trace
        given = calls_.arguments(problem, call)
        literal_call = None if isinstance(given, str) else given.literal
        if "backward" in self._directions and not isinstance(given, str) and not literal_call:
            # The arguments are not literals; perhaps their values can be written as such.
            try:
                probed = await self._wait(self._box.run, problem.code, given.probe, call.setup)
                literal_call = calls_.with_literals(given, probed)
            except (InputError, SandboxError):
                pass
        question = Question(
            located=located,
            stated=run.stated,
            call=call,
            trace=trace,
            traces=traces,
            entry_point=calls_.entry_name(problem, call),
            callee="" if isinstance(given, str) else given.callee,
            literal_call=literal_call,
            rerun=_Again(self._box, self._threads, problem.code, call.setup),
        )
        rows: list[Example | Reject] = []
        if "forward" in self._directions:
            rows.append(await self._judge.forward(question))
        if "backward" in self._directions:
            if literal_call is None:
                why = given if isinstance(given, str) else "the arguments' values are not exact"
                rows.append(drop(located, run.stated, "backward", Reason.NOT_INVERTIBLE, why))
            else:
                rows.append(
                    await self._judge.backward(
                        question, lambda text: self._box.trace(problem.code, text, call.setup)
                    )
                )
        return rows

    async def _description(
        self, located: Located, runs: Sequence[Run | Reject]
    ) -> Example | Reject | None:
        """The nl row: kept when the code gives every expected value that is known."""
        problem = located.problem
        if not problem.description:
            return None
        verdicts = []
        for call, run in zip(problem.calls, runs, strict=True):
            if call.expected is None:
                continue
            right = None if isinstance(run, Reject) else await self._gives(problem, run)
            if right is False:
                detail = f"{call.call} should give {call.expected}"
                if isinstance(run, Run):
                    value = run.trace.outcome.value
                    detail += (
                        f", but {f'gives {value.text}' if value else ending(run.trace.outcome)}"
                    )
                return drop(located, call, "nl", Reason.EXPECTED_MISMATCH, f"{detail:.500}")
            verdicts.append(right)
        return Example(
            id=f"{problem.id}/nl",
            nl=problem.description,
            response=problem.code,
            task="nl",
            problem_id=problem.id,
            program=problem.code,
            entry_point=calls_.entry_name(problem, problem.calls[0]),
            verification="verified" if verdicts and all(verdicts) else "unverified",
        )

    async def _gives(self, problem: Problem, run: Run) -> bool | None:
        """Whether the Call gives its expected value; None where that cannot be found out.

        Compared with ``==``, as the author's own ``assert`` would: who writes ``3`` for ``3.0`` or a
        list's equal meant the value. Answers of teachers are held to the type as well.
        """
        try:
            expected = literal(run.call.expected or "")
        except AnswerError:
            return None
        outcome = run.trace.outcome
        if outcome.kind in ("raised", "exited"):
            return False
        if outcome.kind == "returned" and outcome.value is not None and outcome.value.exact:
            try:
                return bool(literal(outcome.value.text) == expected)
            except AnswerError:
                pass
        # Too large to have been written down, or too long to have been recorded: compare in there.
        comparison = f"({run.call.call}) == ({expected!r})"
        try:
            compared = await self._wait(self._box.run, problem.code, comparison, run.call.setup)
        except (InputError, SandboxError):
            return None
        if compared.kind == "raised":
            return False
        text = compared.value.text if compared.value else None
        return {"True": True, "False": False}.get(text or "")

    async def _wait(self, function: Callable[..., T], *arguments: Any) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, function, *arguments)


def _unusable(located: Located, run: Run) -> Reject | None:
    """Why nothing is asked about a Call; None where its value is known for sure."""
    trace, outcome = run.trace, run.trace.outcome
    if outcome.kind != "returned" or outcome.value is None:
        reason = _ENDINGS.get(outcome.kind, Reason.CRASHED)
        if outcome.kind == "raised" and trace.complete and trace.status.reason:
            # Nothing is missing, and still there is something to say: the Call was never reached.
            reason = Reason.SETUP_RAISED
        detail = ending(outcome)
        if trace.status.reason:
            detail += f" ({trace.status.reason})"
        return drop(located, run.stated, "call", reason, detail)
    if not trace.complete:
        detail = trace.status.reason or trace.status.state
        return drop(located, run.stated, "call", Reason.TRACE_INCOMPLETE, detail)
    try:
        if outcome.value.exact:
            literal(outcome.value.text)
            return None
    except AnswerError:
        pass
    detail = f"{outcome.value.type}: {outcome.value.text:.200}"
    return drop(located, run.stated, "call", Reason.NOT_EXACT, detail)


def _is_call_drop(row: Example | Reject) -> bool:
    return isinstance(row, Reject) and row.direction == "call"
