"""A Teacher behind an OpenAI-compatible endpoint, hosted or on this machine."""

from __future__ import annotations

import asyncio
import ipaddress
import os
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    InstanceOf,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
)

from pytrace_mono.errors import InputError, MissingKeyError, TeacherError
from pytrace_mono.manifest import explained
from pytrace_mono.synth import prompts, structured
from pytrace_mono.synth.admission import Admission
from pytrace_mono.synth.batch import Batch
from pytrace_mono.synth.cache import Keys, ResponseCache
from pytrace_mono.synth.ledger import Ledger
from pytrace_mono.synth.meter import Meter, Question
from pytrace_mono.synth.openai_client import NO_KEY, Client, RequestError, shown
from pytrace_mono.synth.prices import Price
from pytrace_mono.synth.replies import read_completion
from pytrace_mono.synth.sending import Sender
from pytrace_mono.synth.teacher import Chat, Completion, Prompt

DEFAULT_BASE_URL = "https://api.openai.com/v1"


class _Arguments(BaseModel):
    """Others would let a run wait for ever, pay without a bound, or fail once it has paid."""

    model_config = ConfigDict(strict=True)

    model: str = Field(min_length=1)
    base_url: str | None
    api_key: str | None
    temperature: NonNegativeFloat | None
    max_tokens: PositiveInt | None
    timeout: PositiveFloat
    deadline: PositiveFloat
    concurrency: PositiveInt
    requests_per_minute: PositiveFloat | None
    tokens_per_minute: PositiveFloat | None
    attempts: PositiveInt
    max_cost: NonNegativeFloat | None
    token_budget: NonNegativeInt | None
    price: InstanceOf[Price] | None


class OpenAITeacher:
    """Asks one model over chat completions.

    Args:
        model: the model's name at the endpoint.
        base_url: the endpoint; else ``OPENAI_BASE_URL``, else OpenAI's.
        api_key: the key; else ``OPENAI_API_KEY``. An endpoint on this machine needs none.
        temperature: the endpoint's own default where None (reasoning models accept no other).
        max_tokens: bound on a completion, the endpoint's own where None.
        timeout: seconds for one attempt.
        deadline: seconds from the first attempt of a request until its row is given up.
        concurrency: requests in flight at once, at most; fewer while the endpoint is overloaded.
        requests_per_minute, tokens_per_minute: bounds; those that the endpoint tells in its headers
            are kept in any case.
        attempts: how often a request is sent before it counts as failed; 5xx and lost connections
            are retried after a random wait, or the one that the endpoint asks for. A refusal (429)
            is no failure: until the deadline it is asked again.
        structured_output: ask for JSON after a schema, or the most of it that the endpoint takes;
            False asks for plain text.
        cache: directory of the answers that were paid for, shared by all runs; else
            ``PYTRACE_MONO_CACHE``, else ``pytrace_mono`` in the user's cache directory.
        max_cost: dollars that one corpus may cost, over all the runs that it takes.
        token_budget: the same in tokens, prompts and completions together.
        price: dollars for a million tokens; else that of the table of ``genai-prices``.

    Raises:
        InputError: ``base_url`` is no address, or another argument is none that can be.
        PrerequisiteError: ``max_cost`` for a model whose price is not known.
        StoreError: the cache cannot be used.
        MissingExtraError: the extra ``synth`` is not installed.
        MissingKeyError: no key, and the endpoint is not on this machine.
    """

    name = "openai"
    batch: Batch | None = None  # where requests go instead of to the endpoint, one by one

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        timeout: float = 120.0,
        deadline: float = 600.0,
        concurrency: int = 16,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        attempts: int = 4,
        structured_output: bool = True,
        cache: str | Path | None = None,
        max_cost: float | None = None,
        token_budget: int | None = None,
        price: Price | None = None,
    ) -> None:
        try:
            _Arguments(
                model=model,
                base_url=base_url,
                api_key=api_key,
                temperature=temperature,
                max_tokens=max_tokens,
                timeout=timeout,
                deadline=deadline,
                concurrency=concurrency,
                requests_per_minute=requests_per_minute,
                tokens_per_minute=tokens_per_minute,
                attempts=attempts,
                max_cost=max_cost,
                token_budget=token_budget,
                price=price,
            )
        except ValidationError as error:
            raise InputError(f"OpenAITeacher: {explained(error)}") from None
        self.model = model
        self.temperature = temperature
        self.max_tokens = max_tokens
        self.concurrency = concurrency
        base_url = base_url or os.environ.get("OPENAI_BASE_URL") or DEFAULT_BASE_URL
        _check_address(base_url)
        self.endpoint = shown(base_url)
        key = _key(api_key, base_url)
        self._client = Client(base_url, key, model, timeout)
        self._parameters = _parameters(base_url, temperature, max_tokens)
        self._meter = Meter(model, self.endpoint, price, max_cost, token_budget, max_tokens)
        self._cache = ResponseCache(cache)
        self._sender = Sender(
            self._client,
            self._cache,
            self._meter,
            Admission(concurrency, requests_per_minute, tokens_per_minute),
            attempts=attempts,
            deadline=deadline,
            timeout=timeout,
        )
        self._format = structured.Negotiation(
            self._cache, self.endpoint, model, wanted=structured_output
        )
        self._keys: dict[str, Keys] = {}  # by format
        # The same question may be asked twice at the same time: the second waits for the first.
        self._asking: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()

    async def complete(self, prompt: Prompt, *, n: int = 1) -> list[Completion]:
        """Ask for ``n`` completions, each in a request of its own (few servers know ``n``).

        What was answered before, in this run or an earlier one, is not asked again.

        Raises:
            TeacherError: the endpoint refused, failed on every attempt, or was not reached.
            StoreError: an answer cannot be stored; the run should not go on paying.
        """
        samples = range(prompt.sample, prompt.sample + n)
        if n == 1:  # without a task of its own, which a replay would feel
            return [_in_tags(await self._sample(prompt, prompt.sample), prompt)]
        answers = await asyncio.gather(*(self._sample(prompt, i) for i in samples))
        return [_in_tags(answer, prompt) for answer in answers]

    async def answer(self, chat: Chat) -> Completion:
        """What the model says to a chat that asks for something else than a monologue, as it said it.

        Make the teacher with ``structured_output=False``. What was answered before is not asked again.

        Raises:
            TeacherError, StoreError: as :meth:`complete`.
        """
        return await self._sample(chat, chat.sample)

    def begin(self, ledger: Ledger) -> None:
        """A run begins whose requests are to be noted in this ledger."""
        self._meter.begin(ledger)

    async def aclose(self) -> None:
        """Wait for answers that are on their way, since they will be paid; close the connections."""
        await self._sender.farewell()
        self._format.probing = asyncio.Lock()  # the next run may have another event loop
        await self._client.aclose()

    @property
    def price(self) -> Price | None:
        """Dollars for a million tokens; None where it is not known."""
        return self._meter.price

    @property
    def spent(self) -> float | None:
        """Dollars paid in this run so far; None where the price is not known."""
        return self._meter.spent

    def batching(self, ledger: Ledger, directory: Path) -> Batch:
        """From now on what is not in the cache goes into batches."""
        self.batch = Batch(self._client, self._cache, self._meter, ledger, directory)
        return self.batch

    def paid_before(self, prompt: Prompt) -> Completion | None:
        """The answer out of the cache; None where it would have to be paid for."""
        question, _ = self._question(prompt, prompt.sample)
        body = self._cache.get(question.key)
        return None if body is None else _in_tags(read_completion(body), prompt)

    def prompt_tokens(self, prompt: Prompt) -> int:
        """Tokens of what would be sent, counted or estimated."""
        question, _ = self._question(prompt, prompt.sample)
        return self._meter.prompt_tokens(question.messages)

    def _question(self, prompt: Chat, sample: int) -> tuple[Question, dict[str, Any]]:
        """What is asked in the format of the moment, and its key."""
        format = self._format.format
        chat = prompt.messages if format == structured.TEXT else prompts.as_json(prompt.messages)
        messages = [{"role": turn.role, "content": turn.content} for turn in chat]
        rest = {"model": self.model, **self._parameters, **structured.parameters(format)}
        keys = self._keys.get(format)
        if keys is None:
            keys = self._keys[format] = Keys(self.endpoint, rest)
        question = Question(keys.of(messages, sample), prompt.row, chat, prompt.mismatch)
        return question, {**rest, "messages": messages}

    async def _sample(self, prompt: Chat, sample: int) -> Completion:
        while True:
            question, request = self._question(prompt, sample)
            body = self._cache.get(question.key)
            if body is not None:
                answer = read_completion(body)
                self._meter.replayed(question, answer)
                break
            if self.batch is not None and self._format.settled:
                self.batch.missing(question, request)
            lock = self._asking.setdefault(question.key, asyncio.Lock())
            known = (self._format.settled, self._format.format)
            async with lock if self._format.settled else self._format.probing:
                if known != (self._format.settled, self._format.format):
                    continue  # the format was found meanwhile
                if self._cache.get(question.key) is not None:
                    continue  # somebody else asked the same
                try:
                    answer = await self._sender.ask(question, request)
                except TeacherError as error:
                    if isinstance(error, RequestError) and self._stepped_down(error):
                        continue
                    if question.attempts:
                        self._meter.failed(question, str(error))
                    raise
                if not self._format.settled:
                    self._format.taken()
                break
        return answer

    def _stepped_down(self, error: RequestError) -> bool:
        return not self._format.settled and self._format.step_down(error)


def _in_tags(answer: Completion, prompt: Prompt) -> Completion:
    text = structured.as_text(answer.text, prompt.direction)
    return answer if text == answer.text else replace(answer, text=text, said=answer.text)


def _check_address(base_url: str) -> None:
    try:
        parts = urlsplit(base_url)  # shown in no message: a password may stand in it
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # a port out of range, half an IPv6 address
        usable = False
    if not usable:
        raise InputError(
            "--base-url (or OPENAI_BASE_URL) is no address of an endpoint; write it as in "
            "http://localhost:8000/v1"
        )
    if "@" in parts.netloc:
        raise InputError(
            "--base-url (or OPENAI_BASE_URL) holds a user or a password, which cannot be sent "
            "beside a key; leave them out, and put what the endpoint asks for into OPENAI_API_KEY"
        )


def _key(given: str | None, base_url: str) -> str:
    key = (given or os.environ.get("OPENAI_API_KEY") or "").strip()  # a file's last line end
    if not (key.isascii() and key.isprintable()):
        raise InputError(
            "OPENAI_API_KEY holds a character that no key has and no request can carry; copy the "
            "key again, alone and on one line"
        )
    if key:
        return key
    if not _is_local(base_url):
        raise MissingKeyError(
            f"The endpoint {shown(base_url)} needs a key and none is set.",
            "export OPENAI_API_KEY=... (any word where the endpoint needs none), or give --base-url "
            "for a server on this machine",
        )
    return NO_KEY


def _parameters(
    base_url: str, temperature: float | None, max_tokens: int | None
) -> dict[str, float | int]:
    parameters: dict[str, float | int] = {}
    if temperature is not None:
        parameters["temperature"] = temperature
    if max_tokens is not None:
        # OpenAI's newer models refuse the old name; other servers often know only that one.
        newer = urlsplit(base_url).hostname == "api.openai.com"
        parameters["max_completion_tokens" if newer else "max_tokens"] = max_tokens
    return parameters


def _is_local(base_url: str) -> bool:
    host = urlsplit(base_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
