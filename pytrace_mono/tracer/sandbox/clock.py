"""A clock that stands still: every run sees the same instant, moved on by ``time.sleep`` alone.

In a child it takes the place of ``time``'s functions and of ``datetime.now``, so that equal runs have
equal recordings also where a program asks for the time. Other ways to learn it (``os.times``, the
date of a file) are left as they are.
"""

from __future__ import annotations

import ctypes
import datetime
import gc
import time
from collections.abc import Callable
from typing import Any

START = 1_704_067_200
"""2024-01-01 00:00:00 UTC, in seconds since the epoch: when every run begins."""

_NANO = 1_000_000_000
_OF_PROCESSOR = {
    getattr(time, name, None) for name in ("CLOCK_PROCESS_CPUTIME_ID", "CLOCK_THREAD_CPUTIME_ID")
}


class FrozenClock:
    """The clock of one process, in force from now on; only for a child."""

    def __init__(self) -> None:
        self._slept = 0  # nanoseconds
        for name, nanoseconds in (
            ("time", self._since_epoch),
            ("monotonic", self._since_start),
            ("perf_counter", self._since_start),
            ("process_time", _nothing),
            ("thread_time", _nothing),
            ("clock_gettime", self._of),
        ):
            setattr(time, f"{name}_ns", nanoseconds)
            setattr(time, name, _in_seconds(nanoseconds))
        gmtime, strftime, asctime = time.gmtime, time.strftime, time.asctime

        def now(seconds: float | None = None) -> time.struct_time:
            return gmtime(time.time() if seconds is None else seconds)

        changed: Any = time
        changed.sleep = self._sleep
        changed.gmtime = changed.localtime = now
        changed.strftime = lambda form, when=None: strftime(form, now() if when is None else when)
        changed.asctime = lambda when=None: asctime(now() if when is None else when)
        changed.ctime = lambda seconds=None: asctime(now(seconds))
        _freeze_datetime()

    def reset(self) -> None:
        """Go back to the instant at which every run begins."""
        self._slept = 0

    def _since_epoch(self) -> int:
        return START * _NANO + self._slept

    def _since_start(self) -> int:
        return self._slept

    def _of(self, which: int) -> int:
        if which in _OF_PROCESSOR:
            return 0
        return self._since_epoch() if which == time.CLOCK_REALTIME else self._slept

    def _sleep(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        self._slept += int(seconds * _NANO)


def _nothing() -> int:
    return 0


def _in_seconds(nanoseconds: Callable[..., int]) -> Callable[..., float]:
    return lambda *which: nanoseconds(*which) / _NANO


def _freeze_datetime() -> None:
    """``now`` and ``utcnow`` ask the system, where ``today`` calls ``time.time``.

    A subclass would show in a program's values, so the class itself is changed, in its own dict.
    """

    def now(cls: type[datetime.datetime], tz: datetime.tzinfo | None = None) -> datetime.datetime:
        return cls.fromtimestamp(time.time(), tz)

    def utcnow(cls: type[datetime.datetime]) -> datetime.datetime:
        return cls.fromtimestamp(time.time(), datetime.timezone.utc).replace(tzinfo=None)

    names: Any = gc.get_referents(vars(datetime.datetime))[0]
    names["now"], names["utcnow"] = classmethod(now), classmethod(utcnow)
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(datetime.datetime))
