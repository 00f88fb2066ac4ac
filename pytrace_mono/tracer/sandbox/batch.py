"""Many jobs at once, with results in order, and jobs taken only a little ahead of them."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from types import TracebackType

from pytrace_mono.tracer.sandbox.job import Job
from pytrace_mono.tracer.sandbox.pool import Group
from pytrace_mono.tracer.types import Trace

_Box = SimpleQueue["Trace | BaseException"]
"""Where the result of one job appears."""


class Batch:
    """A few threads that wait for warm parents; a context manager that leaves nothing running.

    Args:
        workers: how many jobs run at once.
        run: runs one job as part of a group that can be cancelled.
    """

    def __init__(self, workers: int, run: Callable[[Job, Group], Trace]) -> None:
        self._ahead = 2 * workers + 2
        self._run = run
        self._group = Group()
        self._jobs: SimpleQueue[tuple[Job, _Box] | None] = SimpleQueue()
        # Daemons, so that a half-read iterator does not hold up the end of the main process.
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(workers)]

    def results(self, jobs: Iterator[Job]) -> Iterator[Trace]:
        """Yield each job's Trace, in order; an error is raised at the place of its job."""
        boxes: deque[_Box] = deque()
        fault: BaseException | None = None
        while True:
            try:
                job = next(jobs)
            except StopIteration:
                break
            except Exception as error:
                fault = error
                break
            box: _Box = SimpleQueue()
            boxes.append(box)
            self._jobs.put((job, box))
            while boxes and (len(boxes) >= self._ahead or not boxes[0].empty()):
                yield _open(boxes.popleft())
        while boxes:
            yield _open(boxes.popleft())
        if fault is not None:
            raise fault

    def __enter__(self) -> Batch:
        for thread in self._threads:
            thread.start()
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
            job, box = item
            try:
                box.put(self._run(job, self._group))
            except BaseException as error:
                box.put(error)


def _open(box: _Box) -> Trace:
    content = box.get()
    if isinstance(content, BaseException):
        raise content
    return content
