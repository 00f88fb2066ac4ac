"""The findings of a monologue, and what they come to in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from pytrace_mono.records import Direction
from pytrace_mono.tracer.types import Trace
from pytrace_mono.verify.aligning import Aligner
from pytrace_mono.verify.bounded import Work
from pytrace_mono.verify.checking.checker import check_claim
from pytrace_mono.verify.checking.context import Context
from pytrace_mono.verify.checking.covering import is_left_out, lines_with_effects
from pytrace_mono.verify.claims import Gives, Reading
from pytrace_mono.verify.findings import Checked, Finding, Scores
from pytrace_mono.verify.frames import Frame
from pytrace_mono.verify.program import program_of
from pytrace_mono.verify.reading import is_labelled, read, read_restated, tell
from pytrace_mono.verify.recording import Known, Run, known


@dataclass(frozen=True)
class Evidence:
    """What a monologue is held against.

    Attributes:
        trace: of the asked Call; of the witness where the monologue argues backwards.
        entry_point: name of the function it is about.
        traces: of every known Call of the Problem, for properties; ``trace`` alone if empty.

    Raises (when it is used):
        SyntaxError, ValueError, RecursionError, MemoryError: the program cannot be parsed here.
    """

    trace: Trace
    entry_point: str
    traces: Sequence[Trace] = ()

    @cached_property
    def run(self) -> Run:
        """The recording taken apart; do not check in several threads at once."""
        return Run(self.trace)

    @cached_property
    def known(self) -> tuple[Known, ...]:
        """All known Calls, this one first."""
        others = (t for t in self.traces if t is not self.trace and t.complete)
        return tuple(known(trace, self.entry_point) for trace in (self.trace, *others))


def check(
    monologue: str, evidence: Evidence, direction: Direction, restated: str | None = None
) -> Checked:
    """Read a monologue and hold every claim against the recording.

    Args:
        monologue: the text; what follows ``[ANSWER]`` is not read.
        evidence: the recording.
        direction: whether it argues from the input or from the output.
        restated: what a model made of the text (see :mod:`pytrace_mono.verify.reading.restated`), to be
            checked instead of what is read in it here.
    """
    run = evidence.run
    run.work = Work()  # of this text: the recording may be that of others, too
    main = run.main(evidence.entry_point)
    if restated is not None:
        context = Context(run, main, (), direction)
        reading = read_restated(restated, monologue)
        findings = tuple(check_claim(context, claim) for claim in reading.claims)
        return _scored(reading, findings, context, main)
    if not is_labelled(monologue):
        telling = tell(monologue, run.program, direction)
        aligner = Aligner(run, main, lambda: evidence.known, direction == "backward")
        return _scored(telling.reading, aligner.findings(telling), aligner, main)
    reading = read(monologue, program_of(run.trace.program), direction)
    properties = any(c.kind == "property" for c in reading.claims)
    context = Context(run, main, evidence.known if properties else (), direction)
    findings = tuple(check_claim(context, claim) for claim in reading.claims)
    return _scored(reading, findings, context, main)


def _scored(
    reading: Reading, findings: tuple[Finding, ...], context: Context | Aligner, main: Frame | None
) -> Checked:
    held = sum(f.status == "holds" for f in findings)
    wrong = sum(f.status == "contradicted" for f in findings)
    constraints = [f for f in findings if f.claim.kind == "constraint"]
    kept = sum(f.status == "holds" for f in constraints)
    lost = sum(f.status == "contradicted" for f in constraints)
    lines = lines_with_effects(context.run, main)
    summed_up = context.summed_up if isinstance(context, Context) else ()
    missing = tuple(
        sorted(
            line
            for line, visits in lines.items()
            if line not in context.told
            and not is_left_out(visits, context.run, summed_up, findings)
        )
    )
    scores = Scores(
        coverage=1 - len(missing) / len(lines) if lines else 1.0,
        order=context.in_order / context.placed if context.placed else 1.0,
        transitions=held / (held + wrong) if held + wrong else 1.0,
        output=_output(findings),
        constraints=kept / (kept + lost) if kept + lost else 1.0,
        unread=reading.unread_share,
    )
    return Checked(reading, findings, scores, missing)


def _output(findings: tuple[Finding, ...]) -> bool | None:
    given = [
        f
        for f in findings
        if isinstance(f.claim.statement, Gives) and f.claim.statement.call is None
    ]
    if not given or given[-1].status == "unsupported":
        return None
    return given[-1].status == "holds"
