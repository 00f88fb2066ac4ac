"""The public face: run programs that nobody has to trust, one at a time or many at once."""

from __future__ import annotations

import os
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType

from pytrace_mono.errors import PytraceMonoError, SandboxError
from pytrace_mono.tracer.limits import Limits
from pytrace_mono.tracer.sandbox import jails, levels, repeat, result
from pytrace_mono.tracer.sandbox import job as jobs
from pytrace_mono.tracer.sandbox.batch import Batch, Result
from pytrace_mono.tracer.sandbox.job import CallLike, Job, JobLike, Program
from pytrace_mono.tracer.sandbox.pool import Group, Pool
from pytrace_mono.tracer.sandbox.setting import PROFILES, Setting
from pytrace_mono.tracer.sandbox.worker import Reply
from pytrace_mono.tracer.types import Level, Outcome, Trace


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

    Attributes:
        level: the isolation level achieved.
        limits: the bounds on every run.
        workers: runs at the same time in :meth:`map`.

    Raises:
        IsolationUnavailableError: the level cannot be had here.
        SandboxError: ``workers`` is not a positive whole number, ``determinism`` or a profile is
            unknown, or two options exclude each other.

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
    ) -> None:
        profiles = _known(profiles)
        if frozen_clock and profiles & {"threads", "asyncio"}:
            raise SandboxError(
                "frozen_clock cannot go with the profiles 'threads' and 'asyncio', whose waits would "
                "never end; leave one of them out"
            )
        if determinism not in ("seeded", "check"):
            raise SandboxError(f"determinism is {determinism!r}; give 'seeded' or 'check'")
        if workers is not None and (type(workers) is not int or workers < 1):
            raise SandboxError(f"workers is {workers!r}; give a positive whole number, or None")
        self.limits = limits or Limits()
        tool = jails.choose(isolation)
        self.level: Level = "external" if tool else levels.choose(isolation)
        self.workers = workers or _processors()
        setting = Setting(self.level, tool, frozen_clock, tuple(sorted(profiles)))
        self._pool = Pool(setting, keep=self.workers)
        # Its warm parents are others, so that what depends on addresses in memory differs too.
        self._second = Pool(setting, keep=self.workers) if determinism == "check" else None
        self._limits_by_name = self.limits.to_dict()
        self._finalizer = weakref.finalize(self, _close, self._pool, self._second)

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
        jobs.check(given)
        return self._run(given, traced=True)

    def run(self, source: str, call: str | None = None, setup: str = "") -> Outcome:
        """Run a program without recording it, which is faster; otherwise as :meth:`trace`.

        Raises:
            SandboxError: also where ``determinism="check"``: an Outcome could not tell of it.
        """
        if self._second is not None:
            raise SandboxError(
                "determinism='check' compares recordings: use Sandbox.trace, or a Sandbox without it"
            )
        return self._run_one(Job(source, call, setup), traced=False).outcome

    def map(self, given: Iterable[JobLike]) -> Iterator[Trace]:
        """Record many programs, ``workers`` at once, and yield their Traces in order.

        A :class:`Program` gives one Trace for each of its Calls. Jobs are taken only a few ahead of
        what has been yielded, so they may be infinite. Bad input raises at its place, after the
        Traces of all earlier jobs, and ends the iteration; filter with :meth:`check` to keep going.
        Leaving the iteration early ends what still runs.

        Args:
            given: Jobs, Programs, or tuples ``(source, call)`` or ``(source, call, setup)``.

        Raises:
            SourceError, CallError: as :meth:`trace`.
            SandboxError: the sandbox failed, or is closed.
        """

        def checked() -> Iterator[list[Job]]:
            for item in given:
                together = jobs.as_jobs(item)
                jobs.check(together)
                yield together

        def run(together: list[Job], group: Group, deliver: Callable[[Result], None]) -> None:
            self._deliver(together, True, group, deliver)

        with Batch(self.workers, run) as batch:
            yield from batch.results(checked())

    @staticmethod
    def check(job: JobLike) -> None:
        """Refuse a job that cannot be run, without running anything.

        Some programs parse and still do not compile (``return`` outside a function); those are
        refused only when they are run.

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
        jobs.check([job])
        return self._run([job], traced)[0]

    def _run(self, together: list[Job], traced: bool) -> list[Trace]:
        found: list[Result] = []
        self._deliver(together, traced, None, found.append)
        for each in found:
            if isinstance(each, BaseException):
                raise each
        return [each for each in found if isinstance(each, Trace)]

    def _deliver(
        self,
        together: list[Job],
        traced: bool,
        group: Group | None,
        deliver: Callable[[Result], None],
    ) -> None:
        """Run jobs in one child, and hand over a Trace, or an error, for each."""
        request = {
            "items": [
                {"source": job.source, "call": job.call, "setup": job.setup} for job in together
            ],
            "limits": self._limits_by_name,
            "traced": traced,
        }

        def ask(pool: Pool, deliver: Callable[[Result], None]) -> None:
            waiting = iter(together)

            def read(reply: Reply) -> None:
                try:
                    deliver(result.read(reply, next(waiting), self.level, self.limits))
                except PytraceMonoError as error:
                    deliver(error)

            pool.ask(request, read, group)

        if self._second is None:
            ask(self._pool, deliver)
            return
        seconds: deque[Result] = deque()
        ask(self._second, seconds.append)

        def compare(first: Result) -> None:
            second = seconds.popleft()
            if isinstance(first, Trace) and isinstance(second, Trace):
                first = repeat.compare(first, second)
            deliver(first)

        ask(self._pool, compare)


def _close(*pools: Pool | None) -> None:
    for pool in pools:
        if pool is not None:
            pool.close()


def _known(profiles: Iterable[str]) -> frozenset[str]:
    given = frozenset([profiles] if isinstance(profiles, str) else profiles)
    if given <= set(PROFILES):
        return given
    unknown = ", ".join(sorted(repr(name) for name in given - set(PROFILES)))
    raise SandboxError(f"there is no profile {unknown}; choose among: {', '.join(PROFILES)}")


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
