"""Hear what is written to ``sys.stdout`` and ``sys.stderr`` while a block is recorded.

Standing in for a stream is seen by the program (``sys.stdout is …``), so it is done on request only.
"""

from __future__ import annotations

import sys
from typing import Any

from pytrace_mono.tracer.kept import BUILTINS
from pytrace_mono.tracer.rows import Rows
from pytrace_mono.tracer.types import Stream

__builtins__ = BUILTINS


class _Through:
    """Passes everything on to a stream, and notes the text that is written."""

    def __init__(self, stream: Any, name: Stream, tee: Tee) -> None:
        self._stream = stream
        self._name = name
        self._tee = tee

    def write(self, text: Any) -> Any:
        done = self._stream.write(text)
        self._tee.note(self._name, text)
        return done

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __iter__(self) -> Any:
        return iter(self._stream)


class Tee:
    """Both streams, from :meth:`start` to :meth:`stop`.

    Args:
        rows: of the recording, whose length says which step a text comes after.
        most: characters kept of each stream.

    Attributes:
        is_full: there was more than that.
    """

    def __init__(self, rows: Rows, most: int) -> None:
        self._rows = rows
        self._most = most
        self._texts: dict[Stream, list[str]] = {"stdout": [], "stderr": []}
        self._ends: dict[Stream, int] = {"stdout": 0, "stderr": 0}
        self._writes: list[list[Any]] = []
        self._before: list[tuple[Stream, Any, _Through]] = []
        self.is_full = False

    def start(self) -> None:
        for name in self._texts:
            stream = getattr(sys, name)
            if stream is not None:  # as under pythonw
                ours = _Through(stream, name, self)
                self._before.append((name, stream, ours))
                setattr(sys, name, ours)

    def stop(self) -> None:
        """Put the streams back, but for one that the program has replaced meanwhile."""
        for name, stream, ours in self._before:
            if getattr(sys, name) is ours:
                setattr(sys, name, stream)
        self._before.clear()

    def note(self, name: Stream, text: Any) -> None:
        """Told of each text that a stream took."""
        # A print() kept from before goes on through here when the block has ended.
        if not self._before or type(text) is not str:
            return
        room = self._most - self._ends[name]
        if len(text) > room:
            self.is_full = True
            text = text[:room]
        if not text:
            return
        self._texts[name].append(text)
        self._ends[name] += len(text)
        after = len(self._rows) - 1
        if self._writes and self._writes[-1][:2] == [after, name]:
            self._writes.pop()
        self._writes.append([after, name, self._ends[name]])

    def fields(self) -> dict[str, Any]:
        """``stdout``, ``stderr`` and ``writes`` of the Trace."""
        texts = {str(name): "".join(parts) for name, parts in self._texts.items()}
        # A text may come after a step that is not kept: the `with` line, visited once more.
        latest = len(self._rows) - 1
        return {**texts, "writes": [[min(after, latest), *rest] for after, *rest in self._writes]}
