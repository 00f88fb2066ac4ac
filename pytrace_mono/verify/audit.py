"""Audit monologues that somebody made: run each program, check the answer and every claim."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from pytrace_mono import tasks
from pytrace_mono.errors import AnswerError, InputError, SandboxError
from pytrace_mono.records import called_name
from pytrace_mono.tracer.parsing import parse_expression
from pytrace_mono.tracer.sandbox import Sandbox
from pytrace_mono.tracer.types import Outcome, Snapshot, Trace
from pytrace_mono.verify.checking import Evidence, check
from pytrace_mono.verify.findings import Checked
from pytrace_mono.verify.literals import literal
from pytrace_mono.verify.policy import DEFAULT, Policy, judge, mismatch
from pytrace_mono.verify.reasons import Reason
from pytrace_mono.verify.rows import Row
from pytrace_mono.verify.verifier import Verdict, ending, verify_backward, verify_forward


@dataclass(frozen=True)
class Audited:
    """What was found of one monologue.

    Attributes:
        row: the monologue.
        verdict: kept, or why it would be dropped.
        right: whether the answer is right; None where that could not be found out.
        trace: the recording it was held against, where there is one.
        checked: the claims, where there is a complete recording.
        monologue: the text whose claims were read.
    """

    row: Row
    verdict: Verdict
    right: bool | None
    trace: Trace | None = None
    checked: Checked | None = None
    monologue: str = ""

    @property
    def all_true(self) -> bool:
        """Right answer, at least one claim, none contradicted."""
        return bool(
            self.right
            and self.checked is not None
            and self.checked.findings
            and not self.checked.contradicted
        )


@dataclass
class Report:
    """The audit of many monologues; ``rows`` are counted as they are added.

    ``restated`` are those whose claims are what a model said they are. ``complete`` is False where the
    audit was stopped: then it is of the rows up to there.
    """

    rows: int = 0
    right: int = 0
    all_true: int = 0
    unread: int = 0
    coded: int = 0
    claims: Counter[str] = field(default_factory=Counter)
    by_reason: Counter[str] = field(default_factory=Counter)
    first_wrong: list[dict[str, str]] = field(default_factory=list)
    skipped: int = 0
    restated: int = 0
    complete: bool = True

    def add(self, audited: Audited) -> None:
        """Count one monologue."""
        self.rows += 1
        self.right += audited.right is True
        self.all_true += audited.all_true
        if audited.verdict.reason is not None:
            self.by_reason[str(audited.verdict.reason)] += 1
        if audited.verdict.reason is Reason.TEACHER_ERROR:
            self._note(audited.row.id, audited.verdict.detail)
        if audited.checked is None:
            return
        self.restated += audited.row.restated is not None
        self.unread += len(audited.checked.reading.unread)
        self.coded += audited.checked.reading.coded
        self.claims.update(finding.status for finding in audited.checked.findings)
        wrong = audited.checked.first_wrong
        if wrong is not None:
            self._note(audited.row.id, mismatch(wrong))

    def add_unusable(self, identity: str, why: str, reason: Reason = Reason.BAD_ROW) -> None:
        """Count a row that cannot be audited at all; it fails."""
        self.rows += 1
        self.by_reason[str(reason)] += 1
        self._note(identity, why)

    def _note(self, identity: str, why: str) -> None:
        if len(self.first_wrong) < 20:
            self.first_wrong.append({"id": identity, "claim": why})

    @property
    def failed(self) -> int:
        """Rows with a reason against them."""
        return sum(self.by_reason.values())

    def to_dict(self) -> dict[str, Any]:
        """As JSON; shares are from 0 to 1, of the rows (``unread``: of the sentences with code)."""
        return {
            "rows": self.rows,
            "right_answer": self.right / self.rows if self.rows else 0.0,
            "all_claims_true": self.all_true / self.rows if self.rows else 0.0,
            "unread": self.unread / self.coded if self.coded else 0.0,
            "claims": {
                name: self.claims[name] for name in ("holds", "contradicted", "unsupported")
            },
            "by_reason": dict(sorted(self.by_reason.items(), key=lambda item: (-item[1], item[0]))),
            "first_wrong": self.first_wrong,
            "skipped": self.skipped,
            "restated": self.restated,
            "complete": self.complete,
        }


def audit(rows: Iterable[Row], box: Sandbox, policy: Policy = DEFAULT) -> Iterator[Audited]:
    """Audit rows one after another; what is wrong with one stops none of the others."""
    for row in rows:
        yield _audited(row, box, policy)


def _audited(row: Row, box: Sandbox, policy: Policy) -> Audited:
    try:
        answer = tasks.parse_answer(row.response, row.direction)
    except AnswerError as error:
        return Audited(row, Verdict(False, Reason.NO_ANSWER, str(error)), False)
    traces: list[Trace] = []

    def record(call: str) -> Outcome:
        traces.append(box.trace(row.program, call))
        return traces[-1].outcome

    try:
        if row.direction == "forward":
            record(row.left)
            verdict = _forward(answer, traces[-1], row)
        else:
            verdict = _backward(answer, row, record)
    except (InputError, SandboxError) as error:
        return Audited(row, Verdict(False, Reason.COULD_NOT_VERIFY, str(error)), None)
    right = None if verdict.reason is Reason.COULD_NOT_VERIFY else verdict.kept
    trace = traces[-1] if traces else None
    if trace is None or not trace.complete:
        if verdict.kept:
            verdict = Verdict(False, Reason.COULD_NOT_VERIFY, "the run was not recorded whole")
        return Audited(row, verdict, right, trace)
    evidence = Evidence(trace, _entry(trace))
    checked = check(answer.monologue, evidence, row.direction, row.restated)
    if verdict.kept:
        judged = judge(checked, row.direction, policy)
        verdict = replace(verdict, kept=judged.kept, reason=judged.reason, detail=judged.detail)
    return Audited(row, verdict, right, trace, checked, answer.monologue)


def _entry(trace: Trace) -> str:
    """The function that the Call is about: the first it names of those of the program that ran."""
    ran = {step.function.rpartition(".")[2] for step in trace.steps if step.kind == "call"}
    calls = (n for n in ast.walk(parse_expression(trace.call or "0")) if isinstance(n, ast.Call))
    names = [called_name(ast.unparse(call)) or "" for call in calls]
    return next((name for name in names if name.rpartition(".")[2] in ran), (*names, "")[0])


def _forward(answer: tasks.Answer, trace: Trace, row: Row) -> Verdict:
    if trace.outcome.kind != "returned":
        return Verdict(False, Reason.CALL_RAISED, f"{row.left}: {ending(trace.outcome)}")
    return verify_forward(answer, trace, row.left)


def _backward(answer: tasks.Answer, row: Row, record: Callable[[str], Outcome]) -> Verdict:
    callee = row.left.split("(")[0]
    node = parse_expression(row.left.replace(tasks.UNKNOWN, ""))
    if isinstance(node, ast.Call):
        callee = ast.unparse(node.func)
    try:
        literal(row.output)
    except AnswerError as error:
        return Verdict(False, Reason.NOT_LITERAL, f"the output asked for: {error}")
    target = Snapshot(row.output, "", True)
    return verify_backward(answer, callee, target, record)
