"""Several values, or several checks, in few words."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from pytrace_mono.synth.narrator.story import Visit
from pytrace_mono.synth.narrator.values import python_value
from pytrace_mono.synth.narrator.wording import code, listing, number
from pytrace_mono.verify.expressions import NotEvaluated


def grown(name: str, steps: Sequence[Visit]) -> str:
    """What a list was given or a sum was raised by, where that is all that happened to it."""
    amounts: list[Any] = []
    kinds: set[type] = set()
    try:
        for step in steps:
            before, after = python_value(step.before[name]), python_value(step.changes[name])
            kinds |= {type(before), type(after)}
            if kinds == {list} and after[:-1] == before:
                amounts.append(after[-1])
            elif kinds == {str} and after.startswith(before):
                amounts.append(after[len(before) :])
            elif kinds == {int} and isinstance(step.statement, ast.AugAssign):
                amounts.append(after - before)
            else:
                return ""
    except (NotEvaluated, KeyError):
        return ""
    if len(set(map(repr, amounts))) == 1 and len(amounts) > 2 and kinds == {int}:
        return f"Each time it moved by {code(repr(amounts[0]))}."
    shown = [code(repr(amount)) for amount in amounts]
    if len(shown) < 2 or len(shown) > 8 or sum(map(len, shown)) > 160:
        return ""
    if kinds != {int}:
        return f"What it appended was {listing(shown, 'and at last')}."
    return f"The amounts by which it moved were {listing(shown)}."


def share(held: int, asked: int) -> str:
    """How many of the checks of a condition came out as is needed."""
    if held < asked:
        return f"{number(held)} of {number(asked)} checks"
    return {1: "its one check", 2: "both checks"}.get(asked, f"all {number(asked)} checks")


def in_order(shown: list[str]) -> str:
    """The values that a loop took; of many the first ones and the last."""
    if len(shown) == 1:
        return f"{shown[0]} alone"
    listed = f"{', '.join(shown[:4])}, ..., {shown[-1]}" if len(shown) > 8 else listing(shown)
    return f"{listed}, in this order"
