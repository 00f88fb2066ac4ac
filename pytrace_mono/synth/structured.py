"""A completion in a form that the endpoint can enforce, negotiated with it.

Servers differ in what they take: JSON after a schema, JSON after a schema named in another way, any
JSON, or nothing but text. The most that an endpoint takes is found out once, and remembered.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

from pytrace_mono.records import Direction
from pytrace_mono.synth import prompts
from pytrace_mono.synth.cache import ResponseCache
from pytrace_mono.synth.openai_client import RequestError

_KEYS = ("understanding", "properties", "steps", "answer")
_SCHEMA = {
    "type": "object",
    "properties": {key: {"type": "string"} for key in _KEYS},
    "required": list(_KEYS),
    "additionalProperties": False,
}
TEXT = "text"
_FORMATS: dict[str, dict[str, Any] | None] = {
    "json_schema": {
        "type": "json_schema",
        "json_schema": {"name": "monologue", "strict": True, "schema": _SCHEMA},
    },
    "json_object with a schema": {"type": "json_object", "schema": _SCHEMA},  # llama.cpp
    "json_object": {"type": "json_object"},
    TEXT: None,
}
# How servers say that they do not know a format. Some crash over it, again and again.
_NOT_TAKEN = frozenset({400, 415, 422, 500, 501})
_LIKE_JSON = re.compile(r"\s*(\{|```)")
_FENCED = re.compile(r"\s*```\w*\n(.*)\n```\s*", re.DOTALL)


class Negotiation:
    """Finds the most that an endpoint takes.

    Args:
        cache: where it is remembered.
        endpoint, model: about whom.
        wanted: False settles for text at once.

    Attributes:
        format: the one to ask in.
        settled: the endpoint has answered in it.
        probing: to be held while asking in a format that is not settled: one asks, the others wait.
    """

    def __init__(self, cache: ResponseCache, endpoint: str, model: str, *, wanted: bool) -> None:
        self._cache = cache
        self._about = (endpoint, model)
        known = cache.format_of(*self._about) if wanted else TEXT
        self.settled = known in _FORMATS
        self.format = known if known in _FORMATS else next(iter(_FORMATS))
        self.probing = asyncio.Lock()

    def taken(self) -> None:
        """The endpoint has answered."""
        self.settled = True
        self._cache.remember_format(*self._about, self.format)

    def step_down(self, error: RequestError) -> bool:
        """Whether to ask again, in the next format; after the last one the first is next."""
        if error.status not in _NOT_TAKEN or error.fatal:
            return False
        names = list(_FORMATS)
        following = names.index(self.format) + 1
        self.format = names[following % len(names)]
        return following < len(names)


def parameters(format: str) -> dict[str, Any]:
    """What a request in this format has to say."""
    asked = _FORMATS[format]
    return {} if asked is None else {"response_format": asked}


def as_text(said: str, direction: Direction) -> str:
    """A completion in JSON as a monologue in its tags; any other text as it is."""
    found = _object(said)
    if found is None:
        return said
    understanding, properties, steps, answer = (_words(found.get(key)) for key in _KEYS)
    return (
        f"[MONOLOGUE]\n### Understanding the Function\n{understanding}\n\n"
        f"### Key Properties and Constraints\n{properties}\n\n"
        f"### {prompts.section_of(direction)}\n{steps}\n[/MONOLOGUE]\n"
        f"[ANSWER]\n{answer}\n[/ANSWER]"
    )


def _object(said: str) -> dict[str, Any] | None:
    """The object, perhaps in a fence; None where the text is none of ours."""
    if not _LIKE_JSON.match(said):
        return None
    fenced = _FENCED.fullmatch(said)
    try:
        found = json.loads(fenced[1] if fenced else said)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and "answer" in found else None


def _words(value: Any) -> str:
    """Models write a list where a text was asked for."""
    if isinstance(value, list):
        return "\n".join(f"- {_words(item)}" for item in value)
    return value.strip() if isinstance(value, str) else json.dumps(value)
