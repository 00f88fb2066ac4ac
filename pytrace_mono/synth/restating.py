"""Audit monologues that have no labels with the help of a model, which restates what they say.

It is asked twice at most: to restate a text, and, where the recording goes against some of its
statements, to look at these again beside what was recorded. What it takes back accuses nobody. It never
decides that something is so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
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

_WINDOW = 4
"""Rows in hand for each request that may be on its way at once: a slow answer holds up few others."""


def audit_restated(rows: Iterable[Row], box: Sandbox, model: OpenAITeacher) -> Iterator[Audited]:
    """Audit rows in their order; a model restates those that have no labels.

    What labels say is exact, so that nobody is asked about it; nor about a row without an answer, which
    fails anyway. A row about which the model fails is dropped as ``teacher_error``.

    Args:
        rows: the monologues.
        box: where they are run.
        model: who restates, made with ``structured_output=False``.

    Raises:
        TeacherError: the model cannot be asked any more.
        StoreError: an answer cannot be stored.
    """
    source = iter(rows)
    while window := list(islice(source, _WINDOW * model.concurrency)):
        found = asyncio.run(_all(window, box, model))
        for row, one in zip(window, found, strict=True):
            if isinstance(one, TeacherError) and not one.fatal:
                yield Audited(row, Verdict(False, Reason.TEACHER_ERROR, str(one)), None)
            elif isinstance(one, BaseException):
                raise one
            else:
                yield one


async def _all(
    rows: Sequence[Row], box: Sandbox, model: OpenAITeacher
) -> list[Audited | BaseException]:
    try:
        each = (_audited(row, box, model) for row in rows)
        return await asyncio.gather(*each, return_exceptions=True)
    finally:
        await model.aclose()


async def _audited(row: Row, box: Sandbox, model: OpenAITeacher) -> Audited:
    chat = _chat(row)
    if chat is None:
        return next(audit([row], box))
    said = (await model.answer(chat)).text
    first = next(audit([replace(row, restated=said)], box))
    against = [] if first.checked is None else accused(first.checked)
    if not against:
        return first
    messages = prompts.restating_again(chat.messages, said, against)
    again = (await model.answer(replace(chat, messages=messages))).text
    kept = looked_again(said, [statement for statement, _ in against], again)
    return next(audit([replace(row, restated=kept)], box))


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
