"""The program that a monologue is about: statements by line, loops, functions, the names it binds."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cached_property, lru_cache

from pytrace_mono.tracer.parsing import parse_module
from pytrace_mono.verify.source import parsed
from pytrace_mono.verify.whitelist import MATH

Loop = ast.For | ast.AsyncFor | ast.While
Function = ast.FunctionDef | ast.AsyncFunctionDef
_BLOCKS = (
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
_FRAMES = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Lambda)
_INNER = {
    kind: tuple(name for name in kind._fields if name not in ("ctx", "op", "ops"))
    for kind in vars(ast).values()
    if isinstance(kind, type) and issubclass(kind, ast.AST)
}
"""The fields of a node that may hold others; operators and contexts say nothing by themselves."""
_BINDERS = (
    ast.Name,
    ast.arg,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Import,
    ast.ImportFrom,
    ast.ExceptHandler,
)
_MUTATORS = frozenset(
    "append add extend insert remove discard pop popleft appendleft popitem clear update sort "
    "reverse setdefault rotate".split()
)


class Program:
    """A parsed program.

    Attributes:
        at: line -> the statement it belongs to and the line that labels it.
        parents: node -> the node that holds it.
        functions: line of a ``def`` or of its decorators -> the definition.
        from_math: functions of ``math`` that it imports by their names.
        bound: every name the program binds; a built-in among them may mean something else.
        function_names: names of all functions and classes defined in the program.

    Raises:
        SyntaxError: the program does not parse on this Python.
    """

    def __init__(self, source: str) -> None:
        self.tree = parse_module(source)
        self.at: dict[int, tuple[ast.stmt, int]] = {}
        self.parents: dict[ast.AST, ast.AST] = {}
        self.functions: dict[int, Function] = {}
        self.bound: set[str] = set()
        self.from_math: set[str] = set()
        self._around: dict[ast.stmt, tuple[Loop, ...]] = {}
        self._loops: dict[tuple[Loop, ...], tuple[Loop, ...]] = {}
        self._counted_by: dict[ast.stmt, tuple[Loop, ...]] = {}
        self._spread: dict[ast.stmt, bool] = {}
        self._texts: dict[type[ast.expr] | None, frozenset[str]] = {}
        found: set[str] = set()
        nodes: list[ast.AST] = [self.tree]
        for node in nodes:  # it grows: those of a level before those further in
            for name in _INNER[type(node)]:
                inside = getattr(node, name, None)
                for child in inside if isinstance(inside, list) else (inside,):
                    if isinstance(child, ast.AST):
                        self.parents[child] = node
                        nodes.append(child)
            if isinstance(node, _BINDERS):
                self._bind(node)
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                    found.add(node.name)
        self.function_names = frozenset(found)
        for node in nodes:  # outer ones first: `if x: y` on one line is the `if`
            if isinstance(node, ast.stmt):
                self._place(node)

    def _bind(self, node: ast.AST) -> None:
        if isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load):
                self.bound.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            self.bound.add(node.name)
        elif isinstance(node, ast.arg):
            self.bound.add(node.arg)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names = {(a.asname or a.name).split(".")[0]: a.name for a in node.names}
            if isinstance(node, ast.Import):  # by its own name it is what it always is
                names = {
                    name: full for name, full in names.items() if name != "math" or full != name
                }
            elif node.module == "math":
                self.from_math.update(name for name, own in names.items() if name == own in MATH)
            self.bound.update(names)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            self.bound.add(node.name)

    def _place(self, node: ast.stmt) -> None:
        first, last = node.lineno, node.end_lineno or node.lineno
        if isinstance(node, _BLOCKS):
            if isinstance(node, ast.Match):
                last = node.subject.end_lineno or first
            else:
                last = max(first, min(part.lineno for part in node.body) - 1)
            decorators = getattr(node, "decorator_list", [])
            first = min([first, *(decorator.lineno for decorator in decorators)])
        for line in range(first, last + 1):
            self.at.setdefault(line, (node, node.lineno))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            self.functions.update(dict.fromkeys(range(first, node.lineno + 1), node))
        for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
            line = part.lineno if isinstance(part, ast.ExceptHandler) else part.pattern.lineno
            for inner in range(line, max(line + 1, part.body[0].lineno)):
                self.at[inner] = (node, line)

    def is_inside(self, inner: ast.AST | None, outer: ast.AST) -> bool:
        while inner is not None and inner is not outer:
            inner = self.parents.get(inner)
        return inner is outer

    def in_block(self, statement: ast.stmt | None, block: list[ast.stmt]) -> bool:
        """Whether a statement is one of the block's or stands inside one."""
        node: ast.AST | None = statement
        while node is not None:
            if node in block:
                return True
            node = self.parents.get(node)
        return False

    def loops_around(self, statement: ast.stmt) -> tuple[Loop, ...]:
        """The loops whose header or body a statement is part of, outermost first.

        For all statements of a body it is the same tuple.
        """
        known = self._around.get(statement)
        if known is not None:
            return known
        found: list[Loop] = []
        inner: ast.AST = statement
        node: ast.AST | None = statement
        while node is not None:
            if isinstance(node, Loop) and (node is statement or inner in node.body):
                found.append(node)
            if node is not statement and isinstance(node, (Function, ast.ClassDef)):
                break
            inner, node = node, self.parents.get(node)
        loops = tuple(found[::-1])
        self._around[statement] = result = self._loops.setdefault(loops, loops)
        return result

    def loops_counted_by(self, statement: ast.stmt) -> tuple[Loop, ...]:
        """Those of them of which a visit of the statement may be the beginning of a pass, or the end."""
        known = self._counted_by.get(statement)
        if known is None:
            around = self.loops_around(statement)
            known = self._counted_by[statement] = tuple(
                loop for loop in around if statement is (loop.body[0] if is_endless(loop) else loop)
            )
        return known

    def is_spread_out(self, statement: ast.stmt) -> bool:
        """Whether steps that follow each other are one execution of the statement."""
        known = self._spread.get(statement)
        if known is None:
            known = self._spread[statement] = self._spreads(statement)
        return known

    def _spreads(self, statement: ast.stmt) -> bool:
        if isinstance(statement, (ast.Try, ast.Match)):
            return False
        parts: list[ast.AST] = [statement]
        if isinstance(statement, _BLOCKS):
            parts = [
                p for p in (getattr(statement, "test", None), getattr(statement, "iter", None)) if p
            ]
        several = any((getattr(p, "end_lineno", 0) or 0) > statement.lineno for p in parts)
        return several or any(isinstance(n, _FRAMES) for p in parts for n in ast.walk(p))

    def has(self, code: str) -> bool:
        """Whether a name, an expression or a simple statement, as ``ast`` writes it, stands in it."""
        if code in self.bound:
            return True
        node = parsed(code)
        return code in self._written(None if node is None else type(node))

    def _written(self, kind: type[ast.expr] | None) -> frozenset[str]:
        """The expressions of a kind, or what is no expression, as ``ast`` writes them.

        Little of a program is asked about, and writing it out takes longer than parsing it.
        """
        if kind not in self._texts:
            self._texts[kind] = frozenset(text for n in self.parents for text in _texts(n, kind))
        return self._texts[kind]

    @cached_property
    def lines(self) -> frozenset[str]:
        """Its lines as ``ast`` writes them, without indentation."""
        return frozenset(line.strip() for line in ast.unparse(self.tree).splitlines())

    def lines_of(self, code: str) -> frozenset[int]:
        """Labels of the statements that a line of code is, or tests, or assigns to as they do.

        A text that walks through a run writes the code as it stands, or with values for names:
        ``memo[3] = 2 + 1`` for ``memo[n] = memo[n - 1] + memo[n - 2]``.
        """
        shape = _shape(_simple(code))
        if shape is None:
            return frozenset()
        same = frozenset(n for s, n in self.at.values() if _shape(s) == shape)
        if same:
            return same
        head = shape[1]
        return frozenset(
            n for s, n in self.at.values() if head and (_shape(s) or ("", ""))[1] == head
        )

    @cached_property
    def attributes(self) -> frozenset[str]:
        """Attributes that the program's classes give their objects, and that nothing else is named."""
        found = {
            node.attr
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        }
        return frozenset(found - self.bound)

    @cached_property
    def known_names(self) -> frozenset[str]:
        """What a text may call a variable: those that are bound, and attributes without their owner."""
        return frozenset(self.bound) | self.attributes

    @cached_property
    def loop_lines(self) -> frozenset[int]:
        """Lines of loop headers."""
        return frozenset(s.lineno for s, _ in self.at.values() if isinstance(s, Loop))

    def function_called(self, name: str) -> Function | None:
        """The last definition of that name."""
        found = [f for f in self.functions.values() if f.name == name]
        return found[-1] if found else None

    @cached_property
    def effects(self) -> dict[int, frozenset[str]]:
        """Labels of statements with side effects -> the names they bind or may change."""
        found: dict[int, frozenset[str]] = {}
        for statement, label in self.at.values():
            names = effects_of(statement)
            if names:
                found[label] = names
        return found


def is_endless(loop: Loop) -> bool:
    """Whether the test of a loop never ends it: ``while True``."""
    return isinstance(loop, ast.While) and isinstance(loop.test, ast.Constant)


def _texts(node: ast.AST, kind: type[ast.expr] | None) -> Iterator[str]:
    """How a node is written where it is of a kind; what cannot stand alone is of none."""
    if isinstance(node, ast.pattern):
        yield ast.unparse(node)
    elif isinstance(node, ast.expr):
        alone = {ast.Slice: None, ast.Starred: None, ast.FormattedValue: ast.JoinedStr}
        if alone.get(type(node), type(node)) is kind:
            yield ast.unparse(node)
        elif kind is None and isinstance(node, ast.GeneratorExp):
            yield ast.unparse(node)[1:-1]
    elif kind is None and isinstance(node, ast.stmt) and not isinstance(node, _BLOCKS):
        yield ast.unparse(node)


def _simple(code: str) -> ast.stmt | None:
    """The statement that a line of code is; a header stands for itself."""
    text = code.strip().removeprefix("el") if code.strip().startswith("elif ") else code.strip()
    for tried in (text, f"{text} pass" if text.endswith(":") else f"if {text}: pass"):
        try:
            body = parse_module(tried).body
        except SyntaxError:
            continue
        if len(body) == 1 and not (
            tried is text
            and isinstance(body[0], ast.Expr)
            and (isinstance(body[0].value, (ast.Compare, ast.BoolOp, ast.UnaryOp)))
        ):
            return body[0]
    return None


def _shape(statement: ast.stmt | None) -> tuple[str, str] | None:
    """What a statement runs, as ``ast`` writes it, and what it assigns to in which way."""
    if isinstance(statement, (ast.If, ast.While)):
        return ast.unparse(statement.test), ""
    if isinstance(statement, ast.For):
        return f"for {ast.unparse(statement.target)} in {ast.unparse(statement.iter)}", ""
    if isinstance(statement, (ast.Assign, ast.AugAssign)):
        target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
        root: ast.AST = target
        while isinstance(root, (ast.Subscript, ast.Attribute)):
            root = root.value
        op = type(statement.op).__name__ if isinstance(statement, ast.AugAssign) else ""
        name = ast.unparse(root)
        return ast.unparse(statement), f"{type(target).__name__} {name} {op}"
    if isinstance(statement, (ast.Expr, ast.Return)):
        return ast.unparse(statement), ""
    return None


@lru_cache(maxsize=512)  # of what is in work: it keeps the trees of programs that are done
def effects_of(statement: ast.stmt) -> frozenset[str]:
    """Names that a simple statement binds, or changes in place by a method or subscript."""
    if isinstance(statement, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Delete)):
        targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
        return frozenset(n for t in targets if t is not None for n in _owners(t))
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        function = statement.value.func
        if isinstance(function, ast.Attribute) and function.attr in _MUTATORS:
            return frozenset(_owners(function.value))
    return frozenset()


def _owners(target: ast.expr) -> list[str]:
    if isinstance(target, (ast.Tuple, ast.List)):
        return [name for part in target.elts for name in _owners(part)]
    while isinstance(target, (ast.Subscript, ast.Attribute, ast.Starred)):
        target = target.value
    return [target.id] if isinstance(target, ast.Name) else []


@lru_cache(maxsize=512)
def targets_of(statement: ast.stmt) -> frozenset[str]:
    """Names that a statement binds anew each time it runs, also to the same value."""
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, (ast.For, ast.AsyncFor, ast.AugAssign, ast.AnnAssign)):
        targets = [statement.target]
    else:
        return frozenset()
    return frozenset(
        n.id
        for t in targets
        for n in ast.walk(t)
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    )


@lru_cache(maxsize=512)
def touched(statement: ast.stmt) -> frozenset[str]:
    """Names that a statement binds anew or may change in place."""
    return effects_of(statement) | targets_of(statement)


@lru_cache(maxsize=512)
def names_in(node: ast.expr) -> frozenset[str]:
    """Every name in an expression."""
    return frozenset(part.id for part in ast.walk(node) if isinstance(part, ast.Name))


@lru_cache(maxsize=64)
def own_names(function: Function) -> frozenset[str]:
    """Names of a function's own variables."""
    found = {a.arg for a in ast.walk(function.args) if isinstance(a, ast.arg)}
    elsewhere: set[str] = set()
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.Global, ast.Nonlocal)):
            elsewhere.update(node.names)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        waiting.extend(ast.iter_child_nodes(node))
    return frozenset(found - elsewhere)


@lru_cache(maxsize=64)
def program_of(source: str) -> Program:
    """The parsed program; the same source is parsed once.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: it cannot be parsed here.
    """
    return Program(source)
