"""One request until it is answered: admitted, sent, sent again, stored as it came."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from pytrace_mono.errors import StoreError
from pytrace_mono.synth.admission import Admission
from pytrace_mono.synth.cache import ResponseCache
from pytrace_mono.synth.meter import Meter, Question
from pytrace_mono.synth.openai_client import Client, RequestError
from pytrace_mono.synth.replies import read_completion
from pytrace_mono.synth.retrying import wait_before
from pytrace_mono.synth.teacher import Completion

_MAX_FAREWELL = 30.0  # seconds that a run which ends waits for what it asked


class Sender:
    """Sends requests, each until it is answered or has to be given up.

    Args:
        client: the connections.
        cache: where an answer is stored before it is read by anybody else.
        meter: told of every attempt.
        admission: says when an attempt may be made.
        attempts: how often a request may fail in passing. A refusal (429) is no failure: the
            endpoint did not begin, and only the deadline bounds how often it is asked again.
        deadline: seconds from the first attempt of a request until it is given up.
        timeout: seconds for one attempt; one that took half of it is a sign of overload.
    """

    def __init__(
        self,
        client: Client,
        cache: ResponseCache,
        meter: Meter,
        admission: Admission,
        *,
        attempts: int,
        deadline: float,
        timeout: float,
    ) -> None:
        self._client = client
        self._cache = cache
        self._meter = meter
        self._admission = admission
        self._attempts = attempts
        self._deadline = deadline
        self._timeout = timeout
        self._open: set[asyncio.Future[Completion]] = set()
        # Why nothing can be asked any more, in this run.
        self._gone: RequestError | StoreError | None = None
        self._reached = False  # somebody is there, however it answers

    async def ask(self, question: Question, request: Mapping[str, Any]) -> Completion:
        """Send a request until it is answered.

        Raises:
            TeacherError: refused for good, failed too often, or not answered until the deadline.
            StoreError: the answer cannot be stored.
        """
        failures = 0
        give_up = 0.0
        while True:
            try:
                return await self._admitted(question, request)
            except StoreError as error:
                self._gone = error  # an answer that cannot be kept must not be paid for
                raise
            except RequestError as error:
                self._reached = self._reached or error.status is not None
                failures += not error.refused
                if failures >= self._attempts and not self._reached and not error.fatal:
                    error = RequestError(
                        f"{error} ({failures} attempts); check --base-url and that the endpoint is "
                        "running there, then run the same command again",
                        fatal=True,
                    )
                if error.fatal:
                    self._gone = error
                if not error.passing or failures >= self._attempts:
                    raise error from None
                # Full jitter grows with every attempt, refusals too.
                wait = wait_before(question.attempts, error.headers)
                give_up = give_up or question.begun + self._deadline
                if time.monotonic() + wait > give_up:
                    raise RequestError(
                        f"{error}; given up after {question.attempts} attempts: the deadline of "
                        f"{self._deadline:g} seconds for one request would pass"
                    ) from None
            await asyncio.sleep(wait)  # outside the slot: a waiting request must not hold one

    async def farewell(self) -> None:
        """A run ends: wait for answers that are on their way, since they will be paid."""
        if self._open:
            await asyncio.wait(self._open, timeout=min(self._timeout, _MAX_FAREWELL))
        self._gone = None

    async def _admitted(self, question: Question, request: Mapping[str, Any]) -> Completion:
        tokens = self._meter.most_tokens(question) if self._admission.counts_tokens else 0
        async with self._admission.admitted(tokens) as admitted:
            if self._gone is not None:
                raise self._gone
            # Shielded: when the run ends, what was sent is still waited for and stored.
            sent = asyncio.ensure_future(self._send(question, request))
            self._open.add(sent)
            sent.add_done_callback(self._arrived)
            try:
                answer = await asyncio.shield(sent)
            except RequestError as error:
                admitted.troubled = error.passing
                self._admission.learn(error.headers)
                raise
            admitted.troubled = question.seconds > self._timeout / 2
            if answer.usage is not None:
                admitted.used = answer.usage.prompt_tokens + answer.usage.completion_tokens
            return answer

    async def _send(self, question: Question, request: Mapping[str, Any]) -> Completion:
        """One attempt; the answer is stored as it came."""
        with self._meter.attempt(question):
            body, headers = await self._client.chat(request)
            self._reached = True
            self._admission.learn(headers)
            try:
                question.answer = read_completion(body)
            except ValueError as error:
                start = body[:200].decode("utf-8", "replace")
                raise self._client.failure(f"{error}: {start!r}") from None
            self._cache.put(question.key, body)
            return question.answer

    def _arrived(self, sent: asyncio.Future[Completion]) -> None:
        self._open.discard(sent)
        if not sent.cancelled():
            sent.exception()  # looked at, also where nobody waits for it any more
