"""The recording as a story: activations made of visits and loops, instead of a flat list of Steps.

::

    Activation  one run of a function (or of a generator up to its next yield)
      Visit     one execution of a statement: what was known before, what it changed, what it called
      Round     one loop: its iterations, each with a header Visit and a body of Visits and Rounds

Frames of comprehensions and lambdas are folded into the statement that contains them, so a story
reads the same on every Python version (PEP 709 inlined comprehensions in 3.12).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from pytrace_mono.synth.narrator.source import (
    Function,
    Loop,
    Source,
    is_spread_out,
    local_names,
    written_methods,
)
from pytrace_mono.tracer.types import Snapshot, Step, Trace

Values = Mapping[str, Snapshot]


@dataclass(eq=False)
class Visit:
    """One execution of a statement.

    Attributes:
        statement: the statement; None for a line that belongs to none.
        line: its first line, which is its label.
        before: the variables in sight before it ran.
        changes, deleted: what it did to them.
        calls: the program's functions that ran meanwhile, in order.
        raised: the exception it raised or let through.
        yielded: what a generator handed out here.
    """

    statement: ast.stmt | None
    line: int
    before: dict[str, Snapshot]
    changes: dict[str, Snapshot] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    calls: list[Activation] = field(default_factory=list)
    raised: Snapshot | None = None
    yielded: Snapshot | None = None
    follower: Visit | None = None

    @property
    def after(self) -> dict[str, Snapshot]:
        """The variables in sight once it has run."""
        values = {**self.before, **self.changes}
        for name in self.deleted:
            values.pop(name, None)
        return values


@dataclass(eq=False)
class Iteration:
    """One pass of a loop; ``header`` is None where no header line is visited (``while True``)."""

    header: Visit | None
    body: list[Node]


@dataclass(eq=False)
class Round:
    """One run of a loop from its first header visit until it is left.

    Attributes:
        loop: the statement.
        iterations: the passes that ran the body.
        last_check: the header visit that ended it, None when it was left from inside.
        before: passes that were over before the Call, in a generator that it only resumes.
        is_interrupted: the first of the iterations is the rest of one that began before the Call.
    """

    loop: Loop
    iterations: list[Iteration]
    last_check: Visit | None
    before: int = 0
    is_interrupted: bool = False

    @property
    def goes_on(self) -> bool:
        """Whether the loop began before the Call."""
        return self.before > 0 or self.is_interrupted

    @property
    def line(self) -> int:
        return self.loop.lineno


Node = Visit | Round


def has_inline_body(loop: Loop) -> bool:
    """Its body begins on the line of its header: a visit of the line may be a pass or none."""
    return loop.body[0].lineno == loop.lineno


def loop_values(header: Visit) -> dict[str, Snapshot]:
    """What a ``for`` header bound, also where the new value is the same as the old one."""
    assert isinstance(header.statement, (ast.For, ast.AsyncFor))
    after = header.after
    names = [n.id for n in ast.walk(header.statement.target) if isinstance(n, ast.Name)]
    return {name: after[name] for name in names if name in after}


@dataclass(eq=False)
class Activation:
    """One run of a function, or one stretch of a generator.

    Attributes:
        function: qualified name, as in the Step.
        frame: number of the frame; the stretches of one generator share it.
        definition: its ``def``; None for a lambda or a module or class body.
        arguments: what the call bound; empty for a resumed generator.
        resumed: True when a generator went on.
        nodes: what it did, in order.
        ending: ``return``, ``yield``, ``await`` or ``unwind``; None when the recording stops inside.
        value: what it returned or yielded.
        written: the function as the statement that called it writes it (``limiter.allow``); "" where
            that cannot be told.
        earlier: what a generator that began before the Call had visited by then.
    """

    function: str
    frame: int
    definition: Function | None
    arguments: dict[str, Snapshot]
    resumed: bool
    nodes: list[Node] = field(default_factory=list)
    ending: str | None = None
    value: Snapshot | None = None
    written: str = ""
    earlier: list[Visit] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The function's own name without its owners."""
        return self.function.rsplit(".", 1)[-1]


def visits(nodes: list[Node]) -> Iterator[Visit]:
    """Every Visit in order, loop headers included."""
    for node in nodes:
        if isinstance(node, Visit):
            yield node
            continue
        for iteration in node.iterations:
            if iteration.header is not None:
                yield iteration.header
            yield from visits(iteration.body)
        if node.last_check is not None:
            yield node.last_check


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
        activation.nodes = _nodes(activation, opened.visits, self._source)
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
        first.nodes = _nodes(first, flat, source)
        first.ending, first.value = later[-1].ending, later[-1].value
    return [first for first, *_ in stretches.values()]


def _nodes(activation: Activation, flat: list[Visit], source: Source) -> list[Node]:
    """The visits of an activation as a story; where it began before the Call, from then on."""
    if not activation.earlier:
        return _grouped(flat, 0, source)
    return _since(_grouped([*activation.earlier, *flat], 0, source), set(flat))


def _since(nodes: list[Node], later: set[Visit]) -> list[Node]:
    """What is left of a story when all but some later visits are taken out."""
    found: list[Node] = []
    for node in nodes:
        if isinstance(node, Visit):
            found += [node] if node in later else []
            continue
        over = 0
        for iteration in node.iterations:
            if any(visit in later for visit in visits([Round(node.loop, [iteration], None)])):
                break
            over += 1
        left = node.iterations[over:]
        begun = [visit for it in left[:1] for visit in visits([Round(node.loop, [it], None)])]
        is_interrupted = bool(begun) and begun[0] not in later
        if is_interrupted:
            left = [Iteration(None, _since(left[0].body, later)), *left[1:]]
        check = node.last_check if node.last_check in later else None
        if left or check is not None:
            found.append(Round(node.loop, left, check, over, is_interrupted))
    return found


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


def _grouped(flat: list[Visit], depth: int, source: Source) -> list[Node]:
    """Gather the visits that belong to a loop at this depth of nesting, and split its iterations."""
    nodes: list[Node] = []
    position = 0
    while position < len(flat):
        visit = flat[position]
        loop = _loop_of(visit, depth, source)
        if loop is None:
            nodes.append(visit)
            position += 1
            continue
        end = position
        while end < len(flat) and _loop_of(flat[end], depth, source) is loop:
            end += 1
        nodes.append(_round(loop, flat[position:end], depth, source))
        position = end
    return nodes


def _loop_of(visit: Visit, depth: int, source: Source) -> Loop | None:
    loops = source.loops_around.get(visit.statement, ()) if visit.statement is not None else ()
    return loops[depth] if depth < len(loops) else None


def _round(loop: Loop, flat: list[Visit], depth: int, source: Source) -> Round:
    endless = isinstance(loop, ast.While) and isinstance(loop.test, ast.Constant)
    pieces: list[tuple[Visit | None, list[Visit]]] = []
    for visit in flat:
        if visit.statement is loop:
            if not endless:
                pieces.append((visit, []))
        elif endless and visit.statement is loop.body[0]:
            if not pieces or _is_back_at_start(pieces[-1][1], visit, depth, source):
                pieces.append((None, [visit]))
            else:
                pieces[-1][1].append(visit)
        elif pieces:
            pieces[-1][1].append(visit)
        else:
            pieces.append((None, [visit]))
    last_check = None
    if pieces and not pieces[-1][1] and not has_inline_body(loop):
        last_check = pieces.pop()[0]
    iterations = [Iteration(head, _grouped(body, depth + 1, source)) for head, body in pieces]
    return Round(loop, iterations, last_check)


def _is_back_at_start(body: list[Visit], visit: Visit, depth: int, source: Source) -> bool:
    """A ``while True`` visits no header: it starts anew where its first statement comes again."""
    loops = source.loops_around[visit.statement] if visit.statement is not None else ()
    return bool(body) and len(loops) == depth + 1
