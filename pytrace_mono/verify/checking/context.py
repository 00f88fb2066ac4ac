"""What checking a claim needs: the recording, and how far the text has told of it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable

from pytrace_mono.records import Direction
from pytrace_mono.verify.checking.places import Places
from pytrace_mono.verify.claims import Claim
from pytrace_mono.verify.frames import Frame, Visit
from pytrace_mono.verify.program import Loop
from pytrace_mono.verify.recording import Known, Run

Answer = tuple[bool | None, str, int | None]
"""Whether a claim holds (None: cannot be said), the recorded fact, the deciding step."""
NO_RUN: Answer = (None, "the run of the function was not recorded alone", None)


class Context:
    """The recording that the claims of one monologue are held against, in the order of its text.

    Args:
        run: the recording: of the asked Call, or of the witness where the monologue argues backwards.
        main: the activation the Call is about.
        known: every known Call, for properties.
        direction: forward claims are told in the order of the run, backward ones are not.

    Attributes:
        forward: whether the text follows the order of the run.
        cursor: the step up to which it has told; -1 before the first.
        told: labels of the lines with side effects that were narrated.
        summed_up: loops of which it said what their passes came to.
        placed, in_order: claims that could be placed in time, and those told in its order.
    """

    def __init__(
        self,
        run: Run,
        main: Frame | None,
        known: Iterable[Known],
        direction: Direction,
    ) -> None:
        self.run = run
        self.main = main
        self.places = Places(run, main)
        self.known = known
        self.forward = direction == "forward"
        self.cursor = -1
        self.told: set[int] = set()
        self.summed_up: set[Loop] = set()
        self.in_order = 0
        self.placed = 0

    def some(
        self,
        claim: Claim,
        visits: Iterable[Visit],
        test: Callable[[Visit], bool | None],
        fact: Callable[[Visit], str],
        none: str,
    ) -> Answer:
        """The first visit, not before what was told last, of which a claim is true."""
        place = claim.place
        unknown = False
        late: Visit | None = None
        first: Visit | None = None
        earlier: list[Visit] = []
        for visit in visits:
            if self.forward and visit.end < self.cursor:
                earlier.append(visit)
                continue
            answer = test(visit)
            if answer:
                self.note(visit, True)
                return True, "", visit.start
            if answer is None:
                unknown = True
            elif first is None:
                first = visit
            late = visit
        for visit in reversed(earlier):
            answer = test(visit)
            if answer and (place.passes or not place.firm or len(earlier) == 1 or late is None):
                self.note(visit, False)
                return True, "", visit.start
            unknown = unknown or answer is None
            first = first or (visit if answer is False else None)
        if first is None and not unknown:
            return False, none, None
        if unknown:
            return None, "the recording does not tell", None
        assert first is not None
        return False, fact(first), first.start

    def note(self, visit: Visit, in_order: bool) -> None:
        """Count a claim that was placed at a visit, and follow it."""
        self.placed += 1
        self.in_order += in_order
        if in_order and self.forward:
            self.cursor = max(self.cursor, visit.end)

    def statement(self, line: int) -> ast.stmt | None:
        """The statement that a line belongs to."""
        found = self.run.program.at.get(line)
        return found[0] if found else None


def where(visit: Visit) -> str:
    """A visit, for a reader."""
    return f"at line {visit.label} (step {visit.start + 1})"
