"""What in a function's code makes a property hold for every input, not only for those that were run.

Each ground is read off the shape of the code, and narrow: where it is not sure, there is none.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import lru_cache

from pytrace_mono.synth.narrator.source import Function, is_constant, own_nodes

Ground = Callable[[Function, str], bool]
"""Asked about a function and one of its parameters ("" where the property is of the result alone)."""

_SAME_ITEMS = ("sorted", "list", "tuple", "reversed")
_FEWER_ITEMS = (*_SAME_ITEMS, "set", "frozenset")
_STRIPPED = ("strip", "lstrip", "rstrip")


def written(*pieces: str) -> Ground:
    """The code has one of these pieces; enough for a property that pins the result down."""
    return lambda function, parameter: any(piece in _code(function) for piece in pieces)


@lru_cache(maxsize=64)
def _code(function: Function) -> str:
    """Its statements without the docstring, whose words and examples are no code."""
    documented = ast.get_docstring(function, clean=False) is not None
    return "\n".join(map(ast.unparse, function.body[documented:]))


def never_negative(function: Function, parameter: str) -> bool:
    """What is returned is a size, or counts up from nothing."""
    return _all_returned(function, lambda value: _is_count(value, function))


def ascending(function: Function, parameter: str) -> bool:
    """What is returned has just been sorted, by nothing but its own order."""
    return _all_returned(function, lambda value: _is_sorted(value, function))


def from_items(function: Function, parameter: str) -> bool:
    """What is returned is picked from the items of a parameter."""
    return _all_returned(function, lambda value: _is_picked(value, function, parameter, True))


def not_longer(function: Function, parameter: str) -> bool:
    """What is returned has at most one item for each of a parameter."""
    return _all_returned(function, lambda value: _is_picked(value, function, parameter, False))


def returns_only(function: Function, kind: str) -> bool:
    """No way out of the function is seen to give a value of another type."""
    values = [n.value for n in own_nodes(function) if isinstance(n, ast.Return)]
    given = {
        "NoneType" if value is None else type(ast.literal_eval(value)).__name__
        for value in values
        if value is None or is_constant(value)
    }
    if not _leaves(function.body):
        given.add("NoneType")
    return given <= {kind}


def _all_returned(function: Function, test: Callable[[ast.expr], bool]) -> bool:
    values = [n.value for n in own_nodes(function) if isinstance(n, ast.Return)]
    return bool(values) and all(value is not None and test(value) for value in values)


def _values_of(name: str, function: Function) -> list[ast.expr] | None:
    """All that a variable is assigned; None where it is bound in other ways, too."""
    found: list[ast.expr] = []
    bound = 0
    for node in own_nodes(function):
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store):
            bound += 1
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
            if isinstance(target, ast.Name) and target.id == name:
                found.append(node.value)
    grown = sum(1 for node in own_nodes(function) if _grows(node, name))
    return found if found and bound == len(found) + grown else None


def _grows(node: ast.AST, name: str) -> bool:
    return (
        isinstance(node, ast.AugAssign)
        and isinstance(node.target, ast.Name)
        and node.target.id == name
    )


def _called(node: ast.expr, names: tuple[str, ...]) -> ast.expr | None:
    """The first argument of a call of one of these functions."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
        return node.args[0] if node.args else None
    return None


def _is_count(node: ast.expr, function: Function) -> bool:
    if isinstance(node, ast.Constant):
        return type(node.value) is int and node.value >= 0
    if _called(node, ("len", "abs")) is not None:
        return True
    if not isinstance(node, ast.Name):
        return False
    values = _values_of(node.id, function)
    grown = [n for n in own_nodes(function) if _grows(n, node.id)]
    return (
        bool(values)
        and all(
            not isinstance(value, ast.Name) and _is_count(value, function)
            for value in (
                *(values or ()),
                *(n.value for n in grown if isinstance(n, ast.AugAssign)),
            )
        )
        and all(isinstance(n, ast.AugAssign) and isinstance(n.op, ast.Add) for n in grown)
    )


def _is_sorted(node: ast.expr, function: Function) -> bool:
    if isinstance(node, ast.Call) and _called(node, ("sorted",)) is not None:
        return not node.keywords
    if not isinstance(node, ast.Name):
        return False
    before = [s for s in function.body if not isinstance(s, ast.Return)][-1:]
    return [ast.unparse(s) for s in before] == [f"{node.id}.sort()"]


def _is_picked(node: ast.expr, function: Function, parameter: str, same: bool) -> bool:
    """Whether it has at most one item for each of a parameter; the ``same`` one, if asked."""
    if isinstance(node, ast.Name) and node.id == parameter:
        named = [n for n in own_nodes(function) if isinstance(n, ast.Name) and n.id == parameter]
        return all(isinstance(n.ctx, ast.Load) for n in named)
    inner = _called(node, _FEWER_ITEMS)
    if inner is not None:
        return _is_picked(inner, function, parameter, same)
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        return _is_picked(node.value, function, parameter, same)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr in _STRIPPED and _is_picked(
            node.func.value, function, parameter, same
        )
    if isinstance(node, ast.ListComp):
        of = node.generators[0]
        kept = ast.unparse(node.elt) == ast.unparse(of.target)
        return (
            len(node.generators) == 1
            and (kept or not same)
            and _is_picked(of.iter, function, parameter, same)
        )
    return isinstance(node, ast.Name) and _is_collected(node.id, function, parameter, same)


def _is_collected(name: str, function: Function, parameter: str, same: bool) -> bool:
    """Whether a list begins empty and is given something once in a pass over a parameter."""
    values = _values_of(name, function)
    if values is None or [ast.unparse(value) for value in values] != ["[]"]:
        return False
    touched = [
        node
        for node in own_nodes(function)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == name
    ]
    loops = [
        node
        for node in own_nodes(function)
        if isinstance(node, (ast.For, ast.While)) and any(t in ast.walk(node) for t in touched)
    ]
    if len(touched) != 1 or touched[0].attr != "append" or len(loops) != 1:
        return False
    loop = loops[0]
    if not isinstance(loop, ast.For) or not _is_picked(loop.iter, function, parameter, same):
        return False
    added = next(n.args for n in ast.walk(loop) if isinstance(n, ast.Call) and n.func is touched[0])
    target = ast.unparse(loop.target)
    stored = [n for n in ast.walk(loop) if isinstance(n, ast.Name) and n.id == target]
    rebound = sum(isinstance(n.ctx, ast.Store) for n in stored) > 1
    return not same or ([ast.unparse(a) for a in added] == [target] and not rebound)


def _leaves(block: list[ast.stmt]) -> bool:
    """Whether no run comes to the end of a block."""
    last = block[-1] if block else None
    if isinstance(last, (ast.Return, ast.Raise)):
        return True
    if isinstance(last, ast.If):
        return _leaves(last.body) and _leaves(last.orelse)
    if isinstance(last, (ast.With, ast.AsyncWith)):
        return _leaves(last.body)
    if isinstance(last, ast.Try):
        tried = _leaves(last.body) or _leaves(last.orelse)
        return _leaves(last.finalbody) or (tried and all(_leaves(h.body) for h in last.handlers))
    if isinstance(last, (ast.For, ast.While)):
        if any(isinstance(n, ast.Break) for n in ast.walk(last)):
            return False
        endless = isinstance(last, ast.While) and isinstance(last.test, ast.Constant)
        return endless or _leaves(last.orelse)
    return False
