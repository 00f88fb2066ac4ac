"""Activations as a recording shows them: what their variables were, their visits, their loops.

Times are indices of ``trace.steps``.
"""

from __future__ import annotations

import ast
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from pytrace_mono.tracer.types import Snapshot
from pytrace_mono.verify.program import Function, Loop

LATE = 1 << 60
"""After the end of any run."""


class History(NamedTuple):
    """What a variable of a frame became, and from which time on; None where it was deleted."""

    times: list[int]
    values: list[Snapshot | None]

    def at(self, time: int) -> Snapshot | None:
        """The value at a time."""
        index = bisect_right(self.times, time) - 1
        return self.values[index] if index >= 0 else None


class Effect(NamedTuple):
    """What is seen of a visit from a time on."""

    time: int
    changes: Mapping[str, Snapshot]
    deleted: tuple[str, ...]


@dataclass(eq=False, slots=True)
class Frame:
    """One activation. ``ending`` is a Step kind, ``ends`` its time; None while it has not ended.

    Attributes:
        name: the function's own name without its owners.
    """

    number: int
    function: str
    definition: Function | None
    arguments: Mapping[str, Snapshot]
    depth: int
    begins: int
    caller: Visit | None
    visits: list[Visit] = field(default_factory=list)
    yields: list[tuple[int, Snapshot]] = field(default_factory=list)
    ending: str | None = None
    value: Snapshot | None = None
    ends: int = LATE
    name: str = field(init=False)
    _seen: dict[int, list[Effect]] | None = None
    _histories: dict[str, History] | None = None

    def __post_init__(self) -> None:
        self.name = self.function.rsplit(".", 1)[-1]

    def at(self, name: str, time: int) -> Snapshot | None:
        """One of its variables at a time."""
        history = self.histories.get(name)
        return history.at(time) if history is not None else None

    def settle(self, time: int) -> Visit | None:
        """What its last line, which is given back, changed is seen from now on, not while it ran."""
        if not self.visits:
            return None
        last = self.visits[-1]
        if last.end != LATE:
            self.keep(last)
        last.end = time
        return last

    def keep(self, visit: Visit) -> None:
        """Note what a visit that goes on after all had changed, and from when on that is seen."""
        if self._seen is None:
            self._seen = {}
        seen = self._seen.setdefault(visit.start, [])
        if visit.end != LATE and not (seen and seen[-1].time == visit.end):
            seen.append(Effect(visit.end, visit.changes, visit.deleted))

    @property
    def histories(self) -> dict[str, History]:
        """What its variables were, by name; of most frames nobody asks."""
        if self._histories is None:
            found: dict[str, History] = {}
            self._histories = found
            _note(found, self.begins, self.arguments, ())
            for visit in self.visits:
                seen = self._seen.get(visit.start, ()) if self._seen is not None else ()
                for effect in seen:
                    _note(found, *effect)
                ended = visit.end != LATE and not (seen and seen[-1].time == visit.end)
                if ended and (visit.changes or visit.deleted):
                    _note(found, visit.end, visit.changes, visit.deleted)
        return self._histories


def _note(
    histories: dict[str, History],
    time: int,
    changes: Mapping[str, Snapshot],
    deleted: tuple[str, ...],
) -> None:
    became = changes.items() if not deleted else [*changes.items(), *((n, None) for n in deleted)]
    for name, value in became:
        history = histories.get(name)
        if history is None:
            histories[name] = History([time], [value])
        elif history.values[-1] is not value:
            history.times.append(time)
            history.values.append(value)


@dataclass(eq=False, slots=True)
class Visit:
    """One execution of a statement, from the step at ``start`` until ``end``."""

    label: int
    statement: ast.stmt
    frame: Frame
    start: int
    changes: Mapping[str, Snapshot]
    deleted: tuple[str, ...] = ()
    raised: Snapshot | None = None
    end: int = LATE
    next: Visit | None = None

    def after(self, name: str) -> Snapshot | None:
        """A variable of the frame once this has run."""
        if name in self.deleted:
            return None
        found = self.changes.get(name)
        return found if found is not None else self.frame.at(name, self.start)

    def had(self, name: str) -> Snapshot | None:
        """A variable of the frame when this began to run."""
        return self.frame.at(name, self.start)

    @property
    def before(self) -> dict[str, Snapshot]:
        """All variables of the frame when this began to run."""
        found = ((name, self.frame.at(name, self.start)) for name in self.frame.histories)
        return {name: value for name, value in found if value is not None}

    def learn(self, changes: Mapping[str, Snapshot]) -> None:
        """Add to what it changed."""
        if changes:
            self.changes = {**self.changes, **changes} if self.changes else changes


@dataclass(eq=False, slots=True)
class Round:
    """One run of a loop: the times at which its passes begin, and when it was over.

    ``ends`` is when the last pass was over, ``over`` when the header that ended it had run too;
    ``counted`` is False where lines alone do not tell the passes.
    """

    loop: Loop
    frame: Frame
    begins: int
    passes: list[int] = field(default_factory=list)
    ends: int = LATE
    over: int = LATE
    exhausted: bool = False
    counted: bool = True

    def window(self, number: int) -> tuple[int, int] | None:
        """From when to before when the n-th pass ran (from 1)."""
        if not 1 <= number <= len(self.passes):
            return None
        ends = self.passes[number] if number < len(self.passes) else self.ends
        return self.passes[number - 1], ends
