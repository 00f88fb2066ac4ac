"""What is shared while arguing backwards: the run, what has been said, what must still be explained."""

from __future__ import annotations

import ast

from pytrace_mono.synth.narrator.clauses import Clauses
from pytrace_mono.synth.narrator.inside import steps_inside
from pytrace_mono.synth.narrator.source import (
    Function,
    Source,
    local_names,
    names_read,
    parameters,
)
from pytrace_mono.synth.narrator.story import Activation, Visit, visits
from pytrace_mono.synth.narrator.undo import undone
from pytrace_mono.synth.narrator.values import python_value, show
from pytrace_mono.synth.narrator.wording import Voice, code, listing
from pytrace_mono.tracer.types import Snapshot

MOST_VALUES = 4
"""Values quoted in one sentence."""


class Slice:
    """A backward slice through one activation, as it grows.

    Args:
        source: the program.
        voice: chooses between phrasings.
        activation: the run of a function with a definition.

    Attributes:
        visits: everything the activation executed, in order.
        local: names of the function's own variables.
        parameters: names of its parameters, ``self`` and ``cls`` left out.
        bullets: what has been said.
        waiting: variables whose values are still to be explained.
        explained: variables that are explained or waiting.
        told: tests and loops that have been spoken of.
    """

    def __init__(self, source: Source, voice: Voice, activation: Activation) -> None:
        assert activation.definition is not None
        self.source = source
        self.voice = voice
        self.clauses = Clauses(source, voice)
        self.activation = activation
        self.function: Function = activation.definition
        self.visits = list(visits(activation.nodes))
        self.local = local_names(self.function)
        self.parameters = [p for p in parameters(self.function) if p not in ("self", "cls")]
        self.bullets: list[str] = []
        self.waiting: list[str] = []
        self.explained: set[str] = set()
        self.told: set[ast.stmt] = set()

    def say(self, bullet: str) -> None:
        self.bullets.append(bullet)

    def want(self, *nodes: ast.AST | None) -> None:
        """Put the local variables an expression reads on the list of what must be explained."""
        for node in nodes:
            for name in names_read(node) if node is not None else ():
                if name in self.local and name not in self.explained:
                    self.explained.add(name)
                    self.waiting.append(name)

    def parts(self, visit: Visit, value: ast.expr, came_to: Snapshot | None = None) -> str:
        """What the parts of an expression had to be, or were, when the visit ran, as a sentence."""
        known = self.clauses.known(visit)
        if came_to is not None and came_to.exact and not visit.calls:
            solved = undone(value, python_value(came_to), known)
            if solved:
                then = self.voice.choose(solved[0], "Undoing that", "Solved for what is inside")
                return f" {then}: {listing([code(text) for text in solved])}."
        steps = steps_inside(value, known)
        if steps:
            return f" There {listing(steps)}."
        # An argument that was never changed is what is looked for: quoting it would give it away.
        changed = {name for v in self.visits for name in v.changes}
        open_names = {p for p in self.parameters if p not in changed}
        names = [
            n
            for n in names_read(value)
            if n in visit.before and n in self.local and n not in open_names
        ]
        shown = [f"{code(n)} was {show(visit.before[n])}" for n in names[:MOST_VALUES]]
        return f" At that point {listing(shown)}." if shown else ""

    def is_inside(
        self, statement: ast.stmt | None, container: ast.AST, itself: bool = False
    ) -> bool:
        """True where a statement stands, at any depth, in a container (or is it)."""
        node: ast.AST | None = statement
        while node is not None and node is not container:
            node = self.source.parents.get(node)
        return node is not None and (itself or statement is not container)
