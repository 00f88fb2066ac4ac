"""The steps of a recording, as JSON text from the start.

Text is what nearly everyone wants of a recording in the end, it takes less room than dicts, and it is
nothing that the garbage collector would have to look at. ``docs/trace-format.md`` says what is in it.
"""

from __future__ import annotations

from itertools import chain, repeat
from json.encoder import encode_basestring_ascii


class Rows:
    """Steps in order; a step's end is written over when it is known what its line changed.

    Attributes:
        heads: of each step, the text up to its function.
        places: of each step, the text from its function up to its first change; one text for all
            steps of an activation.
        tails: of each step, the rest. All three are written before ``heads``, which counts the steps,
            so that each is whole whenever the recording is cut off.
    """

    __slots__ = ("heads", "places", "tails")

    def __init__(self) -> None:
        self.heads: list[str] = []
        self.places: list[str] = []
        self.tails: list[str] = []

    def __len__(self) -> int:
        return len(self.heads)

    def latest(self) -> str:
        """The JSON text of the latest step."""
        at = len(self.heads) - 1
        return self.heads[at] + self.places[at] + self.tails[at]

    def pop(self) -> None:
        """Forget the latest step."""
        self.heads.pop()
        self.places.pop()
        self.tails.pop()

    def json(self) -> str:
        """All steps, as the text of a JSON array."""
        if not self.heads:
            return "[]"
        pieces = chain.from_iterable(zip(repeat(", "), self.heads, self.places, self.tails))
        next(pieces)
        return f"[{''.join(pieces)}]"


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
