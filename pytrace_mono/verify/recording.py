"""A Trace taken apart for checking: frames, visits of statements, passes of loops.

Times are indices of ``trace.steps``, so that whatever is decided can be shown at its step.
"""

from __future__ import annotations

import ast
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from functools import cached_property, partial
from operator import attrgetter
from typing import Any, NamedTuple

from pytrace_mono.tracer.types import Snapshot, Step, Trace
from pytrace_mono.verify.bounded import Work
from pytrace_mono.verify.expressions import NotEvaluated, evaluate
from pytrace_mono.verify.frames import Frame, History, Round, Visit
from pytrace_mono.verify.instances import Instance, instance_of, values_in
from pytrace_mono.verify.literals import same_value
from pytrace_mono.verify.program import (
    Loop,
    Program,
    is_endless,
    names_in,
    own_names,
    program_of,
)
from pytrace_mono.verify.source import NoLiteral, literal_of
from pytrace_mono.verify.whitelist import MATH

_CODE = frozenset({"function", "builtin_function_or_method", "type", "module"})
"""Types of what has no value of its own in an expression: it is called, or asked for a part."""

_BEGINS = attrgetter("begins")


class Known(NamedTuple):
    """A known Call and the activation it is about: its arguments and how it ended, no more."""

    call: str
    main: Frame | None


def known(trace: Trace, entry_point: str) -> Known:
    """What properties ask of a Call, without taking its whole Trace apart; as :meth:`Run.main`.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: the program cannot be parsed here.
    """
    functions = program_of(trace.program).functions
    name = entry_point.rsplit(".", 1)[-1]
    steps, start = trace.steps, trace.call_start
    times: Iterable[int] = range(start, len(steps))
    first, last = (steps[start], steps[-1]) if start < len(steps) else (None, None)
    if first and last and first.function == name and (first.depth, first.frame) == (0, last.frame):
        times = (start, len(steps) - 1)  # this activation is the whole of the Call
    begun: dict[int, Frame] = {}
    for time in times:
        step = steps[time]
        if step.file is not None:
            continue
        if step.kind == "call":
            called = step.function.rsplit(".", 1)[-1]
            definition = functions.get(step.line)
            if definition is not None and called == definition.name == name:
                begun[step.frame] = Frame(
                    step.frame, step.function, definition, step.changes, step.depth, time, None
                )
        elif step.kind in ("return", "yield", "await", "unwind") and step.frame in begun:
            frame = begun[step.frame]
            frame.ending, frame.value, frame.ends = step.kind, step.value, time
    found = list(begun.values())
    outermost = next((f for f in reversed(found) if f.depth == 0), None)
    return Known(trace.call or "", outermost or (found[0] if found else None))


class Run:
    """A Trace taken apart; its frames have no visits any more when it is gone.

    Attributes:
        visits: in the order in which they began.
        frames: by number.
        called: those that the Call began, in order.
        resumed: generators that began before the Call and went on in it.
        work: what evaluating expressions may still cost.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: the program cannot be parsed here.
    """

    def __init__(self, trace: Trace) -> None:
        self.frames: dict[int, Frame] = {}
        self.work = Work()
        self.trace = trace
        self.program: Program = program_of(trace.program)
        self.visits: list[Visit] = []
        self.called: list[Frame] = []
        self.resumed: list[Frame] = []
        self._holders: dict[str, list[tuple[Frame, History]]] = {}
        stack: list[Frame] = []
        start = trace.call_start
        for time, step in enumerate(trace.steps):
            if step.file is not None:
                continue
            kind = step.kind
            if kind == "call":
                self._call(time, step, stack, time >= start)
                continue
            frame = self.frames.get(step.frame)
            if frame is None:  # the module's own, or one that began before the recording
                frame = Frame(step.frame, step.function, None, {}, step.depth, time, None)
                self.frames[step.frame] = frame
            if kind == "line":
                self._line(time, step, frame, time >= start)
            else:
                self._event(time, step, frame, stack, start)

    def __del__(self) -> None:
        # Frames and visits hold each other. Left to the garbage collector, those of all the runs that
        # were ever taken apart make it go through everything there is again and again.
        for frame in self.frames.values():
            frame.visits.clear()

    @cached_property
    def rounds(self) -> list[Round]:
        """Runs of loops, in the order in which they began."""
        found = [running for frame in self.called for running in self._rounds_of(frame)]
        start = self.trace.call_start
        for frame in self.resumed:  # their passes are counted from when they began
            found += [running for running in self._rounds_of(frame) if running.ends > start]
        found.sort(key=lambda running: running.begins)
        return found

    def _call(self, time: int, step: Step, stack: list[Frame], counts: bool) -> None:
        definition = self.program.functions.get(step.line)
        if definition is not None and definition.name != step.function.rsplit(".", 1)[-1]:
            definition = None
        caller = next(
            (f.visits[-1] for f in reversed(stack) if f.visits and f.name[0] != "<"), None
        )
        frame = Frame(step.frame, step.function, definition, step.changes, step.depth, time, caller)
        self.frames[step.frame] = frame
        stack.append(frame)
        if counts:
            self.called.append(frame)

    def _line(self, time: int, step: Step, frame: Frame, counts: bool) -> None:
        place = self.program.at.get(step.line)
        if place is None:
            return
        statement, label = place
        last = frame.settle(time)
        if (
            last is not None
            and last.statement is statement
            and self.program.is_spread_out(statement)
        ):
            frame.keep(last)
            last.learn(step.changes)
            if step.deleted:
                last.deleted = (*last.deleted, *step.deleted)
            return
        visit = Visit(label, statement, frame, time, step.changes, step.deleted)
        if last is not None:
            last.next = visit
        frame.visits.append(visit)
        if counts:
            self.visits.append(visit)

    def _event(self, time: int, step: Step, frame: Frame, stack: list[Frame], start: int) -> None:
        """What is no call and no line."""
        kind = step.kind
        if kind == "exception":
            if frame.visits and frame.visits[-1].raised is None:
                frame.visits[-1].raised = step.value
            return
        if kind == "resume":
            if frame.begins < start <= time and frame not in self.resumed:
                self.resumed.append(frame)
                for visit in frame.visits[-1:]:  # it began before the Call, and goes on in it
                    insort(self.visits, visit, key=lambda other: other.start)
            if frame.visits:
                frame.keep(frame.visits[-1])
                frame.visits[-1].learn(step.changes)
            stack.append(frame)
            return
        frame.settle(time)
        if kind == "yield" and step.value is not None:
            frame.yields.append((time, step.value))
        frame.ending, frame.value, frame.ends = kind, step.value, time
        if stack and stack[-1] is frame:
            stack.pop()
        elif frame in stack:
            del stack[stack.index(frame) :]

    def _rounds_of(self, frame: Frame) -> list[Round]:
        found: list[Round] = []
        active: dict[Loop, Round] = {}
        known: tuple[Loop, ...] | None = ()
        last: Visit | None = None
        for visit in frame.visits:
            around = self.program.loops_around(visit.statement)
            if around is not known:
                for loop in [loop for loop in active if loop not in around]:
                    active.pop(loop).ends = visit.start
                for loop in around:
                    if loop not in active:
                        counted = _are_told(loop)
                        active[loop] = Round(loop, frame, visit.start, counted=counted)
                        found.append(active[loop])
                known = around
            for loop in self.program.loops_counted_by(visit.statement):
                running = active[loop]
                self._advance(running, visit, last)
                if running.exhausted:
                    del active[loop]
                    known = None
            last = visit
        for running in active.values():
            running.ends = frame.ends
        return found

    def _advance(self, running: Round, visit: Visit, last: Visit | None) -> None:
        loop, first = running.loop, running.loop.body[0]
        if not running.counted:
            return
        if is_endless(loop):
            if visit.statement is first and visit.label == first.lineno:
                # Some versions of Python come back to the header, which tests nothing, and some do not.
                header = last if last is not None and last.statement is loop else visit
                running.passes.append(header.start)
        elif visit.statement is loop:
            if visit.next is not None and self.program.in_block(visit.next.statement, loop.body):
                running.passes.append(visit.start)
            elif visit.raised is None:
                running.exhausted = True
                running.ends = visit.start
                running.over = visit.end

    def value_of(self, snapshot: Snapshot) -> Any:
        """The value of an exact Snapshot.

        Raises:
            NotEvaluated: it is not exact.
        """
        if not snapshot.exact:
            raise NotEvaluated(f"{snapshot.text:.60} was not recorded exactly")
        try:
            return literal_of(snapshot.text)
        except NoLiteral as error:
            raise NotEvaluated(f"{snapshot.text:.60} is no literal") from error

    def outer(self, name: str, frame: Frame, time: int) -> Snapshot | None:
        """A global, or a variable of an enclosing function, as it was at a time."""
        if frame.definition is not None and name in own_names(frame.definition):
            return None
        found, since = None, -1
        activations = 0
        for owner, history in self._holding(name):
            definition = owner.definition
            if definition is not None and name in own_names(definition):
                if owner is frame or not self._encloses(owner, frame):
                    continue
                activations += 1
            index = bisect_right(history.times, time) - 1
            while index >= 0 and history.values[index] is None:
                index -= 1
            if index >= 0 and history.times[index] >= since:
                found, since = history.values[index], history.times[index]
        return found if activations < 2 else None  # which one is meant is not recorded

    def _holding(self, name: str) -> list[tuple[Frame, History]]:
        """Every frame that has a variable of that name, its own or another's."""
        if name not in self._holders:
            self._holders[name] = [
                (f, f.histories[name]) for f in self.frames.values() if name in f.histories
            ]
        return self._holders[name]

    def _encloses(self, owner: Frame, frame: Frame) -> bool:
        if owner.definition is None or frame.definition is None:
            return False
        return owner.definition is not frame.definition and self.program.is_inside(
            frame.definition, owner.definition
        )

    def snapshot(self, name: str, visit: Visit, *, after: bool) -> Snapshot | None:
        """A variable as a visit saw it before it ran, or left it."""
        found = visit.after(name) if after else visit.had(name)
        if found is None and name not in visit.deleted:
            found = self.outer(name, visit.frame, visit.end if after else visit.start)
        return found

    def evaluate(self, node: ast.expr, visit: Visit, *, after: bool) -> Any:
        """An expression's value before or after a visit.

        Raises:
            NotEvaluated: it needs something that was not recorded exactly, or is not in the white
                list.
        """
        names: dict[str, Any] = {}
        owners: dict[str, Instance] = {}
        for name in names_in(node):
            found = self.snapshot(name, visit, after=after)
            if found is None or found.type in _CODE:
                continue
            instance = None if found.exact else instance_of(found.text)
            if instance is not None:
                owners[name] = instance
            else:
                names[name] = self.value_of(found)
        if owners:
            shown = values_in(node, owners)
            functions = self.program.function_names  # a property among them gives what it likes
            names |= {k: v for k, v in shown.items() if k.rpartition(".")[2] not in functions}
        return evaluate(node, names, self.program.bound, partial(self._given, visit), self.work)

    def _given(self, visit: Visit, name: str, arguments: list[Any]) -> Any:
        """What a function of the program gave for these arguments while a visit lasted."""
        if name in self.program.from_math:
            return MATH[name](*arguments)
        given = [
            self.value_of(f.value)
            for f in self.called[
                bisect_left(self.called, visit.start, key=_BEGINS) : bisect_right(
                    self.called, visit.end, key=_BEGINS
                )
            ]
            if f.name == name
            and f.ending == "return"
            and f.value is not None
            and self._took(f, arguments)
        ]
        if not given or not all(same_value(value, given[0]) for value in given):
            raise NotEvaluated(f"what {name}() gave there was not recorded")
        return given[0]

    def _took(self, frame: Frame, arguments: list[Any]) -> bool:
        """Whether an activation is of a plain call: what a decorator makes of one is not recorded."""
        called = frame.definition
        if not isinstance(called, ast.FunctionDef) or called.decorator_list:
            return False
        if any(isinstance(part, (ast.Yield, ast.YieldFrom)) for part in ast.walk(called)):
            return False
        taken = list(frame.arguments.values())[: len(arguments)]
        return len(taken) == len(arguments) and all(
            snapshot.exact and same_value(self.value_of(snapshot), argument)
            for snapshot, argument in zip(taken, arguments, strict=True)
        )

    def outcome(self, visit: Visit) -> bool | None:
        """How the test of an ``if`` or ``while`` came out; None where it cannot be told."""
        statement = visit.statement
        if not isinstance(statement, (ast.If, ast.While)):
            return None
        if statement.body[0].lineno == statement.lineno:
            try:
                return bool(self.evaluate(statement.test, visit, after=False))
            except NotEvaluated:
                return None
        if visit.next is None:  # it failed where the function ended after it
            ended = isinstance(statement, ast.If) or visit.frame.ending == "return"
            return False if ended and visit.raised is None else None
        return self.program.in_block(visit.next.statement, statement.body)

    def main(self, entry_point: str) -> Frame | None:
        """The activation that the Call is about."""
        name = entry_point.rsplit(".", 1)[-1]
        found = [f for f in self.called if f.name == name and f.definition is not None]
        return next((f for f in reversed(found) if f.depth == 0), found[0] if found else None)


def _are_told(loop: Loop) -> bool:
    """Whether lines tell the passes of a loop apart."""
    first = loop.body[0]
    return first.lineno != loop.lineno and not (is_endless(loop) and isinstance(first, Loop))
