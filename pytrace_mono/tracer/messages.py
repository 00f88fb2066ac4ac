"""What ``str()`` would say of an exception, said without running code of the program's."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

from pytrace_mono.tracer import classes
from pytrace_mono.tracer.kept import BUILTINS

__builtins__ = BUILTINS

_ARGS: Any = vars(BaseException)["args"]
_PLAIN: frozenset[int] = frozenset(map(id, (str, int, float, bool, type(None), bytes)))
_MAX_PLAIN_BITS = 4_096
"""Larger ints are not printed: far below where CPython refuses to."""

# Built-in classes whose __str__ is C code over these members, and whether it may show `args` too.
_CLASSES: list[tuple[type[BaseException], tuple[str, ...], bool]] = [
    (BaseException, (), True),
    (KeyError, (), True),
    (OSError, ("errno", "strerror", "filename", "filename2"), True),
    (ImportError, ("msg",), True),
    (SyntaxError, ("msg", "filename", "lineno"), False),
    (UnicodeDecodeError, ("encoding", "object", "reason"), False),
    (UnicodeEncodeError, ("encoding", "object", "reason"), False),
    (UnicodeTranslateError, ("object", "reason"), False),
]
if hasattr(builtins, "BaseExceptionGroup"):
    _CLASSES.append((builtins.BaseExceptionGroup, ("message",), False))

_WRITERS: dict[int, tuple[Any, dict[str, Any], bool]] = {
    id(vars(cls)["__str__"]): (vars(cls)["__str__"], {n: vars(cls)[n] for n in names}, shows_args)
    for cls, names, shows_args in _CLASSES
}
"""By the id of a C ``__str__``: itself, what reads its members, and whether it may show ``args``."""


def message_of(error: BaseException, most: int, to_text: Callable[[object], str]) -> str:
    """The message, at most ``most`` characters long.

    Args:
        error: any exception.
        most: the longest message; a longer one is cut.
        to_text: used for arguments where ``str()`` would run code of the program's.
    """
    args = _ARGS.__get__(error)
    writer = _WRITERS.get(id(classes.lookup(type(error), "__str__")))
    if writer is not None and _is_harmless(error, writer, args, most):
        return _cut(str(writer[0](error)), most)
    parts = [arg[: most + 1] if type(arg) is str else to_text(arg) for arg in args[:most]]
    return _cut(", ".join(parts), most)


def _is_harmless(error: BaseException, writer: tuple[Any, ...], args: Any, most: int) -> bool:
    """True when the C ``__str__`` meets nothing but plain data in this exception."""
    _, members, shows_args = writer
    for name, member in members.items():
        try:
            value = member.__get__(error)
        except (AttributeError, TypeError):
            return False  # an exception whose __init__ never ran
        if name == "object":  # only a character of it is shown, so its length does not matter
            if type(value) is not str and type(value) is not bytes:
                return False
        elif not _is_plain(value, most):
            return False
    return not shows_args or all(_is_plain(arg, most) for arg in args)


def _is_plain(value: Any, most: int) -> bool:
    """True when turning ``value`` into text is quick and runs nothing but C code."""
    kind = type(value)
    if kind is int:
        return int.bit_length(value) <= _MAX_PLAIN_BITS
    if kind is str or kind is bytes:
        return len(value) <= most
    return id(kind) in _PLAIN


def _cut(text: str, most: int) -> str:
    return text[:most].encode("utf-8", "backslashreplace").decode()[:most]
