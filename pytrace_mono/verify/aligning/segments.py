"""A recording as a row of stretches: each is one activation in one pass of its loops."""

from __future__ import annotations

import ast
from bisect import bisect_right
from dataclasses import dataclass, field

from pytrace_mono.tracer.types import Snapshot
from pytrace_mono.verify.frames import LATE, Frame, Round, Visit
from pytrace_mono.verify.instances import instance_of
from pytrace_mono.verify.recording import Run

Stack = tuple[tuple[Round, int], ...]
"""Loops that are running, outermost first, each with the number of its pass."""


@dataclass(eq=False, slots=True)
class Moment:
    """The state of a frame once a visit is over; when it begins and when it ends, without a visit."""

    time: int
    frame: Frame
    visit: Visit | None
    ends: bool = False


@dataclass(eq=False, slots=True)
class Segment:
    """A stretch of the run.

    Attributes:
        frame, stack: what it is a stretch of.
        outer: the pass of the outermost loop of the whole run that it is in, to compare.
        moments: its moments, in order.
    """

    frame: Frame
    stack: Stack
    outer: tuple[int, int] | None
    moments: list[Moment] = field(default_factory=list)


class Segments:
    """The stretches of a run, in order, and the state at each of their moments."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.passing = _in_comprehensions(run.program.tree)
        self.all: list[Segment] = []
        self._rounds: dict[int, list[Round]] = {}
        for running in run.rounds:
            self._rounds.setdefault(running.frame.number, []).append(running)
        self._stacks: dict[int, Stack] = {}
        self._full: dict[int, Stack] = {}
        self.visits_of: dict[int, list[Visit]] = {}
        for visit in run.visits:
            self.visits_of.setdefault(visit.label, []).append(visit)
        last = len(run.trace.steps)
        found: list[tuple[int, int, Moment]] = []
        for frame in run.called:
            if frame.name.startswith("<"):
                continue
            found.append((frame.begins, 0, Moment(frame.begins, frame, None)))
            for visit in frame.visits:
                found.append((min(visit.end, last), 1, Moment(visit.start, frame, visit)))
            if frame.ends < LATE:
                final = frame.visits[-1] if frame.visits else None
                found.append((frame.ends, 2, Moment(frame.ends, frame, final, True)))
        found.sort(key=lambda item: item[:2])
        for _, _, moment in found:
            self._put(moment)

    def _put(self, moment: Moment) -> None:
        stack = self.stack_of(moment.visit) if moment.visit is not None else ()
        last = self.all[-1] if self.all else None
        if last is None or last.frame is not moment.frame or last.stack != stack:
            last = Segment(moment.frame, stack, self._outermost(moment.frame, stack, moment.time))
            self.all.append(last)
        last.moments.append(moment)

    def stack_of(self, visit: Visit) -> Stack:
        """The passes that a visit is in, of loops of its own activation."""
        known = self._stacks.get(visit.start)
        if known is None:
            found = []
            for running in self._rounds.get(visit.frame.number, ()):
                number = bisect_right(running.passes, visit.start)
                window = running.window(number)
                if window is not None and visit.start < window[1]:
                    found.append((running, number))
            known = self._stacks[visit.start] = tuple(found)
        return known

    def full_stack(self, segment: Segment) -> Stack:
        """Also those of the loops of its callers."""
        key = id(segment)
        known = self._full.get(key)
        if known is None:
            known = self._full[key] = self._with_callers(
                segment.frame, segment.stack, segment.moments[0].time
            )
        return known

    def _with_callers(self, frame: Frame, stack: Stack, time: int) -> Stack:
        caller = frame.caller
        while caller is not None:
            caller = _latest(caller, time)
            stack = (*self.stack_of(caller), *stack)
            caller = caller.frame.caller
        return stack

    def _outermost(self, frame: Frame, stack: Stack, time: int) -> tuple[int, int] | None:
        stack = self._with_callers(frame, stack, time)
        return (stack[0][0].begins, stack[0][1]) if stack else None

    def lookup(self, name: str, moment: Moment) -> Snapshot | None:
        """A variable as it was then, in the activation, around its function, or in a caller's.

        An attribute that is told of without its owner is that of the one object that has it.
        """
        found = self._variable(name, moment)
        if found is not None or name not in self.run.program.attributes:
            return found
        owners = [
            instance
            for owner in self._owners(moment)
            if (instance := instance_of(owner.text)) is not None and name in instance.fields
        ]
        return owners[0].fields[name] if owners else None

    def _owners(self, moment: Moment) -> list[Snapshot]:
        """The objects at hand, ``self`` first."""
        visit = moment.visit
        here = moment.frame.arguments if visit is None else {**visit.before, **visit.changes}
        held = [here["self"]] if "self" in here else list(here.values())
        return [snapshot for snapshot in held if not snapshot.exact]

    def _variable(self, name: str, moment: Moment) -> Snapshot | None:
        visit = moment.visit
        if visit is None:
            found = moment.frame.arguments.get(name)
        else:
            found = visit.after(name)
            if found is None and name not in visit.deleted:
                found = self.run.outer(name, moment.frame, moment.time)
        caller = moment.frame.caller
        while found is None and caller is not None:
            caller = _latest(caller, moment.time)
            found = caller.had(name)
            caller = caller.frame.caller
        return found


def _in_comprehensions(tree: ast.Module) -> set[str]:
    """The variables that comprehensions bind: a recording does not show each of their values."""
    return {
        name.id
        for node in ast.walk(tree)
        if isinstance(node, ast.comprehension)
        for name in ast.walk(node.target)
        if isinstance(name, ast.Name)
    }


def _latest(caller: Visit, time: int) -> Visit:
    """What a caller is at: a generator is resumed from later lines than the one that made it."""
    visits = caller.frame.visits
    return visits[max(0, bisect_right(visits, time, key=lambda visit: visit.start) - 1)]
