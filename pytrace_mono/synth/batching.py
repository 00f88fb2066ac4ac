"""A run whose requests go into batches: collect, wait, and go on as from a full cache."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pytrace_mono.errors import PrerequisiteError
from pytrace_mono.records import Problem
from pytrace_mono.synth.corpus import COLLECTED
from pytrace_mono.synth.ledger import Ledger
from pytrace_mono.synth.problems import locate
from pytrace_mono.synth.rejects import Reject
from pytrace_mono.synth.running import Pass, Wanted, first, in_a_loop
from pytrace_mono.synth.teacher import Teacher
from pytrace_mono.tracer.sandbox import Sandbox


def answer_in_batches(
    box: Sandbox,
    teacher: Teacher,
    wanted: Wanted,
    ledger: Ledger | None,
    directory: Path,
    source: str | Path | Sequence[Problem | Reject],
    limit: int | None,
) -> None:
    """Fill the cache; afterwards the teacher answers from there alone.

    Rejection sampling takes a round for each sample: only then is it known whose first one failed.

    Raises:
        PrerequisiteError: the teacher has no batches.
        TeacherError: a job was refused, or the endpoint is gone.
    """
    begin = getattr(teacher, "batching", None)
    if begin is None or ledger is None:
        raise PrerequisiteError(
            f"The teacher {teacher.name} has no batches.", "leave out --batch, or --teacher openai"
        )
    batch = begin(ledger, directory / COLLECTED)
    in_a_loop(batch.go())  # what a run that was killed has asked already
    while True:
        collect = Pass(box, teacher, wanted, None, lambda made: None)
        collect.go(first(locate(source), limit))
        if not in_a_loop(batch.go()):
            break
    batch.collecting = False
