"""Small words: numbers, lists, and a choice between phrasings that is varied yet repeatable."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

_NUMBERS = "no one two three four five six seven eight nine ten eleven twelve".split()


class Voice:
    """Chooses between phrasings of the same thing; the same seed and key give the same choice.

    Args:
        seed: anything printable, such as the teacher's seed and the row's id.
    """

    def __init__(self, *seed: object) -> None:
        self._seed = repr(seed)

    def choose(self, key: str, *options: str) -> str:
        digest = hashlib.sha256(f"{self._seed}/{key}".encode("utf-8", "surrogatepass")).digest()
        return options[digest[0] % len(options)]


def number(count: int) -> str:
    return _NUMBERS[count] if 0 <= count < len(_NUMBERS) else str(count)


def times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{number(count)} times")


def plural(count: int, noun: str) -> str:
    """``plural(3, "item")`` is "three items"."""
    ending = "" if count == 1 else "s"
    return f"{number(count)} {noun}{ending}"


def listing(parts: Sequence[str], last: str = "and") -> str:
    """ "a, b and c"."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}"


def code(text: str) -> str:
    """Text as inline code, with a fence long enough for the backticks inside (CommonMark 6.1)."""
    fence = "`"
    while fence in text:
        fence += "`"
    return f"{fence} {text} {fence}" if len(fence) > 1 else f"`{text}`"


def label(line: int) -> str:
    return f"[L{line}]"


def sentence(text: str) -> str:
    """With a capital in front, behind a label if there is one, and a full stop at the end."""
    text = text.strip()
    start = text.index("] ") + 2 if text.startswith("[L") and "] " in text else 0
    text = text[:start] + text[start : start + 1].upper() + text[start + 1 :]
    return text if text.endswith((".", ":", "?")) else text + "."
