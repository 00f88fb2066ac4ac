"""What a monologue must be to be kept, in one place.

A monologue with a claim that the recording contradicts is dropped, whatever else it says. The two
thresholds are for what no single claim shows: how much of the run is told, and how much of the text
could be read. ``benchmarks/faithfulness.py`` prints the measurements that they rest on.
"""

from __future__ import annotations

from dataclasses import dataclass

from pytrace_mono.records import Direction
from pytrace_mono.verify.claims import Restated
from pytrace_mono.verify.findings import Checked, Finding
from pytrace_mono.verify.reasons import Reason
from pytrace_mono.verify.verifier import Verdict

_MOST = 500
_FEW = 2
"""Of so few unread sentences a share says nothing."""
_OF_THE_RUN = ("value", "branch", "loop")


@dataclass(frozen=True)
class Policy:
    """The thresholds.

    Attributes:
        coverage: least share of the lines with side effects that a forward monologue narrates.
        unread: largest share of sentences with code in which nothing could be read.
    """

    coverage: float = 0.5
    unread: float = 0.5


DEFAULT = Policy()


def judge(checked: Checked, direction: Direction, policy: Policy = DEFAULT) -> Verdict:
    """Keep a monologue, or drop it for one reason; its answer has been checked before.

    Claims that the recording neither shows nor excludes do not count against it. A monologue that
    makes no claim at all is not wrong and is kept; the audit counts it apart.
    """
    wrong = checked.first_wrong
    if wrong is not None:
        return _drop(Reason.CONTRADICTED, mismatch(wrong))
    scores = checked.scores
    if len(checked.reading.unread) > _FEW and scores.unread > policy.unread:
        first = checked.reading.unread[0].text
        return _drop(
            Reason.UNREAD,
            f"{scores.unread:.0%} of the sentences with code say nothing that could be read, "
            f"the first: {first:.200}",
        )
    tells = any(finding.claim.kind in _OF_THE_RUN for finding in checked.findings)
    if direction == "forward" and tells and scores.coverage < policy.coverage:
        lines = ", ".join(f"L{line}" for line in checked.missing)
        return _drop(
            Reason.LOW_COVERAGE,
            f"{scores.coverage:.0%} of the lines with side effects are narrated; missing: {lines}",
        )
    return Verdict(True)


def mismatch(finding: Finding) -> str:
    """A claim and the recorded fact against it, as a reader or a teacher is told."""
    place = finding.claim.place
    words = " ".join(finding.claim.text.split())
    said = finding.claim.statement
    restated = f" (restated: {said.form:.200})" if isinstance(said, Restated) else ""
    where = "" if place.line is None or restated else f"[L{place.line}] "
    return f"{where}{words:.200}{restated} | recorded: {finding.fact}"


def _drop(reason: Reason, detail: str) -> Verdict:
    return Verdict(False, reason, detail if len(detail) <= _MOST else detail[: _MOST - 3] + "...")
