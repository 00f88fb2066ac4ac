"""What evaluation may cost: work in all, and operations that refuse before they make something huge."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

MAX_ITEMS = 100_000
"""Elements or characters of one value."""
MAX_BITS = 20_000
"""Bits of one int."""
MAX_WORK = 2_000_000
"""Nodes visited in all evaluations of one check; some seconds at the most."""


class NotEvaluated(Exception):
    """The expression uses something outside the white list, raises, or is too large."""


class Work:
    """What the evaluations of one check may still cost together.

    Attributes:
        left: nodes that may still be visited; a value counts as one more for each 64 of its elements.
    """

    def __init__(self) -> None:
        self.left = MAX_WORK


def _require(size: int, most: int) -> None:
    if size > most:
        raise NotEvaluated("too large")


def join(separator: str, parts: Sequence[str]) -> str:
    """As ``str.join``."""
    _require(sum(map(len, parts)) + len(separator) * len(parts), MAX_ITEMS)
    return separator.join(parts)


def replace(text: str, old: str, new: str, count: int = -1) -> str:
    """As ``str.replace``."""
    _require(len(text) + text.count(old) * len(new), MAX_ITEMS)
    return text.replace(old, new, count)


def add_up(items: Sequence[Any], start: Any = 0) -> Any:
    """As ``sum``, which copies what it has so far for each list that it adds."""
    if not isinstance(start, (int, float, complex)):
        _require(len(items) * sum(map(len, items)), 10 * MAX_ITEMS)
    return sum(items, start)


def rounded(number: Any, digits: int | None = None) -> Any:
    """As ``round``, which works out a power of ten."""
    _require(abs(digits or 0), MAX_BITS)
    return round(number, digits)


def lcm(*numbers: int) -> int:
    """As ``math.lcm``."""
    _require(sum(number.bit_length() for number in numbers), MAX_BITS)
    return math.lcm(*numbers)


GROWING: dict[str, Callable[..., str]] = {"join": join, "replace": replace}
"""Methods of str."""
