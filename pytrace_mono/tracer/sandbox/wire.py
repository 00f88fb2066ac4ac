"""Length-prefixed frames over pipes: four bytes of big-endian length, then that many bytes, which
are a line of JSON and a body.

The reader never trusts the length: it is held against a cap as soon as it is there, and what
the frame holds is JSON for others to parse. Nothing here can execute what it reads.

A child's messages have a tag (one byte) and the run's nonce (eight bytes) before the frame; the warm
parent chooses a nonce for each child before it forks it.
"""

from __future__ import annotations

import json
import os
import re
import select
import struct
import sys
import time
from collections.abc import Callable
from typing import Any

_LENGTH = struct.Struct(">I")
_CHUNK = 1 << 16  # As much as a pipe holds.
_LONGEST_POLL_SECONDS = 3600.0  # The system call takes milliseconds in 31 bits.

REQUEST_CAP = 256 * 1024 * 1024
"""Largest request a warm parent accepts, in bytes."""

RESULT_CAP = 64 * 1024 * 1024
"""Largest result accepted from a child, in bytes."""

RESULT_DEPTH = 16
"""How deeply a result may be nested; one that we wrote has less than half of it."""

_SAFE_RECURSION = 5000
# `json.dumps` would make an encoder, and `json.loads` guess at a coding, each time.
_encode = json.JSONEncoder(ensure_ascii=False).encode
# Without the Python functions around it.
_scan: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder().scan_once  # type: ignore[attr-defined]  # not in typeshed
_NO_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"|[^][{}"]+')
_PAIR = re.compile(rb"\[\]|\{\}")

NONCE_BYTES = 8
MESSAGE = struct.Struct(f">c{NONCE_BYTES}sI")
"""What comes before the body of a child's message: tag, nonce, length."""
_WORK = struct.Struct(f">{NONCE_BYTES}sI")
"""What comes before what a child is to run: nonce, length."""

# The tags: a layer could not be applied; this part does not compile; run this in a fresh child;
# something was tampered with; the result.
UNCONFINED, INVALID, AGAIN, NOTE, RESULT = b"F", b"I", b"A", b"T", b"D"


class FrameError(Exception):
    """The peer sent something that is not a frame, or one larger than the cap."""


def to_bytes(value: Any) -> bytes:
    """JSON text of a value."""
    return _encode(value).encode("utf-8", "backslashreplace")


def from_bytes(body: bytes) -> Any:
    """What :func:`to_bytes` wrote."""
    return _scan(body.decode(), 0)[0]


def work(nonce: bytes, items: bytes) -> bytes:
    """What tells a child what to run next, as JSON, and the nonce to answer with."""
    return _WORK.pack(nonce, len(items)) + items


def receive_work(fd: int) -> tuple[bytes, Any]:
    """Nonce and items out of what :func:`work` made; it is there, as one piece."""
    data = os.read(fd, _CHUNK)
    nonce, size = _WORK.unpack_from(data)
    return nonce, from_bytes(data[_WORK.size : _WORK.size + size])


def parse(body: bytes) -> Any:
    """What a child's JSON holds, if it is no deeper than a result can be.

    The parser recurses: a deep one ends at Python's limit on recursion. Where the main process has
    raised that, the stack would overflow first, so that the depth is counted before, which takes
    longer than parsing.

    Raises:
        ValueError: it is not JSON, or deeper than :data:`RESULT_DEPTH`.
        RecursionError: it is deeper than the limit on recursion.
    """
    if sys.getrecursionlimit() > _SAFE_RECURSION and _is_deep(body):
        raise ValueError(f"nested more than {RESULT_DEPTH} deep, or brackets that do not match")
    return json.loads(body.decode())


def _is_deep(body: bytes) -> bool:
    brackets = _NO_BRACKETS.sub(b"", body)
    for _ in range(RESULT_DEPTH):
        brackets = _PAIR.sub(b"", brackets)
        if not brackets:
            return False
    return True


def send(fd: int, head: bytes, body: bytes) -> None:
    """Write one frame.

    Args:
        fd: the pipe.
        head: text without a line feed; JSON that we write has none.
        body: anything.

    Raises:
        OSError: the reader is gone.
    """
    data = b"%b%b\n%b" % (_LENGTH.pack(len(head) + 1 + len(body)), head, body)
    done = os.write(fd, data)
    while done < len(data):
        done += os.write(fd, memoryview(data)[done:])


class Frames:
    """The frames that come over a pipe; what comes at once is read at once.

    Args:
        fd: the pipe.
        cap: the largest frame accepted, in bytes.
    """

    def __init__(self, fd: int, cap: int) -> None:
        self._fd = fd
        self._cap = cap
        self._data = bytearray()
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN)

    def next(self, deadline: float | None = None) -> tuple[bytes, bytes] | None:
        """Head and body of the next frame; None when the pipe ends before it is complete.

        Args:
            deadline: when to give up, on the :func:`time.monotonic` clock.

        Raises:
            FrameError: the frame is larger than the cap.
            TimeoutError: the deadline passed first.
        """
        data = self._data
        while True:
            if len(data) >= _LENGTH.size:
                end = _LENGTH.size + _LENGTH.unpack_from(data)[0]
                if end > _LENGTH.size + self._cap:
                    raise FrameError(
                        f"a frame of {end - _LENGTH.size} bytes, where at most {self._cap} are accepted"
                    )
                if len(data) >= end:
                    head, _, body = bytes(data[_LENGTH.size : end]).partition(b"\n")
                    del data[:end]
                    return head, body
            if deadline is not None:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError
                if not self._poll.poll(min(left, _LONGEST_POLL_SECONDS) * 1000):
                    continue
            piece = os.read(self._fd, _CHUNK)
            if not piece:
                return None
            data += piece
