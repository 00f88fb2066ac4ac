"""The main job: Problems in, a checked corpus out.

Problems are worked on side by side, as many as keep the sandbox and the teacher busy, and written in
the order in which they came, so the corpus does not depend on timing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pytrace_mono.errors import InputError, PytraceMonoError
from pytrace_mono.records import Direction, Problem
from pytrace_mono.synth import prompts
from pytrace_mono.synth.asking import Made
from pytrace_mono.synth.batching import answer_in_batches
from pytrace_mono.synth.corpus import Corpus
from pytrace_mono.synth.ledger import Ledger
from pytrace_mono.synth.problems import listed, locate, survey
from pytrace_mono.synth.progress import Progress
from pytrace_mono.synth.rejects import Reject
from pytrace_mono.synth.running import Pass, Wanted, first
from pytrace_mono.synth.shards import Format
from pytrace_mono.synth.teacher import Teacher
from pytrace_mono.synth.writer import CorpusWriter
from pytrace_mono.tracer import Limits
from pytrace_mono.tracer.sandbox import Sandbox

DIRECTIONS: tuple[Direction, ...] = ("forward", "backward")
_RECORDED_SETTINGS = ("model", "endpoint", "seed", "temperature", "max_tokens")


def synthesize(
    problems: str | Path | Iterable[Problem | Reject],
    teacher: Teacher,
    out: str | Path,
    *,
    directions: Sequence[Direction] = DIRECTIONS,
    limits: Limits | None = None,
    workers: int | None = None,
    isolation: str = "auto",
    limit: int | None = None,
    format: Format = "parquet",
    show_trace: bool = True,
    samples: int = 1,
    revise: bool = False,
    batch: bool = False,
    quiet: bool = True,
) -> Corpus:
    """Run programs, have a teacher explain the runs, keep what is right, write a corpus.

    Args:
        problems: a file or directory (see :mod:`pytrace_mono.synth.problems`), or Problems, as
            :func:`~pytrace_mono.synth.problems.load_problems` gives them.
        teacher: whom to ask.
        out: directory of the corpus; an earlier one of the same input and config is replaced, and
            only when the new one is whole.
        directions: which monologues to ask for; nl rows are always made where there is a
            description.
        limits: bounds on every run.
        workers: runs at the same time (default: the processors this process may use).
        isolation: ``auto``, or the name of the level that the sandbox must have.
        limit: use the first so many Problems only.
        format: ``parquet`` or ``jsonl``.
        show_trace: whether a model is shown the recording of the run that it explains.
        samples: how often a model is asked for a row, until one completion is kept.
        revise: where none was kept, ask once more, with what was wrong with the last wrong one.
        batch: have an :class:`OpenAITeacher` asked over ``/v1/batches``: within a day, for less.
        quiet: show no progress.

    Returns:
        the corpus; rows that were dropped stand in its rejects.

    Raises:
        InputError: an argument is none that can be; a ProblemError where the input cannot be read.
        CorpusError: ``out`` holds something else.
        PrerequisiteError: an extra or an isolation level is missing.
        StoreError: the teacher's cache or the ledger cannot be written.
        TeacherError: the teacher is gone, or its budget is spent. As with any other error and with
            Ctrl-C, what was made until then is a corpus in ``out``, marked as not complete.
    """
    limits = Limits() if limits is None else limits
    _check(teacher, directions, limits, limit=limit, samples=samples)
    source = problems if isinstance(problems, (str, Path)) else listed(problems)
    known = survey(source)
    asked = tuple(direction for direction in DIRECTIONS if direction in directions)
    wanted = Wanted(asked, show_trace, samples, revise)
    config = _config(teacher, wanted, limits, isolation, limit, format)
    with Sandbox(limits, isolation=isolation, workers=workers) as box:
        writer = CorpusWriter(out, {"name": known.name, "sha256": known.sha256}, config)
        expected = known.rows if limit is None else min(limit, known.rows)
        progress = Progress(expected, quiet=quiet, spent=lambda: getattr(teacher, "spent", None))
        ledger = None
        try:
            ledger = _ledger(teacher, writer.path)
            if batch:
                answer_in_batches(box, teacher, wanted, ledger, writer.path, source, limit)
            go_on = Pass(box, teacher, wanted, ledger, _Taking(writer, progress))
            go_on.go(first(locate(source), limit))
        except BaseException as error:  # whatever ended it, Ctrl-C too: keep what was paid for
            writer.finish(level=box.level, stopped=_why(error))
            raise
        finally:
            progress.close()
            if ledger is not None:
                ledger.close()
        return writer.finish(level=box.level)


def _check(
    teacher: Teacher, directions: Sequence[Direction], limits: Limits, **numbers: int | None
) -> None:
    """What Python lets through, and would end in the middle of a run."""
    if isinstance(teacher, type) or not hasattr(teacher, "complete"):
        raise InputError(f"the teacher is {teacher!r:.80}; give an object, such as Narrator()")
    if not directions or isinstance(directions, str) or not set(directions) <= set(DIRECTIONS):
        raise InputError(f"directions must be a list of some of {DIRECTIONS}, not {directions!r}")
    if not isinstance(limits, Limits):
        raise InputError(f"limits must be Limits(...), not {limits!r:.80}")
    for name, number in numbers.items():
        if number is not None and not (isinstance(number, int) and number > 0):
            raise InputError(f"{name} must be a whole number above zero, not {number!r:.80}")


class _Taking:
    """Writes what was made, and shows how far it is."""

    def __init__(self, writer: CorpusWriter, progress: Progress) -> None:
        self._writer = writer
        self._progress = progress

    def __call__(self, made: Made | Reject) -> None:
        if isinstance(made, Reject):
            self._drop(made)
            return
        counts = self._writer.counts
        counts.problems += 1
        counts.calls += made.calls
        counts.usable += made.usable
        for row in made.rows:
            if isinstance(row, Reject):
                self._drop(row)
            else:
                self._writer.keep(row)
        self._progress.step(counts)

    def _drop(self, reject: Reject) -> None:
        self._writer.drop(reject)
        self._progress.note(reject)


def _ledger(teacher: Teacher, directory: Path) -> Ledger | None:
    """The corpus's ledger, for a teacher that pays."""
    begin = getattr(teacher, "begin", None)
    if begin is None:
        return None
    ledger = Ledger(directory)
    begin(ledger)
    return ledger


def _config(
    teacher: Teacher,
    wanted: Wanted,
    limits: Limits,
    isolation: str,
    limit: int | None,
    format: Format,
) -> dict[str, Any]:
    """What the rows depend on; what changes only the speed is left out, and so is every key."""
    settings = {
        name: getattr(teacher, name) for name in _RECORDED_SETTINGS if hasattr(teacher, name)
    }
    return {
        "teacher": teacher.name,
        **settings,
        **({"prompts": prompts.version()} if "model" in settings else {}),
        "trace_shown": wanted.show_trace,
        "samples": wanted.samples,
        "revise": wanted.revise,
        "directions": list(wanted.directions),
        "limits": limits.to_dict(),
        "isolation": isolation,
        "limit": limit,
        "format": format,
    }


def _why(error: BaseException) -> str:
    if isinstance(error, (KeyboardInterrupt, asyncio.CancelledError)):
        return "interrupted"
    if isinstance(error, PytraceMonoError):
        return str(error)
    return f"{type(error).__name__}: {error}"
