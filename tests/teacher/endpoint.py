"""An endpoint that misbehaves on purpose and counts every prompt it was paid for."""

from __future__ import annotations

import json
import random
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from pytrace_mono import tasks

Fault = Literal[
    "429", "429 later", "500", "reset", "cut", "hang", "drip", "bad json", "html", "wrong schema"
]


@dataclass
class Endpoint:
    """Where it is, and what it saw.

    Attributes:
        url: its base address.
        paid: how often each prompt was answered in full, by its text.
        faults: how often each fault was played.
        open_now: requests that are being answered.
        delay: seconds before an answer.
    """

    url: str
    paid: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    open_now: int = 0
    delay: float = 0.0

    @property
    def requests(self) -> int:
        """All that came, answered or not."""
        return self.paid.total() + self.faults.total()


def answer(prompt: str) -> str:
    """A right monologue for ``def f(x): return x + K`` and a Call ``f(N)``, read off the prompt."""
    number = int(re.findall(r"return x \+ (-?\d+)", prompt)[-1])
    forward = re.findall(r"assert f\((-?\d+)\) == \?\?", prompt)
    if forward:
        given = int(forward[-1])
    else:
        given = int(re.findall(r"assert f\(\?\?\) == (-?\d+)", prompt)[-1]) - number
    return tasks.response(f"- [L2] It adds {number}.", f"f({given})", str(given + number))


def body_of(content: str | None, finish: str = "stop", **message: Any) -> bytes:
    """The body of an ordinary answer."""
    choice = {
        "index": 0,
        "finish_reason": finish,
        "message": {"role": "assistant", "content": content, **message},
    }
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    # Every answer has the same id: nothing of ours may rely on it.
    return json.dumps({"id": "same", "choices": [choice], "usage": usage}).encode()


@contextmanager
def endpoint(
    fault: Callable[[random.Random], Fault | None] = lambda chance: None, *, delay: float = 0.0
) -> Iterator[Endpoint]:
    """Serve right answers, but for the faults that ``fault`` picks."""
    lock = threading.Lock()
    chance = random.Random(0)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one packet an answer

        def do_POST(self) -> None:
            prompt = self._prompt()
            with lock:
                state.open_now += 1
                picked = fault(chance)
                if picked is None:
                    state.paid[prompt] += 1
                else:
                    state.faults[picked] += 1
            try:
                time.sleep(state.delay)
                if picked is None:
                    self._say(200, body_of(answer(prompt)))
                else:
                    self._misbehave(picked, prompt)
            except OSError:
                self.close_connection = True  # whoever asked was killed
            finally:
                with lock:
                    state.open_now -= 1

        def _prompt(self) -> str:
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            return "\n".join(message["content"] for message in request["messages"])

        def _misbehave(self, fault: Fault, prompt: str) -> None:
            whole = body_of(answer(prompt))
            if fault in ("429", "429 later"):
                self._say(429, b"{}", {"retry-after": "0.05"} if fault == "429 later" else {})
            elif fault == "500":
                self._say(500, b'{"error": {"message": "out of luck"}}')
            elif fault == "bad json":
                self._say(200, whole[:-7])
            elif fault == "html":
                self._say(502, b"<html>Bad gateway</html>", {"content-type": "text/html"})
            elif fault == "wrong schema":
                self._say(200, b'{"choices": [{"text": "an older kind"}]}')
            elif fault == "drip":
                self._head(200, len(whole))
                for byte in whole:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    time.sleep(0.0002)
            else:
                self._break(fault, whole)

        def _break(self, fault: Fault, whole: bytes) -> None:
            if fault == "hang":
                time.sleep(1.0)  # longer than the test's timeout
            else:
                self._head(200, len(whole))
                self.wfile.write(whole[: len(whole) // 2])
                self.wfile.flush()
                if fault == "reset":
                    linger = b"\1\0\0\0\0\0\0\0"
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True
            self.connection.close()

        def _say(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self._head(status, len(body), headers)
            self.wfile.write(body)
            self.wfile.flush()

        def _head(self, status: int, size: int, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {"content-type": "application/json", **(headers or {})}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(size))
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256

        def handle_error(self, *args: Any) -> None:
            pass  # a client that was killed

    server = Server(("127.0.0.1", 0), Handler)
    state = Endpoint(f"http://127.0.0.1:{server.server_address[1]}/v1", delay=delay)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
