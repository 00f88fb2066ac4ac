"""The warm parent: imports once, then has children run what it is asked to, and watches over them.

Started by :mod:`pytrace_mono.tracer.sandbox.worker` with requests on its standard input and replies
on its standard output. It has one thread, and one child that runs at a time: one that it forks for the
request, or one that it restores from run to run. It ends when its pipes do.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import time
from dataclasses import replace
from functools import partial

from pytrace_mono.tracer.sandbox import child, dense, kernel, landlock, namespaces, wire
from pytrace_mono.tracer.sandbox.confine import Jail
from pytrace_mono.tracer.sandbox.integrity import Guard
from pytrace_mono.tracer.sandbox.pinned import Pinned
from pytrace_mono.tracer.sandbox.report import Reserve, to_json
from pytrace_mono.tracer.sandbox.restorer import Restorer
from pytrace_mono.tracer.sandbox.scratch import Scratch
from pytrace_mono.tracer.sandbox.setting import Setting
from pytrace_mono.tracer.sandbox.stage import ENTRIES, Clean
from pytrace_mono.tracer.sandbox.surroundings import Surroundings
from pytrace_mono.tracer.sandbox.syscalls import BEGUN_FD, RESULT_FD, WORK_FD
from pytrace_mono.tracer.sandbox.watch import Begun, Child, Main, MainProcessGone
from pytrace_mono.tracer.sandbox.written import Memory, Run

GRACE_SECONDS = 0.5
"""How long after ``wall_seconds`` a child that has not ended by itself is killed."""

_OF_CHILDREN = (RESULT_FD, BEGUN_FD, WORK_FD)
_USUAL_HEAD = to_json({"end": "frame", "notes": (), "status": 0, "cpu": 0.0})


def main(setting: str, main_ended: int) -> None:
    """Serve requests until the pipes end.

    Args:
        setting: what holds for every child, as :meth:`Setting.to_json` wrote it.
        main_ended: a descriptor that becomes readable when the process that asks has ended, or -1.
    """
    # Children find their pipes at these numbers, so nothing of ours may live there.
    while (null := os.open(os.devnull, os.O_RDWR)) < RESULT_FD:
        pass
    requests, replies = os.dup(0), os.dup(1)
    if main_ended in _OF_CHILDREN:
        main_ended = os.dup(main_ended)
    for number in _OF_CHILDREN:
        os.dup2(null, number)
    os.dup2(null, 0)
    os.dup2(null, 1)
    # A broken pipe: whoever asked is gone.
    with contextlib.suppress(BrokenPipeError, MainProcessGone):
        zygote = _Zygote(Setting.from_json(setting), Main(main_ended, requests), requests, replies)
        try:
            zygote.serve()
        finally:
            zygote.close()


class _Zygote:
    def __init__(self, setting: Setting, main_process: Main, requests: int, replies: int) -> None:
        self._main = main_process
        self._requests = requests
        self._replies = replies
        reserve = Reserve()
        self._pinned, memory, self._begun = Pinned(), Memory(), Begun()
        self._restorer = Restorer(setting, self._begun, main_process)
        address_space = _address_space()
        granted = landlock.grants() if setting.level != "guard" else []
        with_scratch = "scratch" in setting.profiles
        if setting.level == "isolated":
            places = [(grant.path, grant.real) for grant in granted]
            namespaces.enter(places, main_process.ended, with_scratch)
        self._scratch = Scratch(setting.level in ("isolated", "external")) if with_scratch else None
        folder = "/"
        if self._scratch is not None:
            folder = self._scratch.path
            granted.append(landlock.to_write(folder))
        jail = Jail(setting, granted, folder, address_space)
        guard = Guard((*ENTRIES, main))
        surroundings = Surroundings(setting, folder)
        parent = child.Parent(os.getpid(), jail, reserve, guard, Clean(), surroundings, self)
        self._parent = parent
        plain = Surroundings(Setting(setting.level), folder)
        child.rehearse(replace(parent, pid=os.getppid(), surroundings=plain))
        gc.collect()
        gc.disable()
        gc.freeze()
        dense.fill_gaps()
        restores = self._restorer.possible
        self._kinds = {
            traced: child.Request.prepare(setting.limits, traced, setting.aliases, parent, restores)
            for traced in (False, True)
        }
        self._traced = True  # That one was prepared last, which has entered its stage.
        self._written: dict[bool, list[Run]] = {}
        if self._pinned.possible:
            self._find_written(memory)
        memory.close()

    def serve(self) -> None:
        signal.signal(signal.SIGTERM, _terminated)
        folder = self._scratch.outside if self._scratch is not None else None
        wire.send(self._replies, to_json({"folder": folder}), b"")
        requests = wire.Frames(self._requests, wire.REQUEST_CAP)
        while self._main.asks() and (request := requests.next()) is not None:
            self._answer(*request)

    def close(self) -> None:
        """Leave nothing behind."""
        self._restorer.close()
        if self._scratch is not None:
            self._scratch.remove()

    def _answer(self, head: bytes, body: bytes) -> None:
        """Run the items of a request, as many in one child as it lives through; reply to each."""
        traced, count = wire.from_bytes(head)
        wall_seconds = self._kinds[traced].limits.wall_seconds
        while count:
            try:
                running = self._restart(body, count, traced) or self._fork(body, count, traced)
            except OSError as error:
                self._reply("unforked", str(error).encode("utf-8", "backslashreplace"))
                done = 1
            else:
                done = self._watch(running, count, wall_seconds + GRACE_SECONDS)
            count -= done
            if count:
                body = wire.to_bytes(wire.from_bytes(body)[done:])

    def _turn_to(self, traced: bool) -> child.Request:
        """Make everything ready for children that record their steps, or do not."""
        request = self._kinds[traced]
        if traced != self._traced:
            self._traced = traced
            self._parent.clean.enter(request.stage)
            self._pinned.set(self._written.get(traced, []))
        return request

    def _find_written(self, memory: Memory) -> None:
        """Find out to which pages children write, and this process from one child to the next."""
        body = wire.to_bytes(child.REHEARSED)
        for traced in (False, True):
            head = wire.to_bytes([traced, len(child.REHEARSED)])
            request = self._turn_to(traced)
            request.open(1)
            self._written[traced] = memory.written_by(
                partial(child.run_all, child.REHEARSED, request, self._parent),
                partial(self._rehearse, head, body),
            )
        self._pinned.set(self._written[self._traced])

    def _rehearse(self, head: bytes, body: bytes) -> None:
        """In a copy of this process: do what is done for a request, and reply to nobody."""
        self._parent.pid = os.getpid()
        self._replies = 0
        self._restorer.possible = False
        self._answer(head, body)

    def _restart(self, body: bytes, count: int, traced: bool) -> Child | None:
        """Have a child that is restored run these items, if there is one, or is to be.

        Raises:
            OSError: no process can be made.
        """
        running = self._restorer.find(traced)
        if running is None and self._restorer.wants(traced):
            request, parent = self._turn_to(traced), self._parent
            request.open_restored()
            self._begun.forget()
            reader, result = os.pipe()
            there, work = os.pipe()
            for end in (reader, there, work):
                os.set_blocking(end, False)
            for mine, number in ((result, RESULT_FD), (there, WORK_FD)):
                os.dup2(mine, number)
                os.close(mine)
            begin = child.main_of_restored
            try:
                pid = kernel.fork()
                if pid == 0:
                    begin(request, parent)
            except OSError:
                os.close(reader)
                os.close(work)
                raise
            finally:
                os.dup2(0, RESULT_FD)
                os.dup2(0, WORK_FD)
            running = self._restorer.take(traced, pid, reader, work)
        if running is not None:
            nonce = os.urandom(wire.NONCE_BYTES)
            try:
                if running.start(body, nonce, count * self._kinds[traced].cpu_seconds):
                    return running
            except OSError:
                self._restorer.end(running, tell=False)
        return None

    def _fork(self, body: bytes, count: int, traced: bool) -> Child:
        """Make a child for these items.

        Raises:
            OSError: no process can be made.
        """
        request = self._turn_to(traced)
        nonce = request.open(count)
        items = wire.from_bytes(body)
        self._begun.forget()
        reader, writer = os.pipe()
        os.dup2(writer, RESULT_FD)  # What is done here, a child need not touch.
        os.close(writer)
        begin, parent = child.main, self._parent
        try:
            pid = kernel.fork()
            if pid == 0:
                begin(items, request, parent)
        except OSError:
            os.close(reader)
            raise
        finally:
            os.dup2(0, RESULT_FD)
        alone = not self._restorer.possible  # Where it is possible, no child can leave anything.
        return Child(pid, reader, nonce, self._begun, self._main, alone)

    def _watch(self, running: Child, count: int, patience: float) -> int:
        """Reply to as many of ``count`` items as this child can be believed for, and return how many."""
        done = 0
        end = ""
        rests = False
        try:
            end, body, notes = running.hear(time.monotonic() + patience)
            while end == "frame" and done < count - 1:
                self._reply(end, body, notes)
                done += 1
                end, body, notes = running.hear(time.monotonic() + patience)
            rests = end in ("frame", "invalid") and running.rests()
        finally:
            if not rests:
                status, cpu = self._restorer.end(running, tell=end != "frame")
                if self._scratch is not None:
                    self._scratch.empty()
        if rests:
            self._reply(end, body, notes)
            if not running.restore():
                self._restorer.end(running, tell=False)
            return done + 1
        if end == "unbegun" and running.has_a_past:
            return done
        if done and end in ("again", "died"):
            return done  # Perhaps an earlier Call's doing; the next one starts afresh.
        self._reply(end, body, notes, status, cpu)
        return done + 1

    def _reply(
        self,
        end: str,
        body: bytes,
        notes: tuple[str, ...] = (),
        status: int = 0,
        cpu: float = 0.0,
    ) -> None:
        head = _USUAL_HEAD
        if end != "frame" or notes:
            head = to_json({"end": end, "notes": notes, "status": status, "cpu": cpu})
        wire.send(self._replies, head, body)


def _terminated(signum: int, frame: object) -> None:
    sys.exit(0)


def _address_space() -> int:
    """Bytes mapped by this process; 0 where the system does not say."""
    try:
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
