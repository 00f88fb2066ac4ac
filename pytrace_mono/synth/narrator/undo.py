"""Solving for the input: an expression's value is known, what does that say of its parts?

Each step undoes the outermost operation. A constraint is said only where it holds in the recording, so
rounding and overflow end the chain rather than make it wrong.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from pytrace_mono.synth.narrator.conditions import came_out
from pytrace_mono.synth.narrator.inside import is_lazy
from pytrace_mono.synth.narrator.source import names_read
from pytrace_mono.synth.narrator.values import Known
from pytrace_mono.tracer.parsing import parse_expression
from pytrace_mono.verify.expressions import NotEvaluated

_LONGEST = 80
_MANY = object()
"""The target of a part that may have several values."""
Step = tuple[ast.expr, str, Any]
"""The part, the constraint on it, and its value where there is only one."""


def undone(expression: ast.expr, value: Any, known: Known) -> list[str]:
    """Constraints on the parts of an expression, the outermost first.

    Args:
        expression: what was evaluated.
        value: what it came to.
        known: the values in sight at that point.
    """
    found: list[str] = []
    node, target = expression, value
    while target is not _MANY:
        if isinstance(node, ast.IfExp):
            holds = came_out(node.test, known)
            if holds is None:
                break
            node = node.body if holds else node.orelse
            continue
        step = _step(node, target, known)
        if (
            step is None
            or not names_read(step[0])
            or is_lazy(step[0])
            or len(step[1]) > _LONGEST
            or not _is_true(step[1], known)
        ):
            break
        node, text, target = step
        found.append(text)
    return found


def _is_true(text: str, known: Known) -> bool:
    try:
        return known.evaluate(parse_expression(text)) is True
    except NotEvaluated:
        return False


def _step(node: ast.expr, target: Any, known: Known) -> Step | None:
    if isinstance(node, ast.BinOp):
        return _binary(node, target)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and _is_number(target):
        return _equal(node.operand, -target)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        return _call(node.func.id, node.args, target, known)
    if isinstance(node, ast.ListComp):
        return _kept(node, known)
    if isinstance(node, ast.Subscript) and ast.unparse(node.slice) == "::-1":
        return _equal(node.value, target[::-1]) if isinstance(target, (str, list, tuple)) else None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        separator = node.func.value
        if (
            node.func.attr == "join"
            and isinstance(separator, ast.Constant)
            and isinstance(separator.value, str)
            and separator.value
            and isinstance(target, str)
            and isinstance(node.args[0], ast.Name)
        ):
            return _equal(node.args[0], target.split(separator.value))
    return None


def _kept(node: ast.ListComp, known: Known) -> Step | None:
    """What a comprehension took, of which it made its items."""
    if len(node.generators) != 1 or not node.generators[0].ifs:
        return None
    if ast.unparse(node.elt) == ast.unparse(node.generators[0].target):
        return None
    target = node.generators[0].target
    taken = parse_expression(ast.unparse(target))
    try:
        items = known.evaluate(ast.ListComp(taken, node.generators))
    except NotEvaluated:
        return None
    return node, f"{ast.unparse(ast.ListComp(taken, node.generators))} == {items!r}", _MANY


def _equal(node: ast.expr, value: Any) -> Step:
    return node, f"{_operand(node)} == {value!r}", value


def _operand(node: ast.expr) -> str:
    text = ast.unparse(node)
    return f"({text})" if isinstance(node, (ast.Compare, ast.BoolOp, ast.IfExp)) else text


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


_SOLVED: dict[type[ast.operator], tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {
    # x op c == t, and c op x == t, solved for x
    ast.Add: (lambda t, c: t - c, lambda t, c: t - c),
    ast.Sub: (lambda t, c: t + c, lambda t, c: c - t),
    ast.Mult: (lambda t, c: _quotient(t, c), lambda t, c: _quotient(t, c)),
    ast.Div: (lambda t, c: t * c, lambda t, c: c / t),
}


def _quotient(total: Any, factor: Any) -> Any:
    whole = type(total) is int and type(factor) is int and total % factor == 0
    return total // factor if whole else total / factor


def _binary(node: ast.BinOp, target: Any) -> Step | None:
    left, right = node.left, node.right
    constant = right if isinstance(right, ast.Constant) else left
    part = left if constant is right else right
    if not isinstance(constant, ast.Constant) or isinstance(part, ast.Constant):
        return None
    value: Any = constant.value
    if isinstance(value, str) and isinstance(target, str) and isinstance(node.op, ast.Add):
        size = len(value)
        return _equal(part, target[:-size] if constant is right else target[size:])
    if not _is_number(value) or not _is_number(target) or value == 0:
        return None
    if isinstance(node.op, ast.FloorDiv) and constant is right and value > 0:
        least = target * value
        return part, f"{least} <= {_operand(part)} < {least + value}", _MANY
    solve = _SOLVED.get(type(node.op))
    if solve is None or (isinstance(node.op, ast.Div) and constant is left and target == 0):
        return None
    return _equal(part, solve[constant is left](target, value))


def _call(name: str, arguments: list[ast.expr], target: Any, known: Known) -> Step | None:
    if not arguments or isinstance(arguments[0], (ast.Starred, ast.Constant)):
        return None
    part = arguments[0]
    if name == "round" and _is_number(target):
        digits = known.text(arguments[1]) if len(arguments) > 1 else "0"
        return part, f"abs({ast.unparse(part)} - {target!r}) <= 0.5 * 10 ** -{digits}", _MANY
    if name == "int" and type(target) is int and target >= 0 and len(arguments) == 1:
        try:
            if isinstance(known.evaluate(part), float):
                return part, f"{target} <= {_operand(part)} < {target + 1}", _MANY
        except NotEvaluated:
            return None
    if name == "abs" and _is_number(target) and target:
        return part, f"{_operand(part)} in ({-target!r}, {target!r})", _MANY
    if name in ("str", "list", "tuple", "chr", "ord"):
        try:
            inner = known.evaluate(part)
        except NotEvaluated:
            return None
        if name == "str" and type(inner) is not int:
            return None
        return _equal(part, inner)
    return None
