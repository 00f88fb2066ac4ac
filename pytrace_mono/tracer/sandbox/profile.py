"""What a program is given on top of bare computing: chosen once for a Sandbox, nothing by default."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from pytrace_mono.errors import SandboxError

_LARGEST_CLOCK = 2**40


@dataclass(frozen=True, slots=True)
class Profile:
    """What programs may do and what they find.

    Attributes:
        threads: they may start threads (a recording that misses their lines says so).
        asyncio: they may make the pair of connected sockets that an event loop needs.
        scratch_bytes: size of an empty folder they may write to, their working directory, new for
            each Program; 0 for none.
        imports: names of the top-level modules they may import, and what those import in turn; None
            for all that is installed.
        preload: modules imported once in the warm parent, before any program runs, so that programs
            find them loaded; they are trusted.
        seed: of ``random``, set before each Call; None leaves it to chance.
        clock: seconds since 1970 at which ``time`` and ``datetime`` stand still; None for the real
            time.

    Raises:
        SandboxError: a value is of the wrong type or out of range.
    """

    threads: bool = False
    asyncio: bool = False
    scratch_bytes: int = 0
    imports: tuple[str, ...] | None = None
    preload: tuple[str, ...] = ()
    seed: int | None = 0
    clock: float | None = None

    def __post_init__(self) -> None:
        for name in ("threads", "asyncio"):
            self._need(name, type(getattr(self, name)) is bool, "True or False")
        scratch = self.scratch_bytes
        self._need("scratch_bytes", type(scratch) is int and scratch >= 0, "a number of bytes")
        self._need("imports", self.imports is None or _names(self.imports), _NAMES)
        self._need("preload", _names(self.preload), _NAMES)
        self._need("seed", self.seed is None or type(self.seed) is int, "a whole number or None")
        clock = self.clock
        known = clock is None or (
            type(clock) in (int, float) and math.isfinite(clock) and 0 <= clock < _LARGEST_CLOCK
        )
        self._need("clock", known, "seconds since 1970, or None")

    def to_dict(self) -> dict[str, Any]:
        """The profile by name, in JSON types."""
        return asdict(self)

    def _need(self, name: str, fine: bool, what: str) -> None:
        if not fine:
            raise SandboxError(f"Profile.{name} is {getattr(self, name)!r:.60}; give {what}.")


_NAMES = "a tuple of module names, as in ('math', 'numpy')"


def _names(value: object) -> bool:
    return isinstance(value, (tuple, list)) and all(
        isinstance(name, str) and all(part.isidentifier() for part in name.split("."))
        for name in value
    )
