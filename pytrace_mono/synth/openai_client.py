"""The openai client: where it is made, what is sent with it, and what its failures mean.

The only module that imports ``openai``, and it does so when the first teacher is made. The client's
own retries are off: retrying in one place keeps one policy, and frees nothing twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from pytrace_mono.errors import MissingExtraError, TeacherError

_FATAL_STATUS = frozenset({401, 403, 404})
_FATAL_CODES = frozenset({"model_not_found", "invalid_api_key", "insufficient_quota"})
_ADVICE = {
    "401": "check OPENAI_API_KEY, and that it is a key for this endpoint",
    "403": "check that the key in OPENAI_API_KEY may use this model",
    "404": "check --model and --base-url",
    "model_not_found": "check --model",
    "insufficient_quota": "when there is credit again, the same command goes on",
}
_PASSING_STATUS = frozenset({408, 409, 425, 429})
NO_KEY = "none"  # the client insists on one, also where the endpoint wants none


class RequestError(TeacherError):
    """One request failed.

    Args:
        message: what happened, naming the endpoint, never the key.
        fatal: asking anything again cannot help.
        passing: asking the same again may help.
        status: of the HTTP answer; None where there was none.
        headers: of the HTTP answer.
    """

    def __init__(
        self,
        message: str,
        *,
        fatal: bool = False,
        passing: bool = False,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, fatal=fatal)
        self.passing = passing
        self.status = status
        self.headers = headers or {}

    @property
    def refused(self) -> bool:
        """The endpoint has too much to do, or we asked too often: it did not even begin."""
        return self.status == 429

    @property
    def of_this_request(self) -> bool:
        """The endpoint is there and would not take this request, but may take another."""
        return self.status is not None and not (self.fatal or self.passing)


class Client:
    """Connections to one endpoint.

    Args:
        base_url: its address.
        key: sent with every request; blotted out of every message.
        model: named in messages.
        timeout: seconds for one request.

    Raises:
        MissingExtraError: the extra ``synth`` is not installed.
    """

    def __init__(self, base_url: str, key: str, model: str, timeout: float) -> None:
        self._openai = _import_openai()
        self._base_url = base_url
        self._key = key
        self._where = f"{shown(base_url)} (model {model})"
        self._timeout = timeout
        # A connection pool belongs to one event loop; made anew for another.
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: Any = None

    async def chat(self, request: Mapping[str, Any]) -> tuple[bytes, Mapping[str, str]]:
        """Ask for one chat completion: its body as it came, and the headers.

        Raises:
            RequestError: there is none.
        """
        with self.told():
            create = self.connected().chat.completions.with_raw_response.create
            # As extra_body it is sent as it is: the client would go through the schema each time.
            known = {name: request[name] for name in request if name != "response_format"}
            extra = {name: request[name] for name in request if name not in known}
            response = await create(**known, extra_body=extra)
            return response.content, response.headers

    def connected(self) -> Any:
        """The client of this event loop.

        Raises:
            MissingExtraError: the transport is not installed.
        """
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            try:
                transport = self._openai.DefaultAioHttpClient()
            except RuntimeError:
                raise MissingExtraError("The OpenAI teacher", "httpx-aiohttp", "synth") from None
            self._loop = loop
            self._client = self._openai.AsyncOpenAI(
                api_key=self._key,
                base_url=self._base_url,
                timeout=self._timeout,
                max_retries=0,
                http_client=transport,
            )
        return self._client

    @contextmanager
    def told(self) -> Iterator[None]:
        """Around a use of the client: what it raises becomes a RequestError."""
        try:
            yield
        # ValueError and OSError: a transport that let one through.
        except (self._openai.OpenAIError, ValueError, OSError) as error:
            raise self._meaning(error) from None

    def without_key(self, words: str) -> str:
        """The words, with the key blotted out."""
        return words if self._key == NO_KEY else words.replace(self._key, "***")

    def failure(self, words: str) -> RequestError:
        """An error about an answer that came and cannot be used."""
        return RequestError(f"{self._where}: {self.without_key(words):.500}")

    async def aclose(self) -> None:
        """Close the connections."""
        client, self._client, self._loop = self._client, None, None
        if client is not None:
            await client.close()

    def _meaning(self, error: Exception) -> RequestError:
        status = getattr(error, "status_code", None)
        words = str(error).strip() or type(error).__name__
        if status is None:
            cause = error.__cause__
            # The client calls a refused connection a timeout; the cause knows better.
            words = f"could not be reached: {str(cause or '').strip() or words}"
            passing = isinstance(error, (self._openai.APIConnectionError, OSError))
        else:
            passing = status in _PASSING_STATUS or status >= 500
        fatal = status in _FATAL_STATUS or getattr(error, "code", None) in _FATAL_CODES
        code = getattr(error, "code", None)
        advice = _ADVICE.get(str(code)) or _ADVICE.get(str(status)) if fatal else None
        return RequestError(
            f"{self._where}: {self.without_key(words):.500}{f'; {advice}' if advice else ''}",
            fatal=fatal,
            passing=passing and not fatal,
            status=status,
            headers=getattr(getattr(error, "response", None), "headers", None),
        )


def shown(base_url: str) -> str:
    """The address without any password that stands in it, for messages and manifests."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{parts.path}"


def _import_openai() -> Any:
    try:
        import openai
    except ImportError:
        raise MissingExtraError("The OpenAI teacher", "openai", "synth") from None
    return openai
