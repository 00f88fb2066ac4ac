"""When the next request may be sent: the lowest of three bounds.

How many at once (adaptive), how many a minute, how many tokens a minute. Nobody waits for a batch to
be full or empty: whoever came first goes as soon as all three allow it.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from pytrace_mono.synth.rates import Rate

_DECREASE = 0.7
_SMALLEST_ROUND = 4
# Of a round, this share may fail before the endpoint counts as overloaded. Less are taken for
# weather: a refusal that has nothing to do with our number would otherwise bring it down to one.
_TOLERATED = 0.5


@dataclass
class Admitted:
    """One request that may be sent; who sends it says how it went.

    Attributes:
        tokens: reserved for it.
        used: tokens that it really took; None where nothing was answered.
        troubled: it was refused or failed in passing, or took very long.
    """

    tokens: int
    used: int | None = None
    troubled: bool = False


class Admission:
    """Lets requests through.

    The number at once follows AIMD (additive increase, multiplicative decrease): it starts at the
    user's bound, goes down by 30 % after a round in which more than half were in trouble, and up by
    one after any other. A round is as many outcomes as may be in flight.

    Args:
        at_once: requests in flight, at most.
        requests_per_minute, tokens_per_minute: bounds of the user; the endpoint's own are learned.
    """

    def __init__(
        self,
        at_once: int,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
    ) -> None:
        now = time.monotonic()
        self._most = self._limit = float(at_once)
        self._requests = Rate("requests", requests_per_minute, now)
        self._tokens = Rate("tokens", tokens_per_minute, now)
        self._in_flight = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._ended = self._troubled = 0  # of this round

    @property
    def at_once(self) -> int:
        """How many requests may be in flight now."""
        return int(self._limit)

    @property
    def counts_tokens(self) -> bool:
        """Whether it matters how many tokens are reserved."""
        return self._tokens.bounded

    @asynccontextmanager
    async def admitted(self, tokens: int) -> AsyncIterator[Admitted]:
        """Wait until a request of so many tokens may be sent; around its sending.

        Args:
            tokens: of the prompt and of the longest answer; what is not used is given back.
        """
        await self._slot()
        request = Admitted(tokens)
        try:
            now = time.monotonic()
            wait = max(self._requests.take(1, now), self._tokens.take(tokens, now))
            if wait:
                await asyncio.sleep(wait)
            yield request
        finally:
            if request.used is not None:
                self._tokens.give_back(tokens - request.used, time.monotonic())
            self._count(request.troubled)
            self._in_flight -= 1
            self._wake()

    def learn(self, headers: Mapping[str, str]) -> None:
        """Read the limits that an answer tells."""
        now = time.monotonic()
        self._requests.learn(headers, now)
        self._tokens.learn(headers, now)

    async def _slot(self) -> None:
        if not self._waiting and self._in_flight < self.at_once:
            self._in_flight += 1
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self._in_flight -= 1  # it came at the same moment, and goes to the next one
                self._wake()
            else:
                with suppress(ValueError):  # already taken out, as one that is done
                    self._waiting.remove(waiter)
            raise

    def _wake(self) -> None:
        while self._waiting and self._in_flight < self.at_once:
            waiter = self._waiting.popleft()
            if not waiter.done():
                self._in_flight += 1
                waiter.set_result(None)

    def _count(self, troubled: bool) -> None:
        self._ended += 1
        self._troubled += troubled
        if self._ended < max(_SMALLEST_ROUND, self._limit):
            return
        if self._troubled > _TOLERATED * self._ended:
            self._limit = max(1.0, self._limit * _DECREASE)
        else:
            self._limit = min(self._most, self._limit + 1)
        self._ended = self._troubled = 0
