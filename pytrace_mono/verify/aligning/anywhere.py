"""What needs no place in the run: arithmetic, results, the chosen input, constraints."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from pytrace_mono.verify.aligning.truth import Truth, meets, snapshot_meets
from pytrace_mono.verify.checking.whole import on_all, on_run
from pytrace_mono.verify.checking.written import Written
from pytrace_mono.verify.claims import (
    ANY,
    MENTION,
    Called,
    Claim,
    Condition,
    Gives,
    Holds,
    Inputs,
    Value,
)
from pytrace_mono.verify.expressions import NotEvaluated, evaluate
from pytrace_mono.verify.findings import Finding, Status
from pytrace_mono.verify.frames import Frame
from pytrace_mono.verify.reading import shapes
from pytrace_mono.verify.reading.telling import Said
from pytrace_mono.verify.recording import Known
from pytrace_mono.verify.source import NoLiteral, literal_of, parsed


class Anywhere:
    """Decides what can be decided without knowing when it is told of.

    Args:
        truth: of statements at moments of the run.
        main: the activation that the Call is about.
        known: gives every known Call, for properties.
        backward: whether the text argues from the output.
    """

    def __init__(
        self,
        truth: Truth,
        main: Frame | None,
        known: Callable[[], Sequence[Known]],
        backward: bool,
    ) -> None:
        self._run = truth.run
        self._truth = truth
        self._main = main
        self._known = known
        self._backward = backward
        self._asked = shapes.normal(truth.run.trace.call or "")

    def finding(self, said: Said) -> Finding | None:
        """The finding on what needs no place; None where it needs one."""
        claim, statement = said.claim, said.claim.statement
        if isinstance(statement, Condition) and not statement.expression.startswith(
            ("line ", "test ")
        ):
            node = parsed(statement.expression)
            if node is None:
                return conclude(claim, None, "not an expression")
            if not self._names_a_variable(node):
                return self._unless_placed(said, self._constant(claim, statement))
        if isinstance(statement, Value) and said.words == MENTION:
            return self._mentioned(claim, statement)
        if isinstance(statement, Value) and statement.expression != ANY:
            node = parsed(statement.expression)
            if node is None:
                return conclude(claim, None, "not an expression")
            if not self._names_a_variable(node):
                outcome = self._run.trace.outcome.value
                if outcome is not None and shapes.normal(statement.expression) == self._asked:
                    so = snapshot_meets(statement.shown, outcome)
                    return conclude(claim, so, f"it gives {outcome.text[:200]}")
                return self._unless_placed(said, self._arithmetic(claim, statement))
        if isinstance(statement, Gives) and statement.call is not None:
            return self._call(claim, statement)
        if isinstance(statement, Called):
            return self._called(claim, statement)
        if isinstance(statement, Gives) and (
            said.words == "function" or (statement.shown.type and not statement.shown.text)
        ):
            return self._result(claim, statement)
        if isinstance(statement, Inputs):
            return self._chosen(claim, statement)
        if isinstance(statement, Holds) and claim.kind == "property":
            return conclude(claim, *on_all(statement.expression, self._known()))
        if isinstance(statement, Holds):
            return self._constraint(claim, statement)
        return None

    def _names_a_variable(self, node: ast.AST) -> bool:
        known = self._run.program.known_names
        return any(isinstance(n, ast.Name) and n.id in known for n in ast.walk(node))

    def _unless_placed(self, said: Said, finding: Finding) -> Finding | None:
        """Right calculations that the program made are told of when it made them."""
        if finding.status != "holds":
            return finding
        return None if self._truth.calculated(said) else finding

    def _constant(self, claim: Claim, said: Condition) -> Finding:
        try:
            value = bool(evaluate(said.expression, {}, self._run.program.known_names))
        except NotEvaluated as why:
            return conclude(claim, None, str(why))
        return conclude(claim, value is said.held, f"{said.expression} is {value}")

    def _arithmetic(self, claim: Claim, said: Value) -> Finding:
        try:
            if "^" in said.expression:  # of numbers it may be meant as a power
                return conclude(claim, None, "^ has two meanings")
            value = evaluate(said.expression, {}, self._run.program.known_names)
        except NotEvaluated as why:
            return conclude(claim, None, str(why))
        return conclude(claim, meets(said.shown, value), f"{said.expression} is {value!r}")

    def _call(self, claim: Claim, said: Gives) -> Finding:
        assert said.call is not None
        written = Written(said.call)
        frames = [f for f in self._run.called if written.began(f)]
        given = [f for f in frames if f.ending == "return" and f.value is not None]
        if not given:
            return conclude(claim, None, f"{said.call} was not recorded")
        answers = [snapshot_meets(said.shown, f.value) for f in given if f.value is not None]
        for frame, answer in zip(given, answers, strict=True):
            if answer:
                return conclude(claim, True, "", frame.ends)
        assert given[0].value is not None
        so = None if None in answers else False
        return conclude(claim, so, f"{said.call} is {given[0].value.text[:200]}", given[0].ends)

    def _mentioned(self, claim: Claim, said: Value) -> Finding:
        """Whether a list, tuple, dict or set that is written out is a value of the run at all."""
        assert said.shown.text is not None
        if self._run.program.has(shapes.normal(said.shown.text)):
            return conclude(claim, True)
        try:
            so = literal_of(said.shown.text) in self._truth.occurring
        except NoLiteral:
            so = None
        if not so and (self._backward or not self._truth.occurring.complete):
            so = None
        return conclude(claim, so, "it is no value of this run")

    def _called(self, claim: Claim, said: Called) -> Finding:
        name = shapes.called(said.call)
        named = [frame for frame in self._run.called if frame.name == name]
        if not named:
            return conclude(claim, None, f"no call of {name} was recorded")
        written = Written(said.call)
        made = [frame for frame in named if written.began(frame)]
        return conclude(claim, bool(made), "this call was not made", (made or named)[0].begins)

    def _result(self, claim: Claim, said: Gives) -> Finding | None:
        main = self._main
        if main is None or main.ending != "return" or main.value is None or said.how == "yielded":
            return None
        so = snapshot_meets(said.shown, main.value)
        if so is False and len(self._run.called) > 1:
            return None
        return conclude(claim, so, f"it is {main.value.text[:200]}", main.ends)

    def _constraint(self, claim: Claim, said: Holds) -> Finding:
        main = self._main
        node = parsed(said.expression)
        if main is None or node is None:
            return conclude(claim, None, "the run of the function was not recorded alone")
        names = {
            n.id for n in ast.walk(node) if isinstance(n, ast.Name)
        } & self._run.program.known_names
        if names <= set(main.arguments) | self._run.program.function_names:
            calls = {f.name for f in self._run.called} & names
            if not calls:
                so = on_run(said.expression, main)
                if so is False and self._was_made(node, main):
                    return conclude(claim, None, "of which time it is told is not clear")
                return conclude(claim, so, f"{said.expression} is false of this run", main.begins)
            return self._equated(claim, node)
        values = [
            self._truth.value(said.expression, m)
            for s in self._truth.segments.all if s.frame is main for m in s.moments
        ]  # fmt: skip
        known = [v for v in values if isinstance(v, bool)]
        if not known:
            return conclude(claim, None, "it cannot be evaluated here")
        return conclude(claim, any(known), f"{said.expression} is false throughout", main.begins)

    def _was_made(self, node: ast.expr, main: Frame) -> bool:
        """Whether it equates a parameter with a value that the run gave it later."""
        if not (
            isinstance(node, ast.Compare)
            and isinstance(node.left, ast.Name)
            and len(node.ops) == 1
            and isinstance(node.ops[0], ast.Eq)
        ):
            return False
        shown = shapes.from_code(ast.unparse(node.comparators[0]))
        made = (visit.changes.get(node.left.id) for visit in main.visits)
        return shown is not None and any(v is not None and snapshot_meets(shown, v) for v in made)

    def _chosen(self, claim: Claim, said: Inputs) -> Finding:
        """Whether the chosen input is the one that was run."""
        main = self._main
        for name, shown in said.values:
            value = main.arguments.get(name) if main is not None else None
            if main is None or value is None:
                return conclude(claim, None, f"{name} is no parameter")
            so = snapshot_meets(shown, value)
            if not so:
                return conclude(claim, so, f"{name} is {value.text[:200]}", main.begins)
        return conclude(claim, True, "", main.begins if main is not None else None)

    def _equated(self, claim: Claim, node: ast.expr) -> Finding:
        """``f(a) == 2``, where ``a`` is what was chosen."""
        main = self._main
        if (
            isinstance(node, ast.Compare)
            and len(node.ops) == 1
            and isinstance(node.left, ast.Call)
            and main is not None
            and shapes.called(ast.unparse(node.left)) == main.name
            and isinstance(node.ops[0], (ast.Eq, ast.NotEq))
            and main.value is not None
        ):
            shown = shapes.from_code(ast.unparse(node.comparators[0]))
            so = snapshot_meets(shown, main.value) if shown is not None else None
            if so is not None and isinstance(node.ops[0], ast.NotEq):
                so = not so
            return conclude(claim, so, f"it is {main.value.text[:200]}", main.ends)
        return conclude(claim, None, "calls are not evaluated")


def conclude(claim: Claim, so: bool | None, fact: str = "", step: int | None = None) -> Finding:
    """The Finding that comes of an answer."""
    status: Status = "unsupported" if so is None else ("holds" if so else "contradicted")
    return Finding(claim, status, "" if so else fact, step)
