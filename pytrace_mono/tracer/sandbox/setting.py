"""What holds for every run of one Sandbox: a warm parent is started with it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from pytrace_mono.errors import SandboxError
from pytrace_mono.tracer.limits import Limits
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
        imports: what programs may import; None for everything.
        limits: of each Call.
        aliases: of what is recorded, which places hold the same object as well.
    """

    level: Level
    tool: str | None = None
    frozen_clock: bool = False
    profiles: tuple[str, ...] = ()
    imports: tuple[str, ...] | None = None
    limits: Limits = field(default_factory=Limits)
    aliases: bool = False

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @staticmethod
    def from_json(text: str) -> Setting:
        """What :meth:`to_json` wrote."""
        fields = json.loads(text)
        lists = {name: tuple(value) for name, value in fields.items() if isinstance(value, list)}
        return Setting(**{**fields, **lists, "limits": Limits(**fields["limits"])})


def known(profiles: Iterable[str]) -> tuple[str, ...]:
    """The profiles, in order, each once.

    Raises:
        SandboxError: there is no such profile.
    """
    given = {profiles} if isinstance(profiles, str) else set(profiles)
    unknown = ", ".join(sorted(repr(name) for name in given - set(PROFILES)))
    if unknown:
        raise SandboxError(f"there is no profile {unknown}; choose among: {', '.join(PROFILES)}")
    return tuple(sorted(given))
