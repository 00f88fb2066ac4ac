"""A Teacher for tests, yours included: it says what it was told to say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from pytrace_mono.errors import TeacherError
from pytrace_mono.synth.teacher import Completion, Prompt

Scripted = str | Completion | Exception


class ScriptedTeacher:
    """Answers from a script and remembers what it was asked.

    Args:
        script: what to say, one item a completion, in the order of asking (an Exception is raised);
            or a function of the Prompt, called for each completion.

    Attributes:
        prompts: every Prompt seen, in order.
    """

    name = "scripted"

    def __init__(self, script: Iterable[Scripted] | Callable[[Prompt], Scripted]) -> None:
        self.prompts: list[Prompt] = []
        self._function = script if callable(script) else None
        self._items: Iterator[Scripted] = iter(()) if callable(script) else iter(script)

    async def complete(self, prompt: Prompt, *, n: int = 1) -> list[Completion]:
        """The next ``n`` items of the script.

        Raises:
            TeacherError: the script is at its end.
        """
        self.prompts.append(prompt)
        return [self._next(prompt) for _ in range(n)]

    def _next(self, prompt: Prompt) -> Completion:
        if self._function is not None:
            said = self._function(prompt)
        else:
            try:
                said = next(self._items)
            except StopIteration:
                raise TeacherError("the script has no more completions", fatal=True) from None
        if isinstance(said, Exception):
            raise said
        return said if isinstance(said, Completion) else Completion(said, finish_reason="stop")
