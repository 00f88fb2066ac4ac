"""Recorded values in prose, and expressions with the recorded values put in."""

from __future__ import annotations

import ast
import copy
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any, cast

from pytrace_mono.synth.narrator.wording import code, plural
from pytrace_mono.tracer.parsing import parse_expression
from pytrace_mono.tracer.types import Snapshot
from pytrace_mono.verify.expressions import NotEvaluated, evaluate

WIDE = 90
"""Longest value quoted in full, in characters."""
_NARROW = 40
_SHOWN_FIRST = 4
_SHOWN_LAST = 2
Values = Mapping[str, Snapshot]


def python_value(snapshot: Snapshot) -> Any:
    """The value an exact snapshot stands for.

    Raises:
        NotEvaluated: the snapshot is not exact.
    """
    if not snapshot.exact:
        raise NotEvaluated(f"{snapshot.text:.40} is not exact")
    return _value_of(snapshot.text)


@lru_cache(maxsize=8192)
def _value_of(text: str) -> Any:
    """Shared by all who ask: what reads recorded values never changes them."""
    return ast.literal_eval(parse_expression(text))


def show(snapshot: Snapshot, width: int = WIDE) -> str:
    """A value as inline code; a long one by its ends and its size."""
    if len(snapshot.text) <= width:
        return code(snapshot.text)
    try:
        value = python_value(snapshot)
    except NotEvaluated:
        return f"a `{snapshot.type}` beginning {code(snapshot.text[:_NARROW])}"
    if isinstance(value, str):
        size = plural(len(value), "character")
        return f"a string of {size} beginning {code(repr(value[:_NARROW]))}"
    if isinstance(value, (list, tuple)):
        size = plural(len(value), "item")
        first, last = value[:_SHOWN_FIRST], value[-_SHOWN_LAST:]
        ends = f"beginning {code(repr(first))} and ending {code(repr(last))}"
        if len(repr(first)) + len(repr(last)) > 2 * WIDE:
            return f"a {snapshot.type} of {size}"
        return f"a {snapshot.type} of {size}, {ends}"
    if isinstance(value, (dict, set)):
        return f"a {snapshot.type} of {plural(len(value), 'entry').replace('entrys', 'entries')}"
    return code(snapshot.text[:WIDE] + "...")


def is_short(snapshot: Snapshot) -> bool:
    return len(snapshot.text) <= _NARROW


class Known:
    """What is known at one point of the run, for evaluating the program's own expressions.

    Args:
        values: the variables in sight.
        bound: every name the program binds; a built-in among them cannot be relied on.
    """

    def __init__(self, values: Values, bound: Collection[str]) -> None:
        self._values = values
        self._bound = bound
        self._python: dict[str, Any] | None = None

    def evaluate(self, node: ast.expr) -> Any:
        """The expression's value here.

        Raises:
            NotEvaluated: it needs something unknown, or is outside the white list.
        """
        if self._python is None:
            self._python = {
                name: python_value(value) for name, value in self._values.items() if value.exact
            }
        return evaluate(node, self._python, self._bound)

    def type_of(self, name: str) -> str:
        """Name of a variable's type; "" where it is unknown."""
        value = self._values.get(name)
        return value.type if value is not None else ""

    def text(self, node: ast.expr) -> str | None:
        """The value as Python text, None where it cannot be said in a few characters."""
        try:
            value = self.evaluate(node)
        except NotEvaluated:
            return None
        if isinstance(value, float) and value != value:
            return None
        text = ordered_repr(value)
        return text if len(text) <= WIDE else None

    def filled_in(self, node: ast.expr, width: int = 60) -> str | None:
        """The expression with values in place of names; None where that says nothing or too much."""
        plain = ast.unparse(node)
        filled = ast.unparse(_Fill(self._values).visit(copy.deepcopy(node)))
        return filled if filled != plain and len(filled) <= width else None

    def place(self, target: ast.expr) -> str:
        """What is assigned to, with its indices as values: ``values[3]`` for ``values[j + 1]``."""
        if isinstance(target, ast.Subscript):
            owner = self.place(target.value)
            if not isinstance(target.slice, ast.Slice):
                return f"{owner}[{self.text(target.slice) or ast.unparse(target.slice)}]"
        return ast.unparse(target)


class _Fill(ast.NodeTransformer):
    def __init__(self, values: Values) -> None:
        self._values = dict(values)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        value = self._values.get(node.id)
        if isinstance(node.ctx, ast.Load) and value is not None and value.exact and is_short(value):
            return parse_expression(value.text)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        node.value = self._owner(node.value)
        node.slice = self.visit(node.slice)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        node.value = self._owner(node.value)
        return node

    def _owner(self, node: ast.expr) -> ast.expr:
        """What is indexed or asked by method keeps its name: `tc[2][2]`, not `[[1, 3], ...][2][2]`."""
        return node if isinstance(node, ast.Name) else cast(ast.expr, self.visit(node))

    def visit_Lambda(self, node: ast.Lambda) -> ast.expr:
        return node

    def _comprehension(self, node: ast.expr) -> ast.expr:
        return node

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension


def ordered_repr(value: Any) -> str:
    """``repr`` with the members of sets of one plain type in order, as snapshots show them."""
    if isinstance(value, set) and {type(v) for v in value} in ({int}, {str}, {bytes}):
        return "{" + ", ".join(map(repr, sorted(value))) + "}"
    return repr(value)
