"""How much a recording may cost and hold."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

from pytrace_mono.errors import LimitError
from pytrace_mono.tracer.kept import BUILTINS

__builtins__ = BUILTINS

MAX_INT_BITS = 14_000
"""CPython refuses to print ints above 4300 digits (14 285 bits); we stay below (CVE-2020-10735)."""

MAX_DEPTH = 100
"""Python's own parser gives up on a literal of 200 levels, and each level takes calls to write."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on a run and on what is kept of it.

    Attributes:
        max_steps: recorded steps; a sandboxed program is stopped there, a live one is no longer
            recorded.
        wall_seconds: elapsed time of one run.
        cpu_seconds: processor time of one run (sandbox only).
        memory_bytes: address space that one run may take on top of the warm interpreter's (sandbox
            only).
        output_bytes: text kept from each of stdout and stderr; a sandboxed program is stopped there.
        max_chars: length of one Snapshot's text.
        max_items: items shown of one container.
        max_depth: nesting shown of one value; at most :data:`MAX_DEPTH`.
        max_int_bits: size of an int that is still written out.

    Raises:
        LimitError: a limit is not a positive finite number, or ``max_int_bits`` or ``max_depth``
            exceeds its bound.
    """

    max_steps: int = 10_000
    wall_seconds: float = 10.0
    cpu_seconds: float = 5.0
    memory_bytes: int = 512 * 1024 * 1024
    output_bytes: int = 64 * 1024
    max_chars: int = 2_000
    max_items: int = 256
    max_depth: int = 10
    max_int_bits: int = 4_096

    def __post_init__(self) -> None:
        for name, kinds in _KINDS:
            value = getattr(self, name)
            if type(value) not in kinds or not 0 < value < math.inf:
                raise LimitError(
                    f"Limits.{name} is {value!r}; give a positive "
                    f"{'number' if float in kinds else 'whole number'}."
                )
        if self.max_int_bits > MAX_INT_BITS:
            raise LimitError(
                f"Limits.max_int_bits is {self.max_int_bits}; CPython prints at most "
                f"{MAX_INT_BITS} bits, so give that or less."
            )

        if self.max_depth > MAX_DEPTH:
            raise LimitError(f"Limits.max_depth is {self.max_depth}; give {MAX_DEPTH} or less.")

    def to_dict(self) -> dict[str, Any]:
        """The limits by name, as they stand in a Trace."""
        return {name: getattr(self, name) for name in _NAMES}


_NAMES = tuple(field.name for field in fields(Limits))
_KINDS = tuple((name, (int, float) if name.endswith("_seconds") else (int,)) for name in _NAMES)
