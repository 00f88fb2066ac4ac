"""What a condition came to, in words and with the values that decided it."""

from __future__ import annotations

import ast
from collections.abc import Collection
from functools import lru_cache

from pytrace_mono.synth.narrator.source import is_constant
from pytrace_mono.synth.narrator.story import Visit
from pytrace_mono.synth.narrator.values import Known
from pytrace_mono.synth.narrator.wording import code, listing
from pytrace_mono.verify.expressions import NotEvaluated

_OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}


_SIZED = ("list", "tuple", "str", "dict", "set", "frozenset", "deque", "defaultdict", "Counter")
_NOTHING = dict.fromkeys(_SIZED, "empty") | dict.fromkeys(("int", "float"), "zero")
"""What counts as false, by type."""


def verdict(test: ast.expr, holds: bool, known: Known, told: Collection[str] = ()) -> str:
    """A clause saying that the condition holds or fails, and why.

    Args:
        test: the condition.
        holds: how it came out in the recording.
        known: the values in sight when it was asked.
        told: source of expressions whose values the reader has been given.
    """
    special = _in_words(test, holds, known, told)
    if special is not None:
        return special
    reasons = [] if holds and _names_the_value(test) else _reasons(test, known, told)
    outcome = "holds" if holds else "fails"
    if not reasons:
        return f"{code(ast.unparse(test))} {outcome}"
    return f"{code(ast.unparse(test))} {outcome}, since {listing(reasons)}"


def _names_the_value(test: ast.expr) -> bool:
    """``x is None``, ``n == 0``: that it holds says what the value is."""
    return (
        isinstance(test, ast.Compare)
        and len(test.ops) == 1
        and isinstance(test.ops[0], (ast.Eq, ast.Is))
        and is_constant(test.comparators[0])
    )


def again(test: ast.expr, holds: bool, known: Known, steady: Collection[str]) -> str:
    """The same for a test that the reader has met: only what is new about it, where that is enough.

    Args:
        test, holds, known: as for :func:`verdict`.
        steady: variables that keep their values.
    """
    if _in_words(test, holds, known) is None:
        sides = {ast.unparse(side) for side in sides_of(test, known) if not _moves(side, steady)}
        reasons = _reasons(test, known, sides)
        if reasons:
            return listing(reasons)
    return verdict(test, holds, known)


def _moves(side: ast.expr, steady: Collection[str]) -> bool:
    return any(isinstance(n, ast.Name) and n.id not in steady for n in ast.walk(side))


def opposite(test: ast.expr) -> str:
    """Source of the condition's negation, written the way a person would."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return ast.unparse(test.operand)
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        turned = ast.Compare(test.left, [_OPPOSITE[type(test.ops[0])]()], test.comparators)
        return ast.unparse(turned)
    return f"not {ast.unparse(test)}" if isinstance(test, _SIMPLE) else f"not ({ast.unparse(test)})"


_SIMPLE = (ast.Name, ast.Call, ast.Attribute, ast.Subscript)


def _in_words(test: ast.expr, holds: bool, known: Known, told: Collection[str] = ()) -> str | None:
    """Emptiness, divisibility and membership have plain words; everything else is said as code."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test, holds = test.operand, not holds
        if not isinstance(test, ast.Name):
            return None
    if isinstance(test, ast.Name):
        return _truth(test, holds, known, told)
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        return None
    left, op, right = test.left, test.ops[0], test.comparators[0]
    if isinstance(op, (ast.In, ast.NotIn)):
        item = known.text(left)
        if item is None or len(item) > 30 or not isinstance(right, (ast.Name, ast.Attribute)):
            return None
        inside = holds is isinstance(op, ast.In)
        return f"{code(item)} is {'' if inside else 'not '}in {code(ast.unparse(right))}"
    if (
        isinstance(op, (ast.Eq, ast.NotEq))
        and isinstance(left, ast.BinOp)
        and isinstance(left.op, ast.Mod)
        and isinstance(right, ast.Constant)
        and right.value == 0
    ):
        number, divisor = known.text(left.left), known.text(left.right)
        if number is None or divisor is None or not number.lstrip("-").isdigit():
            return None
        divisible = holds is isinstance(op, ast.Eq)
        if divisor == "2":
            return f"{code(number)} is {'even' if divisible else 'odd'}"
        return f"{code(number)} is {'' if divisible else 'not '}divisible by {code(divisor)}"
    return None


def _truth(name: ast.Name, holds: bool, known: Known, told: Collection[str]) -> str | None:
    """What a variable is, and whether that counts as true."""
    text = known.text(name)
    if text in ("True", "False", "None"):
        return f"{code(name.id)} is {code(text)}"
    nothing = _NOTHING.get(known.type_of(name.id))
    if nothing is None:
        return None
    state = f"is {'not ' if holds else ''}{nothing}"
    if text is None or name.id in told:
        return f"{code(name.id)} {state}"
    return f"{code(name.id)} is {code(text)}, which {state}"


def _reasons(test: ast.expr, known: Known, told: Collection[str]) -> list[str]:
    """``x is 3`` for each side that is not a constant and has not been told yet."""
    reasons: dict[str, None] = {}
    for side in sides_of(test, known):
        source = ast.unparse(side)
        if isinstance(side, ast.Constant) or source in told:
            continue
        text = known.text(side)
        if text in ("True", "False") and isinstance(side, ast.Call):
            # A yes or no is no reason; what was asked about is: `text[left]` of `text[left].isdigit()`.
            asked = side.func.value if isinstance(side.func, ast.Attribute) else None
            if asked is None or ast.unparse(asked) in told:
                continue
            source, text = ast.unparse(asked), known.text(asked)
        if text is None or text == source or len(text) > 60 or text in ("True", "False"):
            continue
        reasons[f"{code(source)} is {code(text)}"] = None
    return list(reasons)[:3]


def sides_of(test: ast.expr, known: Known) -> list[ast.expr]:
    """The expressions that a condition compared; not those after the operand that settled it."""
    sides: list[ast.expr] = []
    for part in _parts(test, known):
        if isinstance(part, ast.Compare):
            sides.extend([part.left, *part.comparators])
        else:
            sides.append(part)
    return sides


def _parts(test: ast.expr, known: Known) -> list[ast.expr]:
    if isinstance(test, ast.BoolOp):
        return [inner for value in reached(test, known) for inner in _parts(value, known)]
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return _parts(test.operand, known)
    return [test]


def reached(test: ast.BoolOp, known: Known) -> list[ast.expr]:
    """The operands of ``and`` or ``or`` up to the one that settles it."""
    settles = isinstance(test.op, ast.Or)
    found: list[ast.expr] = []
    for value in test.values:
        found.append(value)
        if came_out(value, known) is settles:
            break
    return found


def came_out(test: ast.expr, known: Known) -> bool | None:
    """The condition's truth by evaluation, None where it cannot be evaluated."""
    try:
        return bool(known.evaluate(test))
    except NotEvaluated:
        return None


def branch_taken(visit: Visit) -> bool:
    """Whether the body of an ``if`` was entered, read off where the run went next."""
    statement = visit.statement
    assert isinstance(statement, ast.If)
    if statement.body[0].lineno == statement.lineno:  # `if x: return y` on one line
        if not any(isinstance(part, ast.Call) for part in ast.walk(statement.test)):
            holds = came_out(statement.test, Known(visit.before, ()))
            if holds is not None:
                return holds
        follower = visit.follower
        leaves = isinstance(statement.body[-1], (ast.Return, ast.Raise, ast.Break, ast.Continue))
        walrus = {
            part.target.id for part in ast.walk(statement.test) if isinstance(part, ast.NamedExpr)
        }
        return bool(set(visit.changes) - walrus) or (leaves and follower is None)
    follower = visit.follower
    if follower is None or follower.statement is None:
        return False
    return follower.statement in _statements_of_body(statement)


@lru_cache(maxsize=1024)
def _statements_of_body(statement: ast.If) -> frozenset[ast.stmt]:
    inside = (node for part in statement.body for node in ast.walk(part))
    return frozenset(node for node in inside if isinstance(node, ast.stmt))
