"""From the place of a Claim to the visits that it may be about."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import cached_property
from operator import attrgetter
from typing import NamedTuple, TypeVar

from pytrace_mono.verify.checking.written import Written
from pytrace_mono.verify.claims import Place
from pytrace_mono.verify.frames import LATE, Frame, Round, Visit
from pytrace_mono.verify.recording import Run

_Item = TypeVar("_Item")
_START = attrgetter("start")
_BEGINS = attrgetter("begins")


class Window(NamedTuple):
    """A stretch of the run: one pass of a loop, or a whole activation; ``frame`` is where it ran."""

    start: int
    end: int
    frame: Frame | None = None

    def holds(self, time: int) -> bool:
        """Whether a step is within."""
        return self.start <= time < self.end


class NoSuchPass(Exception):
    """The run has no iteration of that number there; the message says how many there are."""


class Places:
    """Finds frames, windows of time and visits.

    Args:
        run: the recording.
        main: the activation that the Call is about, where there is one.
    """

    def __init__(self, run: Run, main: Frame | None) -> None:
        self.run = run
        self.main = main
        self._called: dict[str, list[Frame]] = {}
        self._windows: dict[
            tuple[tuple[tuple[int | None, int], ...], str | None], list[Window] | str
        ] = {}
        roots = [f for f in run.called if f.depth == 0]
        self._outer = [main] if main is not None and main in roots else roots

    @cached_property
    def _by_label(self) -> dict[int, list[Visit]]:
        found: dict[int, list[Visit]] = {}
        for visit in self.run.visits:
            found.setdefault(visit.label, []).append(visit)
        return found

    @cached_property
    def _by_loop(self) -> dict[int, list[Round]]:
        found: dict[int, list[Round]] = {}
        for running in self.run.rounds:
            found.setdefault(running.loop.lineno, []).append(running)
        return found

    def frames(self, place: Place) -> list[Frame] | None:
        """The activations a place may be in; None for any."""
        if place.call is None:
            return None
        return self.called(place.call) or None

    def called(self, call: str) -> list[Frame]:
        """The activations that a call, written out, may be."""
        found = self._called.get(call)
        if found is None:
            written = Written(call)
            found = self._called[call] = [f for f in self.run.called if written.began(f)]
        return found

    def windows(self, place: Place) -> list[Window]:
        """When the iterations of a place ran.

        Raises:
            NoSuchPass: they never did.
        """
        key = (place.passes, place.call)
        known = self._windows.get(key)
        if known is None:
            try:
                known = self._find_windows(place)
            except NoSuchPass as none:
                known = str(none)
            self._windows[key] = known
        if isinstance(known, str):
            raise NoSuchPass(known)
        return known

    def _find_windows(self, place: Place) -> list[Window]:
        frames = self.frames(place)
        windows = [Window(0, LATE)]
        if frames is not None:
            windows = [Window(f.begins, f.ends, f) for f in frames]
        inside = None if frames is None else set(frames)
        for line, number in place.passes:
            rounds = self.run.rounds if line is None else self._by_loop.get(line, [])
            if windows != [Window(0, LATE)]:
                rounds = _within(rounds, _BEGINS, windows)
            if inside is not None:
                rounds = [r for r in rounds if r.frame in inside]
            found = [Window(*w, r.frame) for r in rounds if (w := r.window(number)) is not None]
            if not found:
                if any(not r.counted for r in rounds):
                    continue
                raise NoSuchPass(_passes(rounds, line, number))
            windows = found
        return windows

    def visits(self, place: Place, *, line: bool = True, deeper: bool = False) -> list[Visit]:
        """The visits a place may mean, in order; of its line, or of any where ``line`` is False.

        Where it is inside a call, the visits of that activation itself; ``deeper``: also those of
        what it calls.

        Raises:
            NoSuchPass: see :meth:`windows`.
        """
        if line and place.line is not None:
            found = self._by_label.get(place.line, [])
            if not found:
                found = self._of_statement(place.line)
        else:
            found = self.run.visits
        if place.passes or place.call is not None:
            found = _within(found, _START, self.windows(place))
            frames = self.frames(place)
            if frames is not None and not deeper:
                own = set(frames)
                found = [v for v in found if v.frame in own] or found
        return found

    def visit_at(self, step: int) -> Visit | None:
        """The visit that began with a step."""
        visits = self.run.visits
        index = bisect_left(visits, step, key=_START)
        return visits[index] if index < len(visits) and visits[index].start == step else None

    def _of_statement(self, line: int) -> list[Visit]:
        """A line within a statement of several lines means the statement."""
        label = self.run.program.at.get(line, (None, line))[1]
        return self._by_label.get(label, [])

    def endings(self, place: Place) -> list[tuple[Round, Visit]]:
        """The last visits of the passes or loops that a place says are over, with their loop.

        Raises:
            NoSuchPass: see :meth:`windows`.
        """
        if place.line is not None:
            ended = [(r, r.begins, r.over if r.exhausted else r.ends) for r in self.rounds(place)]
        else:
            line, number = place.passes[-1]
            above = Place(None, place.passes[:-1], place.call)
            ended = [
                (r, *window)
                for r in self.rounds(above)
                if line in (None, r.loop.lineno) and (window := r.window(number)) is not None
            ]
        found: list[tuple[Round, Visit]] = []
        for running, start, end in ended:
            visits = running.frame.visits
            last = bisect_left(visits, end, key=lambda visit: visit.start) - 1
            if last >= 0 and visits[last].start >= start:
                found.append((running, visits[last]))
        return found

    def rounds(self, place: Place) -> list[Round]:
        """The runs of loops a place may mean.

        Raises:
            NoSuchPass: see :meth:`windows`.
        """
        found = self.run.rounds
        if place.line in self.run.program.loop_lines:
            found = self._by_loop.get(place.line or 0, [])
        if place.passes or place.call is not None:
            found = _within(found, _BEGINS, self.windows(place))
            frames = self.frames(place)
            if frames is not None:
                found = [r for r in found if r.frame in frames] or found
        return found


def _within(
    items: Sequence[_Item], time: Callable[[_Item], int], windows: Sequence[Window]
) -> list[_Item]:
    """Those of some items, which are in the order of their times, that are in any of the windows."""
    found: list[_Item] = []
    done = 0
    for start, end, _ in sorted(windows, key=lambda window: window[:2]):
        first = bisect_left(items, start, lo=done, key=time)
        done = bisect_left(items, end, lo=first, key=time)
        found.extend(items[first:done])
    return found


def _passes(rounds: list[Round], line: int | None, number: int) -> str:
    where = "" if line is None else f" at line {line}"
    counts = sorted({len(r.passes) for r in rounds})
    if not counts:
        return f"no loop{where} ran there"
    return f"the loop{where} has no pass {number}; it ran {' or '.join(map(str, counts))} times"
