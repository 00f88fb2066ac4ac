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

from pytrace_mono.synth.narrator.source import Function, Loop
from pytrace_mono.tracer.types import Snapshot

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
