"""What holds for every run of one Sandbox, beside its limits: a warm parent is started with it."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass

from pytrace_mono.tracer.types import Level


@dataclass(frozen=True, slots=True)
class Setting:
    """How a warm parent's children run.

    Attributes:
        level: the isolation level.
        frozen_clock: time stands still but for ``time.sleep``.
    """

    level: Level
    frozen_clock: bool = False

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @staticmethod
    def from_json(text: str) -> Setting:
        """What :meth:`to_json` wrote."""
        return Setting(**json.loads(text))
