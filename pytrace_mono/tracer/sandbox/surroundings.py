"""What a program finds around it where a Sandbox asks for it: a frozen clock, a folder, imports."""

from __future__ import annotations

from _thread import _count as _count_threads
from os import listdir as _listdir
from typing import Any

from pytrace_mono.tracer.sandbox import imports
from pytrace_mono.tracer.sandbox.clock import FrozenClock
from pytrace_mono.tracer.sandbox.setting import Setting


class Surroundings:
    """Made in the warm parent, entered in the child.

    Args:
        setting: what was asked for.
        folder: where the program begins.

    Attributes:
        asked: there is something to enter.
    """

    def __init__(self, setting: Setting, folder: str) -> None:
        self._setting = setting
        self._scratch = folder if "scratch" in setting.profiles else None
        self._clock: FrozenClock | None = None
        self._import = None if setting.imports is None else imports.only(setting.imports)
        self.asked = setting.frozen_clock or self._import is not None

    def enter(self, own_builtins: dict[str, Any]) -> None:
        """Make them so before a Call.

        Args:
            own_builtins: the program's copy of ``builtins``.
        """
        if self._setting.frozen_clock:
            self._clock = self._clock or FrozenClock()
            self._clock.reset()
        if self._import is not None:
            own_builtins["__import__"] = self._import

    def spent(self) -> bool:
        """After a Call: does something remain, a thread or a file, that the next must not meet?"""
        return _count_threads() > 0 or (self._scratch is not None and bool(_listdir(self._scratch)))
