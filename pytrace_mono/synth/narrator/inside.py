"""The steps inside one expression: what its parts came to, innermost first."""

from __future__ import annotations

import ast

from pytrace_mono.synth.narrator.conditions import came_out, reached
from pytrace_mono.synth.narrator.values import Known
from pytrace_mono.synth.narrator.wording import code

_WIDTH = 70
_MOST = 3
_PARTS = (
    ast.Call,
    ast.BinOp,
    ast.Subscript,
    ast.ListComp,
    ast.GeneratorExp,
    ast.SetComp,
    ast.DictComp,
)
_OWN_NAMES = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Lambda)


def steps_inside(expression: ast.expr, known: Known, most: int = _MOST) -> list[str]:
    """``[`set(a)` is `{1}`, ...]`` for the parts that are worth a word, ``most`` of them.

    Plain arithmetic is left out: there the expression with its numbers put in says more.
    """
    if not any(isinstance(n, (ast.Call, *_OWN_NAMES)) for n in ast.walk(expression)):
        return []
    found: dict[str, tuple[int, str]] = {}
    for depth, part in _in_order(expression, known):
        if part is expression or (isinstance(part, ast.BinOp) and _is_small(part)):
            continue
        if isinstance(part, ast.Call) and ast.unparse(part.func) == "range":
            continue
        text = _value(part, known)
        source = ast.unparse(part)
        if text is None or text == source or len(text) > _WIDTH or len(source) > _WIDTH:
            continue
        if text.startswith("dict_"):  # `counts.items()` says no more than `counts`
            continue
        if isinstance(part, ast.GeneratorExp):
            source = f"list{source}"
        elif is_lazy(part):
            source = f"list({source})"
        found[source] = depth, f"{code(source)} is {code(text)}"
    # Where there are too many, those that the whole is made of, not the parts of parts.
    deepest = max((depth for depth, _ in found.values()), default=0)
    while len(found) > most and len({depth for depth, _ in found.values()}) > 1:
        found = {source: part for source, part in found.items() if part[0] < deepest}
        deepest -= 1
    return [text for _, text in found.values()][-most:]


def _value(part: ast.expr, known: Known) -> str | None:
    if isinstance(part, ast.GeneratorExp):
        return known.text(ast.copy_location(ast.ListComp(part.elt, part.generators), part))
    return known.text(part)


def is_lazy(part: ast.expr) -> bool:
    """Iterators are not lists, but what they give can be listed."""
    names = ("zip", "enumerate", "reversed", "map", "filter")
    called = isinstance(part, ast.Call) and ast.unparse(part.func) in names
    return called or isinstance(part, ast.GeneratorExp)


def _in_order(node: ast.AST, known: Known, depth: int = 0) -> list[tuple[int, ast.expr]]:
    """Parts in order of evaluation, with how many others they are part of.

    Those that are skipped, or need a comprehension's names, are left out.
    """
    found: list[tuple[int, ast.expr]] = []
    is_part = isinstance(node, _PARTS)
    for child in _evaluated(node, known):
        found.extend(_in_order(child, known, depth + is_part))
    if is_part:
        assert isinstance(node, ast.expr)
        found.append((depth, node))
    return found


def _evaluated(node: ast.AST, known: Known) -> list[ast.AST]:
    """The children that are evaluated: one side of ``if else``, ``and`` and ``or`` up to their end."""
    if isinstance(node, ast.Lambda):
        return []
    if isinstance(node, ast.Call) and ast.unparse(node.func) in ("any", "all", "next"):
        # These stop early, so not all that the generator could give was asked for.
        generators = [a for a in node.args if isinstance(a, ast.GeneratorExp)]
        if generators:
            return [generators[0].generators[0].iter]
    if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
        return [node.generators[0].iter]
    if isinstance(node, ast.IfExp):
        holds = came_out(node.test, known)
        if holds is None:
            return [node.test]
        return [node.test, node.body if holds else node.orelse]
    if isinstance(node, ast.BoolOp):
        return list(reached(node, known))
    return list(ast.iter_child_nodes(node))


def _is_small(part: ast.BinOp) -> bool:
    return len(ast.unparse(part)) <= 8
