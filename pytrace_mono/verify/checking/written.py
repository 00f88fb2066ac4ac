"""Calls as a text writes them, and the activations they may have begun."""

from __future__ import annotations

import ast
import re
from functools import cached_property

from pytrace_mono.tracer.types import Snapshot
from pytrace_mono.verify.frames import Frame
from pytrace_mono.verify.reading import shapes
from pytrace_mono.verify.source import is_literal, parsed

_NAMED = re.compile(r"([A-Za-z_][\w.]*)(?:\(|$)")


class Written:
    """A call, written out: ``f(3, key=4)``, or ``f(...)`` and ``f`` where its arguments are not told.

    Args:
        text: source of the call.
    """

    def __init__(self, text: str) -> None:
        named = _NAMED.match(text)
        self._name = named[1].rsplit(".", 1)[-1] if named is not None else None
        self._is_open = "..." in text or "(" not in text
        self._inside = text.partition("(")[2][:-1]
        self._text = text

    @cached_property
    def _parts(self) -> tuple[list[str | None], dict[str, str | None]] | None:
        """Source of the literals that it gives, by place and by name; None where it is no call.

        None for a variable or an expression, whose value is not said; ``*`` where more are spread
        out.
        """
        node = parsed(self._text)
        if not isinstance(node, ast.Call):
            return None
        by_place = ["*" if isinstance(a, ast.Starred) else _literal(a) for a in node.args]
        by_name = {k.arg: _literal(k.value) for k in node.keywords if k.arg is not None}
        return by_place, by_name

    def began(self, frame: Frame) -> bool:
        """Whether it may be the call that began this activation."""
        name = self._name
        if name is None or (
            (name != frame.name or _is_of_a_class(frame))
            and not (frame.name == "__init__" and frame.function.split(".")[-2:-1] == [name])
        ):
            return False
        if self._is_open:
            return True
        if self._inside == ", ".join(value.text for value in frame.arguments.values()):
            return True
        given = _flat(frame)
        if self._inside == ", ".join(value.text for _, value in given):
            return True
        if self._parts is None:
            return False
        by_place, by_name = self._parts
        for position, argument in enumerate(by_place):
            if argument == "*":
                return True
            if position >= len(given) or not _is_value(argument, given[position][1]):
                return False
        known = dict(given)
        return all(
            name not in known or _is_value(argument, known[name])
            for name, argument in by_name.items()
        )


def _is_of_a_class(frame: Frame) -> bool:
    """Whether it is no call: the body of a class that is defined within a function."""
    return frame.definition is None and frame.name.isidentifier()


def _literal(argument: ast.expr) -> str | None:
    text = repr(argument.value) if isinstance(argument, ast.Constant) else ast.unparse(argument)
    return text if is_literal(text) else None


def _is_value(literal: str | None, value: Snapshot) -> bool:
    return literal is None or literal == value.text or shapes.normal(value.text) == literal


def _flat(frame: Frame) -> list[tuple[str, Snapshot]]:
    """The arguments in order, those gathered by ``*`` one by one."""
    star = None
    if frame.definition is not None and frame.definition.args.vararg is not None:
        star = frame.definition.args.vararg.arg
    found: list[tuple[str, Snapshot]] = []
    arguments = frame.arguments
    if star is not None and frame.definition is not None:
        only = [a.arg for a in frame.definition.args.kwonlyargs]
        arguments = {n: v for n, v in arguments.items() if n not in only} | {
            n: arguments[n] for n in only if n in arguments
        }
    for name, value in arguments.items():
        if name in ("self", "cls"):
            continue
        if name == star and value.exact:
            node = parsed(value.text)
            if isinstance(node, ast.Tuple):
                for part in node.elts:
                    found.append(("", Snapshot(ast.unparse(part), "", True)))
                continue
        found.append((name, value))
    return found
