"""What a child sends back: tags, then one JSON frame, once, whatever happens.

Two single bytes come first, both written before the program begins, so that it cannot forge them:
whether the layers are in force, then whether the input compiles. This module keeps its own
references to what it needs, because the program may replace anything it can reach by name.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from json.encoder import c_make_encoder, encode_basestring_ascii  # type: ignore[attr-defined]
from mmap import MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, mmap
from os import _exit
from sys import setrecursionlimit
from typing import Any, NoReturn

from pytrace_mono.tracer.rows import Rows
from pytrace_mono.tracer.sandbox.confine import RESULT_FD
from pytrace_mono.tracer.sandbox.wire import pack, write_all

_DEEP = 1_000_000
_RESERVE_BYTES = 64 * 1024 * 1024


def _not_json(value: object) -> NoReturn:
    raise TypeError("a result holds JSON types only")


# The C encoder itself: the pure-Python classes around it could be patched by the program.
_encode: Callable[[Any, int], tuple[str, ...]] = c_make_encoder(
    None, _not_json, encode_basestring_ascii, None, ":", ",", False, False, False
)


def to_json(value: Any) -> bytes:
    """JSON text of built-in types, made without any Python code that a program could replace."""
    return "".join(_encode(value, 0)).encode()


class Output(io.BytesIO):
    """The bytes behind ``sys.stdout`` or ``sys.stderr``; ends the run when they grow too many."""

    def __init__(self, cap: int, on_overflow: Callable[[], object]) -> None:
        super().__init__()
        self._cap = cap
        self._on_overflow = on_overflow

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        room = max(0, self._cap - self.tell())
        if len(view) <= room:
            return super().write(view)
        super().write(view[:room])
        self._on_overflow()
        return room

    def text(self) -> str:
        # `writelines` does not come through `write`, so there may be more than the cap.
        return io.BytesIO.getvalue(self)[: self._cap].decode("utf-8", "replace")

    def stream(self) -> io.TextIOWrapper:
        return io.TextIOWrapper(self, "utf-8", "backslashreplace", "", write_through=True)


class Reserve:
    """Address space set aside so that a program out of memory can still be reported."""

    def __init__(self) -> None:
        self._map = mmap(-1, _RESERVE_BYTES, MAP_PRIVATE | MAP_ANONYMOUS, PROT_READ)

    def release(self) -> None:
        self._map.close()


class Report:
    """Sends the result of one run and ends the process.

    Args:
        output_bytes: how much is kept of each stream.
        reserve: released before the result is written.

    Attributes:
        rows: the recorder's rows, once there is a recorder.
        call_start: index of the Call's first row; None until the Call begins.
    """

    def __init__(self, output_bytes: int, reserve: Reserve) -> None:
        def overflow() -> None:
            self.cut("over_limit", f"output_bytes ({output_bytes}) written")

        self.stdout = Output(output_bytes, overflow)
        self.stderr = Output(output_bytes, overflow)
        self.rows = Rows()
        self.call_start: int | None = None
        self._reserve = reserve
        self._sent = False

    def cut(self, kind: str, reason: str) -> None:
        """End the run before its time, keeping what was recorded so far."""
        setrecursionlimit(_DEEP)  # The program may have been stopped at its deepest.
        self.end({"kind": kind}, {"state": "truncated", "reason": reason})

    def end(self, outcome: dict[str, Any], status: dict[str, str]) -> None:
        """Write the result and end the process; returns only where a result is being written."""
        if self._sent:
            return  # A timer went off while the result was being written.
        self._sent = True
        self._reserve.release()
        start = self.call_start
        result = {
            "outcome": outcome,
            "status": status,
            "stdout": self.stdout.text(),
            "stderr": self.stderr.text(),
            "call_start": len(self.rows) if start is None else start,
        }
        try:
            text = to_json(result)[:-1] + b',"steps":' + self.rows.json().encode() + b"}"
            write_all(RESULT_FD, pack(text))
        finally:
            _exit(0)
