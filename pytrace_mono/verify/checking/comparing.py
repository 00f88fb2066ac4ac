"""Whether a value as a text shows it is a recorded one."""

from __future__ import annotations

import math
from collections.abc import ItemsView, KeysView, ValuesView
from typing import Any

from pytrace_mono.tracer.types import Snapshot
from pytrace_mono.verify.claims import Shown
from pytrace_mono.verify.literals import same_value
from pytrace_mono.verify.source import NoLiteral, literal_of

_KINDS = {"str": str, "list": list, "tuple": tuple, "dict": dict, "set": set}
_VIEWS = (KeysView, ValuesView, ItemsView)
_CODE = frozenset(
    {"function", "method", "builtin_function_or_method", "type", "module", "generator"}
)
"""Types that no literal is an object of."""


def fits(shown: Shown, snapshot: Snapshot) -> bool | None:
    """Whether a Snapshot is what a text shows; None where the Snapshot does not tell."""
    text = shown.text
    if text is not None and not shown.elided:
        if text == snapshot.text:
            return True
        try:
            value = literal_of(text)
        except NoLiteral:
            same = text.replace(" ", "") == snapshot.text.replace(" ", "")
            return True if same else None
        if snapshot.exact:
            return equal(value, literal_of(snapshot.text))
        return _unlike(value, snapshot)
    if snapshot.exact:
        return shows(shown, literal_of(snapshot.text))
    if shown.type is not None:
        if shown.begins is not None and shown.size is None:
            return shown.type == snapshot.type and snapshot.text.startswith(shown.begins)
        return False if shown.type in _KINDS and shown.type != snapshot.type else None
    if text is not None:
        head = text.split("...")[0]
        return True if head and snapshot.text.startswith(head) else None
    return None


def _unlike(value: Any, snapshot: Snapshot) -> bool | None:
    """A value that was not recorded exactly still has a type, and is no constant."""
    if value is None or isinstance(value, bool) or snapshot.type in _CODE:
        return False
    if snapshot.type in ("int", "str", "float", "bool", "NoneType", "bytes"):
        if type(value).__name__ != snapshot.type:
            return False
        if isinstance(value, (str, int)):
            head = snapshot.text.split("...")[0].rstrip("'\"")
            return None if repr(value).startswith(head) else False
    return None


def equal(claimed: Any, recorded: Any) -> bool:
    """Equal in value and type; nan, as a text says it, is nan."""
    if isinstance(claimed, float) and isinstance(recorded, float):
        if math.isnan(claimed) or math.isnan(recorded):
            return math.isnan(claimed) and math.isnan(recorded)
        return claimed == recorded
    return same_value(claimed, recorded)


def shows(shown: Shown, value: Any) -> bool | None:
    """Whether an exact value is what a text shows."""
    if shown.text is not None:
        if shown.elided:
            return _elided(shown.text, value)
        try:
            if isinstance(value, _VIEWS):
                written = shown.text.removeprefix(f"{type(value).__name__}(").removesuffix(")")
                return equal(literal_of(written), list(value))
            return equal(literal_of(shown.text), value)
        except NoLiteral:
            return None
    if shown.type is not None and shown.type in _KINDS:
        if type(value) is not _KINDS[shown.type]:
            return False
    elif shown.type is not None:
        same = type(value).__name__ == shown.type
        return same and (shown.begins is None or repr(value).startswith(shown.begins))
    try:
        if shown.size is not None and len(value) != shown.size:
            return False
        if shown.begins is not None:
            first = literal_of(shown.begins)
            if value[: len(first)] != first:
                return False
        if shown.ends is not None:
            last = literal_of(shown.ends)
            if len(last) and value[-len(last) :] != last:
                return False
    except (TypeError, KeyError, NoLiteral):
        return None
    return True


def _elided(text: str, value: Any) -> bool | None:
    if "..." not in text:  # about 3.33
        try:
            claimed = literal_of(text)
        except NoLiteral:
            return None
        if isinstance(claimed, (int, float)) and isinstance(value, (int, float)):
            digits = len(text.partition(".")[2])
            return math.isclose(claimed, value, rel_tol=0.06) or round(value, digits) == claimed
        return None
    written = repr(value)
    head, _, tail = text.partition("...")
    tail = tail.rpartition("...")[2]
    head, tail = head.rstrip(" ,"), tail.lstrip(" ,")
    starts = written.startswith((head, head.replace('"', "'")))
    return starts and (not tail or written.endswith(tail) or tail in ("]", ")", "}", "'", '"'))
