"""A Trace for people and models to read; every rendering is made from the same recording."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import cast

from pytrace_mono.tracer.types import Trace

_PLACES = {
    "text": ("text", "render"),
    "annotated": ("annotated", "annotated"),
    "scratchpad": ("scratchpad", "scratchpad"),
    "concise": ("concise", "concise"),
    "next": ("next_inline", "next_inline"),
    "cwm": ("cwm", "cwm"),
    "html": ("page", "html"),
}

FORMATS = ("json", *_PLACES)


def render(trace: Trace, format: str) -> str:
    """The trace in one of :data:`FORMATS`.

    Raises:
        ValueError: there is no such format.
    """
    if format == "json":
        return trace.to_json() + "\n"
    if format not in _PLACES:
        raise ValueError(f"format {format!r}: choose one of {', '.join(FORMATS)}")
    module, name = _PLACES[format]
    make = getattr(import_module(f"{__name__}.{module}"), name)
    return cast("Callable[[Trace], str]", make)(trace)
