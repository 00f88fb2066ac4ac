"""A real HTTP server on the loopback that speaks chat completions from a script."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Reply:
    """One answer of the server: its body as JSON, or as the bytes that they are."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0


@dataclass
class ChatServer:
    """Where the server is, what it was asked, and the most that were asked at once."""

    url: str
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    at_once: int = 0


def completion(content: str | None, finish: str = "stop", **message: Any) -> Reply:
    """An ordinary answer."""
    return Reply(
        {
            "id": "x",
            "object": "chat.completion",
            "created": 0,
            "model": "m",
            "choices": [
                {
                    "index": 0,
                    "finish_reason": finish,
                    "message": {"role": "assistant", "content": content, **message},
                }
            ],
            "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
        }
    )


def failure(status: int, message: str = "no", code: str | None = None, **headers: str) -> Reply:
    """An answer that says what is wrong, as OpenAI does."""
    body = {"error": {"message": message, "code": code, "type": "t", "param": None}}
    return Reply(body, status, {name.replace("_", "-"): value for name, value in headers.items()})


@contextmanager
def serve(script: Iterable[Reply] | Callable[[dict[str, Any]], Reply]) -> Iterator[ChatServer]:
    """Serve the replies in turn, or what the function makes of each request."""
    lock = threading.Lock()
    replies = None if callable(script) else iter(script)
    open_now = 0

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            nonlocal open_now
            size = int(self.headers.get("content-length", 0))
            request = {"path": self.path, **json.loads(self.rfile.read(size))}
            with lock:
                open_now += 1
                state.at_once = max(state.at_once, open_now)
                state.requests.append(request)
                state.headers.append({key.lower(): value for key, value in self.headers.items()})
                reply = script(request) if replies is None else next(replies)  # type: ignore[operator]
            time.sleep(reply.delay)
            body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            with lock:
                open_now -= 1
            self.send_response(reply.status)
            for name, value in {"content-type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state = ChatServer(f"http://127.0.0.1:{server.server_address[1]}/v1")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
