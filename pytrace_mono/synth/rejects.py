"""One dropped thing and why: a row of ``rejects.jsonl``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from pytrace_mono.verify.reasons import Reason

Scope = Literal["row", "call", "nl", "forward", "backward"]


@dataclass(frozen=True)
class Origin:
    """Where a Problem was read.

    Attributes:
        file: its name, relative to what the user gave.
        row: 1-based line of a JSON Lines file; None for a ``.py`` file.
    """

    file: str
    row: int | None = None

    def __str__(self) -> str:
        return self.file if self.row is None else f"{self.file}, row {self.row}"


@dataclass(frozen=True)
class Reject:
    """Something that did not become an Example.

    Attributes:
        direction: what was dropped: a whole ``row``, a ``call`` (so all that could be asked of
            it), the Problem's ``nl`` row, or one ``forward`` or ``backward`` monologue.
        reason: a code, explained by :func:`pytrace_mono.verify.reasons.explain`.
        detail: what exactly was wrong, for a reader.
        response: the teacher's text, where one was dropped.
    """

    direction: Scope
    reason: Reason
    detail: str
    problem_id: str | None = None
    call: str | None = None
    origin: Origin | None = None
    response: str | None = None

    @property
    def message(self) -> str:
        """File, row and cause, in one line."""
        where = str(self.origin or self.problem_id or "")
        if self.origin is not None and self.origin.row is not None and self.problem_id:
            where += f" ({self.problem_id})"  # a program's id is the name of its file
        cause = self.detail or self.reason.explanation
        return ": ".join(part for part in (where, self.call, cause) if part)

    def to_dict(self) -> dict[str, Any]:
        """As it stands in ``rejects.jsonl``; what is not known is left out."""
        row = {
            "problem_id": self.problem_id,
            "call": self.call,
            "direction": self.direction,
            "reason": self.reason.value,
            "detail": self.detail,
            **(asdict(self.origin) if self.origin else {}),
            "response": self.response,
        }
        return {key: value for key, value in row.items() if value is not None}
