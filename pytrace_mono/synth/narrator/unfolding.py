"""From the flat recording to its story: which Step belongs to which visit of which activation."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from itertools import pairwise

from pytrace_mono.synth.narrator.grouping import nodes_of
from pytrace_mono.synth.narrator.source import (
    Function,
    Source,
    is_spread_out,
    local_names,
    written_methods,
)
from pytrace_mono.synth.narrator.story import Activation, Visit, visits
from pytrace_mono.tracer.types import Snapshot, Step, Trace


def tell(trace: Trace, source: Source) -> list[Activation]:
    """The outermost activations of the Call, in order."""
    return _Teller(source).tell(trace)


@dataclass(eq=False)
class _Open:
    activation: Activation
    values: dict[str, Snapshot]
    visits: list[Visit]
    frame: int


class _Teller:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._globals: dict[str, Snapshot] = {}
        self._by_frame: dict[int, _Open] = {}
        self._by_definition: dict[ast.AST, dict[str, Snapshot]] = {}
        self._open: list[_Open] = []
        self._roots: list[Activation] = []
        self._earlier: dict[int, list[Visit]] = {}

    def tell(self, trace: Trace) -> list[Activation]:
        begun = {step.frame for step in trace.call_steps if step.kind == "call"}
        gone_on = {step.frame for step in trace.call_steps if step.kind == "resume"} - begun
        for step in trace.steps[: trace.call_start]:
            if step.function == "<module>":
                self._globals.update(step.changes)
                for name in step.deleted:
                    self._globals.pop(name, None)
            elif step.frame in gone_on and step.file is None:
                self._take(step)
        for root in self._roots:
            self._earlier.setdefault(root.frame, []).extend(visits(root.nodes))
        self._roots, self._open = [], []
        for step in trace.call_steps:
            if step.file is None:
                self._take(step)
        while self._open:
            self._close()
        return _joined(self._roots, self._source)

    def _take(self, step: Step) -> None:
        if step.kind in ("call", "resume"):
            self._enter(step)
        elif not self._open:
            return
        elif step.kind == "line":
            self._line(step)
        elif step.kind == "exception":
            if self._open[-1].visits:
                self._open[-1].visits[-1].raised = step.value
        else:
            opened = self._open[-1]
            opened.activation.ending, opened.activation.value = step.kind, step.value
            if step.kind == "yield" and opened.visits:
                opened.visits[-1].yielded = step.value
            self._close()

    def _enter(self, step: Step) -> None:
        earlier = self._by_frame.get(step.frame)
        definition = self._source.functions.get(step.line)
        if earlier is not None:
            definition = earlier.activation.definition
            values = earlier.values
        else:
            own = local_names(definition) if definition is not None else frozenset()
            seen = self._seen_from(definition)
            # A variable that is not bound yet hides a global of the same name all the same.
            values = {n: v for n, v in seen.items() if n not in own}
            values.update(step.changes)
        if definition is not None and definition.name != step.function.rsplit(".", 1)[-1]:
            definition = None
        activation = Activation(
            step.function, step.frame, definition, dict(step.changes), step.kind == "resume"
        )
        opened = _Open(activation, values, [], step.frame)
        if earlier is not None and step.changes and earlier.visits:
            self._learn(opened, step)
        if definition is not None:
            self._by_definition.pop(definition, None)  # noted anew at the first line
        self._by_frame[step.frame] = opened
        self._open.append(opened)

    def _seen_from(self, definition: Function | None) -> dict[str, Snapshot]:
        """Globals, and the variables of the enclosing functions as last known."""
        values = dict(self._globals)
        chain: list[ast.AST] = []
        node: ast.AST | None = definition
        while node is not None:
            chain.append(node)
            node = self._source.parents.get(node)
        for enclosing in reversed(chain):
            values.update(self._by_definition.get(enclosing, {}))
        return values

    def _line(self, step: Step) -> None:
        opened = self._open[-1]
        statement = self._source.statement_at.get(step.line)
        last = opened.visits[-1] if opened.visits else None
        if (
            last is not None
            and statement is not None
            and last.statement is statement
            and is_spread_out(statement)
        ):
            visit = last
        else:
            first = statement.lineno if statement is not None else step.line
            if isinstance(statement, (ast.Try, ast.Match)):
                first = step.line  # an `except` or `case` line is labelled by itself
            visit = Visit(statement, first, opened.values)
            if last is not None:
                last.follower = visit
            opened.visits.append(visit)
        visit.changes.update(step.changes)
        visit.deleted.extend(name for name in step.deleted if name not in visit.deleted)
        self._learn(opened, step)

    def _learn(self, opened: _Open, step: Step) -> None:
        definition = opened.activation.definition
        own = local_names(definition) if definition is not None else frozenset(opened.values)
        if step.changes or step.deleted:
            # A new dict each time: the visits so far keep what they knew.
            opened.values = {**opened.values, **step.changes}
            for name in step.deleted:
                opened.values.pop(name, None)
        for name, value in step.changes.items():
            if name not in own and name in self._globals:
                self._globals[name] = value
        if definition is not None and (step.changes or definition not in self._by_definition):
            self._by_definition[definition] = {
                name: value for name, value in opened.values.items() if name in own
            }

    def _close(self) -> None:
        opened = self._open.pop()
        activation = opened.activation
        activation.earlier = self._earlier.get(opened.frame, [])
        activation.nodes = nodes_of(activation, opened.visits, self._source)
        hidden = activation.function.rsplit(".", 1)[-1].startswith("<")
        outer = self._open[-1] if self._open else None
        if outer is None:
            self._roots.append(activation)
        elif not outer.visits:
            return
        elif hidden:
            inner = [call for visit in opened.visits for call in visit.calls]
            outer.visits[-1].calls.extend(inner)
        else:
            caller = outer.visits[-1]
            caller.calls.append(activation)
            if caller.statement is not None:
                activation.written = _as_written(activation, caller.statement)


def _joined(roots: list[Activation], source: Source) -> list[Activation]:
    """Outermost generators as one activation each: the Call itself asks for all they give."""
    stretches: dict[int, list[Activation]] = {}
    for root in roots:
        # One that is left over is closed when the interpreter drops it: no part of the answer.
        if root.ending != "unwind" or not root.resumed:
            stretches.setdefault(root.frame, []).append(root)
    for first, *later in stretches.values():
        if not later:
            continue
        flat = [visit for root in (first, *later) for visit in visits(root.nodes)]
        for visit, follower in pairwise(flat):
            visit.follower = visit.follower or follower
        first.nodes = nodes_of(first, flat, source)
        first.ending, first.value = later[-1].ending, later[-1].value
    return [first for first, *_ in stretches.values()]


def _as_written(activation: Activation, statement: ast.stmt) -> str:
    """How a method's call reads where it stands: ``self.items.push``, ``Stack`` for ``__init__``."""
    if "." not in activation.function.rpartition("<locals>.")[2]:
        return ""
    owner = activation.function.rsplit(".", 2)[-2]
    receiver = next(iter(activation.arguments.values()), None)
    if activation.name == "__init__":
        if receiver is not None and receiver.type == owner:
            return owner
        return f"{owner}.__init__"
    return written_methods(statement).get(activation.name) or f"{owner}.{activation.name}"
