"""One pass over Problems: each is run, asked about and checked, many of them side by side."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from pytrace_mono.records import Direction
from pytrace_mono.synth.asking import Asker, Made
from pytrace_mono.synth.breaker import Breaker
from pytrace_mono.synth.ledger import Ledger
from pytrace_mono.synth.memory import give_back
from pytrace_mono.synth.monologue import Judge
from pytrace_mono.synth.problems import Located
from pytrace_mono.synth.rejects import Reject
from pytrace_mono.synth.teacher import Teacher
from pytrace_mono.synth.window import Window
from pytrace_mono.tracer.sandbox import Sandbox

T = TypeVar("T")

_BETWEEN_GIVING_BACK = 1_000  # Problems; it takes less than a millisecond


@dataclass(frozen=True)
class Wanted:
    """What is asked of a teacher.

    Attributes:
        directions: which monologues.
        show_trace: whether a model is shown the recording of the run that it explains.
        samples: how often a model is asked for a row, until one completion is kept.
        revise: whether it is then asked once to put right what was wrong.
    """

    directions: Sequence[Direction]
    show_trace: bool = True
    samples: int = 1
    revise: bool = False


class Pass:
    """Goes over Problems once; lives in one event loop.

    Args:
        box: runs the programs.
        teacher: whom to ask.
        wanted: what to ask.
        ledger: told what becomes of each row, where there is one.
        take: given what was made of each Problem, and each Reject, in the order of the input.
    """

    def __init__(
        self,
        box: Sandbox,
        teacher: Teacher,
        wanted: Wanted,
        ledger: Ledger | None,
        take: Callable[[Made | Reject], None],
    ) -> None:
        self._teacher = teacher
        self._take = take
        self._taken = 0
        self._threads = ThreadPoolExecutor(box.workers, "sandbox")
        judge = Judge(
            teacher,
            self._threads,
            Breaker(),
            ledger,
            show_trace=wanted.show_trace,
            samples=wanted.samples,
            revise=wanted.revise,
        )
        self._asker = Asker(box, self._threads, judge, wanted.directions)
        # Enough Problems side by side that neither the sandbox nor the teacher has to wait.
        self._ahead = max(2 * box.workers, getattr(teacher, "concurrency", 0)) + 2

    def go(self, items: Iterator[Located | Reject]) -> None:
        """Take every item through.

        Raises:
            TeacherError: the teacher is gone; what was done until then has been taken.
        """
        # Invalid escapes in programs and answers are their authors'; the filters are set once here
        # because they belong to the whole process, not to one thread.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            in_a_loop(self._go(items))

    async def _go(self, items: Iterator[Located | Reject]) -> None:
        window: Window[Made | Reject] = Window(self._ahead)
        try:
            for item in items:
                if isinstance(item, Reject):
                    window.add(item)
                else:
                    window.begin(self._asker.rows_of(item))
                while window.full:
                    await self._take_done(window)
            while len(window):
                await self._take_done(window)
        finally:
            # After an early end: what is done is taken, the rest is ended.
            try:
                for made in await window.end():
                    self._take(made)
            finally:  # also where nothing more can be written: what was asked is waited for
                close = getattr(self._teacher, "aclose", None)
                if close is not None:
                    await close()
                self._threads.shutdown(wait=False, cancel_futures=True)

    async def _take_done(self, window: Window[Made | Reject]) -> None:
        await window.wait()  # raises what stops the run, wherever it happened
        for made in window.take():
            self._take(made)
            self._taken += 1
            if self._taken % _BETWEEN_GIVING_BACK == 0:
                give_back()


def in_a_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run in an event loop of its own, also where there is one already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def first(items: Iterator[Located | Reject], limit: int | None) -> Iterator[Located | Reject]:
    """The items up to so many Problems; all where there is no limit."""
    left = limit
    for item in items:
        if isinstance(item, Located) and left is not None:
            if left <= 0:
                return
            left -= 1
        yield item
