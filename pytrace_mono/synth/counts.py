"""What a run made and dropped, as numbers; they stand in the manifest and in the summary."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from pytrace_mono.records import Example
from pytrace_mono.synth.rejects import Reject
from pytrace_mono.verify.reasons import Reason

_TASKS = ("nl", "forward", "backward")


@dataclass
class Counts:
    """Running totals.

    Attributes:
        problems: those that could be read.
        calls: stated in them.
        usable: calls that returned an exact value in a complete recording.
        kept: Examples by task.
        revised: rows that were kept after their teacher was told what was wrong.
        unverified: nl rows whose Calls had no expected value.
        dropped: rejects by what was dropped, then by reason.
    """

    problems: int = 0
    calls: int = 0
    usable: int = 0
    kept: Counter[str] = field(default_factory=Counter)
    unverified: int = 0
    revised: int = 0
    dropped: dict[str, Counter[str]] = field(default_factory=dict)

    def keep(self, example: Example) -> None:
        """Count one row of the corpus."""
        self.kept[example.task] += 1
        self.revised += example.revised
        self.unverified += example.verification == "unverified"

    def drop(self, reject: Reject) -> None:
        """Count one reject."""
        self.dropped.setdefault(reject.direction, Counter())[reject.reason.value] += 1

    def to_dict(self) -> dict[str, Any]:
        """As they stand in the manifest.

        ``asked`` is what a Teacher was asked for: kept and dropped together. A Call without an
        input to ask for is ``not_invertible`` and neither.
        """
        reasons = {
            scope: dict(sorted(self.dropped[scope].items())) for scope in sorted(self.dropped)
        }
        dropped = {scope: sum(codes.values()) for scope, codes in reasons.items()}
        not_invertible = reasons.get("backward", {}).get(Reason.NOT_INVERTIBLE.value, 0)
        dropped["backward"] = dropped.get("backward", 0) - not_invertible
        tasks = {
            task: {"kept": self.kept[task], "dropped": dropped.get(task, 0)} for task in _TASKS
        }
        for task in ("forward", "backward"):
            tasks[task]["asked"] = tasks[task]["kept"] + tasks[task]["dropped"]
        tasks["backward"]["not_invertible"] = not_invertible
        tasks["nl"]["unverified"] = self.unverified
        tasks["nl"]["verified"] = self.kept["nl"] - self.unverified
        return {
            "problems": {"read": self.problems, "rejected": dropped.get("row", 0)},
            "calls": {
                "stated": self.calls,
                "usable": self.usable,
                "dropped": dropped.get("call", 0),
            },
            **tasks,
            "rows": sum(self.kept.values()),
            "revised": self.revised,
            "reasons": reasons,
        }
