"""Attacks that succeed, as long as they do: where, and why. A line that is not true any more fails."""

from __future__ import annotations

_BOTH = ("confined", "isolated")

KNOWN: dict[str, tuple[tuple[str, ...], str]] = {
    "file-exists": (("confined",), "Landlock does not cover stat: documented"),
    "hide-adapted-toggle": (
        _BOTH,
        "the recorder is an object of the program's own interpreter: documented",
    ),
}
"""Name of an attack -> the levels at which it succeeds, and why."""
