"""A Teacher behind an OpenAI-compatible endpoint, hosted or on this machine.

The only module that imports ``openai``, and it does so when the first teacher is made. The client's
own retries are off: retrying here keeps one policy, and frees nothing twice.
"""

from __future__ import annotations

import asyncio
import email.utils
import ipaddress
import os
import random
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from pytrace_mono.errors import MissingExtraError, MissingKeyError, TeacherError
from pytrace_mono.synth.teacher import Completion, Prompt, Usage

DEFAULT_BASE_URL = "https://api.openai.com/v1"
_FATAL_STATUS = frozenset({401, 403, 404})
_FATAL_CODES = frozenset({"model_not_found", "invalid_api_key", "insufficient_quota"})
_RETRIED_STATUS = frozenset({408, 409, 425, 429})
_MAX_WAIT = 60.0


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

    Raises:
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
        self._parameters = _parameters(self.base_url, temperature, max_tokens)
        self._timeout = timeout
        self._attempts = attempts
        # A connection pool and a semaphore belong to one event loop; made anew for another.
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: Any = None
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

        Raises:
            TeacherError: the endpoint refused, failed on every attempt, or was not reached.
        """
        messages = [{"role": turn.role, "content": turn.content} for turn in prompt.messages]
        return list(await asyncio.gather(*(self._ask(messages) for _ in range(n))))

    async def aclose(self) -> None:
        """Close the connections."""
        client, self._client, self._loop = self._client, None, None
        if client is not None:
            await client.close()

    async def _ask(self, messages: list[dict[str, str]]) -> Completion:
        openai = _import_openai()
        self._connect()
        for attempt in range(1, self._attempts + 1):
            try:
                async with self._slots:
                    answer = await self._client.chat.completions.create(
                        model=self.model, messages=messages, **self._parameters
                    )
                return self._completion(answer)
            except (openai.OpenAIError, ValueError, OSError) as error:
                # ValueError and OSError: a body that is not JSON, a transport that let one through.
                if attempt == self._attempts or not _is_retryable(error, openai):
                    raise self._teacher_error(error) from None
                wait = _wait(error, attempt)
            await asyncio.sleep(wait)  # outside the slot: a waiting request must not hold one
        raise AssertionError("unreachable")

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

    def _completion(self, answer: Any) -> Completion:
        choices = getattr(answer, "choices", None)
        if not choices:
            raise TeacherError(f"{self.endpoint}: the answer holds no completion")
        usage = getattr(answer, "usage", None)
        counted = usage and Usage(usage.prompt_tokens or 0, usage.completion_tokens or 0)
        text = without_thinking(choices[0].message.content or "")
        return Completion(text, counted, choices[0].finish_reason)

    def _teacher_error(self, error: Exception) -> TeacherError:
        status = getattr(error, "status_code", None)
        code = getattr(error, "code", None)
        words = str(error).strip() or type(error).__name__
        if self._key != "none":
            words = words.replace(self._key, "***")
        if status is None:
            cause = error.__cause__
            words = f"could not be reached: {words}{f' ({cause})' if cause else ''}"
        fatal = status in _FATAL_STATUS or code in _FATAL_CODES
        return TeacherError(f"{self.endpoint} (model {self.model}): {words:.500}", fatal=fatal)


def without_thinking(text: str) -> str:
    """What a reasoning model says after ``</think>``; nothing where it never got there."""
    text = text.strip()
    if text.startswith("<think>"):
        return text.partition("</think>")[2].strip()
    if "</think>" in text and "<think>" not in text:  # the chat template opened it
        return text.rpartition("</think>")[2].strip()
    return text


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


def _wait(error: Exception, attempt: int) -> float:
    """Seconds until the next attempt: what the endpoint asks for, else full jitter."""
    response = getattr(error, "response", None)
    asked = _retry_after(getattr(response, "headers", {}))
    if asked is not None:
        return min(asked, _MAX_WAIT)
    return random.uniform(0, min(_MAX_WAIT, 0.5 * 2**attempt))


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """The header, in seconds or as a date."""
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        date = email.utils.parsedate_tz(value)
        return None if date is None else max(0.0, email.utils.mktime_tz(date) - time.time())


def _import_openai() -> Any:
    try:
        import openai
    except ImportError:
        raise MissingExtraError("The OpenAI teacher", "openai", "synth") from None
    return openai
