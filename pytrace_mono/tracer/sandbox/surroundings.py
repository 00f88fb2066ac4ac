"""What a program finds around it where a Sandbox asks for more than the usual: the clock, imports."""

from __future__ import annotations

from typing import Any

from pytrace_mono.tracer.sandbox.clock import FrozenClock
from pytrace_mono.tracer.sandbox.setting import Setting


class Surroundings:
    """Made in the warm parent, entered in the child.

    Args:
        setting: what was asked for.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._clock: FrozenClock | None = None

    def enter(self, own_builtins: dict[str, Any]) -> None:
        """Make them so before a Call.

        Args:
            own_builtins: the program's copy of ``builtins``.
        """
        if self._setting.frozen_clock:
            self._clock = self._clock or FrozenClock()
            self._clock.reset()
