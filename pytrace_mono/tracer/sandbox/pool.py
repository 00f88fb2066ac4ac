"""Which warm parent runs what: idle ones are reused, and as many as are asked at once are started."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from pytrace_mono.errors import SandboxError
from pytrace_mono.tracer.sandbox.setting import Setting
from pytrace_mono.tracer.sandbox.worker import Item, Reply, Worker, WorkerDied


class Cancelled(Exception):
    """The group that a request belongs to was cancelled."""


class Group:
    """Requests that can be cancelled together, from another thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._busy: set[Worker] = set()
        self.cancelled = False

    def cancel(self) -> None:
        """End what runs; requests still to come are refused."""
        with self._lock:
            self.cancelled = True
            for worker in self._busy:
                worker.interrupt()

    def enter(self, worker: Worker) -> None:
        with self._lock:
            if self.cancelled:
                raise Cancelled
            self._busy.add(worker)

    def leave(self, worker: Worker) -> None:
        with self._lock:
            self._busy.discard(worker)


class Pool:
    """The warm parents of one Sandbox, started when first needed; safe to use from many threads.

    Args:
        setting: what holds for every run.
        keep: how many idle warm parents are kept.
    """

    def __init__(self, setting: Setting, keep: int) -> None:
        self._setting = setting
        self._keep = keep
        self._lock = threading.Lock()
        self._idle: list[Worker] = []
        self._everyone = Group()
        self._owner = os.getpid()

    def ask(
        self,
        items: list[Item],
        traced: bool,
        deliver: Callable[[Reply], None],
        group: Group | None = None,
    ) -> None:
        """Run items in a warm parent; when that dies, the rest in a new one.

        Args:
            items: what to run.
            traced: record them.
            deliver: called with how each item ended, in order.
            group: what they can be cancelled with.

        Raises:
            SandboxError: a warm parent did not start, or died twice, or the Sandbox is closed.
            Cancelled: ``group`` was cancelled.
        """
        left = list(items)
        deaths = 0

        def delivered(reply: Reply) -> None:
            nonlocal deaths
            deaths = 0
            left.pop(0)
            deliver(reply)

        while left:
            try:
                self._ask_one(list(left), traced, delivered, group)
                return
            except WorkerDied as error:
                deaths += 1
                if group is not None and group.cancelled:
                    raise Cancelled from None
                if self._everyone.cancelled:
                    raise _closed() from None
                if deaths == 2:
                    raise SandboxError(
                        f"the sandbox's warm parent died twice on one program ({error}); at level "
                        "'guard' a program can kill it, so use isolation='confined' where it can "
                        "be had"
                    ) from error
            except Cancelled:
                if self._everyone.cancelled:
                    raise _closed() from None
                raise

    def close(self) -> None:
        """End every warm parent; requests that run end in an error."""
        if os.getpid() != self._owner:
            return  # A forked copy of the main process.
        self._everyone.cancel()
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.close()

    def _ask_one(
        self,
        items: list[Item],
        traced: bool,
        deliver: Callable[[Reply], None],
        group: Group | None,
    ) -> None:
        worker = self._take()
        groups = [self._everyone, *([group] if group is not None else [])]
        try:
            for each in groups:
                each.enter(worker)
            worker.ask(items, traced, deliver)
        # Also for KeyboardInterrupt: the worker must not be handed to the next request.
        except BaseException:
            for each in groups:
                each.leave(worker)
            worker.close()  # An interrupted request may still run in it.
            raise
        for each in groups:
            each.leave(worker)
        self._give_back(worker)

    def _take(self) -> Worker:
        with self._lock:
            if self._owner != os.getpid():
                # This is a forked copy of the main process, which must not share its pipes.
                self._owner = os.getpid()
                for worker in self._idle:
                    worker.abandon()
                self._idle.clear()
                self._everyone = Group()
            if self._everyone.cancelled:
                raise _closed()
            if self._idle:
                return self._idle.pop()
        return Worker(self._setting)

    def _give_back(self, worker: Worker) -> None:
        with self._lock:
            if len(self._idle) < self._keep and not self._everyone.cancelled:
                self._idle.append(worker)
                return
        worker.close()


def _closed() -> SandboxError:
    return SandboxError("this Sandbox is closed; make a new one")
