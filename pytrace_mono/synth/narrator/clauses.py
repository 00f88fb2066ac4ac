"""One Visit as a clause: what the statement did here, with the values as they were.

A clause starts with its line label and has no full stop, so that the narration can join a condition
with what followed from it.
"""

from __future__ import annotations

import ast
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

from pytrace_mono.synth.narrator.conditions import branch_taken, verdict
from pytrace_mono.synth.narrator.inside import steps_inside
from pytrace_mono.synth.narrator.source import Source, comprehension_variables, owner_of
from pytrace_mono.synth.narrator.story import Visit
from pytrace_mono.synth.narrator.values import WIDE, Known, show
from pytrace_mono.synth.narrator.wording import Voice, code, label, listing
from pytrace_mono.tracer.types import Snapshot

_GROWTH = {"append": "appends", "add": "adds", "appendleft": "puts", "insert": "inserts"}
_AMOUNTS: dict[type[ast.operator], str] = {
    ast.Add: "adding",
    ast.Sub: "taking away",
    ast.Mult: "multiplying by",
}
_REMOVAL = {"remove": "removes", "discard": "removes"}


@dataclass(frozen=True)
class Clause:
    """What one visit has to say.

    Attributes:
        text: begins with the label; no full stop.
        condition: True for a test that decides what follows.
        holds: how the test came out.
    """

    text: str
    condition: bool = False
    holds: bool = False


class Clauses:
    """Writes clauses for the visits of one program.

    Args:
        source: the program.
        voice: chooses between phrasings.
    """

    def __init__(self, source: Source, voice: Voice) -> None:
        self._source = source
        self._voice = voice

    def known(self, visit: Visit) -> Known:
        return Known(visit.before, self._source.bound_names)

    def of(self, visit: Visit, told: Collection[str] = ()) -> Clause | None:
        """The clause for a visit, None for one that does nothing worth a word."""
        statement = visit.statement
        if statement is None:
            return None
        if visit.raised is not None and not visit.calls and not isinstance(statement, ast.Raise):
            return Clause(f"{label(visit.line)} this raises {show(visit.raised)}")
        method = getattr(self, f"_{type(statement).__name__}", None)
        text = method(visit, statement) if method is not None else self._plain(visit)
        if isinstance(statement, ast.If):
            return self._condition(visit, statement, told)
        return Clause(f"{label(visit.line)} {text}") if text else None

    def condition_of(self, visit: Visit, told: Collection[str] = ()) -> tuple[str, bool]:
        """How an ``if`` came out: the clause without its label, and whether it held."""
        assert isinstance(visit.statement, ast.If)
        holds = branch_taken(visit)
        return verdict(visit.statement.test, holds, self.known(visit), told), holds

    def _condition(self, visit: Visit, statement: ast.If, told: Collection[str]) -> Clause:
        text, holds = self.condition_of(visit, told)
        effects = self._changes(visit)
        if effects and statement.body[0].lineno == statement.lineno:
            text += f", so {effects}"
        return Clause(f"{label(visit.line)} {text}", True, holds)

    def _changes(self, visit: Visit) -> str:
        """``x becomes 3 and y becomes 4`` for whatever changed; the fallback for any statement."""
        parts = [
            f"{code(name)} becomes {show(value)}"
            for name, value in visit.changes.items()
            if name not in _comprehension_names(visit.statement)
        ]
        return listing(parts)

    def _plain(self, visit: Visit) -> str:
        return self._changes(visit)

    def _quiet(self, visit: Visit, statement: ast.stmt) -> str:
        return ""

    _Pass = _Global = _Nonlocal = _For = _AsyncFor = _While = _If = _quiet

    def _Assign(self, visit: Visit, statement: ast.Assign) -> str:
        target = statement.targets[0]
        if isinstance(target, (ast.Tuple, ast.List)) and _is_swap(target, statement.value):
            names = [ast.unparse(part) for part in target.elts]
            return f"{listing([code(name) for name in names])} change places" + self._now(visit)
        if isinstance(target, (ast.Tuple, ast.List)):
            return self._unpacked(visit, target)
        return self._bound(visit, target, statement.value)

    def _AnnAssign(self, visit: Visit, statement: ast.AnnAssign) -> str:
        if statement.value is None:
            return ""
        return self._bound(visit, statement.target, statement.value)

    def _unpacked(self, visit: Visit, target: ast.Tuple | ast.List) -> str:
        parts = [
            f"{code(part.id)} {_verb(visit, part.id)} {show(visit.after[part.id])}"
            for part in target.elts
            if isinstance(part, ast.Name) and part.id in visit.after
        ]
        return listing(parts) if len(parts) == len(target.elts) else self._changes(visit)

    def _bound(self, visit: Visit, target: ast.expr, value: ast.expr) -> str:
        if not isinstance(target, ast.Name):
            return self._stored(visit, target, value)
        after = visit.after.get(target.id)
        if after is None:
            return ""
        name = code(target.id)
        if target.id not in visit.changes:
            return f"{name} stays {show(after)}"
        verb = "starts as" if target.id not in visit.before else "becomes"
        if verb == "becomes":
            verb = self._voice.choose(f"{visit.line}{after.text}", "becomes", "is now")
        steps = [] if visit.calls else steps_inside(value, self.known(visit))
        if steps:
            return f"{listing(steps)}, so {name} {verb} {show(after)}"
        origin = self._origin(visit, value, after)
        return f"{name} {verb} {show(after)}{origin}"

    def _origin(self, visit: Visit, value: ast.expr, after: Snapshot) -> str:
        """Where a value comes from: the expression with the recorded values in place of names."""
        if isinstance(value, (ast.Constant, ast.Name)) or visit.calls:
            return ""
        known = self.known(visit)
        filled = known.filled_in(value)
        if filled is None or filled == after.text or _is_display(value):
            return ""
        if known.text(value) not in (None, after.text):
            return ""  # our reading of the expression is not the recording's: say nothing
        return f", from {code(filled)}"

    def _stored(self, visit: Visit, target: ast.expr, value: ast.expr) -> str:
        """An assignment into a container or an object."""
        known = self.known(visit)
        place = known.place(target)
        stored = known.text(value)
        steps = [] if visit.calls else steps_inside(value, known, 2)
        if stored is not None and steps:
            place = f"{listing(steps)}, so {code(place)} is set to {code(stored)}"
            after = visit.changes.get(owner_of(target))
            return f"{place} and {_owner_becomes(target, after)}" if after is not None else place
        said = f"{code(place)} is set to {code(stored)}" if stored is not None else ""
        changes = self._changes(visit)
        if not said:
            source = code(ast.unparse(value))
            return changes or f"{code(place)} is set to the value of {source}"
        return f"{said}, so {changes}" if changes and len(changes) <= 2 * WIDE else said

    def _AugAssign(self, visit: Visit, statement: ast.AugAssign) -> str:
        target = statement.target
        if not isinstance(target, ast.Name):
            return self._changes(visit)
        before, after = visit.before.get(target.id), visit.after.get(target.id)
        name = code(target.id)
        if before is None or after is None or target.id not in visit.changes:
            return f"{name} stays {show(after)}" if after is not None else ""
        if after.type not in ("int", "float") or len(before.text) > 30:
            return f"{name} becomes {show(after)}"
        how = ""
        verb = _AMOUNTS.get(type(statement.op))
        if verb is None:
            old = ast.Name(target.id, ast.Load())
            origin = self._origin(visit, ast.BinOp(old, statement.op, statement.value), after)
            if origin:
                return f"{name} becomes {show(after)}{origin}"
        elif not isinstance(statement.value, ast.Constant):
            operand = self.known(visit).text(statement.value)
            how = f", {verb} {code(operand)}" if operand is not None else ""
        return f"{name} goes from {show(before)} to {show(after)}{how}"

    def _Expr(self, visit: Visit, statement: ast.Expr) -> str:
        value = statement.value
        if isinstance(value, ast.Constant):
            return ""  # a docstring
        if isinstance(value, ast.Call):
            if isinstance(value.func, ast.Name) and value.func.id == "print":
                return self._printed(visit, value)
            if isinstance(value.func, ast.Attribute) and not visit.calls:
                return self._method(visit, value, value.func)
        return self._changes(visit)

    def _printed(self, visit: Visit, call: ast.Call) -> str:
        texts = [self.known(visit).text(argument) for argument in call.args]
        if not texts or None in texts or call.keywords:
            return "a line is printed"
        return f"{listing([code(text or '') for text in texts])} is printed"

    def _method(self, visit: Visit, call: ast.Call, method: ast.Attribute) -> str:
        changes = self._changes(visit)
        operand = None
        if call.args and method.attr in {**_GROWTH, **_REMOVAL}:
            operand = self.known(visit).text(call.args[-1])
        verb = _GROWTH.get(method.attr) or _REMOVAL.get(method.attr)
        owner = ast.unparse(method.value)
        if method.attr in ("sort", "reverse") and changes:
            done = "sorted" if method.attr == "sort" else "reversed"
            return f"{code(owner)} is {done} in place: {changes}"
        if verb is None or operand is None:
            return changes
        after = visit.changes.get(owner)
        if after is None and not changes:
            return f"{verb} {code(operand)}, which leaves {code(owner)} as it was"
        if after is not None and len(after.text) > WIDE:
            return f"{verb} {code(operand)}, so {code(owner)} becomes {show(after)}"
        if len(visit.changes) == 1 and after is not None:
            return self._voice.choose(
                f"{visit.line}{operand}{after.text}",
                f"{code(owner)} becomes {show(after)}",
                f"{verb} {code(operand)}: {code(owner)} is now {show(after)}",
            )
        return f"{verb} {code(operand)}, so {changes}"

    def _Delete(self, visit: Visit, statement: ast.Delete) -> str:
        gone = [code(name) for name in visit.deleted]
        if gone:
            return f"{listing(gone)} {'is' if len(gone) == 1 else 'are'} deleted"
        return self._changes(visit)

    def _Assert(self, visit: Visit, statement: ast.Assert) -> str:
        return f"the assertion {code(ast.unparse(statement.test))} holds"

    def _Raise(self, visit: Visit, statement: ast.Raise) -> str:
        if visit.raised is None:
            return "the exception is raised again"
        return f"{show(visit.raised)} is raised"

    def _Break(self, visit: Visit, statement: ast.Break) -> str:
        return "`break` ends the loop"

    def _Continue(self, visit: Visit, statement: ast.Continue) -> str:
        return "`continue` ends the pass"

    def _FunctionDef(self, visit: Visit, statement: ast.FunctionDef) -> str:
        return f"the inner function {code(statement.name)} is defined"

    _AsyncFunctionDef = _FunctionDef

    def _ClassDef(self, visit: Visit, statement: ast.ClassDef) -> str:
        return f"the class {code(statement.name)} is defined"

    def _Import(self, visit: Visit, statement: ast.Import | ast.ImportFrom) -> str:
        return f"{listing([code(a.asname or a.name) for a in statement.names])} is imported"

    _ImportFrom = _Import

    def _Match(self, visit: Visit, statement: ast.Match) -> str:
        if visit.line == statement.lineno:
            subject = self.known(visit).text(statement.subject)
            shown = f", {code(subject)}," if subject is not None else ""
            return f"{code(ast.unparse(statement.subject))}{shown} is matched against the cases"
        case = next((c for c in statement.cases if c.pattern.lineno == visit.line), None)
        if case is None:
            return ""
        fits = visit.follower is not None and visit.follower.statement in case.body
        pattern = code(ast.unparse(case.pattern))
        bound = f", so {self._changes(visit)}" if fits and visit.changes else ""
        return f"the case {pattern} {'fits' if fits else 'does not fit'}{bound}"

    def _Try(self, visit: Visit, statement: ast.Try) -> str:
        """An `except` line that caught the exception; `try` itself does nothing."""
        handler = next((h for h in statement.handlers if h.lineno == visit.line), None)
        if handler is None or visit.follower is None:
            return ""
        if visit.follower.statement is not handler.body[0]:
            return ""
        changes = self._changes(visit)
        return f"this is caught, so {changes}" if changes else "this is caught"

    def _With(self, visit: Visit, statement: ast.With) -> str:
        return self._changes(visit)

    _AsyncWith = _With

    def _now(self, visit: Visit) -> str:
        changes = self._changes(visit)
        return f": {changes}" if changes else ""


def _verb(visit: Visit, name: str) -> str:
    if name not in visit.before:
        return "starts as"
    return "becomes" if name in visit.changes else "stays"


@lru_cache(maxsize=1024)
def _comprehension_names(statement: ast.stmt | None) -> frozenset[str]:
    """Loop variables of comprehensions, which 3.12 shows in the frame around them (PEP 709)."""
    if statement is None:
        return frozenset()
    bound = comprehension_variables(statement)
    targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    kept = {n.id for t in targets if t is not None for n in ast.walk(t) if isinstance(n, ast.Name)}
    return frozenset(bound - kept)


def _owner_becomes(target: ast.expr, after: Snapshot) -> str:
    return f"{code(owner_of(target))} becomes {show(after)}"


def _is_display(value: ast.expr) -> bool:
    return isinstance(value, (ast.List, ast.Dict, ast.Set, ast.Tuple)) and not any(
        isinstance(node, ast.Name) for node in ast.walk(value)
    )


def _is_swap(target: ast.Tuple | ast.List, value: ast.expr) -> bool:
    if not isinstance(value, ast.Tuple) or len(target.elts) != 2 or len(value.elts) != 2:
        return False
    first, second = (ast.unparse(part) for part in target.elts)
    return [ast.unparse(part) for part in value.elts] == [second, first]
