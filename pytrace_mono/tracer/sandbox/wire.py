"""Length-prefixed frames over pipes: four bytes of big-endian length, then that many bytes.

The reader never trusts the length: it is held against a cap before a byte of the body is read, and
the body is JSON for others to parse. Nothing here can execute what it reads.
"""

from __future__ import annotations

import json
import os
import select
import struct
import time
from typing import Any

_LENGTH = struct.Struct(">I")
_CHUNK = 1 << 20
_LONGEST_POLL_SECONDS = 3600.0  # The system call takes milliseconds in 31 bits.

REQUEST_CAP = 256 * 1024 * 1024
"""Largest request a warm parent accepts, in bytes."""

RESULT_CAP = 64 * 1024 * 1024
"""Largest result accepted from a child, in bytes."""


# A child's two tags: are the layers in force, and does the input compile?
CONFINED, UNCONFINED = b"C", b"F"
RUNNING, INVALID = b"R", b"I"


class FrameError(Exception):
    """The peer sent something that is not a frame, or one larger than the cap."""


class Frame:
    """One frame as it arrives, piece by piece.

    Args:
        cap: the largest body accepted, in bytes.
        tags: how many single bytes come before the length.

    Attributes:
        data: what has arrived so far, tags and length included.
    """

    def __init__(self, cap: int, tags: int = 0) -> None:
        self.data = bytearray()
        self._cap = cap
        self._head = tags + _LENGTH.size

    @property
    def wanted(self) -> int:
        """How many bytes are still to come; 0 when the frame is complete.

        Raises:
            FrameError: the announced body is larger than the cap.
        """
        if len(self.data) < self._head:
            return self._head - len(self.data)
        (size,) = _LENGTH.unpack_from(self.data, self._head - _LENGTH.size)
        if size > self._cap:
            raise FrameError(f"a frame of {size} bytes, where at most {self._cap} are accepted")
        return int(self._head + size - len(self.data))

    @property
    def body(self) -> bytes:
        return bytes(self.data[self._head :])

    def read_from(self, fd: int) -> bool:
        """Take what can be read at once, never more than this frame; False at the end of the pipe."""
        piece = os.read(fd, min(self.wanted, _CHUNK))
        self.data += piece
        return bool(piece)


def pack(body: bytes) -> bytes:
    return _LENGTH.pack(len(body)) + body


def pack_json(value: Any) -> bytes:
    return pack(json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace"))


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
    frame = Frame(cap)
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    while frame.wanted:
        if deadline is not None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            if not poll.poll(min(left, _LONGEST_POLL_SECONDS) * 1000):
                continue
        if not frame.read_from(fd):
            return None
    return frame.body
