"""The warm parent: imports once, then forks one child per request and watches over it.

Started by :mod:`pytrace_mono.tracer.sandbox.worker` with requests on its standard input and replies
on its standard output. It has one thread and one child at a time, and ends when its pipes do.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pytrace_mono.tracer.limits import Limits
from pytrace_mono.tracer.sandbox import child, dense, kernel, landlock, namespaces, wire
from pytrace_mono.tracer.sandbox.confine import RESULT_FD, Jail
from pytrace_mono.tracer.sandbox.integrity import Guard
from pytrace_mono.tracer.sandbox.report import Reserve, to_json
from pytrace_mono.tracer.sandbox.scratch import Scratch
from pytrace_mono.tracer.sandbox.setting import Setting
from pytrace_mono.tracer.sandbox.stage import ENTRIES, Clean
from pytrace_mono.tracer.sandbox.surroundings import Surroundings
from pytrace_mono.tracer.sandbox.watch import Child, Main, MainProcessGone

GRACE_SECONDS = 0.5
"""How long after ``wall_seconds`` a child that has not ended by itself is killed."""

# Without the Python functions around it.
_scan: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder().scan_once  # type: ignore[attr-defined]
_USUAL_HEAD = to_json({"end": "frame", "notes": (), "status": 0, "cpu": 0.0})


def main(setting: str, main_ended: int) -> None:
    """Serve requests until the pipes end.

    Args:
        setting: what holds for every child, as :meth:`Setting.to_json` wrote it.
        main_ended: a descriptor that becomes readable when the process that asks has ended, or -1.
    """
    # Children find their result pipe at this number, so nothing of ours may live there.
    while (null := os.open(os.devnull, os.O_RDWR)) < RESULT_FD:
        pass
    requests, replies = os.dup(0), os.dup(1)
    if main_ended == RESULT_FD:
        main_ended = os.dup(main_ended)
    os.dup2(null, RESULT_FD)
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
        parent = child.Parent(
            os.getpid(), jail, reserve, guard, Clean(), surroundings, child.not_begun(), self
        )
        self._parent = parent
        plain = Surroundings(Setting(setting.level), folder)
        child.rehearse(replace(parent, pid=os.getppid(), surroundings=plain))
        self._prepared: tuple[bytes, child.Request] | None = None
        gc.collect()
        gc.disable()
        gc.freeze()
        dense.fill_gaps()

    def serve(self) -> None:
        signal.signal(signal.SIGTERM, _terminated)
        folder = self._scratch.outside if self._scratch is not None else None
        wire.send(self._replies, to_json({"folder": folder}), b"")
        requests = wire.Frames(self._requests, wire.REQUEST_CAP)
        while self._main.asks() and (request := requests.next()) is not None:
            head, body = request
            self._run(_scan(body.decode(), 0)[0], self._prepare(head))

    def close(self) -> None:
        """Leave nothing behind."""
        if self._scratch is not None:
            self._scratch.remove()

    def _run(self, items: list[child.Item], prepared: child.Request) -> None:
        """Run the items of a request, as many in one child as it lives through; reply to each."""
        done = 0
        while done < len(items):
            left = items[done:] if done else items
            try:
                running = self._fork(left, prepared)
            except OSError as error:
                self._reply("unforked", str(error).encode("utf-8", "backslashreplace"))
                done += 1
                continue
            done += self._watch(running, len(left), prepared.limits.wall_seconds + GRACE_SECONDS)

    def _fork(self, items: list[child.Item], prepared: child.Request) -> Child:
        """Make a child for these items.

        Raises:
            OSError: no process can be made.
        """
        nonce = prepared.open(len(items))
        begun = self._parent.begun
        begun[0] = 0
        reader, writer = os.pipe()
        os.dup2(writer, RESULT_FD)  # What is done here, a child need not touch.
        os.close(writer)
        begin, parent = child.main, self._parent
        try:
            pid = kernel.fork()
            if pid == 0:
                begin(items, prepared, parent)
        except OSError:
            os.close(reader)
            raise
        finally:
            os.dup2(0, RESULT_FD)
        return Child(pid, reader, nonce, begun, self._main)

    def _prepare(self, head: bytes) -> child.Request:
        """What children need; kept, because it is the same for most requests."""
        if self._prepared is None or self._prepared[0] != head:
            wanted = json.loads(head)
            limits = Limits(**wanted["limits"])
            made = child.Request.prepare(limits, wanted["traced"], wanted["aliases"], self._parent)
            self._prepared = head, made
        return self._prepared[1]

    def _watch(self, running: Child, count: int, patience: float) -> int:
        """Reply to as many of ``count`` items as this child can be believed for, at least one."""
        done = 0
        end = ""
        try:
            end, body, notes = running.hear(time.monotonic() + patience)
            while end == "frame" and done < count - 1:
                self._reply(end, body, notes)
                done += 1
                end, body, notes = running.hear(time.monotonic() + patience)
        finally:
            status, cpu = running.end(tell=end != "frame")
            if self._scratch is not None:
                self._scratch.empty()
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
