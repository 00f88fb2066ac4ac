"""Have a model restate monologues that have no labels, so that what they say can be checked."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace

from pytrace_mono.errors import AnswerError, TeacherError
from pytrace_mono.synth import prompts
from pytrace_mono.synth.openai_teacher import OpenAITeacher
from pytrace_mono.synth.teacher import Chat
from pytrace_mono.tasks import Answer, parse_answer
from pytrace_mono.verify.reading import is_labelled
from pytrace_mono.verify.rows import Row


def restated(
    rows: Iterable[Row], model: OpenAITeacher
) -> Iterator[tuple[Row, TeacherError | None]]:
    """Rows in their order, each as soon as it is there; as many are asked about as the model takes.

    What labels say is exact, so that nobody is asked about it; nor is a row without an answer, which
    fails anyway.

    Args:
        rows: the monologues.
        model: who restates, made with ``structured_output=False``; closed at the end.

    Returns:
        each row, with ``restated`` where it was, and the error where the model failed for it.

    Raises:
        TeacherError: the model cannot be asked any more.
        StoreError: an answer cannot be stored.
    """
    source = iter(rows)
    ahead: deque[tuple[Row, Future[str] | None]] = deque()
    with _loop() as loop:
        try:
            while True:
                for row in source:
                    chat = _chat(row)
                    asked = None
                    if chat is not None:
                        asked = asyncio.run_coroutine_threadsafe(_asked(model, chat), loop)
                    ahead.append((row, asked))
                    if len(ahead) >= model.concurrency:
                        break
                if not ahead:
                    return
                row, asked = ahead.popleft()
                try:
                    yield (row if asked is None else replace(row, restated=asked.result())), None
                except TeacherError as error:
                    if error.fatal:
                        raise
                    yield row, error
        finally:
            for _, asked in ahead:
                if asked is not None:
                    asked.cancel()
            asyncio.run_coroutine_threadsafe(model.aclose(), loop).result()


async def _asked(model: OpenAITeacher, chat: Chat) -> str:
    return (await model.answer(chat)).text


def _chat(row: Row) -> Chat | None:
    """What to ask about a row, if anything."""
    try:
        answer = parse_answer(row.response, row.direction)
    except AnswerError:
        return None
    call = _call(row, answer)
    if call is None or not answer.monologue or is_labelled(answer.monologue):
        return None
    messages = prompts.restating(row.program, call, row.direction, answer.monologue)
    return Chat(messages=messages, row=row.id)


def _call(row: Row, answer: Answer) -> str | None:
    """The Call that is run: a backward text is about the input that it finds."""
    return row.left if row.direction == "forward" else answer.call


@contextmanager
def _loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop in a thread of its own, so that the model answers while rows are checked."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
