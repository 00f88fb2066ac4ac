"""How an inner call reads where it stands, and how it ended."""

from __future__ import annotations

import ast

from pytrace_mono.synth.narrator.source import Function
from pytrace_mono.synth.narrator.story import Activation, visits
from pytrace_mono.synth.narrator.values import WIDE, python_value, show
from pytrace_mono.tracer.types import Snapshot


def call_text(activation: Activation, width: int = WIDE) -> str:
    """``gcd(12, 8)``: how an inner call reads, with its recorded arguments."""
    signature = activation.definition.args if activation.definition is not None else None
    starred = signature.vararg.arg if signature is not None and signature.vararg else None
    keywords = signature.kwarg.arg if signature is not None and signature.kwarg else None
    by_name = {a.arg for a in signature.kwonlyargs} if signature is not None else set()
    owner = activation.written.rpartition(".")[0]
    unbound = bool(owner) and activation.function.endswith(activation.written)
    shown: list[str] = []
    named: list[str] = []
    for name, value in activation.arguments.items():
        if name == starred and value.exact:
            shown.extend(repr(item) for item in python_value(value))
        elif name == keywords and value.exact:
            named.extend(f"{key}={item!r}" for key, item in python_value(value).items())
        elif name == starred:
            shown.append(f"*{value.text}")
        elif name == keywords:
            named.append(f"**{value.text}")
        elif name in by_name:
            named.append(f"{name}={value.text}")
        elif name not in ("self", "cls") or unbound:
            shown.append(value.text)
    name = activation.written or activation.name
    if activation.definition is not None and _is_property(activation.definition):
        return name
    text = f"{name}({', '.join([*shown, *named])})"
    return text if len(text) <= width else f"{name}(...)"


def _is_property(function: Function) -> bool:
    marks = [ast.unparse(mark) for mark in function.decorator_list]
    return "property" in marks or "cached_property" in marks


def result_of(activation: Activation) -> Snapshot | None:
    """What an inner call gave where it stands: the object that was made, of a class."""
    if activation.ending != "return":
        return None
    if activation.name == "__init__" and not activation.written.endswith("__init__"):
        last = None
        for last in visits(activation.nodes):  # noqa: B007 - the last one is meant
            pass
        made = next(iter(activation.arguments), "")
        return last.after.get(made) if last is not None else None
    return activation.value


def returned(activation: Activation) -> str:
    """How an inner call ended, as ``returns 4``."""
    value = result_of(activation)
    if value is not None:
        return f"returns {show(value)}"
    if activation.ending == "yield" and activation.value is not None:
        return f"yields {show(activation.value)}"
    if activation.ending == "unwind":
        return "is left by the exception"
    return "goes on"
