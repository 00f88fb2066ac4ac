"""In which stretches of a run a statement is so."""

from __future__ import annotations

import ast
from functools import cached_property
from typing import Any

from pytrace_mono.tracer.types import Snapshot
from pytrace_mono.verify.aligning.computed import Computed
from pytrace_mono.verify.aligning.occurring import Occurring
from pytrace_mono.verify.aligning.segments import Moment, Segments
from pytrace_mono.verify.checking.code import moved_by
from pytrace_mono.verify.checking.comparing import equal, fits, shows
from pytrace_mono.verify.claims import ANY, Condition, Gives, Operand, Raises, Reached, Shown, Value
from pytrace_mono.verify.expressions import NotEvaluated, evaluate
from pytrace_mono.verify.frames import Frame
from pytrace_mono.verify.instances import instance_of, values_in
from pytrace_mono.verify.reading import shapes
from pytrace_mono.verify.reading.telling import Said
from pytrace_mono.verify.recording import Run
from pytrace_mono.verify.source import NoLiteral, literal_of, parsed

_NUMBERS = (int, float)


_PUTS = frozenset({"append", "insert", "appendleft", "push", "heappush"})
ABSENT = object()
"""Nothing is there to speak of."""
_UNKNOWN = object()


class Truth:
    """Evaluates statements at moments; what was evaluated once is kept.

    Args:
        segments: the run.
        main: the activation that the Call is about.
    """

    def __init__(self, segments: Segments, main: Frame | None) -> None:
        self.segments = segments
        self.run: Run = segments.run
        self._main = main
        self._computed = Computed(segments)
        self._values: dict[tuple[str, int, int], Any] = {}
        self._nodes: dict[str, ast.expr | None] = {}
        self._order: dict[int, tuple[int, int]] = {}
        counts: dict[tuple[int, int], int] = {}
        for label, visits in segments.visits_of.items():
            for number, visit in enumerate(visits, 1):
                key = (label, visit.frame.number)
                counts[key] = counts.get(key, 0) + 1
                self._order[visit.start] = (number, counts[key])

    def over(self, said: Said) -> list[list[Any]]:
        """A statement at every moment of every stretch, as :meth:`at`."""
        return [[self.at(said, m) for m in segment.moments] for segment in self.segments.all]

    def calculated(self, said: Said) -> set[int]:
        """The starts of the visits that worked out what a statement over literals says."""
        statement = said.claim.statement
        assert isinstance(statement, (Value, Condition))
        return self._computed.visits(statement.expression)

    @cached_property
    def occurring(self) -> Occurring:
        """All values of the run."""
        return Occurring(self.run)

    def _is_visit(self, moment: Moment, said: Said) -> bool:
        visit, line = moment.visit, said.claim.place.line
        if visit is None or visit.label != line or moment.ends:
            return False
        return said.visit in self._order.get(visit.start, ())

    def at(self, said: Said, moment: Moment) -> Any:
        """True, False, None where it cannot be said, or ABSENT."""
        statement = said.claim.statement
        if said.visit is not None and not self._is_visit(moment, said):
            return ABSENT
        if said.code and not isinstance(statement, Gives):
            visit = moment.visit
            if visit is None or moment.ends or visit.label not in said.code:
                return ABSENT
        if isinstance(statement, (Value, Condition)):
            made = self._computed.visits(statement.expression)
            if made:
                visit = moment.visit
                return (visit is not None and not moment.ends and visit.start in made) or ABSENT
        if isinstance(statement, Value):
            return self._value(statement, moment)
        if isinstance(statement, Condition):
            return self._condition(statement, moment)
        if isinstance(statement, Gives):
            return self._gives(statement, moment, said)
        if isinstance(statement, Operand):
            return self._operand(statement, moment)
        if isinstance(statement, Raises):
            visit = moment.visit
            if visit is None or visit.raised is None or moment.ends:
                return ABSENT
            return visit.raised.type.rsplit(".", 1)[-1] == statement.type
        if isinstance(statement, Reached):
            visit = moment.visit
            inside = visit is not None and statement.first <= visit.label <= statement.last
            return True if inside is statement.ran else ABSENT
        return None

    def states(self, statement: Value, moment: Moment) -> Any:
        """The same of a value, whatever else its sentence says."""
        return self._value(statement, moment)

    def value(self, expression: str, moment: Moment) -> Any:
        """What an expression comes to then, or one of the two marks."""
        key = (expression, moment.frame.number, moment.time * 2 + moment.ends)
        if key not in self._values:
            self._values[key] = self._evaluate(expression, moment)
        return self._values[key]

    def _evaluate(self, expression: str, moment: Moment) -> Any:
        if expression not in self._nodes:
            self._nodes[expression] = parsed(expression)
        node = self._nodes[expression]
        if node is None:
            return _UNKNOWN
        names: dict[str, Any] = {}
        bound = {
            n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }
        for part in ast.walk(node):
            if not isinstance(part, ast.Name) or part.id in names or part.id in bound:
                continue
            found = self.segments.lookup(part.id, moment)
            if found is None:
                if (
                    part.id in self.run.program.known_names
                    and part.id not in self.run.program.function_names
                ):
                    return ABSENT
                continue
            instance = None if found.exact else instance_of(found.text)
            if instance is not None:
                names |= values_in(node, {part.id: instance})
                continue
            try:
                names[part.id] = self.run.value_of(found)
            except NotEvaluated:
                return _UNKNOWN
        try:
            return evaluate(node, names, self.run.program.bound, work=self.run.work)
        except NotEvaluated as why:
            return (
                ABSENT if str(why).startswith(("IndexError", "KeyError", "TypeError")) else _UNKNOWN
            )

    def snapshot(self, name: str, moment: Moment) -> Snapshot | None:
        """The Snapshot of a variable."""
        return self.segments.lookup(name, moment)

    def _value(self, said: Value, moment: Moment) -> Any:
        if said.expression == ANY:
            return self._held_by_any(said, moment)
        if said.expression.isidentifier():
            found = self.segments.lookup(said.expression, moment)
            if found is None:
                return ABSENT
            if said.was is not None and not self._came_from(said, moment):
                return False
            if not found.exact:
                return fits(said.shown, found)
        value = self.value(said.expression, moment)
        if value is ABSENT:
            return ABSENT
        if value is _UNKNOWN:
            return None
        so = meets(said.shown, value)
        if (
            so is False
            and said.shown.text is not None
            and isinstance(value, (list, tuple, set, dict))
        ):
            try:  # what is put into a container is told in the same words
                return None if literal_of(said.shown.text) in value else False
            except (NoLiteral, TypeError):
                return False
        return so

    def _held_by_any(self, said: Value, moment: Moment) -> bool:
        """Whether some variable has a value."""
        visit = moment.visit
        names = moment.frame.arguments if visit is None else {**visit.before, **visit.changes}
        found = [self.segments.lookup(name, moment) for name in names]
        return any(
            v is not None and v.exact and meets(said.shown, literal_of(v.text)) for v in found
        )

    def _operand(self, said: Operand, moment: Moment) -> Any:
        visit = moment.visit
        if visit is None or moment.ends:
            return ABSENT
        given = (
            moved_by(visit.statement, _PUTS)
            if not isinstance(visit.statement, ast.AugAssign)
            else []
        )
        values = [self.value(ast.unparse(argument), moment) for argument in given]
        if not values or any(v is ABSENT for v in values):
            return ABSENT
        if any(v is _UNKNOWN for v in values):
            return None
        return any(meets(said.shown, v) for v in values)

    def _came_from(self, said: Value, moment: Moment) -> bool:
        visit = moment.visit
        if visit is None or said.was is None:
            return True
        known = False
        for other in moment.frame.visits:
            if other.start > visit.start:
                break
            before = other.had(said.expression)
            known = known or before is not None
            if before is not None and (
                not before.exact or meets(said.was, literal_of(before.text)) is not False
            ):
                return True
        return not known

    def _condition(self, said: Condition, moment: Moment) -> Any:
        visit = moment.visit
        if said.expression.startswith("line "):
            if visit is None or visit.label != int(said.expression[5:]) or moment.ends:
                return ABSENT
            outcome = self.run.outcome(visit)
            return None if outcome is None else outcome is said.held
        if said.expression.startswith("test "):
            return self._of_kind(said, moment)
        tested = self._tested(said.expression)
        if tested is not None:
            statements, same = tested
            if visit is None or visit.statement not in statements or moment.ends:
                return ABSENT
            outcome = self.run.outcome(visit)
            return None if outcome is None else (outcome is same) is said.held
        value = self.value(said.expression, moment)
        if value is ABSENT:
            return ABSENT
        return None if value is _UNKNOWN else bool(value) is said.held

    def _of_kind(self, said: Condition, moment: Moment) -> Any:
        visit, kind = moment.visit, said.expression[5:]
        if visit is None or moment.ends or not isinstance(visit.statement, (ast.If, ast.While)):
            return ABSENT
        if (kind == "loop") is not isinstance(visit.statement, ast.While) and kind != "any":
            return ABSENT
        parent = self.run.program.parents.get(visit.statement)
        chained = isinstance(parent, ast.If) and parent.orelse == [visit.statement]
        if kind == "elif" and not chained:
            return ABSENT
        outcome = self.run.outcome(visit)
        return None if outcome is None else outcome is said.held

    def _tested(self, expression: str) -> tuple[list[ast.stmt], bool] | None:
        """The statements whose test an expression is, or negates."""
        text = shapes.normal(expression)
        same: list[ast.stmt] = []
        other: list[ast.stmt] = []
        for statement, _ in self.run.program.at.values():
            if isinstance(statement, (ast.If, ast.While)):
                test = ast.unparse(statement.test)
                if test == text:
                    same.append(statement)
                elif test in (f"not {text}", f"not ({text})"):
                    other.append(statement)
        if same:
            return same, True
        return (other, False) if other else None

    def _gives(self, said: Gives, moment: Moment, words: Said) -> Any:
        if said.how == "yielded":
            visit = moment.visit
            if visit is None or moment.ends:
                return ABSENT
            given = [v for t, v in moment.frame.yields if visit.start <= t <= visit.end]
            return snapshot_meets(said.shown, given[0]) if given else ABSENT
        if not moment.ends or moment.frame.ending != "return" or moment.frame.value is None:
            return ABSENT
        return snapshot_meets(said.shown, moment.frame.value)

    def text(self, expression: str, moment: Moment) -> str:
        """What to tell a reader an expression was then."""
        value = self.value(expression, moment)
        if value is ABSENT:
            return "unbound"
        return "something else" if value is _UNKNOWN else repr(value)[:200]


def snapshot_meets(shown: Shown, snapshot: Snapshot) -> bool | None:
    """Whether a value, as a person writes it, is a recorded one."""
    if not snapshot.exact:
        return fits(shown, snapshot)
    return meets(shown, literal_of(snapshot.text))


def meets(shown: Shown, value: Any) -> bool | None:
    """Whether a value is as shown: a person writes 3 for 3.0 unless the type is what is told."""
    if shown.text is None or shown.elided:
        if (
            shown.type is not None
            and shown.text is None
            and shown.size is None
            and shown.begins is None
        ):
            return type(value).__name__ == shown.type
        return shows(shown, value)
    try:
        claimed = literal_of(shown.text)
    except NoLiteral:
        return None
    if claimed == {} and isinstance(value, (set, frozenset)) and not value:
        return shown.type in (None, "set")
    if equal(claimed, value):
        return shown.type is None or type(value).__name__ == shown.type
    if shown.type is not None or isinstance(value, bool) or isinstance(claimed, bool):
        return False
    if isinstance(claimed, float) and isinstance(value, float):
        digits = len(shown.text.partition(".")[2])
        return digits >= 2 and round(value, digits) == claimed
    return isinstance(claimed, _NUMBERS) and isinstance(value, _NUMBERS) and claimed == value
