"""An endpoint that misbehaves on purpose and counts every prompt it was paid for."""

from __future__ import annotations

import json
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from chat_server import ChatServer, Reply, body_of, failure, serve

from pytrace_mono import tasks

Fault = Literal[
    "429", "429 later", "500", "reset", "cut", "hang", "drip", "bad json", "html", "wrong schema"
]


@dataclass
class Endpoint:
    """Where it is, and what it saw.

    Attributes:
        server: behind it.
        paid: how often each prompt was answered in full, by its text.
        faults: how often each fault was played.
        delay: seconds before an answer; a refusal comes at once.
        a_minute: requests that it allows, told in its headers; it refuses what is more. May change.
    """

    server: ChatServer
    paid: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    delay: float = 0.0
    a_minute: float | None = None
    _level: float = 5.0
    _filled: float = 0.0

    @property
    def url(self) -> str:
        """Its base address."""
        return self.server.url

    @property
    def open_now(self) -> int:
        """Requests that are being answered."""
        return self.server.open_now

    @property
    def requests(self) -> int:
        """All that came, answered or not."""
        return self.paid.total() + self.faults.total()

    def admits(self) -> bool:
        """Whether one more request is within its limit."""
        if self.a_minute is None:
            return True
        now = time.monotonic()
        if self._filled:
            self._level += (now - self._filled) * self.a_minute / 60
        self._level, self._filled = min(self._level, self.a_minute), now
        if self._level < 1:
            return False
        self._level -= 1
        return True

    def headers(self) -> dict[str, str]:
        """What it tells of its limit."""
        if self.a_minute is None:
            return {}
        missing = self.a_minute - self._level
        return {
            "x-ratelimit-limit-requests": f"{self.a_minute:.0f}",
            "x-ratelimit-remaining-requests": f"{int(self._level)}",
            "x-ratelimit-reset-requests": f"{missing * 60 / self.a_minute:.3f}s",
        }


def answer(prompt: str) -> str:
    """A right monologue for ``def f(x): return x + K`` and a Call ``f(N)``, read off the prompt."""
    number = int(re.findall(r"return x \+ (-?\d+)", prompt)[-1])
    forward = re.findall(r"assert f\((-?\d+)\) == \?\?", prompt)
    if forward:
        given = int(forward[-1])
    else:
        given = int(re.findall(r"assert f\(\?\?\) == (-?\d+)", prompt)[-1]) - number
    return tasks.response(f"- [L2] It adds {number}.", f"f({given})", str(given + number))


@contextmanager
def endpoint(
    fault: Callable[[random.Random], Fault | None] = lambda chance: None,
    *,
    says: Callable[[str], str] = answer,
    delay: float = 0.0,
    a_minute: float | None = None,
) -> Iterator[Endpoint]:
    """Serve what ``says`` makes of each prompt, but for the faults that ``fault`` picks."""
    chance = random.Random(0)

    def reply(request: dict[str, Any]) -> Reply:
        prompt = "\n".join(message["content"] for message in request["messages"])
        picked = fault(chance) if state.admits() else "429"
        if picked is None:
            state.paid[prompt] += 1
            whole = body_of(says(prompt), tokens=(100, 20))
            return Reply(whole, headers=state.headers(), delay=state.delay)
        state.faults[picked] += 1
        return _misbehave(picked, prompt, state)

    with serve(reply) as server:
        state = Endpoint(server, delay=delay, a_minute=a_minute)
        yield state


def _misbehave(fault: Fault, prompt: str, state: Endpoint) -> Reply:
    whole = json.dumps(body_of(answer(prompt), tokens=(100, 20))).encode()
    if fault == "429":
        return Reply({}, 429, headers=state.headers())
    if fault == "429 later":
        return Reply({}, 429, {"retry-after": "0.05"})
    if fault == "500":
        return failure(500, "out of luck")
    if fault == "bad json":
        return Reply(whole[:-7])
    if fault == "html":
        return Reply(b"<html>Bad gateway</html>", 502, {"content-type": "text/html"})
    if fault == "wrong schema":
        return Reply({"choices": [{"text": "an older kind"}]})
    # A request that hangs is let go a second later: longer than the tests wait.
    return Reply(whole, delay=1.0 if fault == "hang" else state.delay, breaks=fault)
