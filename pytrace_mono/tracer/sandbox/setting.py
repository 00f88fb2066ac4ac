"""What holds for every run of one Sandbox, beside its limits: a warm parent is started with it."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass

from pytrace_mono.tracer.types import Level

PROFILES = ("threads", "asyncio", "scratch")
"""What can be granted: threads of the program's own; an event loop; a folder to write to."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How a warm parent's children run.

    Attributes:
        level: the isolation level.
        tool: the program that starts the warm parent inside a jail, at level ``external``.
        frozen_clock: time stands still but for ``time.sleep``.
        profiles: what is granted beyond the usual, out of :data:`PROFILES`.
    """

    level: Level
    tool: str | None = None
    frozen_clock: bool = False
    profiles: tuple[str, ...] = ()

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @staticmethod
    def from_json(text: str) -> Setting:
        """What :meth:`to_json` wrote."""
        fields = json.loads(text)
        return Setting(**{**fields, "profiles": tuple(fields["profiles"])})
