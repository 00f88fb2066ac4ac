"""The program as a teacher sees it: statements by line, loops around them, functions and their names."""

from __future__ import annotations

import ast
import re
from collections import deque
from functools import cached_property, lru_cache

from pytrace_mono.tracer.parsing import parse_module

Function = ast.FunctionDef | ast.AsyncFunctionDef
Loop = ast.For | ast.AsyncFor | ast.While
_COMPOUND = (
    ast.If,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.With,
    ast.AsyncWith,
    ast.Try,
    ast.Match,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
)
_NESTED_FRAMES = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Lambda)


class Source:
    """A parsed program.

    Attributes:
        statement_at: the statement that a line belongs to, its innermost one.
        loops_around: the loops (outermost first) in whose header or body a statement stands.
        parents: the statement, handler or case that directly holds a statement.
        functions: definitions by line of their ``def`` and of their decorators.
    """

    def __init__(self, code: str) -> None:
        self.tree = parse_module(code)
        self.statement_at: dict[int, ast.stmt] = {}
        self.loops_around: dict[ast.stmt, tuple[Loop, ...]] = {}
        self.parents: dict[ast.AST, ast.AST] = {}
        self.functions: dict[int, Function] = {}
        self._visit_block(self.tree.body, (), self.tree)

    def _visit_block(self, block: list[ast.stmt], loops: tuple[Loop, ...], parent: ast.AST) -> None:
        for statement in block:
            self.parents[statement] = parent
            self._visit(statement, loops)

    def _visit(self, statement: ast.stmt, loops: tuple[Loop, ...]) -> None:
        inside = (*loops, statement) if isinstance(statement, Loop) else loops
        self.loops_around[statement] = inside
        last = statement.end_lineno or statement.lineno
        if isinstance(statement, _COMPOUND):
            inner: list[ast.stmt] = getattr(statement, "body", [])
            starts = [s.lineno for s in inner]
            starts += [case.pattern.lineno for case in getattr(statement, "cases", ())]
            last = min(starts, default=last + 1) - 1
            last = max(last, statement.lineno)
        for line in range(_first_line(statement), last + 1):
            self.statement_at.setdefault(line, statement)
        if isinstance(statement, Function):
            self.functions[statement.lineno] = statement
            for decorator in statement.decorator_list:
                self.functions[decorator.lineno] = statement
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            inside = ()
        for field in ("body", "orelse", "finalbody"):
            around = loops if field == "orelse" and isinstance(statement, Loop) else inside
            self._visit_block(getattr(statement, field, []), around, statement)
        for part in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
            self.parents[part] = statement
            line = part.lineno if isinstance(part, ast.ExceptHandler) else part.pattern.lineno
            self.statement_at.setdefault(line, statement)
            self._visit_block(part.body, inside, part)

    @cached_property
    def bound_names(self) -> frozenset[str]:
        """Every name the program binds anywhere; a built-in among them may mean something else."""
        found: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                found.add(node.id)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                found.add(node.name)
            elif isinstance(node, ast.arg):
                found.add(node.arg)
            elif isinstance(node, ast.alias):
                found.add((node.asname or node.name).split(".")[0])
        return frozenset(found)


def _first_line(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(decorator.lineno for decorator in decorators)])


def is_constant(node: ast.expr) -> bool:
    """Whether an expression is a value written down, such as ``-1``."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
    return isinstance(node, ast.Constant)


def is_generator(function: Function) -> bool:
    """Whether a call of it makes a generator."""
    return any(isinstance(n, (ast.Yield, ast.YieldFrom)) for n in own_nodes(function))


def owner_of(target: ast.expr) -> str:
    """The variable that an item or attribute belongs to."""
    while isinstance(target, (ast.Subscript, ast.Attribute)):
        target = target.value
    return ast.unparse(target)


def owners_of(statement: ast.Assign | ast.AugAssign) -> list[str]:
    """The variables that an assignment binds or changes."""
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return [owner_of(e) for t in targets for e in (getattr(t, "elts", None) or [t])]


def assigned_value(statement: ast.stmt | None, name: str) -> ast.expr | None:
    """What a variable was given, its own part of `a, b = x, y`; `a % b` of `a %= b`."""
    if isinstance(statement, ast.AugAssign):
        return ast.BinOp(ast.Name(name, ast.Load()), statement.op, statement.value)
    if not isinstance(statement, (ast.Assign, ast.AnnAssign)):
        return None
    target = statement.targets[0] if isinstance(statement, ast.Assign) else None
    if isinstance(target, ast.Tuple) and isinstance(statement.value, ast.Tuple):
        pairs = zip(target.elts, statement.value.elts, strict=False)
        starred = any(
            isinstance(part, ast.Starred) for part in (*target.elts, *statement.value.elts)
        )
        own = [value for part, value in pairs if isinstance(part, ast.Name) and part.id == name]
        if own and not starred:
            return own[0]
    return statement.value


def operand_of(statement: ast.stmt | None) -> ast.AST | None:
    """The part of a statement that its effect depends on."""
    if isinstance(statement, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        return statement
    return statement if isinstance(statement, ast.Expr) else None


def assigns(statement: ast.stmt | None, name: str) -> bool:
    """Whether a statement binds a variable."""
    targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    flat = [e for t in targets for e in (getattr(t, "elts", None) or [t])]
    return any(isinstance(t, ast.Name) and t.id == name for t in flat)


def parameters(function: Function) -> list[str]:
    """Names of all parameters, in the order of the signature."""
    a = function.args
    found = [*a.posonlyargs, *a.args, *([a.vararg] if a.vararg else []), *a.kwonlyargs]
    return [arg.arg for arg in [*found, *([a.kwarg] if a.kwarg else [])]]


@lru_cache(maxsize=256)
def local_names(function: Function) -> frozenset[str]:
    """Names that are variables of this function itself."""
    found = set(parameters(function))
    elsewhere: set[str] = set()
    for node in own_nodes(function):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            elsewhere.update(node.names)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            found.add(node.name)
    return frozenset(found - elsewhere)


@lru_cache(maxsize=256)
def own_nodes(function: ast.AST) -> tuple[ast.AST, ...]:
    """The nodes of a function without those of functions, lambdas and comprehensions inside it."""
    found: list[ast.AST] = []
    waiting = deque(ast.iter_child_nodes(function))
    while waiting:
        node = waiting.popleft()
        found.append(node)
        if not isinstance(
            node, (*_NESTED_FRAMES, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        ):
            waiting.extend(ast.iter_child_nodes(node))
    return tuple(found)


def comprehension_variables(node: ast.AST) -> set[str]:
    """Names that the comprehensions inside a node bind for themselves."""
    return {
        inner.id
        for part in ast.walk(node)
        if isinstance(part, ast.comprehension)
        for inner in ast.walk(part.target)
        if isinstance(inner, ast.Name)
    }


@lru_cache(maxsize=4096)
def names_read(node: ast.AST) -> tuple[str, ...]:
    """Names an expression or statement reads, each once, in order of appearance."""
    bound = comprehension_variables(node)
    found = [
        n
        for n in ast.walk(node)
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load) and n.id not in bound
    ]
    found.sort(key=lambda n: (getattr(n, "lineno", 0), getattr(n, "col_offset", 0)))
    return tuple(dict.fromkeys(n.id for n in found))


@lru_cache(maxsize=1024)
def written_methods(statement: ast.stmt) -> dict[str, str]:
    """Methods that a statement asks for by one name only: ``{"allow": "limiter.allow"}``."""
    parts = _header(statement) if isinstance(statement, _COMPOUND) else [statement]
    found: dict[str, set[str]] = {}
    for part in parts:
        for node in ast.walk(part):
            if isinstance(node, ast.Attribute):
                found.setdefault(node.attr, set()).add(ast.unparse(node))
    return {
        name: next(iter(texts))
        for name, texts in found.items()
        if len(texts) == 1 and re.fullmatch(r"[\w.]{1,40}", next(iter(texts)))
    }


@lru_cache(maxsize=1024)
def is_spread_out(statement: ast.stmt) -> bool:
    """True where one execution of a statement, or of a header, may visit its lines repeatedly."""
    parts = _header(statement) if isinstance(statement, _COMPOUND) else [statement]
    last = max((part.end_lineno or 0 for part in parts), default=0)
    nested = any(isinstance(n, _NESTED_FRAMES) for part in parts for n in ast.walk(part))
    return nested or last > statement.lineno


def _header(statement: ast.stmt) -> list[ast.expr]:
    """The expressions in a compound statement's first line."""
    if isinstance(statement, (ast.If, ast.While)):
        return [statement.test]
    if isinstance(statement, (ast.For, ast.AsyncFor)):
        return [statement.iter]
    return []
