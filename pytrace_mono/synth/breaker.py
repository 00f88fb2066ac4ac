"""Stops a run whose teacher is gone, instead of dropping row after row."""

from __future__ import annotations

from pytrace_mono.errors import TeacherError, UnansweredError
from pytrace_mono.synth.openai_client import RequestError

MAX_FAILURES = 8


class Breaker:
    """Counts failures in a row.

    A request that was refused for what it asks, say because it is too long for the model, says nothing
    of the next one, unless nothing at all was answered yet.

    Attributes:
        stopped: the reason to stop; None while all is well.
    """

    def __init__(self, max_failures: int = MAX_FAILURES) -> None:
        self.stopped: TeacherError | None = None
        self._max_failures = max_failures
        self._failures = 0
        self._answered = False

    def check(self) -> None:
        """Call before asking.

        Raises:
            TeacherError: the run is being stopped; nobody should be asked any more.
        """
        if self.stopped is not None:
            raise self.stopped

    def succeeded(self) -> None:
        """A completion came: the row of failures is over."""
        self._failures = 0
        self._answered = True

    def failed(self, error: TeacherError) -> None:
        """Count a failure.

        Raises:
            TeacherError: this one is fatal, or one too many in a row.
        """
        self.check()  # the first reason is the one to tell
        if isinstance(error, UnansweredError):
            return  # nothing was asked
        if isinstance(error, RequestError) and error.of_this_request and self._answered:
            return
        self._failures += 1
        if error.fatal:
            self.stopped = error
        elif self._failures >= self._max_failures:
            self.stopped = TeacherError(
                f"{self._failures} requests in a row failed, the last one: {error}", fatal=True
            )
        self.check()
