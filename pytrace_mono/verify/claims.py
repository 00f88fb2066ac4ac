"""What a monologue says, as data: Claims with their place, and what could not be read.

A Claim is one checkable statement. Its *statement* is one of the small classes below; its *place*
says which part of the run it is about. Reading (:mod:`pytrace_mono.verify.reading`) makes Claims from
text, checking (:mod:`pytrace_mono.verify.checking`) holds them against a recording, and neither knows
how the other works.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal[
    "value",
    "branch",
    "loop",
    "call",
    "exception",
    "answer",
    "constraint",
    "witness",
    "property",
    "quote",
]
"""
========== =======================================================================================
value      a variable or expression has a value (at a line and visit, in an iteration, at the end)
branch     a condition held or failed; a line was reached or passed over
loop       how often a loop ran, or a line changed something; what a loop took
call       what a call gave or the function returned
exception  an exception was raised
answer     the assertion in ``[ANSWER]``
constraint an expression that must have held at its line
witness    the input that a backward monologue chooses
property   a predicate about input and result that holds on every known Call
quote      code that stands in the program
========== =======================================================================================
"""

Moment = Literal["after", "state", "before"]
"""``after``: what the line made of it; ``before``: what it was; ``state``: either of the two."""


class Shown(NamedTuple):
    """A value as a text shows it: written out, or by its type, size and ends.

    Attributes:
        text: source of the value; None where it is described only.
        type: name of its type, where that is said.
        size: how many items, entries or characters it has, where that is said.
        begins, ends: source of a first or last part.
        elided: ``text`` is cut (``[1, 2, ...]``) and shows a beginning, maybe an end.
    """

    text: str | None = None
    type: str | None = None
    size: int | None = None
    begins: str | None = None
    ends: str | None = None
    elided: bool = False


ANY = "?"
"""In the place of an expression: some variable, which the text does not name."""


MENTION = "mentioned"
"""The words of a value that a text only mentions."""


class Value(NamedTuple):
    """``expression`` is ``shown``; where ``was`` is there, it went from that to this."""

    expression: str
    shown: Shown
    moment: Moment
    was: Shown | None = None


class Condition(NamedTuple):
    """A condition came out as ``held``; ``share`` (k of n times) where several checks are told."""

    expression: str
    held: bool
    share: tuple[int, int] | None = None


class Reached(NamedTuple):
    """The lines from ``first`` to ``last`` were reached, or passed over."""

    first: int
    last: int
    ran: bool


class Passes(NamedTuple):
    """A loop ran so many times; None where only its end is told (``exhausted``: without a break)."""

    times: int | None
    exhausted: bool | None = None


class Taken(NamedTuple):
    """The values that a loop gave its target, in order; ``elided`` where the middle is left out."""

    target: str
    values: tuple[Shown, ...]
    elided: bool = False


class History(NamedTuple):
    """The values a variable had, newest first unless ``forwards``; ``elided`` as in :class:`Taken`."""

    name: str
    values: tuple[Shown, ...]
    elided: bool = False
    forwards: bool = False


class Growth(NamedTuple):
    """By how much a variable moved each time, or what was put at its end; ``each``: always by that."""

    name: str
    amounts: tuple[Shown, ...]
    each: bool = False


class Changes(NamedTuple):
    """The lines that change a variable, and how often they did in this run."""

    name: str
    lines: tuple[int, ...]
    times: int | None


class Gives(NamedTuple):
    """A call gave a value: ``call`` is written out, ``f(...)``, or None for the function told of."""

    call: str | None
    shown: Shown
    how: Literal["returned", "yielded"] = "returned"


class Called(NamedTuple):
    """A call was made."""

    call: str


class Raises(NamedTuple):
    """An exception was raised, of a type and maybe with a message; or none was."""

    type: str
    message: str | None = None


class Holds(NamedTuple):
    """An expression is true: at its line (constraint), or on every known Call (property)."""

    expression: str


class Inputs(NamedTuple):
    """The chosen input, parameter by parameter, or as the whole Call (name ``""``)."""

    values: tuple[tuple[str, Shown], ...]


class Operand(NamedTuple):
    """A line put a value somewhere, took it away or printed it."""

    shown: Shown
    verb: Literal["puts", "takes", "prints"]


class Quoted(NamedTuple):
    """Code that stands in the program (on the line of the place, where there is one)."""

    code: str


Verb = Literal[
    "before",
    "after",
    "runs",
    "loops",
    "returns",
    "yields",
    "calls",
    "raises",
    "input",
    "output",
    "misread",
]


class Restated(NamedTuple):
    """What a model restates a sentence as (see :mod:`pytrace_mono.verify.reading.restated`).

    Attributes:
        verb: ``before`` or ``after`` its line ran, or of the ``input`` or ``output``, an expression is
            true; the line ``runs``, the loop ``loops``; the activation ``returns``, ``yields``,
            ``raises`` something; a function ``calls`` is called. ``misread``: the model took it
            back.
        what: source of the expression, value or call, name of the type or function.
        times: how often; None where that is not said.
        visit: which visit of the line, from 1; -1: the last; 0: every one; None: some visit.
        sentence: the number of the sentence, from 1.
        form: the place and the statement, as the model wrote them.
    """

    verb: Verb
    what: str
    times: int | None
    visit: int | None
    sentence: int
    form: str


Statement = (
    Value
    | Condition
    | Reached
    | Passes
    | Taken
    | History
    | Growth
    | Changes
    | Gives
    | Called
    | Raises
    | Holds
    | Inputs
    | Operand
    | Quoted
    | Restated
)


class Place(NamedTuple):
    """Which part of the run a Claim is about.

    Attributes:
        line: the label in force; None where none was stated.
        passes: the iterations it is in, outermost first: (line of the loop or None, number from 1).
        call: the call it is inside of, as it is written; None for the function told of.
        firm: the line was stated in the same sentence or bullet, not inherited from above.
        over: it is about the state when the last of ``passes`` was over, or, where ``line`` is there,
            the loop at that line.
    """

    line: int | None = None
    passes: tuple[tuple[int | None, int], ...] = ()
    call: str | None = None
    firm: bool = True
    over: bool = False


class Claim(NamedTuple):
    """One checkable statement.

    Attributes:
        kind: one of :data:`Kind`.
        statement: what is said.
        place: of which part of the run.
        text: the words it was read from.
        start, end: where these stand in the monologue, in characters.
    """

    kind: Kind
    statement: Statement
    place: Place
    text: str
    start: int
    end: int


class Unread(NamedTuple):
    """A sentence that carries code and yields no claim."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Reading:
    """A monologue taken apart.

    Attributes:
        claims: in the order of the text.
        unread: sentences with code in backticks that yield no claim.
        coded: sentences with code in backticks.
        prose: sentences without code that yield no claim.
    """

    claims: tuple[Claim, ...]
    unread: tuple[Unread, ...]
    coded: int
    prose: int

    @property
    def unread_share(self) -> float:
        """Unread sentences among those with code, from 0 to 1; 0 where there are none."""
        return len(self.unread) / self.coded if self.coded else 0.0
