"""The children of a warm parent that are restored from run to run: when to make one, and their end."""

from __future__ import annotations

import errno
import os
import signal
from dataclasses import dataclass, field

from pytrace_mono.tracer.sandbox import child, kernel, ptrace, signals
from pytrace_mono.tracer.sandbox.checkpoint import Room
from pytrace_mono.tracer.sandbox.restored import RestoredChild
from pytrace_mono.tracer.sandbox.setting import Setting
from pytrace_mono.tracer.sandbox.watch import Begun, Child, Main

_PAYS_FROM = 13
"""Runs; to make such a child costs what it saves in nearly so many."""

_LONGEST_REST = 256
"""Runs for which none is made after several in a row did not pay."""

_PASSING = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE)


class Restorer:
    """At most two children: one whose steps are recorded, and one whose steps are not.

    Made while this process still sees /proc, and before a filter is in force.

    Args:
        setting: what holds for every child.
        begun: tells whether a child has begun to run programs.
        main: the process that asked.

    Attributes:
        possible: as far as is known.
    """

    def __init__(self, setting: Setting, begun: Begun, main: Main) -> None:
        self._begun = begun
        self._main = main
        self._kinds = {traced: _Kind() for traced in (False, True)}
        # Elsewhere a program can change more than its own process.
        self.possible = ptrace.POSSIBLE and setting.level == "isolated" and not setting.profiles
        self._proc = self._stops = -1
        if not self.possible:
            return
        try:
            self._proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            self._stops = kernel.signalfd(signal.SIGCHLD)
        except OSError:
            self._give_up()
        else:
            signals.set_mask(signals.BLOCK, child.BLOCKED)

    def find(self, traced: bool) -> RestoredChild | None:
        """The one there is."""
        return self._kinds[traced].child

    def wants(self, traced: bool) -> bool:
        """Asked once before each run that finds none: is one to be made?"""
        kind = self._kinds[traced]
        kind.rests_for -= 1
        return self.possible and kind.rests_for < 0

    def take(self, traced: bool, pid: int, reader: int, work: int) -> RestoredChild | None:
        """Save a child that was forked for this; None where that cannot be done.

        Args:
            traced: whether its steps are recorded.
            pid: its process id.
            reader: read end of its result pipe.
            work: write end of the pipe by which it is told what to run.
        """
        kind = self._kinds[traced]
        try:
            kind.child = RestoredChild(
                pid, reader, work, self._begun, self._main, self._proc, self._stops, kind.room
            )
        except OSError as error:
            if error.errno in _PASSING:
                kind.rest_longer()
            else:
                self._give_up()  # Something that it needs is refused.
        return kind.child

    def end(self, ended: Child, tell: bool) -> tuple[int, float]:
        """End a child, of this kind or another; see :meth:`Child.end`."""
        for kind in self._kinds.values():
            if kind.child is ended:
                if kind.child.runs < _PAYS_FROM:
                    kind.rest_longer()
                else:
                    kind.rest = kind.rests_for = 0
                kind.child = None
        return ended.end(tell)

    def close(self) -> None:
        """End those that there are."""
        for kind in self._kinds.values():
            if kind.child is not None:
                self.end(kind.child, tell=False)

    def _give_up(self) -> None:
        self.close()
        self.possible = False
        for fd in (self._proc, self._stops):
            if fd >= 0:
                os.close(fd)
        self._kinds = {traced: _Kind() for traced in (False, True)}


@dataclass
class _Kind:
    room: Room = field(default_factory=Room)
    child: RestoredChild | None = None
    rest: int = 0
    rests_for: int = 0

    def rest_longer(self) -> None:
        """Make no other for some runs, and for more of them each time."""
        self.rest = min(2 * self.rest + 1, _LONGEST_REST)
        self.rests_for = self.rest
