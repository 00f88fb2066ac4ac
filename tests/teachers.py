"""Scripts for the ScriptedTeacher that several tests share."""

from __future__ import annotations

from collections.abc import Callable

from pytrace_mono import tasks
from pytrace_mono.synth import Prompt


def truthful(prompt: Prompt) -> str:
    """A monologue of one sentence, with the recorded answer."""
    call = prompt.call.call if prompt.direction == "forward" else prompt.literal_call
    return tasks.response(f"- [L1] It comes to `{prompt.output}`.", call, prompt.output)


def answering(*, forward: str, backward: str) -> Callable[[Prompt], str]:
    """A monologue with these assertions, whatever was asked."""

    def say(prompt: Prompt) -> str:
        answer = forward if prompt.direction == "forward" else backward
        return f"[MONOLOGUE]\nBecause.\n[/MONOLOGUE]\n[ANSWER]\nassert {answer}\n[/ANSWER]"

    return say
