"""Evaluate an expression over recorded values, without ``eval`` and without unbounded work.

A small interpreter over ``ast``: comparisons, arithmetic, slices, displays, comprehensions, and a
white list of pure built-ins, string and container methods and ``math`` functions. Values are exact
built-in types (what :func:`ast.literal_eval` makes), so no user code can be reached from here. Work
and sizes are bounded; whatever is outside raises :class:`NotEvaluated`, which means "could not say",
never "false".
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache, partial
from typing import Any, cast

from pytrace_mono.tracer.parsing import parse_expression
from pytrace_mono.verify.bounded import GROWING, MAX_BITS, MAX_ITEMS, Work
from pytrace_mono.verify.bounded import NotEvaluated as NotEvaluated
from pytrace_mono.verify.whitelist import (
    BINARY,
    COMPARE,
    FUNCTIONS,
    MATH,
    METHODS,
    TYPES,
    UNARY,
)

MAX_STEPS = 20_000
"""Nodes visited in one evaluation."""

_CONVERSIONS: dict[int, Callable[[Any], str]] = {-1: str, 115: str, 114: repr, 97: ascii}
_FORMAT = re.compile(r"(.?[<>=^])?[-+ ]?z?#?0?\d{0,3}[,_]?(\.\d{1,3})?[a-zA-Z%]?")
"""Of numbers and text, and of no width or precision that would make them long."""
_SIZED = (str, bytes, list, tuple, set, frozenset, dict, range)
_SINGLE = frozenset({type(None), bool})
"""Of these each value is one object."""
_MISSING = object()


def evaluate(
    expression: str | ast.expr,
    names: Mapping[str, Any],
    shadowed: Collection[str] = (),
    given: Callable[[str, list[Any]], Any] | None = None,
    work: Work | None = None,
) -> Any:
    """The value of an expression.

    Args:
        expression: source or node.
        names: variables, by name, and attributes, as ``owner.name``; their values must be of exact
            built-in types.
        shadowed: built-in names that mean something else in the program and so cannot be used.

        given: what a function of the program gave, by its name and arguments; it may raise
            :class:`NotEvaluated`.
        work: what this and other evaluations may cost together.

    Raises:
        NotEvaluated: see there.
    """
    most = MAX_STEPS if work is None else min(MAX_STEPS, work.left)
    evaluator = _Evaluator(names, shadowed, given, most)
    try:
        node = parse_expression(expression.strip()) if isinstance(expression, str) else expression
        return evaluator.value(node)
    except NotEvaluated:
        raise
    except Exception as error:  # whatever the text makes an operation raise: it is not evaluated
        raise NotEvaluated(f"{type(error).__name__}: {error}") from None
    finally:
        if work is not None:
            work.left -= most - evaluator.left


@lru_cache(maxsize=2048)
def dotted_name(node: ast.expr) -> str | None:
    """``self.size`` of an attribute of a variable, however deep; None of others."""
    if isinstance(node, ast.Name):
        return node.id
    if not isinstance(node, ast.Attribute):
        return None
    owner = dotted_name(node.value)
    return None if owner is None else f"{owner}.{node.attr}"


class _Evaluator:
    def __init__(
        self,
        names: Mapping[str, Any],
        shadowed: Collection[str],
        given: Callable[[str, list[Any]], Any] | None,
        left: int,
    ) -> None:
        self._names = dict(names)
        self._shadowed = shadowed
        self._given = given
        self.left = left

    def value(self, node: ast.expr) -> Any:
        self.left -= 1
        if self.left < 0:
            raise NotEvaluated("too much work")
        method = getattr(self, f"_{type(node).__name__}", None)
        if method is None:
            raise NotEvaluated(f"{type(node).__name__} is not in the white list")
        return self._measured(method(node))

    def _measured(self, value: Any) -> Any:
        """A value that is not too large; what it costs to go through it is taken off."""
        if isinstance(value, int):
            if value.bit_length() > MAX_BITS:
                raise NotEvaluated("too large")
        elif isinstance(value, _SIZED):
            if len(value) > MAX_ITEMS:
                raise NotEvaluated("too large")
            self.left -= len(value) >> 6
        return value

    def _Constant(self, node: ast.Constant) -> Any:
        return node.value

    def _Name(self, node: ast.Name) -> Any:
        value = self._names.get(node.id, _MISSING)
        if value is _MISSING:
            raise NotEvaluated(f"{node.id} has no known value")
        return value

    def _Tuple(self, node: ast.Tuple) -> Any:
        return tuple(self._elements(node.elts))

    def _List(self, node: ast.List) -> Any:
        return self._elements(node.elts)

    def _Set(self, node: ast.Set) -> Any:
        return set(self._elements(node.elts))

    def _elements(self, nodes: list[ast.expr]) -> list[Any]:
        found: list[Any] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                found.extend(self.value(node.value))
            else:
                found.append(self.value(node))
        return found

    def _Dict(self, node: ast.Dict) -> Any:
        result: dict[Any, Any] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                result.update(self.value(value))
            else:
                result[self.value(key)] = self.value(value)
        return result

    def _UnaryOp(self, node: ast.UnaryOp) -> Any:
        return UNARY[type(node.op)](self.value(node.operand))

    def _BinOp(self, node: ast.BinOp) -> Any:
        left, right = self.value(node.left), self.value(node.right)
        _check_growth(node.op, left, right)
        return BINARY[type(node.op)](left, right)

    def _BoolOp(self, node: ast.BoolOp) -> Any:
        stop_at = isinstance(node.op, ast.Or)
        value: Any = None
        for operand in node.values:
            value = self.value(operand)
            if bool(value) is stop_at:
                break
        return value

    def _Compare(self, node: ast.Compare) -> Any:
        left = self.value(node.left)
        for op, comparator in zip(node.ops, node.comparators, strict=True):
            right = self.value(comparator)
            if isinstance(op, (ast.Is, ast.IsNot)) and not (_SINGLE & {type(left), type(right)}):
                raise NotEvaluated("which values are one object was not recorded")
            if not COMPARE[type(op)](left, right):
                return False
            left = right
        return True

    def _IfExp(self, node: ast.IfExp) -> Any:
        return self.value(node.body if self.value(node.test) else node.orelse)

    def _Subscript(self, node: ast.Subscript) -> Any:
        container = self.value(node.value)
        if isinstance(node.slice, ast.Slice):
            parts = (node.slice.lower, node.slice.upper, node.slice.step)
            return container[slice(*(None if p is None else self.value(p) for p in parts))]
        return container[self.value(node.slice)]

    def _JoinedStr(self, node: ast.JoinedStr) -> Any:
        parts: list[str] = []
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                value = self.value(part.value)
                if part.conversion != -1 or part.format_spec is None:
                    value = _CONVERSIONS[part.conversion](value)
                written = "" if part.format_spec is None else self.value(part.format_spec)
                if _FORMAT.fullmatch(written) is None:
                    raise NotEvaluated("this format specification is not in the white list")
                parts.append(format(value, written))
            else:
                parts.append(self.value(part))
        return "".join(parts)

    def _Call(self, node: ast.Call) -> Any:
        function = self._function(node.func)
        if function in (map, filter):
            return self._mapped(function, node.args[0], self._elements(node.args[1:]))
        if function is pow:
            _check_growth(ast.Pow(), *map(self.value, node.args[:2]))
        if function is isinstance and len(node.args) == 2 and not node.keywords:
            return isinstance(self.value(node.args[0]), self._types(node.args[1]))
        arguments = self._elements(node.args)
        keywords = {}
        for keyword in node.keywords:
            if keyword.arg not in ("key", "default", "reverse", "start", "sep", "maxsplit"):
                raise NotEvaluated(f"keyword {keyword.arg} is not in the white list")
            if keyword.arg == "key":
                keywords["key"] = self._key_function(keyword.value)
            else:
                keywords[keyword.arg] = self.value(keyword.value)
        return function(*arguments, **keywords)

    def _mapped(self, function: Any, node: ast.expr, sequences: list[Any]) -> list[Any]:
        if len(sequences) != 1 and not isinstance(node, ast.Lambda):
            raise NotEvaluated("of more than one sequence, lambda alone is in the white list")
        apply = self._key_function(node)
        return list(function(lambda *values: self._measured(apply(*values)), *sequences))

    def _types(self, node: ast.expr) -> tuple[type, ...]:
        """Types are known by name as the second argument of isinstance, and nowhere else."""
        nodes = node.elts if isinstance(node, ast.Tuple) else [node]
        names = [part.id if isinstance(part, ast.Name) else "" for part in nodes]
        if not all(name in TYPES and name not in self._shadowed for name in names):
            raise NotEvaluated("isinstance() is known for built-in types only")
        return tuple(TYPES[name] for name in names)

    def _key_function(self, node: ast.expr) -> Callable[..., Any]:
        if isinstance(node, ast.Lambda) and not node.args.defaults:
            names = [argument.arg for argument in node.args.args]
            return lambda *values: self._within(dict(zip(names, values, strict=True)), node.body)
        return self._function(node)

    def _function(self, node: ast.expr) -> Callable[..., Any]:
        if isinstance(node, ast.Name):
            name, given = node.id, self._given
            function = FUNCTIONS.get(name)
            if name not in self._names and function is not None and name not in self._shadowed:
                return function
            if name not in self._names and given is not None and name in self._shadowed:
                return lambda *arguments: given(name, list(arguments))
            raise NotEvaluated(f"{name}() is not in the white list")
        if isinstance(node, ast.Attribute):
            if isinstance(node.value, ast.Name) and node.value.id not in self._names:
                return self._attribute_of(node.value.id, node.attr)
            owner = self.value(node.value)
            if isinstance(owner, str) and node.attr in GROWING:
                return partial(GROWING[node.attr], owner)
            if node.attr in METHODS.get(type(owner), ()):
                method: Callable[..., Any] = getattr(owner, node.attr)
                return method
        raise NotEvaluated("this call is not in the white list")

    def _attribute_of(self, name: str, attribute: str) -> Callable[..., Any]:
        if name not in self._shadowed:
            if name == "math" and attribute in MATH:
                return cast(Callable[..., Any], MATH[attribute])
            kind = TYPES.get(name)
            if kind is str and attribute in GROWING:
                return GROWING[attribute]
            if kind is not None and attribute in METHODS.get(kind, ()):
                return cast(Callable[..., Any], getattr(kind, attribute))
        raise NotEvaluated(f"{name}.{attribute} is not in the white list")

    def _Attribute(self, node: ast.Attribute) -> Any:
        if (
            isinstance(node.value, ast.Name)
            and node.value.id == "math"
            and node.attr in ("pi", "e")
        ):
            return self._attribute_of("math", node.attr)
        dotted = dotted_name(node)
        if dotted not in self._names or dotted.partition(".")[0] in self._names:
            raise NotEvaluated(f".{node.attr} has no known value")
        return self._names[dotted]

    def _ListComp(self, node: ast.ListComp) -> Any:
        return self._comprehended(node.generators, lambda: self.value(node.elt))

    def _GeneratorExp(self, node: ast.GeneratorExp) -> Any:
        return self._comprehended(node.generators, lambda: self.value(node.elt))

    def _SetComp(self, node: ast.SetComp) -> Any:
        return set(self._comprehended(node.generators, lambda: self.value(node.elt)))

    def _DictComp(self, node: ast.DictComp) -> Any:
        pairs = self._comprehended(
            node.generators, lambda: (self.value(node.key), self.value(node.value))
        )
        return dict(pairs)

    def _comprehended(
        self, generators: list[ast.comprehension], element: Callable[[], Any]
    ) -> list[Any]:
        found: list[Any] = []
        outer = dict(self._names)
        try:
            self._loop(generators, lambda: found.append(element()))
        finally:
            self._names = outer
        return found

    def _loop(self, generators: list[ast.comprehension], body: Callable[[], None]) -> None:
        if not generators:
            body()
            return
        first, rest = generators[0], generators[1:]
        if first.is_async:
            raise NotEvaluated("async is not in the white list")
        for item in self.value(first.iter):
            self._bind(first.target, item)
            if all(self.value(condition) for condition in first.ifs):
                self._loop(rest, body)

    def _bind(self, target: ast.expr, value: Any) -> None:
        self.left -= 1
        if isinstance(target, ast.Name):
            self._names[target.id] = value
        elif isinstance(target, (ast.Tuple, ast.List)):
            for part, item in zip(target.elts, list(value), strict=True):
                self._bind(part, item)
        else:
            raise NotEvaluated("this loop target is not in the white list")

    def _within(self, names: dict[str, Any], body: ast.expr) -> Any:
        outer = self._names
        self._names = {**outer, **names}
        try:
            return self.value(body)
        finally:
            self._names = outer


def _check_growth(op: ast.operator, left: Any, right: Any) -> None:
    """Refuse an operation whose result would be huge, before doing it."""
    size = 0
    if isinstance(op, ast.Mult):
        for sequence, times in ((left, right), (right, left)):
            if isinstance(sequence, (str, bytes, list, tuple)) and isinstance(times, int):
                size = len(sequence) * times
    if size > MAX_ITEMS:
        raise NotEvaluated("too large")
    if isinstance(op, ast.Pow) and isinstance(left, int) and isinstance(right, int):
        size = left.bit_length() * abs(right)
    if size > MAX_BITS and isinstance(op, ast.Pow):
        raise NotEvaluated("too large")
    if isinstance(op, ast.LShift) and isinstance(right, int) and right > MAX_BITS:
        raise NotEvaluated("too large")
    if isinstance(op, ast.Mod) and isinstance(left, (str, bytes)):
        raise NotEvaluated("string formatting is not in the white list")
