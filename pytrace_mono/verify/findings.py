"""What checking a monologue finds: a status for each Claim, and scores for the whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pytrace_mono.verify.claims import Claim, Reading

Status = Literal["holds", "contradicted", "unsupported"]
"""``unsupported``: the recording neither shows nor excludes it; that is never "wrong"."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A Claim and what the recording says of it.

    Attributes:
        claim: the Claim.
        status: see :data:`Status`.
        fact: what was recorded instead, or why it could not be said; "" where it holds.
        step: index in ``trace.steps`` of the step that decides it; None where no single one does.
    """

    claim: Claim
    status: Status
    fact: str = ""
    step: int | None = None


@dataclass(frozen=True, slots=True)
class Scores:
    """A monologue in numbers, each from 0 to 1, after SemCoder's four properties (arXiv 2406.01006).

    Attributes:
        coverage: lines with side effects that are narrated, among those that ran (not elided).
        order: claims told in the order of the run, among those that can be placed in it.
        transitions: claims that hold, among those that hold or are contradicted.
        output: whether the final answer is right; None where there was none to check.
        constraints: backward constraints that hold on the witness, among those decided.
        unread: sentences with code that yield no claim, among those with code.
    """

    coverage: float
    order: float
    transitions: float
    output: bool | None
    constraints: float
    unread: float


@dataclass(frozen=True, slots=True)
class Checked:
    """A monologue that was read and held against its recording.

    Attributes:
        reading: what was read.
        findings: one for each claim, in the order of the text.
        scores: the whole in numbers.
        missing: lines with side effects that ran and are not narrated.
    """

    reading: Reading
    findings: tuple[Finding, ...]
    scores: Scores
    missing: tuple[int, ...] = ()

    @property
    def contradicted(self) -> tuple[Finding, ...]:
        """The findings that go against the recording."""
        return tuple(f for f in self.findings if f.status == "contradicted")

    @property
    def first_wrong(self) -> Finding | None:
        """The first of them in the text."""
        return next((f for f in self.findings if f.status == "contradicted"), None)
