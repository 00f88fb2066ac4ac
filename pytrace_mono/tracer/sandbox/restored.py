"""A child that runs one program after another and is put back, after each, to what it was before.

To fork a process, and to end it, costs more than to run a short program in it. A child of this kind is
forked once. It shuts itself in and stops, and is saved as it is; when a program has run in it, it stops
again, and the warm parent puts registers and memory back from outside, so that nothing is left of the
program, whatever it did to them. What else a program may change it changes by system calls: of all but
a few that change nothing (``syscalls.of_restored``) the filter tells the warm parent, and such a child
ends with the run that it is in, as every child does where none can be restored.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time

from pytrace_mono.tracer.sandbox import kernel, seccomp, wire
from pytrace_mono.tracer.sandbox.checkpoint import Checkpoint, Room
from pytrace_mono.tracer.sandbox.confine import processor_limit
from pytrace_mono.tracer.sandbox.ptrace import Tracee
from pytrace_mono.tracer.sandbox.watch import Begun, Child, Ended, Main

_LONG_SECONDS = 0.05
"""A child whose run takes longer than this ends with it. To make another costs little beside that, and
no limit on processor time can pass before, whose signal might wait for the next run."""

_SHORT_MS = 2
"""A run that has stopped by then wakes its warm parent up once, not by its result as well."""

_TOLD_AT_ONCE = 64
"""After so many calls that it is told of, it looks at what that cost."""

_LIMITED_SECONDS = 0.5
"""Processor time that may be used before the limit is set anew, which takes long; it has a second to
spare."""

_PIPE_BYTES = 1 << 16
"""As much as a pipe holds, unless the user has very many of them."""

_SIGNAL_INFO_BYTES = 128


class RestoredChild(Child):
    """One such child.

    Args:
        pid: its process id; it is on its way to be saved.
        reader: read end of its result pipe.
        work: write end of the pipe by which it is told what to run.
        begun: tells whether it has begun to run programs.
        main: the process that asked.
        proc: a descriptor of /proc.
        stops: one that can be read when a child has stopped, or ended.
        room: where it is saved.

    Attributes:
        runs: how many there were.

    Raises:
        OSError: it cannot be saved, or not restored; it has been ended.
    """

    has_a_past = True
    __slots__ = (
        "_checkpoint",
        "_clock",
        "_fault_fd",
        "_is_new",
        "_is_ready",
        "_is_spent",
        "_limited",
        "_limited_at",
        "_most_seconds",
        "_only_stops",
        "_own_used",
        "_spent_at",
        "_stops",
        "_told",
        "_tracee",
        "_used",
        "_work",
        "runs",
    )

    def __init__(
        self,
        pid: int,
        reader: int,
        work: int,
        begun: Begun,
        main: Main,
        proc: int,
        stops: int,
        room: Room,
    ) -> None:
        super().__init__(pid, reader, b"", begun, main, is_alone=False)
        self._work = work
        self._checkpoint: Checkpoint | None = None
        self._fault_fd = -1
        self._clock = ~pid << 3 | 2  # As clock_getcpuclockid(3) makes it.
        self._most_seconds = processor_limit()
        self._used = self._own_used = self._limited_at = self._spent_at = 0.0
        self._limited = self._told = self.runs = 0
        self._is_new = self._is_ready = self._is_spent = False
        self._stops = stops
        self._poll.register(stops, select.POLLIN)
        self._only_stops = select.poll()
        self._only_stops.register(stops, select.POLLIN)
        try:
            self._save(proc, room)
        except BaseException:  # SIGTERM too: nobody else knows of this child yet
            self.end(tell=False)
            raise

    def _save(self, proc: int, room: Room) -> None:
        self._tracee = Tracee(self._pid)
        self._fault_fd = kernel.pidfd_getfd(self._ended, os.read(self._reader, 1)[0])
        self._tracee.go_on()
        stop = self._tracee.stop(wait=True)
        if stop is None or stop.answer != seccomp.READY_DATA:
            raise OSError("a child that was to be restored did not become ready")
        self._tracee.finish_call()
        directory = _directory_of(self._ended, proc)
        try:
            self._checkpoint = Checkpoint(self._pid, self._tracee, self._fault_fd, directory, room)
        finally:
            os.close(directory)

    def start(self, items: bytes, nonce: bytes, cpu_seconds: int) -> bool:
        """Run some items; False where that is not for a child like this.

        Args:
            items: JSON of a list of them.
            nonce: what its messages are to carry.
            cpu_seconds: processor time after which the kernel ends it.

        Raises:
            OSError: it is gone.
        """
        work = wire.work(nonce, items)
        if len(work) > _PIPE_BYTES:
            return False  # It could only be written while it runs, and to read it would take new memory.
        self.runs += 1
        self._nonce = nonce
        self._buffer.clear()
        self._begun.forget()
        self._is_new, self._is_ready = True, False
        self._spent_at = time.monotonic() + _LONG_SECONDS
        self._used, self._own_used = time.clock_gettime(self._clock), time.process_time()
        if self._used > self._limited_at + _LIMITED_SECONDS or self._limited != cpu_seconds:
            self._limited, self._limited_at = cpu_seconds, self._used
            if self._latest_second > self._most_seconds and self.runs > 1:
                raise OSError("it has used up what this machine gives a process")
            latest = min(self._latest_second, self._most_seconds)
            kernel.limit_processor(self._pid, latest, self._most_seconds)
        if os.write(self._work, work) != len(work):
            raise OSError("a pipe that is smaller than others")
        self._tracee.go_on()
        return True

    def rests(self) -> bool:
        while not self._is_ready and not self._is_spent and (left := self._seconds_left()):
            if self._only_stops.poll(left * 1000):
                self._attend()
        return not self._is_spent and self._seconds_left() > 0

    def restore(self) -> bool:
        try:
            with contextlib.suppress(BlockingIOError):
                while os.read(self._reader, _PIPE_BYTES):
                    pass  # What it wrote after its result is nobody's.
            assert self._checkpoint is not None
            self._tracee.finish_call()
            self._checkpoint.restore()
        except OSError:
            return False
        return True

    def end(self, tell: bool) -> tuple[int, float]:
        """See :meth:`Child.end`; of processor time that of the last run is told, with this process's."""
        os.close(self._work)
        if self._fault_fd >= 0:
            os.close(self._fault_fd)
        if self._checkpoint is not None:
            self._checkpoint.close()
        status, seconds = super().end(tell)
        if not tell:
            return status, 0.0
        return status, seconds - self._used + self._own_seconds()

    def _seconds_left(self) -> float:
        """Until its run takes too long for it to be restored; 0 from then on."""
        return max(0.0, self._spent_at - time.monotonic())

    def _own_seconds(self) -> float:
        """Processor time that this process has used since the run began."""
        return time.process_time() - self._own_used

    @property
    def _latest_second(self) -> int:
        """Of processor time, for this run."""
        return int(self._limited_at) + 1 + self._limited

    def _wait(self, milliseconds: float) -> dict[int, int]:
        if self._is_new:
            self._is_new = False
            if self._only_stops.poll(_SHORT_MS):
                self._attend()
            milliseconds = 0
        elif self._is_ready:
            milliseconds = 0
        elif not self._is_spent:
            left = self._seconds_left()
            if not left:
                self._spend()
            milliseconds = min(milliseconds, left * 1000)
        ready = dict(self._poll.poll(milliseconds))
        if ready.pop(self._stops, None) is not None:
            self._attend()
        elif self._is_ready and self._reader not in ready:
            raise Ended("died")  # What it sent before it stopped would be there.
        return self._of_child(ready)

    def _attend(self) -> None:
        """Let it go on from where it stopped, unless that is the end of its run."""
        os.read(self._stops, _SIGNAL_INFO_BYTES)
        with contextlib.suppress(ProcessLookupError):  # It may have been killed meanwhile.
            while (stop := self._tracee.stop()) is not None:
                if stop.answer == seccomp.READY_DATA:
                    self._is_ready = True
                    return
                if stop.signal == signal.SIGSTOP:
                    return  # As it asked for.
                if stop.answer:
                    self._spend()
                    self._count()
                self._tracee.go_on_with(stop.signal)

    def _count(self) -> None:
        """To be told takes processor time, which is used for the program."""
        self._told += 1
        if self._told % _TOLD_AT_ONCE == 0 and self._own_seconds() > self._limited:
            kernel.kill(self._pid)

    def _spend(self) -> None:
        """From now on it is like any other child, whose limit it cannot raise; it ends with this run."""
        if not self._is_spent:
            self._is_spent = True
            latest = min(self._latest_second, self._most_seconds)
            kernel.limit_processor(self._pid, latest, latest)


def _directory_of(ended: int, proc: int) -> int:
    """A process's directory under /proc, by its pidfd: its number there may be another than here."""
    with open(os.open(f"self/fdinfo/{ended}", os.O_RDONLY, dir_fd=proc)) as lines:
        numbers = [line.split()[1] for line in lines if line.startswith("Pid:")]
    return os.open(numbers[0], os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=proc)
