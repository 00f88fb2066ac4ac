"""What a child says: its nonce, then messages that carry it, whatever happens.

At level ``confined`` and above, seccomp lets through only those writes to the result pipe that name
the nonce in an argument which the kernel ignores, so a program cannot write there by ``os.write``.
This module keeps its own references to what it needs, because the program may replace anything it
can reach by name.
"""

from __future__ import annotations

import io
from _codecs import utf_8_decode
from collections.abc import Callable
from json.encoder import c_make_encoder, encode_basestring_ascii  # type: ignore[attr-defined]  # not in typeshed
from mmap import MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, mmap
from sys import _getframe, setrecursionlimit
from types import FrameType
from typing import Any, NoReturn

from pytrace_mono.tracer.rows import Rows
from pytrace_mono.tracer.sandbox import kernel, wire
from pytrace_mono.tracer.sandbox.syscalls import RESULT_FD

_DEEP = 1_000_000
_RESERVE_BYTES = 64 * 1024 * 1024
_MESSAGE = wire.MESSAGE.pack
_write, _leave = kernel.write_with_secret, kernel.leave
_getvalue = io.BytesIO.getvalue
_CALLED = b"called the harness's own functions"


def _not_json(value: object) -> NoReturn:
    raise TypeError("a result holds JSON types only")


# The C encoder itself: the pure-Python classes around it could be patched by the program.
_encode: Callable[[Any, int], tuple[str, ...]] = c_make_encoder(
    None, _not_json, encode_basestring_ascii, None, ":", ",", False, False, False
)


def to_json(value: Any) -> bytes:
    """JSON text of built-in types, made without any Python code that a program could replace."""
    return "".join(_encode(value, 0)).encode()


class Channel:
    """The result pipe of one child, which the warm parent opens before it forks.

    Args:
        is_own_doing: says of the frame that calls whether this is the harness's own doing.

    Attributes:
        secret: what a write has to name.
    """

    def __init__(self, is_own_doing: Callable[[FrameType], bool]) -> None:
        self._is_own_doing = is_own_doing
        self._nonce = b""
        self.secret = 0

    def open(self, nonce: bytes) -> None:
        """Take the nonce that proves a message to be the harness's own."""
        self._nonce = nonce

    def lock(self, secret: bytes) -> None:
        """Take what the filter asks each write for."""
        self.secret = int.from_bytes(secret, "big")

    def send(self, tag: bytes, body: bytes = b"") -> None:
        message = _MESSAGE(tag, self._nonce, len(body)) + body
        if not self._is_own_doing(_getframe(1)):
            message = _MESSAGE(wire.NOTE, self._nonce, len(_CALLED)) + _CALLED + message
        _write(RESULT_FD, message, self.secret)

    def note(self, what: str) -> None:
        """Tell at once that something was tampered with; the program cannot take it back."""
        self.send(wire.NOTE, what.encode("utf-8", "backslashreplace"))


class Output(io.BytesIO):
    """The bytes behind ``sys.stdout`` or ``sys.stderr``; ends the run when they grow too many.

    Args:
        cap: how many bytes are kept.
        on_write: called with the number of bytes there are after each write.
        on_overflow: called when there would be more.
    """

    def __init__(
        self, cap: int, on_write: Callable[[int], object], on_overflow: Callable[[], object]
    ) -> None:
        super().__init__()
        self._cap = cap
        self._on_write = on_write
        self._on_overflow = on_overflow

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        room = max(0, self._cap - self.tell())
        written = super().write(view[:room])
        self._on_write(self.tell())
        if len(view) > room:
            self._on_overflow()
        return written

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def text(self) -> str:
        # `io.BytesIO.write` itself does not come through `write`, so there may be more than the cap.
        return _getvalue(self)[: self._cap].decode("utf-8", "replace")

    def lengths(self, ends: list[int]) -> list[int] | None:
        """How many characters of :meth:`text` the first so many bytes are.

        None where ``ends`` do not grow up to all there is, so that there were other ways to write.
        """
        data = _getvalue(self)[: self._cap]
        start = length = latest = 0
        lengths: list[int] = []
        for end in ends:
            if not latest < end <= len(data):
                return None
            text, used = utf_8_decode(data[start:end], "replace", end == len(data))
            start, latest, length = start + used, end, length + len(text)
            lengths.append(length)
        return lengths if latest == len(data) else None

    def stream(self) -> io.TextIOWrapper:
        return io.TextIOWrapper(self, "utf-8", "backslashreplace", "", write_through=True)


class Reserve:
    """Address space set aside so that a program out of memory can still be reported."""

    def __init__(self) -> None:
        self._map = mmap(-1, _RESERVE_BYTES, MAP_PRIVATE | MAP_ANONYMOUS, PROT_READ)

    def release(self) -> None:
        self._map.close()


class Report:
    """Sends the result of one Call.

    Args:
        output_bytes: how much is kept of each stream.
        reserve: released before the result of a run that was cut is written.
        channel: where it goes.
        fresh: nothing of this request ran in this process before.

    Attributes:
        rows: the recorder's rows, once there is a recorder.
        aliases: the changes of labels so far, where they are recorded.
        call_start: index of the Call's first row; None until the Call begins.
    """

    def __init__(self, output_bytes: int, reserve: Reserve, channel: Channel, fresh: bool) -> None:
        def overflow() -> None:
            self.cut("over_limit", f"output_bytes ({output_bytes}) written")

        self.stdout = Output(output_bytes, lambda end: self._wrote("stdout", end), overflow)
        self.stderr = Output(output_bytes, lambda end: self._wrote("stderr", end), overflow)
        # (index of the latest step, stream, bytes written to it)
        self._written: list[tuple[int, str, int]] = []
        self.rows = Rows()
        self.aliases: list[list[Any]] | None = None
        self.call_start: int | None = None
        self._reserve = reserve
        self._channel = channel
        self._fresh = fresh
        self._sent = False

    def _wrote(self, stream: str, end: int) -> None:
        after = len(self.rows) - 1
        if self._written and self._written[-1][:2] == (after, stream):
            self._written.pop()
        self._written.append((after, stream, end))

    def _writes(self) -> list[list[Any]] | None:
        """As in the Trace; None where not all that was written came by the usual way."""
        lengths = {}
        for stream, output in (("stdout", self.stdout), ("stderr", self.stderr)):
            found = output.lengths([end for _, name, end in self._written if name == stream])
            if found is None:
                return None
            lengths[stream] = iter(found)
        return [[after, stream, next(lengths[stream])] for after, stream, _ in self._written]

    def cut(self, kind: str, reason: str) -> None:
        """End the run before its time, and the process, keeping what was recorded so far."""
        setrecursionlimit(_DEEP)  # The program may have been stopped at its deepest.
        if self._sent:
            return  # A timer went off while the result was being written.
        self._reserve.release()
        try:
            self.end({"kind": kind}, {"state": "truncated", "reason": reason})
        finally:
            _leave(0)

    def out_of_memory(self, reason: str) -> None:
        """End the process; where earlier Calls used memory as well, to be run again without them."""
        if self._fresh:
            self.cut("over_limit", reason)
        self._reserve.release()
        try:
            self._channel.send(wire.AGAIN)
        finally:
            _leave(0)

    def end(self, outcome: dict[str, Any], status: dict[str, str]) -> None:
        """Write the result, once."""
        start = self.call_start
        stdout, stderr = self.stdout.text(), self.stderr.text()
        result = {
            "outcome": outcome,
            "status": status,
            "stdout": stdout,
            "stderr": stderr,
            "writes": self._writes() if self._written or stdout or stderr else [],
            "aliases": self.aliases,
            "call_start": len(self.rows) if start is None else start,
        }
        text = to_json(result)[:-1] + b',"steps":' + self.rows.json().encode() + b"}"
        if not self._sent:  # A timer may have gone off meanwhile.
            self._sent = True
            self._channel.send(wire.RESULT, text)
