"""The steps of a recording, as JSON text from the start.

Text is what nearly everyone wants of a recording in the end, it takes less room than dicts, and it is
nothing that the garbage collector would have to look at. ``docs/trace-format.md`` says what is in it.
"""

from __future__ import annotations

from json.encoder import encode_basestring_ascii

from pytrace_mono.tracer.kept import BUILTINS

__builtins__ = BUILTINS

SEPARATOR = ", "
"""What the head of each step begins with."""


class Rows:
    """Steps in order; a step's end is written over when it is known what its line changed.

    Attributes:
        pieces: of each step two texts, its head (a separator, its kind and line) and all the rest. A
            head without its rest is where the recording was cut off, and no step.
    """

    __slots__ = ("pieces",)

    def __init__(self) -> None:
        self.pieces: list[str] = []

    def __len__(self) -> int:
        return len(self.pieces) // 2

    def latest(self) -> str:
        """The JSON text of the latest step."""
        at = 2 * len(self) - 2
        return self.pieces[at][len(SEPARATOR) :] + self.pieces[at + 1]

    def pop(self) -> None:
        """Forget the latest step."""
        del self.pieces[2 * len(self) - 2 :]

    def json(self) -> str:
        """All steps, as the text of a JSON array."""
        pieces = self.pieces
        if len(pieces) % 2:
            pieces = pieces[:-1]
        return f"[{''.join(pieces)[len(SEPARATOR) :]}]"


quoted = encode_basestring_ascii
"""A string as JSON; one kept from before the program runs, which may replace the name in `json`."""


def snapshot_text(text: str, kind: str, exact: bool) -> str:
    """A Snapshot as JSON."""
    return (
        f'{{"text": {quoted(text)}, "type": {quoted(kind)}, '
        f'"exact": {"true" if exact else "false"}}}'
    )


def names_text(names: list[str]) -> str:
    """Names as a JSON array."""
    return f"[{', '.join(map(quoted, names))}]"
