"""Questions about the code of a visited statement."""

from __future__ import annotations

import ast
from functools import lru_cache

from pytrace_mono.verify.frames import Visit
from pytrace_mono.verify.program import touched

PUTS = frozenset(
    {"append", "add", "insert", "appendleft", "extend", "heappush", "push", "put", "update"}
)
TAKES = frozenset({"remove", "pop", "discard", "popleft", "heappop"})
MOVES = {"puts": PUTS, "takes": TAKES, "prints": frozenset({"print"})}
"""What a line calls to do what is said of it."""
OPPOSITE = {
    ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip


def touches(visit: Visit, name: str) -> bool:
    """Whether a visit bound or changed a variable, or could have."""
    return name in visit.changes or name in touched(visit.statement)


@lru_cache(maxsize=512)
def written(node: ast.AST) -> str:
    """Source of a part of a program, which is asked for at each of its visits."""
    return ast.unparse(node)


@lru_cache(maxsize=512)
def opposite(test: ast.expr) -> str:
    """Source of a condition's negation, the way a person writes it."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return ast.unparse(test.operand)
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        turned = ast.Compare(test.left, [OPPOSITE[type(test.ops[0])]()], test.comparators)
        return ast.unparse(turned)
    simple = isinstance(test, (ast.Name, ast.Call, ast.Attribute, ast.Subscript))
    return f"not {ast.unparse(test)}" if simple else f"not ({ast.unparse(test)})"


def is_test(visit: Visit, normal: str) -> bool:
    """Whether a condition, or its negation, is what the visited statement tests."""
    test = getattr(visit.statement, "test", None)
    return test is not None and normal in (written(test), opposite(test))


def root_of(node: ast.expr) -> str | None:
    """The variable that an attribute or item belongs to."""
    inner: ast.AST = node
    while isinstance(inner, (ast.Subscript, ast.Attribute)):
        inner = inner.value
    return inner.id if isinstance(inner, ast.Name) else None


def moved_by(statement: ast.stmt, methods: frozenset[str]) -> list[ast.expr]:
    """What the calls of such methods in a simple statement are given."""
    if not isinstance(statement, (ast.Expr, ast.Assign, ast.AugAssign, ast.Return)):
        return []
    found: list[ast.expr] = []
    if isinstance(statement, ast.AugAssign) and methods is PUTS:
        found.append(statement.value)
    if isinstance(statement, ast.Assign) and methods is PUTS:
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
