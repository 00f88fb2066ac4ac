"""Where the program worked out what a text writes with values: ``3 + 8``, ``16 > 10``.

Such a calculation is true by itself, at any time; told of a run it stands for an expression of the
program, and so for the visits at which that had these operands.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import Any

from pytrace_mono.verify.aligning.segments import Segments
from pytrace_mono.verify.expressions import NotEvaluated, evaluate
from pytrace_mono.verify.frames import Visit
from pytrace_mono.verify.recording import Run
from pytrace_mono.verify.source import parsed

_Key = tuple[str, str, str]
_MIRRORED: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.Gt, ast.Gt: ast.Lt, ast.LtE: ast.GtE, ast.GtE: ast.LtE, ast.Eq: ast.Eq,
    ast.NotEq: ast.NotEq, ast.Add: ast.Add, ast.Mult: ast.Mult, ast.BitAnd: ast.BitAnd,
    ast.BitOr: ast.BitOr, ast.BitXor: ast.BitXor,
}  # fmt: skip
_NEGATED: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip


class Computed:
    """The operations of a run with the values they were given.

    Args:
        segments: the run.
    """

    def __init__(self, segments: Segments) -> None:
        self._run: Run = segments.run

    def visits(self, expression: str) -> set[int]:
        """The times (starts of visits) at which an expression over literals was worked out."""
        key = _literal_key(expression)
        return self._all.get(key, set()) if key is not None else set()

    @cached_property
    def _all(self) -> dict[_Key, set[int]]:
        found: dict[_Key, set[int]] = {}
        for visit in self._run.visits:
            for key in self._keys(visit):
                found.setdefault(key, set()).add(visit.start)
        return found

    def _keys(self, visit: Visit) -> Iterator[_Key]:
        for node in parts_of(visit.statement):
            parts = _operation(node)
            if parts is None:
                continue
            kind, left, right = parts
            if any(isinstance(n, ast.Attribute) for n in (*ast.walk(left), *ast.walk(right))):
                continue  # with them, texts that people wrote were placed worse than without
            try:
                values = (
                    self._run.evaluate(left, visit, after=False),
                    self._run.evaluate(right, visit, after=False),
                )
            except (NotEvaluated, ValueError, SyntaxError):
                continue
            yield _key(kind, *values)
            if kind in _MIRRORED:
                yield _key(_MIRRORED[kind], *values[::-1])
            if kind in _NEGATED:
                turned = _NEGATED[kind]
                yield _key(turned, *values)
                if turned in _MIRRORED:
                    yield _key(_MIRRORED[turned], *values[::-1])


@lru_cache(maxsize=1024)
def _literal_key(expression: str) -> _Key | None:
    node = parsed(expression)
    parts = _operation(node) if node is not None else None
    if parts is None or any(isinstance(n, (ast.Name, ast.Call)) for n in ast.walk(parts[1])):
        return None
    kind, left, right = parts
    try:
        return _key(kind, evaluate(left, {}), evaluate(right, {}))
    except NotEvaluated:
        return None


def _key(kind: type[ast.AST], left: Any, right: Any) -> _Key:
    return (kind.__name__, _plain(left), _plain(right))


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return repr(value)
    if isinstance(value, (int, float)):
        return f"{value:.6g}"
    return repr(value)


def _operation(node: ast.AST) -> tuple[type[ast.AST], ast.expr, ast.expr] | None:
    """An operation of two operands: its kind and these."""
    if isinstance(node, ast.BinOp):
        return type(node.op), node.left, node.right
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        return type(node.ops[0]), node.left, node.comparators[0]
    if isinstance(node, ast.AugAssign) and isinstance(node.target, (ast.Name, ast.Subscript)):
        target = ast.parse(ast.unparse(node.target), mode="eval").body
        return type(node.op), target, node.value
    return None


def parts_of(statement: ast.stmt) -> Iterator[ast.AST]:
    """The nodes that a visit of a statement may work out: not those of its blocks."""
    if isinstance(statement, (ast.If, ast.While)):
        yield from ast.walk(statement.test)
    elif isinstance(statement, (ast.For, ast.AsyncFor)):
        yield from ast.walk(statement.iter)
    elif isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Try)):
        return
    elif isinstance(statement, (ast.With, ast.AsyncWith)):
        for item in statement.items:
            yield from ast.walk(item.context_expr)
    else:
        yield from ast.walk(statement)
