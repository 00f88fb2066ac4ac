"""Notice what an event-based recorder cannot see: that it was switched off, or passed by.

CPython tells its audit hooks (:func:`sys.addaudithook`) of every ``sys.settrace`` and of every thread.
A hook can never be removed, so there is one for the process, added when first needed; with no
recording under way it returns at once.
"""

from __future__ import annotations

import sys
from threading import get_ident
from typing import Any, Protocol

from pytrace_mono.tracer.kept import BUILTINS

__builtins__ = BUILTINS


class Watcher(Protocol):
    """A recording that wants to know."""

    def settrace_called(self) -> None:
        """The recorded thread's trace function was set, or removed."""

    def thread_started(self, function: object, here: bool) -> None:
        """A thread begins with this function; ``here``: it was the watched thread that began it."""


_THREADS_ARE_TOLD = sys.version_info >= (3, 12)
_EVENTS = frozenset({"sys.settrace", "_thread.start_new_thread", "_thread.start_joinable_thread"})
"""The second from 3.12 on; the third, which is what :mod:`threading` uses, from 3.13 on."""

watchers: list[tuple[int, Watcher]] = []
"""Who is told, and of which thread; to be added to after :func:`prepare`."""
_installed: list[bool] = []


def prepare() -> None:
    """Make sure that the hook is there."""
    if not _installed:
        hook: Any = _hook if _THREADS_ARE_TOLD else {_SetTrace(): None}.get
        sys.addaudithook(hook)
        _installed.append(True)


def unwatch(watcher: Watcher) -> None:
    """Stop telling ``watcher``; fine when it is not told anyway."""
    if watchers and watchers[-1][1] is watcher:
        watchers.pop()
    else:
        watchers[:] = [pair for pair in watchers if pair[1] is not watcher]


def is_watched() -> bool:
    """Is a recording under way in this thread?"""
    return any(thread == get_ident() for thread, _ in watchers)


class _SetTrace:
    """A key that is equal to nothing, and is asked whether it equals ``sys.settrace``.

    To look an event up in a dict is a hook that runs no Python code for any other event, and a recording
    causes an event with each call that it is told of.
    """

    __slots__ = ()

    def __hash__(self) -> int:
        return hash("sys.settrace")

    def __eq__(self, other: object) -> bool:
        if watchers and other == "sys.settrace":
            _hook("sys.settrace", ())
        return False


def _hook(event: str, args: tuple[Any, ...]) -> None:
    # Told of everything that is audited in the process, so the common case comes first.
    if event not in _EVENTS or not watchers:
        return
    if event == "sys.settrace":
        for thread, watcher in watchers:
            if thread == get_ident():
                watcher.settrace_called()
    elif args:
        for thread, watcher in watchers:
            watcher.thread_started(args[0], thread == get_ident())
