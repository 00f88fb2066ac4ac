"""Hold each Claim against the recording."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from pytrace_mono.records import Direction
from pytrace_mono.verify.checking import whole
from pytrace_mono.verify.checking.comparing import fits, shows
from pytrace_mono.verify.checking.places import NoSuchPass, Places, is_written
from pytrace_mono.verify.claims import (
    Called,
    Changes,
    Claim,
    Condition,
    Gives,
    Growth,
    History,
    Holds,
    Inputs,
    Operand,
    Passes,
    Place,
    Quoted,
    Raises,
    Reached,
    Shown,
    Taken,
    Value,
)
from pytrace_mono.verify.expressions import NotEvaluated, evaluate
from pytrace_mono.verify.findings import Finding
from pytrace_mono.verify.program import effects_of, targets_of
from pytrace_mono.verify.reading import shapes
from pytrace_mono.verify.recording import Frame, Run, Visit

Answer = tuple[bool | None, str, int | None]
"""Whether a claim holds (None: cannot be said), the recorded fact, the deciding step."""
_PUTS = frozenset(
    {"append", "add", "insert", "appendleft", "extend", "heappush", "push", "put", "update"}
)
_TAKES = frozenset({"remove", "pop", "discard", "popleft", "heappop"})
_OPPOSITE = {
    ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip


class Checker:
    """Checks the claims of one monologue, in the order of its text.

    Args:
        run: the recording: of the asked Call, or of the witness where the monologue argues backwards.
        main: the activation the Call is about.
        others: recordings of every known Call, for properties; ``run`` among them.
        entry_point: name of the function.
        direction: forward claims are told in the order of the run, backward ones are not.
    """

    def __init__(
        self,
        run: Run,
        main: Frame | None,
        others: Sequence[Run],
        entry_point: str,
        direction: Direction,
    ) -> None:
        self.run = run
        self.main = main
        self.places = Places(run, main)
        self._others = others
        self._entry_point = entry_point
        self._forward = direction == "forward"
        self._cursor = -1
        self.told: set[int] = set()
        self.in_order = 0
        self.placed = 0

    def check(self, claim: Claim) -> Finding:
        """The finding for one claim; call it in the order of the text."""
        handler: Callable[[Claim, Any], Answer] = getattr(
            self, f"_{type(claim.statement).__name__}"
        )
        try:
            holds, fact, step = handler(claim, claim.statement)
        except NoSuchPass as none:
            holds, fact, step = False, str(none), None
        if holds is None:
            return Finding(claim, "unsupported", fact, step)
        return Finding(claim, "holds" if holds else "contradicted", "" if holds else fact, step)

    # ------------------------------------------------------------------ choosing a visit

    def _some(
        self,
        claim: Claim,
        visits: Iterable[Visit],
        test: Callable[[Visit], bool | None],
        fact: Callable[[Visit], str],
        none: str,
    ) -> Answer:
        """The first visit, not before what was told last, of which a claim is true."""
        place = claim.place
        unknown = False
        late: Visit | None = None
        first: Visit | None = None
        earlier: list[Visit] = []
        for visit in visits:
            if self._forward and visit.end < self._cursor:
                earlier.append(visit)
                continue
            answer = test(visit)
            if answer:
                self._note(visit, True)
                return True, "", visit.start
            if answer is None:
                unknown = True
            elif first is None:
                first = visit
            late = visit
        for visit in reversed(earlier):
            answer = test(visit)
            if answer and (place.passes or not place.firm or len(earlier) == 1 or late is None):
                self._note(visit, False)
                return True, "", visit.start
            unknown = unknown or answer is None
            first = first or (visit if answer is False else None)
        if first is None and not unknown:
            return False, none, None
        if unknown:
            return None, "the recording does not tell", None
        assert first is not None
        return False, fact(first), first.start

    def _note(self, visit: Visit, in_order: bool) -> None:
        self.placed += 1
        self.in_order += in_order
        if in_order and self._forward:
            self._cursor = max(self._cursor, visit.end)

    def _where(self, visit: Visit) -> str:
        return f"at line {visit.label} (step {visit.start + 1})"

    # ------------------------------------------------------------------ values

    def _Value(self, claim: Claim, said: Value) -> Answer:
        node = shapes.parsed(said.expression)
        if node is None:
            return None, "not an expression", None
        root = _root(node)
        place = claim.place
        if root is None or not isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)):
            if not _names(node):
                return self._constant(node, said)
            return self._expression(claim, said, node)
        if not self._forward and self._starts_as(claim, said, node):
            return True, "", None
        visits = self.places.visits(place)
        touching = [v for v in visits if touches(v, root)]
        if place.line is not None and not touching and (said.moment == "after" or not visits):
            # The label in force is another statement's: what is said is about what followed it.
            visits = self.places.visits(place, line=False)
            touching = [v for v in visits if touches(v, root)]
        if said.moment == "after" and touching:
            visits = touching
        if not visits and self._is_argument(root):
            return self._argument(said, node)
        if self._forward and said.moment != "before" and self._argument_first(claim, node, said):
            return True, "", None

        def test(visit: Visit) -> bool | None:
            moments = {"after": (True,), "before": (False,), "state": (False, True)}[said.moment]
            answers = [self._has(node, visit, said.shown, after) for after in moments]
            if said.was is not None and True in answers:
                was = self._has(node, visit, said.was, False)
                return was
            if True in answers:
                return True
            return None if None in answers else False

        def fact(visit: Visit) -> str:
            after = said.moment != "before"
            return f"{said.expression} is {self._text(node, visit, after)} {self._where(visit)}"

        none = f"{said.expression} has no value there"
        if place.line is not None and not visits:
            none = f"line {place.line} does not run there"
        holds, why, step = self._some(claim, visits, test, fact, none)
        if holds and step is not None:
            self._tell(claim, root, step)
        return holds, why, step

    def _tell(self, claim: Claim, root: str, step: int) -> None:
        """Keep which lines with side effects were narrated."""
        visit = next((v for v in self.run.visits if v.start == step), None)
        if visit is not None:
            if touches(visit, root):
                self.told.add(visit.label)
            elif claim.place.line is not None:
                self.told.add(claim.place.line)

    def _is_argument(self, name: str) -> bool:
        return self.main is not None and name in self.main.arguments

    def _argument_first(self, claim: Claim, node: ast.expr, said: Value) -> bool:
        """Before the first line of a function its arguments are what the call gave."""
        if claim.place.line is not None or claim.place.passes or not isinstance(node, ast.Name):
            return False
        frames = self.places.frames(claim.place) or ([self.main] if self.main else [])
        return any(
            f.begins >= self._cursor
            and node.id in f.arguments
            and fits(said.shown, f.arguments[node.id])
            for f in frames
        )

    def _starts_as(self, claim: Claim, said: Value, node: ast.expr) -> bool:
        """Arguing backwards, a parameter "starts as" what the call gives."""
        if self.main is None or not isinstance(node, ast.Name) or "start" not in claim.text:
            return False
        value = self.main.arguments.get(node.id)
        return value is not None and fits(said.shown, value) is True

    def _argument(self, said: Value, node: ast.expr) -> Answer:
        assert self.main is not None
        if not isinstance(node, ast.Name):
            return None, "the recording does not tell", None
        value = self.main.arguments[node.id]
        return fits(said.shown, value), f"{node.id} is {value.text}", self.main.begins

    def _constant(self, node: ast.expr, said: Value) -> Answer:
        try:
            value = evaluate(node, {}, self.run.program.bound)
        except NotEvaluated as why:
            return None, str(why), None
        return self._shows(said.shown, value), f"{said.expression} is {value!r}", None

    def _shows(self, shown: Shown, value: Any) -> bool | None:
        holds = shows(shown, value)
        if holds is None and shown.text is not None and not shown.elided:
            try:  # `3 + 4` shows 7
                meant = evaluate(shown.text, {}, self.run.program.bound)
            except NotEvaluated:
                return None
            return bool(meant == value)
        return holds

    def _has(self, node: ast.expr, visit: Visit, shown: Shown, after: bool) -> bool | None:
        """Whether an expression has the value shown before or after a visit; False if unbound."""
        if isinstance(node, ast.Name):
            found = self.run.snapshot(node.id, visit, after=after)
            if found is None:
                return False
            holds = fits(shown, found)
            if holds is None and shown.text is not None and found.exact and not shown.elided:
                return self._meant(shown.text, visit, self.run.value_of(found))
            return holds
        if (
            shown.text is not None
            and not after
            and isinstance(node, (ast.Compare, ast.BoolOp, ast.UnaryOp))
        ) and shown.text in ("True", "False"):
            outcome = self._came_out(node, visit)
            return None if outcome is None else outcome is (shown.text == "True")
        try:
            value = self.run.evaluate(node, visit, after=after)
        except NotEvaluated:
            return None
        return self._shows(shown, value)

    def _meant(self, text: str, visit: Visit, value: Any) -> bool | None:
        """A value shown as an expression of recorded ones: ``total = 3 + x``."""
        node = shapes.parsed(text)
        if node is None:
            return None
        try:
            return bool(self.run.evaluate(node, visit, after=False) == value)
        except NotEvaluated:
            return None

    def _text(self, node: ast.expr, visit: Visit, after: bool) -> str:
        if isinstance(node, ast.Name):
            found = self.run.snapshot(node.id, visit, after=after)
            return "unbound" if found is None else found.text[:200]
        try:
            return repr(self.run.evaluate(node, visit, after=after))[:200]
        except NotEvaluated:
            return "something else"

    def _expression(self, claim: Claim, said: Value, node: ast.expr) -> Answer:
        """What a part of a statement came to, before it took effect or after."""

        def test(visit: Visit) -> bool | None:
            first = self._has(node, visit, said.shown, False)
            if first is not True and said.moment != "before":
                second = self._has(node, visit, said.shown, True)
                return True if second else (None if None in (first, second) else False)
            return first

        def fact(visit: Visit) -> str:
            return f"{said.expression} is {self._text(node, visit, False)} {self._where(visit)}"

        visits = self.places.visits(claim.place)
        return self._some(claim, visits, test, fact, f"line {claim.place.line} does not run there")

    def _Operand(self, claim: Claim, said: Operand) -> Answer:
        methods = _PUTS if said.verb == "puts" else _TAKES
        visits = [v for v in self.places.visits(claim.place) if _moves(v.statement, methods)]
        if not visits:
            visits = [
                v
                for v in self.places.visits(claim.place, line=False)
                if _moves(v.statement, methods)
            ]
        if not visits:
            return None, "no line that does this was found", None

        def test(visit: Visit) -> bool | None:
            answers: list[bool | None] = []
            for argument in _moves(visit.statement, methods):
                try:
                    value = self.run.evaluate(argument, visit, after=False)
                except NotEvaluated:
                    answers.append(None)
                    continue
                answers.append(self._shows(said.shown, value))
            return True if True in answers else (None if None in answers or not answers else False)

        def fact(visit: Visit) -> str:
            shown = [
                self._text(argument, visit, False) for argument in _moves(visit.statement, methods)
            ]
            return f"it was {' and '.join(shown)} {self._where(visit)}"

        holds, why, step = self._some(claim, visits, test, fact, "no such line ran there")
        if holds and step is not None:
            for visit in visits:
                if visit.start == step:
                    self.told.add(visit.label)
        return holds, why, step

    # ------------------------------------------------------------------ conditions

    def _Condition(self, claim: Claim, said: Condition) -> Answer:
        visits = self.places.visits(claim.place)
        node = shapes.parsed(said.expression)
        if said.share is not None:
            return self._share(visits, said, node)
        if said.expression.startswith("case "):
            return self._case(claim, visits, said)
        if node is None:
            return None, "not an expression", None
        if not _names(node):
            try:
                value = bool(evaluate(node, {}, self.run.program.bound))
            except NotEvaluated as why:
                return None, str(why), None
            return value is said.held, f"{said.expression} is {value}", None
        normal = ast.unparse(node)
        visits = [v for v in visits if _is_test(v, normal)] or visits

        def test(visit: Visit) -> bool | None:
            outcome = self._came_out(node, visit)
            return None if outcome is None else outcome is said.held

        def fact(visit: Visit) -> str:
            return f"{said.expression} {'fails' if said.held else 'holds'} {self._where(visit)}"

        none = f"line {claim.place.line} does not run there"
        return self._some(claim, visits, test, fact, none)

    def _came_out(self, node: ast.expr, visit: Visit) -> bool | None:
        """A condition at a visit: by where the run went where it is the test, else by its value."""
        test = getattr(visit.statement, "test", None)
        text = ast.unparse(node)
        if test is not None and isinstance(visit.statement, (ast.If, ast.While)):
            if written(test) == text:
                return self.run.outcome(visit)
            if text in (opposite(test), f"not {written(test)}"):
                outcome = self.run.outcome(visit)
                return None if outcome is None else not outcome
        try:
            return bool(self.run.evaluate(node, visit, after=False))
        except NotEvaluated:
            pass
        try:
            return bool(self.run.evaluate(node, visit, after=True))
        except NotEvaluated:
            return None

    def _share(self, visits: list[Visit], said: Condition, node: ast.expr | None) -> Answer:
        assert said.share is not None
        if node is None:
            return None, "not an expression", None
        if not self._forward:  # told of one activation, mostly of the main one
            frames = dict.fromkeys(v.frame for v in visits)
            for frame in frames if self.main not in frames else [self.main]:
                own = [v for v in visits if v.frame is frame]
                came = [self._came_out(node, v) for v in own]
                if None not in came and (came.count(said.held), len(came)) == said.share:
                    return True, "", own[0].start
            visits = [v for v in visits if v.frame is self.main] or visits
        outcomes = [self._came_out(node, v) for v in visits]
        count, of = said.share
        if None in outcomes:
            return None, "the recording does not tell", None
        held = [bool(o) is said.held for o in outcomes]
        fact = f"{said.expression} held {sum(held)} of {len(held)} times"
        if not self._forward:
            return (sum(held), len(held)) == (count, of), fact, None
        spans = (held[i : i + of] for i in range(len(held) - of + 1))
        return any(sum(span) == count for span in spans), fact, None

    def _case(self, claim: Claim, visits: list[Visit], said: Condition) -> Answer:
        pattern = said.expression.removeprefix("case ")

        def test(visit: Visit) -> bool | None:
            cases = getattr(visit.statement, "cases", ())
            for case in cases:
                if case.pattern.lineno == visit.label and ast.unparse(case.pattern) == pattern:
                    follower = visit.next.statement if visit.next is not None else None
                    return self.run.program.in_block(follower, case.body) is said.held
            return False

        return self._some(claim, visits, test, lambda v: f"not so {self._where(v)}", "not reached")

    def _Reached(self, claim: Claim, said: Reached) -> Answer:
        place = claim.place
        there = Place(None, place.passes, place.call)
        visits = [
            v for v in self.places.visits(there, line=False) if said.first <= v.label <= said.last
        ]
        if said.ran:
            if not visits and not self.run.program.at.get(said.first):
                return None, f"line {said.first} is no statement", None
            fact = f"line {said.first} does not run there"
            return bool(visits), fact, visits[0].start if visits else None
        if not visits:
            return True, "", None
        on_its_line = [v for v in visits if self.run.outcome(v) is False]
        if on_its_line and all(v.label == said.first for v in visits):
            return True, "", on_its_line[0].start  # `if x: y` on one line
        if place.passes:
            inner = [v for v in visits if v.start >= self._cursor]
            if self._in_inner_loop(said.first, place):
                return None, "the pass has several visits", None
            visits = inner or visits
            return False, f"line {visits[0].label} runs there", visits[0].start
        # Outside of any iteration it is passed over this time, and may run another time.
        asked = self.run.program.parents.get(self._statement(said.first) or ast.Pass())
        passed = [v for v in self.run.visits if v.statement is asked]
        if any(self._went_elsewhere(v, said) for v in passed):
            return True, "", None
        if not self._forward and self.main is not None:
            visits = [v for v in visits if v.frame is self.main]
            if not visits:
                return True, "", None
        return False, f"line {visits[0].label} runs {self._where(visits[0])}", visits[0].start

    def _went_elsewhere(self, visit: Visit, said: Reached) -> bool:
        return visit.next is None or not said.first <= visit.next.label <= said.last

    def _statement(self, line: int) -> ast.stmt | None:
        found = self.run.program.at.get(line)
        return found[0] if found else None

    def _in_inner_loop(self, line: int, place: Place) -> bool:
        statement = self._statement(line)
        if statement is None:
            return False
        return len(self.run.program.loops_around(statement)) > len(place.passes)

    # ------------------------------------------------------------------ loops

    def _Passes(self, claim: Claim, said: Passes) -> Answer:
        if said.count is None:
            return None, "no number of passes is stated", None
        if claim.place.line is not None and claim.place.line not in self.run.program.loop_lines:
            count = len(self.places.visits(claim.place))
            around = self._loops_of(claim.place.line)
            if count == said.count:
                return True, "", None
            rounds = [r for r in self.places.rounds(claim.place) if r.loop.lineno in around]
            if any(len(r.passes) == said.count for r in rounds):
                return True, "", None
            return False, f"line {claim.place.line} runs {count} times there", None
        rounds = self.places.rounds(claim.place)
        if not rounds and said.count == 0:
            return True, "", None
        if not rounds:
            return False, "no loop runs there", None
        if self._forward:
            rounds = [r for r in rounds if r.over >= self._cursor] or rounds
        counted = [r for r in rounds if r.counted]
        for running in counted:
            if len(running.passes) == said.count:
                return True, "", running.begins
        if len(counted) < len(rounds):
            return None, "its passes cannot be told apart by lines", None
        total = [r for r in counted if self._forward or r.frame is self.main]
        anywhere = claim.place.line is None or not self._forward
        if anywhere and sum(len(r.passes) for r in total) == said.count:
            return True, "", None
        first = rounds[0]
        return (
            False,
            f"the loop at line {first.loop.lineno} runs {len(first.passes)} times",
            first.begins,
        )

    def _loops_of(self, line: int) -> set[int]:
        statement = self._statement(line)
        if statement is None:
            return set()
        return {loop.lineno for loop in self.run.program.loops_around(statement)}

    def _Taken(self, claim: Claim, said: Taken) -> Answer:
        return whole.taken(self.run, self.main, claim.place.line, said)

    def _History(self, claim: Claim, said: History) -> Answer:
        return whole.in_some_frame(
            self.run, self.main, said.name, lambda frame: whole.history(frame, said)
        )

    def _Growth(self, claim: Claim, said: Growth) -> Answer:
        return whole.in_some_frame(
            self.run, self.main, said.name, lambda frame: whole.growth(frame, said)
        )

    def _Changes(self, claim: Claim, said: Changes) -> Answer:
        return whole.in_some_frame(
            self.run, self.main, said.name, lambda frame: whole.changes(frame, said)
        )

    # ------------------------------------------------------------------ calls

    def _Gives(self, claim: Claim, said: Gives) -> Answer:
        if said.call is not None:
            call = said.call
            if self.run.trace.call is not None and shapes.normal(call) == shapes.normal(
                self.run.trace.call
            ):
                value = self.run.trace.outcome.value
                if value is not None and fits(said.shown, value):
                    return True, "", None
            frames = [f for f in self.run.called if is_written(call, f)]
            if not frames:
                return self._unmade(call)
        elif claim.place.call is not None and (inside := self.places.frames(claim.place)):
            frames = inside
            if self.main is not None and self.main not in frames:
                frames = [*frames, *([self.main] if self._says_main(claim) else [])]
        else:
            frames = self._returning(claim)
        ended = [f for f in frames if f.ends < 1 << 60]
        if said.how == "yielded":
            given = [(time, value) for f in ended for time, value in f.yields]
        else:
            given = [
                (f.ends, f.value) for f in ended if f.ending == "return" and f.value is not None
            ]
        answers: list[bool | None] = []
        for time, value in sorted(given, key=lambda item: item[0] < self._cursor):
            answer = fits(said.shown, value)
            if answer:
                if self._forward and said.call is None and time > self._cursor:
                    self._cursor = time
                return True, "", time
            answers.append(answer)
        if not given:
            return (None if frames else False), "nothing is returned there", None
        if None in answers:
            return None, "the value was not recorded exactly", given[0][0]
        return False, f"it is {given[0][1].text[:200]}", given[0][0]

    def _says_main(self, claim: Claim) -> bool:
        return "function" in claim.text and not claim.place.passes

    def _unmade(self, call: str) -> Answer:
        named = call.split("(")[0].rsplit(".", 1)[-1]
        if any(f.name == named for f in self.run.called):
            return False, f"{call} is not called in this run", None
        return None, f"{call} was not recorded", None

    def _returning(self, claim: Claim) -> list[Frame]:
        """The activations of which "it returns" may be said."""
        frames = (
            [self.main] if self.main is not None else [f for f in self.run.called if f.depth == 0]
        )
        line = claim.place.line
        if line is not None:
            others = [f for f in self.run.called if f.visits and f.visits[-1].label == line]
            if others and not any(f in others for f in frames):
                return others
            frames = frames + [f for f in others if f not in frames]
        elif len(self.run.called) > 1:
            frames = frames + [f for f in self.run.called if f not in frames and f.name[0] != "<"]
        return frames

    def _Called(self, claim: Claim, said: Called) -> Answer:
        frames = self.places.called(said.call)
        if frames:
            return True, "", frames[0].begins
        return self._unmade(said.call)

    def _Raises(self, claim: Claim, said: Raises) -> Answer:
        name = said.type.rsplit(".", 1)[-1]
        raised = [(v, v.raised) for v in self.places.visits(claim.place) if v.raised is not None]
        if not raised:
            raised = [(v, v.raised) for v in self.run.visits if v.raised is not None]
        for visit, value in raised:
            if value.type.rsplit(".", 1)[-1] == name and (
                not said.message or said.message in value.text
            ):
                return True, "", visit.start
        outcome = self.run.trace.outcome.exception
        if outcome is not None and outcome.type.rsplit(".", 1)[-1] == name:
            return True, "", None
        if raised:
            visit, value = raised[0]
            return False, f"{value.text[:200]} is raised {self._where(visit)}", visit.start
        return False, "nothing is raised in this run", None

    # ------------------------------------------------------------------ the whole

    def _Holds(self, claim: Claim, said: Holds) -> Answer:
        if claim.kind == "property":
            return whole.on_all(said.expression, self._others, self._entry_point)
        node = shapes.parsed(said.expression)
        if node is None:
            return None, "not an expression", None
        visits = self.places.visits(claim.place) or self.run.visits
        visits = [v for v in visits if v.frame is self.main] or visits

        def test(visit: Visit) -> bool | None:
            answers: list[bool | None] = []
            for after in (False, True):
                try:
                    answers.append(bool(self.run.evaluate(node, visit, after=after)))
                except NotEvaluated:
                    answers.append(None)
            return True if True in answers else (None if None in answers else False)

        def fact(visit: Visit) -> str:
            return f"{said.expression} is false {self._where(visit)}"

        holds, why, step = self._some(claim, visits, test, fact, "no line runs there")
        if holds is None:
            own = whole.on_run(said.expression, self.main)
            if own is not None:
                return own, f"{said.expression} is false of this run", None
        return holds, why, step

    def _Inputs(self, claim: Claim, said: Inputs) -> Answer:
        return whole.inputs(self.run, self.main, said)

    def _Quoted(self, claim: Claim, said: Quoted) -> Answer:
        return whole.quoted(self.run, claim.place.line, said)


def touches(visit: Visit, name: str) -> bool:
    """Whether a visit bound or changed a variable, or could have."""
    return (
        name in visit.changes
        or name in targets_of(visit.statement)
        or name in effects_of(visit.statement)
    )


@lru_cache(maxsize=4096)
def written(node: ast.AST) -> str:
    """Source of a part of a program, which is asked for at each of its visits."""
    return ast.unparse(node)


@lru_cache(maxsize=4096)
def opposite(test: ast.expr) -> str:
    """Source of a condition's negation, the way a person writes it."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return ast.unparse(test.operand)
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        turned = ast.Compare(test.left, [_OPPOSITE[type(test.ops[0])]()], test.comparators)
        return ast.unparse(turned)
    simple = isinstance(test, (ast.Name, ast.Call, ast.Attribute, ast.Subscript))
    return f"not {ast.unparse(test)}" if simple else f"not ({ast.unparse(test)})"


def _is_test(visit: Visit, normal: str) -> bool:
    test = getattr(visit.statement, "test", None)
    return test is not None and normal in (written(test), opposite(test))


def _root(node: ast.expr) -> str | None:
    inner: ast.AST = node
    while isinstance(inner, (ast.Subscript, ast.Attribute)):
        inner = inner.value
    return inner.id if isinstance(inner, ast.Name) else None


def _names(node: ast.expr) -> bool:
    return any(isinstance(part, ast.Name) for part in ast.walk(node))


def _moves(statement: ast.stmt, methods: frozenset[str]) -> list[ast.expr]:
    """What the calls of such methods in a simple statement are given."""
    if not isinstance(statement, (ast.Expr, ast.Assign, ast.AugAssign, ast.Return)):
        return []
    found: list[ast.expr] = []
    if isinstance(statement, ast.AugAssign) and methods is _PUTS:
        found.append(statement.value)
    if isinstance(statement, ast.Assign) and methods is _PUTS:
        places = [t for t in statement.targets if isinstance(t, (ast.Subscript, ast.Attribute))]
        found.extend([statement.value] if places else [])
    for node in ast.walk(statement):
        if isinstance(node, ast.Call):
            function = node.func
            name = (
                function.attr
                if isinstance(function, ast.Attribute)
                else getattr(function, "id", "")
            )
            if name in methods:
                found.extend(node.args)
    return found
