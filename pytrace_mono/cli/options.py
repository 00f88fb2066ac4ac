"""Options that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from pytrace_mono.tracer.limits import Limits

_LIMITS: dict[str, tuple[type, str]] = {
    "max_steps": (int, "steps that are recorded"),
    "wall_seconds": (float, "seconds by the clock"),
    "cpu_seconds": (float, "seconds of processor time"),
    "memory_bytes": (int, "bytes of address space, beside the interpreter's"),
    "output_bytes": (int, "bytes written to each of stdout and stderr"),
    "max_chars": (int, "characters of a value that are shown"),
    "max_items": (int, "items of a container that are shown"),
    "max_depth": (int, "levels of containers that are shown"),
}


def add_sandbox_options(parser: argparse.ArgumentParser) -> None:
    """``--isolation`` and one option for each limit."""
    group = parser.add_argument_group("sandbox (each limit holds for one run of a program)")
    group.add_argument(
        "--isolation",
        default="auto",
        metavar="LEVEL",
        help="auto (the strongest without another program), or one that must be had: guard, confined, "
        "isolated, or an external jail (bwrap, nsjail, runsc, docker)",
    )
    defaults = Limits()
    for name, (kind, bounded) in _LIMITS.items():
        group.add_argument(
            f"--{name.replace('_', '-')}",
            type=kind,
            metavar="N",
            help=f"{bounded}, at most (default {getattr(defaults, name)})",
        )


def add_endpoint_options(parser: argparse.ArgumentParser) -> None:
    """``--base-url`` and ``--cache``, of a model whose answers are paid for."""
    parser.add_argument(
        "--base-url", metavar="U", help="its endpoint (default OPENAI_BASE_URL, else OpenAI's)"
    )
    parser.add_argument(
        "--cache",
        type=place,
        metavar="DIR",
        help="where its answers are kept for all runs (default PYTRACE_MONO_CACHE, else the user's "
        "cache directory)",
    )


def limits_of(args: argparse.Namespace) -> Limits:
    """The limits that were asked for, the default for the others.

    Raises:
        LimitError: one is out of range.
    """
    given: dict[str, Any] = {name: getattr(args, name) for name in _LIMITS}
    return Limits(**{name: value for name, value in given.items() if value is not None})


def positive(text: str) -> int:
    """An argparse type: a whole number above zero."""
    if not text.isdecimal() or not text.strip("0"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above zero")
    return int(text)


def place(text: str) -> Path:
    """An argparse type: a file or folder."""
    return Path(name(text))


def name(text: str) -> str:
    """An argparse type: a name. An empty one, of a variable that is not set, is none."""
    if not text:
        raise argparse.ArgumentTypeError("it is empty; give a name")
    return text


def words(text: str) -> str:
    """An argparse type: text, and not bytes that are none."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise argparse.ArgumentTypeError(f"it is no text: {error}") from None
    return text
