"""Which lines with side effects a monologue has to tell of: what it sums up it may leave out."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence

from pytrace_mono.verify.findings import Finding
from pytrace_mono.verify.frames import Frame, Visit
from pytrace_mono.verify.program import Loop
from pytrace_mono.verify.recording import Run


def lines_with_effects(run: Run, main: Frame | None) -> dict[int, list[Visit]]:
    """By label: the visits that had a side effect in the function told of; a sort may have none."""
    effects = run.program.effects
    found: dict[int, list[Visit]] = {}
    for visit in main.visits if main is not None else run.visits:
        if visit.label in effects and (visit.changes or visit.deleted):
            found.setdefault(visit.label, []).append(visit)
    return found


def is_left_out(
    visits: Iterable[Visit], run: Run, summed_up: Collection[Loop], findings: Sequence[Finding]
) -> bool:
    """Whether a line ran only in passes of a loop that the text sums up instead of telling them.

    Such a pass is one in which no claim that holds is placed, of a loop of which the text says
    rightly what its passes came to ("Iterations 3 to 9 go on in the same way. After that, `x` is 9"):
    one of ``summed_up``.
    """
    if not summed_up:
        return False
    steps = sorted(
        f.step
        for f in findings
        if f.status == "holds" and f.step is not None and f.claim.place.passes
        if not f.claim.place.over
    )
    return all(_in_a_pass_left_out(visit, run, summed_up, steps) for visit in visits)


def _in_a_pass_left_out(
    visit: Visit, run: Run, summed_up: Collection[Loop], steps: Sequence[int]
) -> bool:
    for running in run.rounds:
        if running.loop not in summed_up or running.frame is not visit.frame:
            continue
        number = bisect_right(running.passes, visit.start)
        window = running.window(number)
        if window is None or not window[0] <= visit.start < window[1]:
            continue
        first = bisect_right(steps, window[0] - 1)
        if first == len(steps) or steps[first] >= window[1]:
            return True
    return False
