"""A real HTTP server on the loopback that speaks chat completions from a script."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal


@dataclass
class Reply:
    """One answer of the server: its body as JSON, or as the bytes that they are.

    Attributes:
        delay: seconds before it.
        breaks: ``cut`` ends the connection in the middle of the body, ``reset`` the same with an
            error, ``hang`` before the head; ``drip`` sends one byte at a time.
    """

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    breaks: Literal["cut", "reset", "hang", "drip"] | None = None


@dataclass
class ChatServer:
    """Where the server is, what it was asked, how many ask it now, and the most at once."""

    url: str
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    at_once: int = 0
    open_now: int = 0


Script = Callable[[dict[str, Any]], Reply]


def body_of(
    content: str | None, finish: str = "stop", tokens: tuple[int, int] = (7, 3), **message: Any
) -> dict[str, Any]:
    """The body of an ordinary answer. Each has the same id: nothing of ours may rely on it."""
    prompt, completion = tokens
    return {
        "id": "same",
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
        "usage": {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        },
    }


def completion(content: str | None, finish: str = "stop", **message: Any) -> Reply:
    """An ordinary answer."""
    return Reply(body_of(content, finish, **message))


def failure(status: int, message: str = "no", code: str | None = None, **headers: str) -> Reply:
    """An error in OpenAI's form."""
    body = {"error": {"message": message, "type": "error", "param": None, "code": code}}
    return Reply(body, status, {name.replace("_", "-"): value for name, value in headers.items()})


@contextmanager
def serve(script: Iterable[Reply] | Script) -> Iterator[ChatServer]:
    """Serve the replies in turn, or what the function makes of each request.

    A request is the JSON that was sent, with ``path``; or ``path`` and ``sent``, the bytes.
    """
    lock = threading.Lock()
    replies = None if callable(script) else iter(script)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one packet an answer

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers.get("content-length", 0)))
            is_json = self.headers.get("content-type", "").startswith("application/json")
            request = {"path": self.path, **(json.loads(sent) if is_json else {"sent": sent})}
            with lock:
                state.open_now += 1
                state.at_once = max(state.at_once, state.open_now)
                state.requests.append(request)
                state.headers.append({key.lower(): value for key, value in self.headers.items()})
                reply = script(request) if replies is None else next(replies)  # type: ignore[operator]  # callable, then
            try:
                time.sleep(reply.delay)
                self._say(reply)
            except OSError:
                self.close_connection = True  # whoever asked was killed
            finally:
                with lock:
                    state.open_now -= 1

        do_GET = do_POST

        def _say(self, reply: Reply) -> None:
            body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            if reply.breaks == "hang":
                self._close()
                return
            self.send_response(reply.status)
            for name, value in {"content-type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            if reply.breaks == "drip":
                for byte in body:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    time.sleep(0.0002)
                return
            self.wfile.write(body if reply.breaks is None else body[: len(body) // 2])
            self.wfile.flush()
            if reply.breaks == "reset":
                linger = b"\1\0\0\0\0\0\0\0"
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            if reply.breaks:
                self._close()

        def _close(self) -> None:
            self.close_connection = True
            self.connection.close()

        def log_message(self, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256

        def handle_error(self, *args: Any) -> None:
            pass  # a client that was killed

    server = Server(("127.0.0.1", 0), Handler)
    state = ChatServer(f"http://127.0.0.1:{server.server_address[1]}/v1")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
