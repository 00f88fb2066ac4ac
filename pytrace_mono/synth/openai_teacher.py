"""A Teacher behind an OpenAI-compatible endpoint, hosted or on this machine.

The only module that imports ``openai``, and it does so when the first teacher is made. The client's
own retries are off: retrying here keeps one policy, and frees nothing twice.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from pytrace_mono.errors import MissingExtraError, MissingKeyError, TeacherError
from pytrace_mono.synth.cache import ResponseCache, request_key
from pytrace_mono.synth.ledger import Ledger
from pytrace_mono.synth.meter import Meter, Question
from pytrace_mono.synth.prices import Price
from pytrace_mono.synth.replies import read_completion
from pytrace_mono.synth.retrying import wait_before
from pytrace_mono.synth.teacher import Completion, Prompt

DEFAULT_BASE_URL = "https://api.openai.com/v1"
_FATAL_STATUS = frozenset({401, 403, 404})
_FATAL_CODES = frozenset({"model_not_found", "invalid_api_key", "insufficient_quota"})
_MAX_FAREWELL = 30.0  # seconds that a run which ends waits for what it asked
_RETRIED_STATUS = frozenset({408, 409, 425, 429})


class OpenAITeacher:
    """Asks one model over chat completions.

    Args:
        model: the model's name at the endpoint.
        base_url: the endpoint; else ``OPENAI_BASE_URL``, else OpenAI's.
        api_key: the key; else ``OPENAI_API_KEY``. An endpoint on this machine needs none.
        temperature: the endpoint's own default where None (reasoning models accept no other).
        max_tokens: bound on a completion, the endpoint's own where None.
        timeout: seconds for one request.
        concurrency: requests in flight at once.
        attempts: how often a request is sent before it counts as failed; 429, 5xx and lost
            connections are retried after a random wait, or the one that the endpoint asks for.
        cache: directory of the answers that were paid for, shared by all runs; else
            ``PYTRACE_MONO_CACHE``, else ``pytrace_mono`` in the user's cache directory.
        max_cost: dollars that one corpus may cost, over all the runs that it takes.
        token_budget: the same in tokens, prompts and completions together.
        price: dollars for a million tokens; else that of the table of ``genai-prices``.

    Raises:
        PrerequisiteError: ``max_cost`` for a model whose price is not known.
        StoreError: the cache cannot be used.
        MissingExtraError: the extra ``synth`` is not installed.
        MissingKeyError: no key, and the endpoint is not on this machine.
    """

    name = "openai"

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        timeout: float = 120.0,
        concurrency: int = 16,
        attempts: int = 4,
        cache: str | Path | None = None,
        max_cost: float | None = None,
        token_budget: int | None = None,
        price: Price | None = None,
    ) -> None:
        _import_openai()
        self.model = model
        self.base_url = base_url or os.environ.get("OPENAI_BASE_URL") or DEFAULT_BASE_URL
        self.concurrency = concurrency
        self._key = api_key or os.environ.get("OPENAI_API_KEY") or ""
        if not self._key:
            if not _is_local(self.base_url):
                raise MissingKeyError(
                    f"The endpoint {self.endpoint} needs a key and none is set.",
                    "export OPENAI_API_KEY=..., or give --base-url for a server of your own",
                )
            self._key = "none"  # the client insists on one
        self.temperature = temperature
        self.max_tokens = max_tokens
        self._meter = Meter(self.model, self.endpoint, price, max_cost, token_budget, max_tokens)
        self._parameters = _parameters(self.base_url, temperature, max_tokens)
        self._cache = ResponseCache(cache)
        # The same question may be asked twice at the same time: the second waits for the first.
        self._asking: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()
        self._timeout = timeout
        self._attempts = attempts
        # A connection pool and a semaphore belong to one event loop; made anew for another.
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: Any = None
        self._open: set[asyncio.Future[Completion]] = set()
        self._slots = asyncio.Semaphore(concurrency)

    @property
    def endpoint(self) -> str:
        """The address without any password that stands in it, for messages and manifests."""
        parts = urlsplit(self.base_url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{host}{port}{parts.path}"

    async def complete(self, prompt: Prompt, *, n: int = 1) -> list[Completion]:
        """Ask for ``n`` completions, each in a request of its own (few servers know ``n``).

        What was answered before, in this run or an earlier one, is not asked again.

        Raises:
            TeacherError: the endpoint refused, failed on every attempt, or was not reached.
            StoreError: an answer cannot be stored; the run should not go on paying.
        """
        request = self._request(prompt)
        if n == 1:  # without a task of its own, which a replay would feel
            return [await self._sample(prompt, request, 0)]
        return list(await asyncio.gather(*(self._sample(prompt, request, i) for i in range(n))))

    def begin(self, ledger: Ledger) -> None:
        """A run begins whose requests are to be noted in this ledger."""
        self._meter.begin(ledger)

    async def aclose(self) -> None:
        """Wait for answers that are on their way, since they will be paid; close the connections."""
        if self._open:
            await asyncio.wait(self._open, timeout=min(self._timeout, _MAX_FAREWELL))
        client, self._client, self._loop = self._client, None, None
        if client is not None:
            await client.close()

    def _request(self, prompt: Prompt) -> dict[str, Any]:
        messages = [{"role": turn.role, "content": turn.content} for turn in prompt.messages]
        return {"model": self.model, "messages": messages, **self._parameters}

    async def _sample(self, prompt: Prompt, request: dict[str, Any], sample: int) -> Completion:
        key = request_key(self.endpoint, request, sample)
        question = Question(key, prompt.row, prompt.messages)
        body = self._cache.get(key)
        if body is None:
            async with self._asking.setdefault(key, asyncio.Lock()):
                body = self._cache.get(key)
                if body is None:
                    try:
                        return await self._ask(question, request)
                    except TeacherError as error:
                        self._meter.failed(question, str(error))
                        raise
        answer = read_completion(body)
        self._meter.replayed(question, answer)
        return answer

    async def _ask(self, question: Question, request: dict[str, Any]) -> Completion:
        """Send a request until it is answered."""
        openai = _import_openai()
        self._connect()
        while True:
            try:
                async with self._slots:
                    # Shielded: when the run ends, what was sent is still waited for and stored.
                    sent = asyncio.ensure_future(self._send(question, request))
                    self._open.add(sent)
                    sent.add_done_callback(self._arrived)
                    return await asyncio.shield(sent)
            except (openai.OpenAIError, ValueError, OSError) as error:
                # ValueError and OSError: a transport that let one through.
                if question.attempts >= self._attempts or not _is_retryable(error, openai):
                    raise self._teacher_error(error) from None
                headers = getattr(getattr(error, "response", None), "headers", {})
                wait = wait_before(question.attempts, headers)
            await asyncio.sleep(wait)  # outside the slot: a waiting request must not hold one

    def _arrived(self, sent: asyncio.Future[Completion]) -> None:
        self._open.discard(sent)
        if not sent.cancelled():
            sent.exception()  # looked at, also where nobody waits for it any more

    async def _send(self, question: Question, request: dict[str, Any]) -> Completion:
        """One attempt; the answer is stored as it came."""
        with self._meter.attempt(question):
            create = self._client.chat.completions.with_raw_response.create
            body: bytes = (await create(**request)).content
            try:
                question.answer = read_completion(body)
            except ValueError as error:
                shown = body[:200].decode("utf-8", "replace")
                words = self._without_key(f"{error}: {shown!r}")
                raise TeacherError(f"{self.endpoint} (model {self.model}): {words}") from None
            self._cache.put(question.key, body)
            return question.answer

    def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        if self._client is not None and self._loop is loop:
            return
        openai = _import_openai()
        try:
            transport = openai.DefaultAioHttpClient()
        except RuntimeError:
            raise MissingExtraError("The OpenAI teacher", "httpx-aiohttp", "synth") from None
        self._loop = loop
        self._slots = asyncio.Semaphore(self.concurrency)
        self._client = openai.AsyncOpenAI(
            api_key=self._key,
            base_url=self.base_url,
            timeout=self._timeout,
            max_retries=0,
            http_client=transport,
        )

    def _teacher_error(self, error: Exception) -> TeacherError:
        status = getattr(error, "status_code", None)
        code = getattr(error, "code", None)
        words = self._without_key(str(error).strip() or type(error).__name__)
        if status is None:
            cause = error.__cause__
            words = f"could not be reached: {words}{f' ({cause})' if cause else ''}"
        fatal = status in _FATAL_STATUS or code in _FATAL_CODES
        return TeacherError(f"{self.endpoint} (model {self.model}): {words:.500}", fatal=fatal)

    def _without_key(self, words: str) -> str:
        return words if self._key == "none" else words.replace(self._key, "***")


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


def _is_retryable(error: Exception, openai: Any) -> bool:
    if getattr(error, "code", None) in _FATAL_CODES:
        return False
    status = getattr(error, "status_code", None)
    if status is not None:
        return status in _RETRIED_STATUS or status >= 500
    return isinstance(error, (openai.APIConnectionError, OSError))


def _import_openai() -> Any:
    try:
        import openai
    except ImportError:
        raise MissingExtraError("The OpenAI teacher", "openai", "synth") from None
    return openai
