"""The public face: run programs that nobody has to trust, one at a time or many at once."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType

from pytrace_mono.errors import SandboxError
from pytrace_mono.tracer.limits import Limits
from pytrace_mono.tracer.sandbox import jails, levels, machine
from pytrace_mono.tracer.sandbox import job as jobs
from pytrace_mono.tracer.sandbox.batch import Batch, Result
from pytrace_mono.tracer.sandbox.imports import known as import_names
from pytrace_mono.tracer.sandbox.job import CallLike, Job, JobLike, Program
from pytrace_mono.tracer.sandbox.pool import Group
from pytrace_mono.tracer.sandbox.runner import Runner
from pytrace_mono.tracer.sandbox.setting import Setting
from pytrace_mono.tracer.sandbox.setting import known as known_profiles
from pytrace_mono.tracer.types import Level, Outcome, Trace

_TRUSTED = 16
"""How many jobs share a child where they may."""


class Sandbox:
    """Runs programs in confined child processes and brings back what they did.

    What a program does, however bad, is the ``Outcome`` of its Trace; only unusable input and a
    failure of the sandbox itself are exceptions. Every run starts from the same state: hash seed 0,
    ``random`` seeded, an empty environment, UTC, no standard input. Warm parents are started on
    first use and reused; several threads may share a Sandbox. Close it, use it in a ``with``
    statement, or leave it to the garbage collector.

    Args:
        limits: bounds on every run (default :class:`Limits`).
        isolation: ``auto`` for the strongest level this machine offers (with a warning when that is
            less than ``confined``), or the name of the level that it must be: ``guard``,
            ``confined``, ``isolated``, or ``external`` for the first that works here of ``runsc``,
            ``docker``, ``nsjail`` and ``bwrap``, each of which can be named as well.
        workers: runs at the same time in :meth:`map` (default: the processors this process may use).
        determinism: ``seeded`` is as above; ``check`` records everything a second time, in another
            warm parent, and a Trace whose second run differs gets the status ``nondeterministic``
            with the first difference.
        frozen_clock: every run sees the time :data:`clock.START`, moved on by ``time.sleep`` alone,
            which then returns at once.
        profiles: what programs may do beyond computing: ``threads``, ``asyncio`` (an event loop,
            without connections), ``scratch`` (a folder of their own to write to, where they begin,
            and which is emptied after each Call).
        imports: names of the modules that programs may import, with those below them; another one
            is an ``ImportError``. None for all that there are. A rule of the house, no protection.
        confirm: everything is run once more without tracing, and a Trace with another end than that
            gets the status ``tampered``, unless a limit cut the recording short.
        aliases: record which places hold the same object, which makes recording slower.

    Attributes:
        level: the isolation level achieved.
        limits: the bounds on every run.
        workers: runs at the same time in :meth:`map`.

    Raises:
        IsolationUnavailableError: the level cannot be had here.
        LimitError: a limit is beyond what this machine has.
        SandboxError: ``workers`` is not a positive whole number, or too many; ``determinism`` or a
            profile is unknown; ``imports`` holds no names; two options exclude each other.

    Example::

        with Sandbox(Limits(wall_seconds=2)) as sandbox:
            trace = sandbox.trace("def f(x):\\n    return x + 1\\n", "f(1)")
            print(trace.outcome.value.text)
    """

    def __init__(
        self,
        limits: Limits | None = None,
        isolation: str = "auto",
        workers: int | None = None,
        *,
        determinism: str = "seeded",
        frozen_clock: bool = False,
        profiles: Iterable[str] = (),
        imports: Iterable[str] | None = None,
        confirm: bool = False,
        aliases: bool = False,
    ) -> None:
        granted = known_profiles(profiles)
        if frozen_clock and {"threads", "asyncio"} & set(granted):
            raise SandboxError(
                "frozen_clock cannot go with the profiles 'threads' and 'asyncio', whose waits would "
                "never end; leave one of them out"
            )
        if determinism not in ("seeded", "check"):
            raise SandboxError(f"determinism is {determinism!r}; give 'seeded' or 'check'")
        if workers is not None and (type(workers) is not int or workers < 1):
            raise SandboxError(f"workers is {workers!r}; give a positive whole number, or None")
        self.limits = limits or Limits()
        self.workers = workers or _processors()
        machine.check(self.limits, self.workers)
        tool = jails.choose(isolation)
        self.level: Level = "external" if tool else levels.choose(isolation)
        allowed = None if imports is None else import_names(list(imports))
        setting = Setting(self.level, tool, frozen_clock, granted, allowed, self.limits, aliases)
        self._twice = determinism == "check"
        self._runner = Runner(setting, self.workers, twice=self._twice, confirm=confirm)
        self._finalizer = weakref.finalize(self, self._runner.close)

    def trace(self, source: str, call: str | None = None, setup: str = "") -> Trace:
        """Run a program and record it line by line.

        Args:
            source: the program; its module is named ``__program__`` and its file ``<program>``.
            call: an expression evaluated in its namespace afterwards, whose value is the outcome.
            setup: statements run between the two; when they raise, that is the outcome.

        Raises:
            SourceError: the program is not Python that compiles.
            CallError: the Call is not one expression, or the setup does not compile.
            SandboxError: the sandbox failed, or is closed.
        """
        return self._run_one(Job(source, call, setup), traced=True)

    def trace_all(self, source: str, calls: Iterable[CallLike]) -> list[Trace]:
        """Record several Calls of one program in one child, which is faster; one Trace for each.

        Each Call gets a fresh namespace in which the program's body runs again.

        Args:
            source: the program.
            calls: expressions, or ``(call, setup)``.

        Raises:
            SourceError, CallError, SandboxError: as :meth:`trace`.
        """
        given = jobs.as_jobs(Program(source, tuple(calls)))
        jobs.check_texts(given)
        return self._run(given, traced=True)

    def run(self, source: str, call: str | None = None, setup: str = "") -> Outcome:
        """Run a program without recording it, which is faster; otherwise as :meth:`trace`.

        Raises:
            SandboxError: also where ``determinism="check"``: an Outcome could not tell of it.
        """
        if self._twice:
            raise SandboxError(
                "determinism='check' compares recordings: use Sandbox.trace, or a Sandbox without it"
            )
        return self._run_one(Job(source, call, setup), traced=False).outcome

    def map(self, given: Iterable[JobLike], trusted: bool = False) -> Iterator[Trace]:
        """Record many programs, ``workers`` at once, and yield their Traces in order.

        A :class:`Program` gives one Trace for each of its Calls. Jobs are taken only a few ahead of
        what has been yielded, so they may be infinite. Bad input raises at its place, after the
        Traces of all earlier jobs, and ends the iteration; filter with :meth:`check` to keep going.
        Leaving the iteration early ends what still runs.

        Args:
            given: Jobs, Programs, or tuples ``(source, call)`` or ``(source, call, setup)``.
            trusted: put up to 16 jobs in one child, whatever their programs, which is faster: they
                can see each other, so none may be hostile.

        Raises:
            SourceError, CallError: as :meth:`trace`.
            SandboxError: the sandbox failed, or is closed.
        """

        def checked() -> Iterator[list[Job]]:
            for item in given:
                together = jobs.as_jobs(item)
                jobs.check_texts(together)
                yield together

        def run(together: list[Job], group: Group, deliver: Callable[[Result], None]) -> None:
            self._runner.run(together, True, group, deliver)

        with Batch(self.workers, run) as batch:
            groups = jobs.in_groups(checked(), _TRUSTED) if trusted else checked()
            yield from batch.results(groups)

    @staticmethod
    def check(job: JobLike) -> None:
        """Refuse a job that cannot be run, without running anything.

        Some programs parse and still do not compile (``return`` outside a function); those, and what
        does not parse in texts of more than 64 KiB, are refused only when they are run.

        Raises:
            SourceError, CallError: as :meth:`trace`.
        """
        jobs.check(jobs.as_jobs(job))

    def close(self) -> None:
        """End the warm parents and what runs in them; closing twice is fine."""
        self._finalizer()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _run_one(self, job: Job, traced: bool) -> Trace:
        jobs.check_texts([job])
        return self._run([job], traced)[0]

    def _run(self, together: list[Job], traced: bool) -> list[Trace]:
        found: list[Result] = []
        self._runner.run(together, traced, None, found.append)
        for each in found:
            if isinstance(each, BaseException):
                raise each
        return [each for each in found if isinstance(each, Trace)]


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
