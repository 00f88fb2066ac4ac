"""What a variable or an expression is said to be, and what a line put somewhere."""

from __future__ import annotations

import ast
from typing import Any

from pytrace_mono.verify.checking.calls import gives
from pytrace_mono.verify.checking.code import (
    MOVES,
    moved_by,
    root_of,
    touches,
)
from pytrace_mono.verify.checking.comparing import fits, shows
from pytrace_mono.verify.checking.conditions import came_out
from pytrace_mono.verify.checking.context import Answer, Context, where
from pytrace_mono.verify.claims import Claim, Gives, Operand, Shown, Value
from pytrace_mono.verify.expressions import NotEvaluated, evaluate
from pytrace_mono.verify.frames import Frame, Visit
from pytrace_mono.verify.literals import same_value
from pytrace_mono.verify.program import names_in, own_names
from pytrace_mono.verify.source import parsed


def value(context: Context, claim: Claim, said: Value) -> Answer:
    """Whether a variable or an expression was what is shown."""
    node = parsed(said.expression)
    if node is None:
        return None, "not an expression", None
    root = root_of(node)
    place = claim.place
    if isinstance(node, ast.Attribute) and any(
        map(_is_property, context.places.called(said.expression))
    ):
        return gives(context, claim, Gives(said.expression, said.shown))
    if root is None or not isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)):
        if not names_in(node):
            return _constant(context, node, said)
        return _expression(context, claim, said, node)
    if place.over:
        return _in_the_end(context, claim, said, node)
    if not context.forward and _starts_as(context, claim, said, node):
        return True, "", None
    visits = context.places.visits(place)
    touching = [v for v in visits if touches(v, root)]
    if place.firm and visits and not touching and not _is_known(context, root, visits):
        return False, f"{root} is no variable of the function at line {place.line}", None
    if place.line is not None and not touching and (said.moment == "after" or not visits):
        # The label in force is another statement's: what is said is about what followed it.
        visits = context.places.visits(place, line=False)
        touching = [v for v in visits if touches(v, root)]
    if said.moment == "after" and touching:
        visits = touching
    if not visits and _is_argument(context, root):
        return _argument(context, said, node)
    if context.forward and said.moment != "before" and _argument_first(context, claim, node, said):
        return True, "", None

    def test(visit: Visit) -> bool | None:
        moments = {"after": (True,), "before": (False,), "state": (False, True)}[said.moment]
        answers = [has(context, node, visit, said.shown, after) for after in moments]
        if said.was is not None and True in answers:
            was = has(context, node, visit, said.was, False)
            return was
        if True in answers:
            return True
        if None in answers:
            return _put(context, node, visit, said.shown)
        return False

    def fact(visit: Visit) -> str:
        after = said.moment != "before"
        return f"{said.expression} is {text_of(context, node, visit, after)} {where(visit)}"

    none = f"{said.expression} has no value there"
    if place.line is not None and not visits:
        none = f"line {place.line} does not run there"
    holds, why, step = context.some(claim, visits, test, fact, none)
    if holds and step is not None:
        _tell(context, claim, root, step)
    return holds, why, step


def _is_property(frame: Frame) -> bool:
    decorators = frame.definition.decorator_list if frame.definition is not None else []
    names = [ast.unparse(decorator).rpartition(".")[2] for decorator in decorators]
    return names in (["property"], ["cached_property"])


def _put(context: Context, node: ast.expr, visit: Visit, shown: Shown) -> bool | None:
    """Whether a line put the value shown into a place of a container too long to be recorded whole."""
    statement = visit.statement
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return None
    target = statement.targets[0]
    if not isinstance(node, ast.Subscript) or not isinstance(target, ast.Subscript):
        return None
    if ast.unparse(node.value) != ast.unparse(target.value):
        return None
    try:
        there, place, value = (
            context.run.evaluate(part, visit, after=False)
            for part in (node.slice, target.slice, statement.value)
        )
    except NotEvaluated:
        return None
    return shows_literal(context, shown, value) if same_value(there, place) else None


def _is_known(context: Context, name: str, visits: list[Visit]) -> bool:
    """Whether a variable exists where a label puts what is said: ever in the labelled function."""
    own = {v.frame.definition for v in visits}
    return (
        None in own
        or any(name in own_names(f) for f in own if f is not None)
        or any(context.run.snapshot(name, v, after=True) is not None for v in visits)
    )


def _in_the_end(context: Context, claim: Claim, said: Value, node: ast.expr) -> Answer:
    """What a variable is when a loop, or a pass of it, is over."""
    ended = context.places.endings(claim.place)

    def test(visit: Visit) -> bool | None:
        return has(context, node, visit, said.shown, True)

    def fact(visit: Visit) -> str:
        return f"{said.expression} is {text_of(context, node, visit, True)} {where(visit)}"

    visits = [visit for _, visit in ended]
    holds, why, step = context.some(claim, visits, test, fact, "no such loop runs there")
    if holds:
        context.summed_up.update(r.loop for r, visit in ended if visit.start == step)
    return holds, why, step


def _tell(context: Context, claim: Claim, root: str, step: int) -> None:
    """Keep which lines with side effects were narrated."""
    visit = context.places.visit_at(step)
    if visit is not None:
        if touches(visit, root):
            context.told.add(visit.label)
        elif claim.place.line is not None:
            context.told.add(claim.place.line)


def _is_argument(context: Context, name: str) -> bool:
    return context.main is not None and name in context.main.arguments


def _argument_first(context: Context, claim: Claim, node: ast.expr, said: Value) -> bool:
    """Before the first line of a function its arguments are what the call gave."""
    if claim.place.line is not None or claim.place.passes or not isinstance(node, ast.Name):
        return False
    # Where the Call is about none of the program's functions, it may be any that it calls.
    frames = context.places.frames(claim.place) or (
        [context.main] if context.main else context.run.called
    )
    return any(
        f.begins >= context.cursor
        and node.id in f.arguments
        and fits(said.shown, f.arguments[node.id])
        for f in frames
    )


def _starts_as(context: Context, claim: Claim, said: Value, node: ast.expr) -> bool:
    """Arguing backwards, a parameter "starts as" what the call gives."""
    if not isinstance(node, ast.Name) or "start" not in claim.text:
        return False
    frames = context.places.frames(claim.place) or ([context.main] if context.main else [])
    given = (f.arguments.get(node.id) for f in frames)
    return any(value is not None and fits(said.shown, value) is True for value in given)


def _argument(context: Context, said: Value, node: ast.expr) -> Answer:
    assert context.main is not None
    if not isinstance(node, ast.Name):
        return None, "the recording does not tell", None
    value = context.main.arguments[node.id]
    return fits(said.shown, value), f"{node.id} is {value.text}", context.main.begins


def _constant(context: Context, node: ast.expr, said: Value) -> Answer:
    try:
        value = evaluate(node, {}, context.run.program.bound)
    except NotEvaluated as why:
        return None, str(why), None
    return shows_literal(context, said.shown, value), f"{said.expression} is {value!r}", None


def shows_literal(context: Context, shown: Shown, value: Any) -> bool | None:
    holds = shows(shown, value)
    if holds is None and shown.text is not None and not shown.elided:
        try:  # `3 + 4` shows 7
            meant = evaluate(shown.text, {}, context.run.program.bound)
        except NotEvaluated:
            return None
        return bool(meant == value)
    return holds


def has(context: Context, node: ast.expr, visit: Visit, shown: Shown, after: bool) -> bool | None:
    """Whether an expression has the value shown before or after a visit; False if unbound."""
    if isinstance(node, ast.Name):
        found = context.run.snapshot(node.id, visit, after=after)
        if found is None:
            return False
        holds = fits(shown, found)
        if holds is None and shown.text is not None and found.exact and not shown.elided:
            return _meant(context, shown.text, visit, context.run.value_of(found))
        return holds
    if (
        shown.text is not None
        and not after
        and isinstance(node, (ast.Compare, ast.BoolOp, ast.UnaryOp))
    ) and shown.text in ("True", "False"):
        outcome = came_out(context, node, visit)
        return None if outcome is None else outcome is (shown.text == "True")
    try:
        value = context.run.evaluate(node, visit, after=after)
    except NotEvaluated:
        return None
    return shows_literal(context, shown, value)


def _meant(context: Context, text: str, visit: Visit, value: Any) -> bool | None:
    """A value shown as an expression of recorded ones: ``total = 3 + x``."""
    node = parsed(text)
    if node is None:
        return None
    try:
        return bool(context.run.evaluate(node, visit, after=False) == value)
    except NotEvaluated:
        return None


def text_of(context: Context, node: ast.expr, visit: Visit, after: bool) -> str:
    if isinstance(node, ast.Name):
        found = context.run.snapshot(node.id, visit, after=after)
        return "unbound" if found is None else found.text[:200]
    try:
        return repr(context.run.evaluate(node, visit, after=after))[:200]
    except NotEvaluated:
        return "something else"


def _expression(context: Context, claim: Claim, said: Value, node: ast.expr) -> Answer:
    """What a part of a statement came to, before it took effect or after."""

    def test(visit: Visit) -> bool | None:
        first = has(context, node, visit, said.shown, False)
        if first is not True and said.moment != "before":
            second = has(context, node, visit, said.shown, True)
            return True if second else (None if None in (first, second) else False)
        return first

    def fact(visit: Visit) -> str:
        return f"{said.expression} is {text_of(context, node, visit, False)} {where(visit)}"

    visits = context.places.visits(claim.place)
    return context.some(claim, visits, test, fact, f"line {claim.place.line} does not run there")


def operand(context: Context, claim: Claim, said: Operand) -> Answer:
    """Whether a line put the value shown somewhere, or took it away."""
    methods = MOVES[said.verb]
    visits = [v for v in context.places.visits(claim.place) if moved_by(v.statement, methods)]
    if not visits:
        visits = [
            v
            for v in context.places.visits(claim.place, line=False)
            if moved_by(v.statement, methods)
        ]
    if not visits:
        return None, "no line that does this was found", None

    def test(visit: Visit) -> bool | None:
        answers: list[bool | None] = []
        for argument in moved_by(visit.statement, methods):
            try:
                value = context.run.evaluate(argument, visit, after=False)
            except NotEvaluated:
                answers.append(None)
                continue
            answers.append(shows_literal(context, said.shown, value))
        return True if True in answers else (None if None in answers or not answers else False)

    def fact(visit: Visit) -> str:
        shown = [
            text_of(context, argument, visit, False)
            for argument in moved_by(visit.statement, methods)
        ]
        return f"it was {' and '.join(shown)} {where(visit)}"

    holds, why, step = context.some(claim, visits, test, fact, "no such line ran there")
    if holds and step is not None:
        for visit in visits:
            if visit.start == step:
                context.told.add(visit.label)
    return holds, why, step
