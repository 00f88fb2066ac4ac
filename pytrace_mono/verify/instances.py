"""Objects of a program's own classes, as far as their previews show their attributes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from pytrace_mono.tracer.types import Snapshot
from pytrace_mono.verify.expressions import dotted_name
from pytrace_mono.verify.source import NoLiteral, literal_of

_PREVIEW = re.compile(r"<(?P<name>[A-Za-z_]\w*)(?: (?P<rest>\w+=.*))?>", re.DOTALL)
_FIELD = re.compile(r"([A-Za-z_]\w*)=")


class Instance(NamedTuple):
    """What a preview like ``<Turnstile locked=True, coins=0>`` shows."""

    name: str
    fields: dict[str, Snapshot]

    def value(self, names: Sequence[str]) -> Snapshot | None:
        """An attribute, or an attribute of one, that is shown exactly."""
        field = self.fields.get(names[0])
        for name in names[1:]:
            inner = None if field is None or field.exact else instance_of(field.text)
            field = None if inner is None else inner.fields.get(name)
        return field if field is not None and field.exact else None


def values_in(node: ast.expr, owners: Mapping[str, Instance]) -> dict[str, Any]:
    """The attributes of these variables that an expression reads, by name: ``self.size``."""
    return {
        dotted: literal_of(shown.text)
        for dotted, (owner, *names) in _attributes_in(node).items()
        if owner in owners and (shown := owners[owner].value(names)) is not None
    }


@lru_cache(maxsize=2048)
def _attributes_in(node: ast.expr) -> dict[str, list[str]]:
    parts = (part for part in ast.walk(node) if isinstance(part, ast.Attribute))
    dotted = (name for part in parts if (name := dotted_name(part)) is not None)
    return {name: name.split(".") for name in dotted}


@lru_cache(maxsize=1024)
def instance_of(text: str) -> Instance | None:
    """The object that a preview shows; None where it shows none.

    Args:
        text: of a Snapshot that is not exact.
    """
    match = _PREVIEW.fullmatch(text)
    if match is None:
        return None
    fields: dict[str, Snapshot] = {}
    for part in _parts(match["rest"] or ""):
        field = _FIELD.match(part)
        if field is not None:
            fields[field[1]] = _snapshot(part[field.end() :])
    return Instance(match["name"], fields)


def _snapshot(text: str) -> Snapshot:
    try:
        value = literal_of(text)
        if "..." in text:  # cut, or it may be
            raise NoLiteral(text)
    except NoLiteral:
        inner = instance_of(text)
        return Snapshot(text, inner.name if inner is not None else "object", False)
    return Snapshot(text, type(value).__name__, True)


def _parts(text: str) -> Iterator[str]:
    """What commas outside of brackets and strings separate."""
    depth = begun = 0
    quote = ""
    for position, char in enumerate(text):
        if quote:
            if char == quote and text[position - 1] != "\\":
                quote = ""
        elif char in "'\"":
            quote = char
        elif char in "([{<":
            depth += 1
        elif char in ")]}>":
            depth -= 1
        elif char == "," and not depth:
            yield text[begun:position].strip()
            begun = position + 1
    if text[begun:].strip():
        yield text[begun:].strip()
