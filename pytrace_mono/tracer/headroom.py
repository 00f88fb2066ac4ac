"""Room for the recorder's own calls when the program has nearly used up the recursion limit.

A trace function that runs into the limit is removed without a word (cpython#134216), which would end
the recording of every program that recurses without end. So the limit is raised while the program is
deep, and lowered again once it is not; and the call with which the program would have passed its own
limit is refused by the recorder, at the very same depth, as the interpreter would have done. An error
raised by a trace function removes that function too: :class:`Rearm` puts it back.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from sys import getrecursionlimit, setrecursionlimit
from types import FrameType
from typing import Any

from pytrace_mono.tracer.kept import BUILTINS

__builtins__ = BUILTINS

_CALLS_BETWEEN = 4 if sys.version_info < (3, 12) else 3
"""Levels from a program's frame to the ``setrecursionlimit`` in :meth:`Headroom.refuses`.

Until 3.11 a call of a C function counts as one.
"""


class Headroom:
    """Watches how deep the program is.

    Args:
        need: levels that a callback of the recorder may take.

    Attributes:
        usual: the program's own limit.
        low: the depth from which there may be too little room. Where ``usual`` is in force and
            ``setrecursionlimit(low)`` is no error, :meth:`refuses` need not be asked.
    """

    __slots__ = ("_need", "_raised", "low", "usual")

    def __init__(self, need: int) -> None:
        self._need = need
        self.usual = getrecursionlimit()
        self.low = max(1, self.usual - need)
        self._raised = False

    def refuses(self) -> bool:
        """To be asked at each call event: is this frame beyond the program's own recursion limit?

        Must be called from the trace function itself, whose distance to the program is known.
        """
        limit = self.usual
        if getrecursionlimit() != (limit + self._need if self._raised else limit):
            limit = self.usual = getrecursionlimit()  # the program has set one of its own
            self.low = max(1, limit - self._need)
            self._raised = False
        try:
            # There is no way to ask for the depth, but a limit below it is an error.
            setrecursionlimit(self.low)
        except RecursionError:
            pass
        else:
            setrecursionlimit(limit)
            self._raised = False
            return False
        try:
            setrecursionlimit(limit + _CALLS_BETWEEN)
            beyond = False
        except RecursionError:
            beyond = True
        setrecursionlimit(limit + self._need)
        self._raised = True
        return beyond

    def restore(self) -> None:
        """Put the program's own limit back in force."""
        if self._raised and getrecursionlimit() == self.usual + self._need:
            setrecursionlimit(self.usual)
        self._raised = False


class Rearm:
    """A local trace function that does its work when it is thrown away.

    CPython reacts to an error in a trace function by removing the global one and then dropping the
    frame's own: when that is the last reference to a Rearm, tracing goes on.
    """

    __slots__ = ("_restart",)

    def __init__(self, restart: Callable[[], None]) -> None:
        self._restart = restart

    def __call__(self, frame: FrameType, event: str, arg: Any) -> Any:
        return self

    def __del__(self) -> None:
        self._restart()
