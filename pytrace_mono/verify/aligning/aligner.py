"""The findings on a monologue in free style."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache

from pytrace_mono.verify.aligning.counting import counts
from pytrace_mono.verify.aligning.path import ACROSS, TIED, lay
from pytrace_mono.verify.aligning.segments import Moment, Segment, Segments
from pytrace_mono.verify.aligning.truth import Truth, Was, meets, snapshot_meets
from pytrace_mono.verify.checking.places import is_written
from pytrace_mono.verify.checking.whole import on_all, on_run
from pytrace_mono.verify.claims import (
    Claim,
    Condition,
    Gives,
    Holds,
    Inputs,
    Passes,
    Raises,
    Reached,
    Statement,
    Value,
)
from pytrace_mono.verify.expressions import NotEvaluated, evaluate
from pytrace_mono.verify.findings import Finding, Status
from pytrace_mono.verify.program import effects_of, targets_of
from pytrace_mono.verify.reading import shapes
from pytrace_mono.verify.reading.prose import Said, Telling
from pytrace_mono.verify.recording import Frame, Known, Run

WRONG = 1.0
"""What a statement costs where it is not so."""
TARGET = 1.6
"""... of a loop's variable, which says in which pass it is told."""
HINT = 0.5
ELSEWHERE = 1.4
"""What it costs to be outside of the iteration that is named."""
UNKNOWN = 0.1
LOOSELY = 0.8
STALE = 0.15
"""What it costs where it was so only until the pass changed it."""
OTHER_LINE = 0.25
MOST = 400
"""Stretches of a run beyond which nothing is laid along it."""


class Aligner:
    """Holds the statements of a telling against a run.

    Args:
        run: the recording; of the witness where the monologue argues backwards.
        main: the activation that the Call is about.
        known: gives every known Call, for properties.
    """

    def __init__(
        self,
        run: Run,
        main: Frame | None,
        known: Callable[[], Sequence[Known]],
    ) -> None:
        self.run = self._run = run
        self._main = main
        self._known = known
        self._segments = Segments(run)
        self._truth = Truth(self._segments, main)
        self._made: dict[tuple[str, int], list[Moment]] = {}
        self.told: set[int] = set()
        self.in_order = 0
        self.placed = 0

    def findings(self, telling: Telling) -> tuple[Finding, ...]:
        """One finding for each claim, in the order of the text."""
        segments = self._segments.all
        everywhere: dict[int, Finding] = {}
        placed: list[int] = []
        for index, said in enumerate(telling.said):
            finding = self._anywhere(said)
            if finding is not None:
                everywhere[index] = finding
            elif not isinstance(said.claim.statement, Passes) and len(segments) <= MOST:
                placed.append(index)
        spoken = [telling.said[i] for i in placed]
        truths = [self._truth.over(said) for said in spoken]
        costs = [
            [self._cost(said, was, segment) for was, segment in zip(row, segments, strict=True)]
            for said, row in zip(spoken, truths, strict=True)
        ]
        stacks = [
            tuple((r.loop.lineno, r.begins, n) for r, n in self._segments.full_stack(segment))
            for segment in segments
        ]
        path = lay(costs, self._across(telling, placed), [s.back for s in spoken], segments, stacks)
        where = dict(zip(placed, path, strict=True))
        known = {i: truths[n][path[n]] for n, i in enumerate(placed)} if path else {}
        for n, i in enumerate(placed):
            if path:
                self.placed += 1
                self.in_order += not n or path[n] >= path[n - 1]
                everywhere[i] = self._placed(spoken[n], truths[n], path[n])
        self._stale(telling, where, known, everywhere)
        last = 0
        found: list[Finding] = []
        for index, said in enumerate(telling.said):
            last = where.get(index, last)
            if said.hint:
                continue
            finding = everywhere.get(index)
            if finding is None:
                finding = self._counted(said, segments[last] if segments else None)
            found.append(finding)
        return tuple(self._doubted(found))

    def _across(self, telling: Telling, placed: list[int]) -> list[float]:
        """What it costs each statement to be told in another pass than the one before it."""
        found: list[float] = []
        last = -1
        tied = False
        for index in placed:
            said = telling.said[index]
            joint = all(other.joint for other in telling.said[last + 1 : index + 1])
            tied = joint and (tied or said.column is not None)
            before = telling.said[last].claim.statement if last >= 0 else None
            close = (
                joint
                and said.tight
                and isinstance(before, Value)
                and isinstance(said.claim.statement, Value)
                and before.expression != said.claim.statement.expression
            )
            found.append(
                TIED if close or (tied and not said.sequel) else (ACROSS if joint else 0.0)
            )
            statement = said.claim.statement
            if isinstance(statement, Value) and self._is_target(statement.expression):
                if joint and said.column is None:
                    found[-1] = ACROSS
                tied = True
            if said.column is not None:
                tied = True
            last = index
        return found

    def _doubted(self, found: list[Finding]) -> list[Finding]:
        """Where most is not so the thread is lost, and only what is so nowhere is wrong."""
        wrong = [f for f in found if f.status == "contradicted" and f.step is not None]
        held = sum(f.status == "holds" for f in found)
        if len(wrong) <= max(2, held * 0.5):
            return found
        return [replace(f, status="unsupported") if f in wrong else f for f in found]

    # ------------------------------------------------------------------ without a place

    def _anywhere(self, said: Said) -> Finding | None:
        """What needs no place; None where it needs one."""
        claim, statement = said.claim, said.claim.statement
        if isinstance(statement, Condition) and not statement.expression.startswith(
            ("line ", "test ")
        ):
            node = shapes.parsed(statement.expression)
            if node is None:
                return _finding(claim, None, "not an expression")
            if not any(
                isinstance(n, ast.Name) and n.id in self._run.program.bound for n in ast.walk(node)
            ):
                return self._constant(claim, statement)
        if isinstance(statement, Value) and statement.expression != "_":
            node = shapes.parsed(statement.expression)
            if node is None:
                return _finding(claim, None, "not an expression")
            if not any(
                isinstance(n, ast.Name) and n.id in self._run.program.bound for n in ast.walk(node)
            ):
                return self._arithmetic(claim, statement)
        if isinstance(statement, Gives) and statement.call is not None:
            return self._call(claim, statement)
        if isinstance(statement, Gives) and (
            said.words == "function" or (statement.shown.type and not statement.shown.text)
        ):
            return self._result(claim, statement)
        if isinstance(statement, Inputs):
            return self._chosen(claim, statement)
        if isinstance(statement, Holds) and claim.kind == "property":
            return _finding(claim, *on_all(statement.expression, self._known()))
        if isinstance(statement, Holds):
            return self._constraint(claim, statement)
        return None

    def _constant(self, claim: Claim, said: Condition) -> Finding:
        try:
            value = bool(evaluate(said.expression, {}, self._run.program.bound))
        except NotEvaluated as why:
            return _finding(claim, None, str(why))
        return _finding(claim, value is said.held, f"{said.expression} is {value}")

    def _arithmetic(self, claim: Claim, said: Value) -> Finding:
        try:
            value = evaluate(said.expression, {}, self._run.program.bound)
        except NotEvaluated as why:
            return _finding(claim, None, str(why))
        return _finding(claim, meets(said.shown, value), f"{said.expression} is {value!r}")

    def _call(self, claim: Claim, said: Gives) -> Finding:
        assert said.call is not None
        frames = [f for f in self._run.called if is_written(said.call, f)]
        given = [f for f in frames if f.ending == "return" and f.value is not None]
        if not given:
            return _finding(claim, None, f"{said.call} was not recorded")
        answers = [snapshot_meets(said.shown, f.value) for f in given if f.value is not None]
        for frame, answer in zip(given, answers, strict=True):
            if answer:
                return _finding(claim, True, "", frame.ends)
        assert given[0].value is not None
        so = None if None in answers else False
        return _finding(claim, so, f"{said.call} is {given[0].value.text[:200]}", given[0].ends)

    def _result(self, claim: Claim, said: Gives) -> Finding | None:
        main = self._main
        if main is None or main.ending != "return" or main.value is None or said.how == "yielded":
            return None
        so = snapshot_meets(said.shown, main.value)
        if so is False and len(self._run.called) > 1:
            return None
        return _finding(claim, so, f"it is {main.value.text[:200]}", main.ends)

    def _constraint(self, claim: Claim, said: Holds) -> Finding:
        main = self._main
        node = shapes.parsed(said.expression)
        if main is None or node is None:
            return _finding(claim, None, "the run of the function was not recorded alone")
        names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} & self._run.program.bound
        if names <= set(main.arguments) | self._run.program.function_names:
            calls = {f.name for f in self._run.called} & names
            if not calls:
                so = on_run(said.expression, main)
                return _finding(claim, so, f"{said.expression} is false of this run", main.begins)
            return self._equated(claim, node)
        values = [
            self._truth.value(said.expression, m)
            for s in self._segments.all if s.frame is main for m in s.moments
        ]  # fmt: skip
        known = [v for v in values if isinstance(v, bool)]
        if not known:
            return _finding(claim, None, "it cannot be evaluated here")
        return _finding(claim, any(known), f"{said.expression} is false throughout", main.begins)

    def _chosen(self, claim: Claim, said: Inputs) -> Finding:
        """Whether the chosen input is the one that was run."""
        main = self._main
        for name, shown in said.values:
            value = main.arguments.get(name) if main is not None else None
            if main is None or value is None:
                return _finding(claim, None, f"{name} is no parameter")
            so = snapshot_meets(shown, value)
            if not so:
                return _finding(claim, so, f"{name} is {value.text[:200]}", main.begins)
        return _finding(claim, True, "", main.begins if main is not None else None)

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
            return _finding(claim, so, f"it is {main.value.text[:200]}", main.ends)
        return _finding(claim, None, "calls are not evaluated")

    # ------------------------------------------------------------------ with a place

    def _cost(self, said: Said, was: Was, segment: Segment) -> float:
        statement = said.claim.statement
        cost = 0.0
        if was.so is not True:
            if was.so is None:
                cost = UNKNOWN
            elif said.hint:
                cost = HINT
            elif isinstance(statement, Value) and self._is_target(statement.expression):
                cost = TARGET
            else:
                cost = WRONG if was.known else 1.1 * WRONG
        elif isinstance(statement, Value) and not said.hint and self._is_stale(said, segment):
            cost = STALE
        place = said.claim.place
        for _, number in place.passes:
            numbers = {n for _, n in self._segments.full_stack(segment)}
            if number not in numbers:
                cost += HINT if said.hint else (LOOSELY if said.loosely else ELSEWHERE)
        if place.line is not None and said.visit is None:
            labels = {m.visit.label for m in segment.moments if m.visit is not None}
            if place.line not in labels:
                cost += OTHER_LINE
        return cost

    def _is_target(self, name: str) -> bool:
        return any(
            name in targets_of(s)
            for s, _ in self._run.program.at.values()
            if isinstance(s, ast.For)
        )

    def _placed(self, said: Said, row: list[Was], at: int) -> Finding:
        claim, statement = said.claim, said.claim.statement
        was = row[at]
        if was.so is True:
            assert was.moment is not None
            self._tell(statement, self._segments.all[at])
            return _finding(claim, True, "", was.moment.time)
        if was.so is None:
            return _finding(claim, None, "the recording does not tell")
        if not any(w.known for w in row):
            return _finding(claim, None, "it has no value in this run")
        if isinstance(statement, Raises) and any(w.so for w in row):
            return _finding(claim, True, "")
        if isinstance(statement, Reached):
            return _finding(claim, None, "where it is meant is not clear")
        return _finding(claim, False, *self._fact(statement, row, at))

    def _fact(self, statement: Statement, row: list[Was], at: int) -> tuple[str, int]:
        segment = self._segments.all[at]
        moment: Moment = segment.moments[-1]
        line = moment.visit.label if moment.visit is not None else 0
        where = f"at line {line} (step {moment.time + 1})"
        if isinstance(statement, (Value, Condition)):
            if statement.expression == "_":
                return f"nothing is {statement.shown.text} {where}", moment.time  # type: ignore[union-attr]  # a Value
            if statement.expression.startswith(("line ", "test ")):
                return f"{statement.expression} comes out otherwise {where}", moment.time
            return (
                f"{statement.expression} is {self._truth.text(statement.expression, moment)} {where}",
                moment.time,
            )
        return f"it is otherwise {where}", moment.time

    def _tell(self, statement: Statement, segment: Segment) -> None:
        """Keep which lines with side effects were narrated."""
        if not isinstance(statement, Value):
            return
        root = statement.expression.split("[")[0].split(".")[0]
        for moment in segment.moments:
            visit = moment.visit
            if visit is not None and (root in visit.changes or root in effects_of(visit.statement)):
                self.told.add(visit.label)

    def _stale(
        self,
        telling: Telling,
        where: dict[int, int],
        known: dict[int, Was],
        found: dict[int, Finding],
    ) -> None:
        """What is told of a pass last should be what the pass left, not what it found.

        It is wrong where the words tell of a change, or where the telling does so otherwise of the
        same variable in other passes.
        """
        told: dict[tuple[str, int], list[int]] = defaultdict(list)
        for index, at in where.items():
            said = telling.said[index]
            statement, segment = said.claim.statement, self._segments.all[at]
            if not isinstance(statement, Value) or said.hint or not known[index].so:
                continue
            if events := self._events(statement, segment):
                told[(said.column or statement.expression, events[0].time)].append(index)
        fresh: dict[str, int] = defaultdict(int)
        stale: dict[str, list[int]] = defaultdict(list)
        for (name, _), indices in told.items():
            answers = [
                self._is_fresh(telling.said[i], self._segments.all[where[i]]) for i in indices
            ]
            if True in answers:
                fresh[name] += 1
            elif None not in answers:
                stale[name].append(indices[-1])
        for name, indices in stale.items():
            for index in indices:
                said = telling.said[index]
                statement = said.claim.statement
                assert isinstance(statement, Value)
                if said.early and said.column is None:
                    continue
                if fresh[name] >= len(indices):
                    moment = self._events(statement, self._segments.all[where[index]])[-1]
                    line = moment.visit.label if moment.visit is not None else 0
                    text = self._truth.text(statement.expression, moment)
                    fact = (
                        f"{statement.expression} is {text} at line {line} (step {moment.time + 1})"
                    )
                    found[index] = _finding(said.claim, False, fact, moment.time)

    def _events(self, statement: Value, here: Segment) -> list[Moment]:
        """The moments at which a value was made in the innermost pass in which one was."""
        key = (statement.expression, id(here))
        known = self._made.get(key)
        if known is not None:
            return known
        names = _names(statement.expression)
        frames = {here.frame}
        caller = here.frame.caller
        while caller is not None:
            frames.add(caller.frame)
            caller = caller.frame.caller
        stack = self._segments.full_stack(here)
        found: list[Moment] = []
        while stack and not found:
            found = [
                moment
                for segment in self._segments.all
                if segment.frame in frames
                and self._segments.full_stack(segment)[: len(stack)] == stack
                for moment in segment.moments
                if moment.visit is not None
                and not moment.ends
                and names & (moment.visit.changes.keys() | touched(moment.visit.statement))
            ]
            stack = stack[:-1]
        self._made[key] = found
        return found

    def _is_stale(self, said: Said, segment: Segment) -> bool:
        return segment.outer is not None and self._is_fresh(said, segment) is False

    def _is_fresh(self, said: Said, segment: Segment) -> bool | None:
        """Whether a value was made in that pass; None where none was."""
        statement = said.claim.statement
        assert isinstance(statement, Value)
        events = self._events(statement, segment)
        if not events:
            return None
        return any(self._truth.at(said, moment) is True for moment in events)

    # ------------------------------------------------------------------ counts

    def _counted(self, said: Said, segment: Segment | None) -> Finding:
        claim, statement = said.claim, said.claim.statement
        if not isinstance(statement, Passes) or statement.count is None or segment is None:
            return _finding(claim, None, "the run is too long to be laid along")
        possible = counts(said.words, claim.place, self._segments, self._main, segment)
        if possible is None:
            return _finding(claim, None, "what is counted is not clear")
        told = " or ".join(map(str, sorted(possible)))
        return _finding(claim, statement.count in possible, f"it is {told} times")


@lru_cache(maxsize=4096)
def touched(statement: ast.stmt) -> frozenset[str]:
    """The names that a statement binds or may change."""
    return effects_of(statement) | targets_of(statement)


def _names(expression: str) -> set[str]:
    node = shapes.parsed(expression)
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} if node is not None else set()


def _finding(claim: Claim, so: bool | None, fact: str = "", step: int | None = None) -> Finding:
    status: Status = "unsupported" if so is None else ("holds" if so else "contradicted")
    return Finding(claim, status, "" if so else fact, step)
