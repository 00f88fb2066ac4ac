"""Attacks that succeed, as long as they do: where, and why. A line that is not true any more fails."""

from __future__ import annotations

_BOTH = ("confined", "isolated")
_REACHED = "names put together at run time reach the harness's Report, and nothing tells"

KNOWN: dict[str, tuple[tuple[str, ...], str]] = {
    "file-exists": (("confined",), "Landlock does not cover stat: documented"),
    "forge-adapted-frames": (_BOTH, _REACHED),
    "forge-adapted-frames-and-leave": (_BOTH, _REACHED),
    "forge-adapted-library": (_BOTH, _REACHED),
    "forge-adapted-handler": (_BOTH, _REACHED),
    "forge-adapted-timer": (_BOTH, _REACHED),
    "forge-adapted-collector": (_BOTH, _REACHED),
    "hide-adapted-self": (_BOTH, "names put together at run time reach the Recorder's stop()"),
}
"""Name of an attack -> the levels at which it succeeds, and why."""
