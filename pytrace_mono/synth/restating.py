"""Audit monologues that have no labels with the help of a model, which restates what they say.

It is asked twice at most: to restate a text, and, where the recording goes against some of its
statements, to look at these again beside what was recorded. What it takes back accuses nobody. It never
decides that something is so.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

from pytrace_mono.errors import AnswerError, TeacherError
from pytrace_mono.synth import prompts
from pytrace_mono.synth.openai_teacher import OpenAITeacher
from pytrace_mono.synth.teacher import Chat
from pytrace_mono.tasks import parse_answer
from pytrace_mono.tracer.sandbox import Sandbox
from pytrace_mono.verify.audit import Audited, audit
from pytrace_mono.verify.reading import is_labelled
from pytrace_mono.verify.reading.restated import accused, looked_again
from pytrace_mono.verify.reasons import Reason
from pytrace_mono.verify.rows import Row
from pytrace_mono.verify.verifier import Verdict

_AHEAD = 4
"""Rows in hand for each request that may be on its way at once: a slow answer holds up few others."""


def audit_restated(rows: Iterable[Row], box: Sandbox, model: OpenAITeacher) -> Iterator[Audited]:
    """Audit rows in their order; a model restates those that have no labels.

    What labels say is exact, so that nobody is asked about it; nor about a row that cannot be checked
    anyway. A row about which the model fails, or ends before it is done, is dropped as
    ``teacher_error``.

    Args:
        rows: the monologues.
        box: where they are run.
        model: who restates, made with ``structured_output=False``.

    Raises:
        TeacherError: the model cannot be asked any more.
        StoreError: an answer cannot be stored.
    """
    source = iter(rows)
    ahead: deque[tuple[Row, asyncio.Task[Audited]]] = deque()
    loop = asyncio.new_event_loop()
    try:
        while True:
            for row in islice(source, _AHEAD * model.concurrency - len(ahead)):
                ahead.append((row, loop.create_task(_audited(row, box, model))))
            if not ahead:
                return
            row, task = ahead[0]
            try:
                found = loop.run_until_complete(task)
            except TeacherError as error:
                if error.fatal:
                    raise
                found = next(audit([row], box))
                if found.right is not False:  # a wrong answer is the graver fault
                    verdict = Verdict(False, Reason.TEACHER_ERROR, str(error))
                    found = replace(found, verdict=verdict, checked=None)
            ahead.popleft()
            yield found
    finally:
        loop.run_until_complete(_leave([task for _, task in ahead], model))
        loop.close()


async def _leave(left: list[asyncio.Task[Audited]], model: OpenAITeacher) -> None:
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    await model.aclose()


async def _audited(row: Row, box: Sandbox, model: OpenAITeacher) -> Audited:
    plain = next(audit([row], box))
    chat = _chat(row)
    if chat is None or plain.checked is None:
        return plain
    said = await _said(chat, model)
    first = next(audit([replace(row, restated=said)], box))
    against = [] if first.checked is None else accused(first.checked)
    if not against:
        return first
    messages = prompts.restating_again(chat.messages, said, against)
    again = await _said(replace(chat, messages=messages), model)
    kept = looked_again(said, [statement for statement, _ in against], again)
    return next(audit([replace(row, restated=kept)], box))


async def _said(chat: Chat, model: OpenAITeacher) -> str:
    answer = await model.answer(chat)
    if answer.finish_reason not in (None, "stop"):
        raise TeacherError(
            f"the model ended before it was done: {answer.finish_reason}; ask one that may answer at "
            "greater length"
        )
    return answer.text


def _chat(row: Row) -> Chat | None:
    """What to ask about a row, if anything."""
    try:
        answer = parse_answer(row.response, row.direction)
    except AnswerError:
        return None
    # A backward text is about the run of the input that it finds.
    call = row.left if row.direction == "forward" else answer.call
    if call is None or not answer.monologue or is_labelled(answer.monologue):
        return None
    messages = prompts.restating(row.program, call, row.direction, answer.monologue)
    return Chat(messages=messages, row=row.id)
