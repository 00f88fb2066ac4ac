"""Jobs to warm parents and what they say to Traces: once, or more often where runs are compared."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from pytrace_mono.errors import PytraceMonoError
from pytrace_mono.tracer.sandbox import job as jobs
from pytrace_mono.tracer.sandbox import repeat, result
from pytrace_mono.tracer.sandbox.batch import Result
from pytrace_mono.tracer.sandbox.job import Job
from pytrace_mono.tracer.sandbox.pool import Group, Pool
from pytrace_mono.tracer.sandbox.setting import Setting
from pytrace_mono.tracer.sandbox.worker import Reply
from pytrace_mono.tracer.types import Trace


class Runner:
    """Runs jobs.

    Args:
        setting: what holds for every run.
        keep: how many idle warm parents are kept.
        twice: run everything a second time and compare.
        confirm: run what is recorded once more without recording, and compare the ends.
    """

    def __init__(
        self,
        setting: Setting,
        keep: int,
        *,
        twice: bool,
        confirm: bool,
    ) -> None:
        self.setting = setting
        self._pool = Pool(setting, keep)
        # Its warm parents are others, so that what depends on addresses in memory differs too.
        self._second = Pool(setting, keep) if twice else None
        self._confirm = confirm

    def run(
        self,
        together: list[Job],
        traced: bool,
        group: Group | None,
        deliver: Callable[[Result], None],
    ) -> None:
        """Run jobs in one child, and hand over a Trace, or an error, for each, in order.

        Args:
            together: the jobs.
            traced: record them.
            group: what they can be cancelled with.
            deliver: takes the results.
        """
        for piece in jobs.pieces(together):
            # Runs to hold the first one against, and how.
            others: list[tuple[deque[Result], Callable[[Trace, Trace], Trace]]] = []
            if self._second is not None:
                others.append((deque(), repeat.compare))
                self._ask(self._second, piece, traced, group, others[-1][0].append)
            if self._confirm and traced:
                others.append((deque(), repeat.confirm))
                self._ask(self._pool, piece, False, group, others[-1][0].append)

            def compare(first: Result, others: Any = tuple(others)) -> None:
                for seconds, how in others:
                    second = seconds.popleft()
                    if isinstance(first, Trace) and isinstance(second, Trace):
                        first = how(first, second)
                deliver(first)

            self._ask(self._pool, piece, traced, group, compare)

    def close(self) -> None:
        """End every warm parent."""
        self._pool.close()
        if self._second is not None:
            self._second.close()

    def _ask(
        self,
        pool: Pool,
        together: list[Job],
        traced: bool,
        group: Group | None,
        deliver: Callable[[Result], None],
    ) -> None:
        items = [(job.source, job.call, job.setup) for job in together]
        waiting = iter(together)
        setting = self.setting

        def read(reply: Reply) -> None:
            try:
                deliver(result.read(reply, next(waiting), setting.level, setting.limits))
            except PytraceMonoError as error:
                deliver(error)

        pool.ask(items, traced, read, group)
