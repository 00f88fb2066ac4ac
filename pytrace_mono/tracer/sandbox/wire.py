"""Length-prefixed frames over pipes: four bytes of big-endian length, then that many bytes.

The reader never trusts the length: it is held against a cap before a byte of the body is read, and
the body is JSON for others to parse. Nothing here can execute what it reads.

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
from typing import Any

_LENGTH = struct.Struct(">I")
_CHUNK = 1 << 20
_LONGEST_POLL_SECONDS = 3600.0  # The system call takes milliseconds in 31 bits.

REQUEST_CAP = 256 * 1024 * 1024
"""Largest request a warm parent accepts, in bytes."""

RESULT_CAP = 64 * 1024 * 1024
"""Largest result accepted from a child, in bytes."""

RESULT_DEPTH = 16
"""How deeply a result may be nested; one that we wrote has less than half of it."""

_SAFE_RECURSION = 5000
_NO_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"|[^][{}"]+')
_PAIR = re.compile(rb"\[\]|\{\}")

NONCE_BYTES = 8
MESSAGE = struct.Struct(f">c{NONCE_BYTES}sI")
"""What comes before the body of a child's message: tag, nonce, length."""

# The tags: a layer could not be applied; this part does not compile; run this in a fresh child; the
# program has begun; something was tampered with; the result.
UNCONFINED, INVALID, AGAIN, RUNNING, NOTE, RESULT = b"F", b"I", b"A", b"R", b"T", b"D"


class FrameError(Exception):
    """The peer sent something that is not a frame, or one larger than the cap."""


def pack(body: bytes) -> bytes:
    return _LENGTH.pack(len(body)) + body


def pack_json(value: Any) -> bytes:
    return pack(json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace"))


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
    return json.loads(body)


def _is_deep(body: bytes) -> bool:
    brackets = _NO_BRACKETS.sub(b"", body)
    for _ in range(RESULT_DEPTH):
        brackets = _PAIR.sub(b"", brackets)
        if not brackets:
            return False
    return True


def write_all(fd: int, data: bytes) -> None:
    """Write everything.

    Raises:
        OSError: the reader is gone.
    """
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def read_frame(fd: int, cap: int, deadline: float | None = None) -> bytes | None:
    """Read the body of one frame; None when the pipe ends before it is complete.

    Args:
        fd: the pipe.
        cap: the largest body accepted, in bytes.
        deadline: when to give up, on the :func:`time.monotonic` clock.

    Raises:
        FrameError: the frame is larger than the cap.
        TimeoutError: the deadline passed first.
    """
    head = _read(fd, _LENGTH.size, deadline)
    if head is None:
        return None
    (size,) = _LENGTH.unpack(head)
    if size > cap:
        raise FrameError(f"a frame of {size} bytes, where at most {cap} are accepted")
    return _read(fd, size, deadline)


def _read(fd: int, size: int, deadline: float | None) -> bytes | None:
    data = bytearray()
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    while len(data) < size:
        if deadline is not None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            if not poll.poll(min(left, _LONGEST_POLL_SECONDS) * 1000):
                continue
        piece = os.read(fd, min(size - len(data), _CHUNK))
        if not piece:
            return None
        data += piece
    return bytes(data)
