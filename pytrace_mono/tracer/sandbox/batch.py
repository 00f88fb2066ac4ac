"""Many jobs at once, with results in order, and jobs taken only a little ahead of them."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from types import TracebackType

from pytrace_mono.errors import SandboxError
from pytrace_mono.tracer.sandbox.job import Job
from pytrace_mono.tracer.sandbox.machine import NO_FORK
from pytrace_mono.tracer.sandbox.pool import Group
from pytrace_mono.tracer.types import Trace

Result = Trace | BaseException
_Box = SimpleQueue[Result]
"""Where the results of one child's jobs appear."""


class Batch:
    """A few threads that wait for warm parents; a context manager that leaves nothing running.

    Args:
        workers: how many jobs run at once.
        run: runs the jobs of one child, as part of a group that can be cancelled, and hands over the
            result of each.
    """

    def __init__(
        self, workers: int, run: Callable[[list[Job], Group, Callable[[Result], None]], None]
    ) -> None:
        self._ahead = 2 * workers + 2
        self._run = run
        self._group = Group()
        self._jobs: SimpleQueue[tuple[list[Job], _Box] | None] = SimpleQueue()
        # Daemons, so that a half-read iterator does not hold up the end of the main process.
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(workers)]

    def results(self, jobs: Iterator[list[Job]]) -> Iterator[Trace]:
        """Yield each job's Trace, in order; an error is raised at the place of its job.

        Args:
            jobs: each item holds those that share a child.
        """
        boxes: deque[tuple[int, _Box]] = deque()
        fault: BaseException | None = None
        while True:
            try:
                together = next(jobs)
            except StopIteration:
                break
            except Exception as error:  # The caller's iterator may raise anything; it gets it back.
                fault = error
                break
            box: _Box = SimpleQueue()
            boxes.append((len(together), box))
            self._jobs.put((together, box))
            while boxes and (len(boxes) >= self._ahead or not boxes[0][1].empty()):
                yield from _open(*boxes.popleft())
        while boxes:
            yield from _open(*boxes.popleft())
        if fault is not None:
            raise fault

    def __enter__(self) -> Batch:
        started = 0
        try:
            for thread in self._threads:
                thread.start()
                started += 1
        except RuntimeError as error:
            wanted, self._threads = len(self._threads), self._threads[:started]
            self.__exit__(None, None, None)
            raise SandboxError(f"{error} for {wanted} workers: {NO_FORK}") from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._group.cancel()
        for _ in self._threads:
            self._jobs.put(None)
        if sys.is_finalizing():
            return  # Daemon threads stand still by now; waiting for one would never end.
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while True:
            item = self._jobs.get()
            if item is None:
                return
            together, box = item
            try:
                self._run(together, self._group, box.put)
            # To be raised where the result is waited for, which would otherwise be for ever.
            except BaseException as error:
                box.put(error)


def _open(count: int, box: _Box) -> Iterator[Trace]:
    for _ in range(count):
        content = box.get()
        if isinstance(content, BaseException):
            raise content
        yield content
