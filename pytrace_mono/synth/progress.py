"""What a user sees while a run goes on: a bar on a terminal, else a line every few seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pytrace_mono.verify.reasons import Reason

if TYPE_CHECKING:
    from pytrace_mono.synth.counts import Counts
    from pytrace_mono.synth.rejects import Reject

_SECONDS_BETWEEN_LINES = 5.0
_MAX_NOTES = 20

# What its author can mend in the input. The others are how programs behave, and only counted.
_MENDABLE = frozenset({Reason.BAD_CALL, Reason.SETUP_RAISED, Reason.SANDBOX_FAILED})


class Progress:
    """Shows how far a run is, on stderr.

    Args:
        total: Problems to come.
        quiet: show nothing.
        spent: gives the dollars spent so far; None where nobody knows.
    """

    def __init__(
        self, total: int, *, quiet: bool, spent: Callable[[], float | None] = lambda: None
    ) -> None:
        self._spent = spent
        self._total = total
        self._quiet = quiet
        self._done = 0
        self._notes = 0
        self._begun = self._last_line = time.monotonic()
        self._bar: Any = None
        if not quiet and sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=total, unit="problem", file=sys.stderr, dynamic_ncols=True)

    def step(self, counts: Counts) -> None:
        """One more Problem is done."""
        self._done += 1
        if self._quiet:
            return
        kept = sum(counts.kept.values())
        dropped = sum(sum(codes.values()) for codes in counts.dropped.values())
        spent = self._spent()
        so_far = f"{kept} kept, {dropped} dropped" + ("" if spent is None else f", ${spent:.4f}")
        if self._bar is not None:
            self._bar.set_postfix_str(so_far, refresh=False)
            self._bar.update()
        elif time.monotonic() - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            rate = self._done / (self._last_line - self._begun)
            done = f"{self._done} of at most {self._total} problems"
            self._say(f"{done}, {so_far}, {rate:.1f} problems a second")

    def note(self, reject: Reject) -> None:
        """Say what is wrong with the input, the first times; all of it stands in the rejects."""
        if self._quiet or not (reject.direction == "row" or reject.reason in _MENDABLE):
            return
        self._notes += 1
        if self._notes <= _MAX_NOTES:
            self._say(f"left out: {reject.message}")
        if self._notes == _MAX_NOTES:
            self._say("left out: more such rows and calls; rejects.jsonl will name them")

    def _say(self, line: str) -> None:
        if self._bar is not None:
            self._bar.write(line, file=sys.stderr)
        else:
            print(line, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Leave the terminal in order."""
        if self._bar is not None:
            self._bar.total = self._done  # blank lines and duplicates were counted beforehand
            self._bar.refresh()
            self._bar.close()
