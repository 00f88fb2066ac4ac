"""The body of a chat completion, as servers really send it, read into a Completion."""

from __future__ import annotations

import json
from typing import Any

from pytrace_mono.synth.teacher import Completion, Usage


def read_completion(body: bytes) -> Completion:
    """The first choice of a body.

    Raises:
        ValueError: it is not JSON, or holds no completion.
    """
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("the answer is not JSON") from None
    choice = _first_choice(answer)
    if choice is None:
        raise ValueError("the answer holds no completion")
    content = choice["message"].get("content")
    finish = choice.get("finish_reason")
    # ``reasoning_content`` (vLLM, llama.cpp, DeepSeek) is beside the content, and never part of it.
    return Completion(
        without_thinking(content if isinstance(content, str) else ""),
        _usage(answer.get("usage")),
        finish if isinstance(finish, str) else None,
    )


def without_thinking(text: str) -> str:
    """What a reasoning model says after ``</think>``; nothing where it never got there."""
    text = text.strip()
    if text.startswith("<think>"):
        return text.partition("</think>")[2].strip()
    if "</think>" in text and "<think>" not in text:  # the chat template opened it
        return text.rpartition("</think>")[2].strip()
    return text


def _first_choice(answer: Any) -> dict[str, Any] | None:
    choices = answer.get("choices") if isinstance(answer, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    if isinstance(choice, dict) and isinstance(choice.get("message"), dict):
        return choice
    return None


def _usage(counted: Any) -> Usage | None:
    if not isinstance(counted, dict):
        return None
    numbers = [counted.get("prompt_tokens"), counted.get("completion_tokens")]
    if not any(isinstance(number, int) for number in numbers):
        return None
    prompt, completion = (number if isinstance(number, int) else 0 for number in numbers)
    return Usage(prompt, completion)
