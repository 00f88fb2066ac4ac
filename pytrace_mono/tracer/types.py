"""The recording, as data: what every other module passes around.

All classes are frozen: a Trace is detached from the program that made it. Mappings and tuples inside
are treated as read-only by everyone. The JSON form is documented in ``docs/trace-format.md`` and
written by :mod:`pytrace_mono.tracer.serialize`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

TRACE_VERSION = 1

Stream = Literal["stdout", "stderr"]
StepKind = Literal["call", "line", "yield", "resume", "await", "return", "unwind", "exception"]
OutcomeKind = Literal["returned", "raised", "exited", "timed_out", "over_limit", "crashed"]
State = Literal[
    "complete",
    "truncated",
    "tracer_lost",
    "thread_untraced",
    "disturbed",
    "tampered",
    "nondeterministic",
]
Level = Literal["none", "guard", "confined", "isolated", "external"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A bounded, detached copy of a value.

    Attributes:
        text: the value as Python would write it, cut at the limits, made without running user code.
        type: the qualified name of the value's class.
        exact: ``ast.literal_eval(text)`` rebuilds the value, equal in value and in type, out of
            exact built-in types.
    """

    text: str
    type: str
    exact: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One recorded event.

    Attributes:
        kind: what happened.
        line: 1-based line in the program (in ``file`` where that is set).
        function: qualified name of the function, ``<module>`` for a module's body.
        frame: number of the activation, in the order in which they began.
        depth: 0 for an outermost recorded frame, one more for each recorded caller.
        changes: the variables that *this step's line* bound or mutated, as they were when it had
            run; for ``call`` the arguments.
        deleted: the names that this step's line unbound.
        changed_beyond_preview: the names in ``changes`` whose text is as it was: what changed lies
            past what is shown, or another object that looks the same was bound.
        unchecked: names of values of which too much is there to compare; the line may have changed them
            past what is shown.
        value: what was returned or yielded (by an async generator too), or the exception of an
            ``exception`` step.
        file: the source file, where it is not the program itself.
    """

    kind: StepKind
    line: int
    function: str
    frame: int
    depth: int
    changes: Mapping[str, Snapshot] = field(default_factory=dict)
    deleted: tuple[str, ...] = ()
    value: Snapshot | None = None
    file: str | None = None
    changed_beyond_preview: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Write:
    """Text that the program wrote; from where the one before it in this stream ended.

    Attributes:
        after: index of the step that was the latest one then; -1 before the first.
        stream: where to.
        end: how many characters the stream has with it.
    """

    after: int
    stream: Stream
    end: int


@dataclass(frozen=True, slots=True)
class Alias:
    """A place gets a label, which it shares with all that hold the same mutable object, or loses it.

    Attributes:
        after: index of the step that was the latest one when this was seen.
        frame: of the place, as in a Step.
        place: a variable, or what it holds: ``a``, ``grid[0]``, ``node.next``, ``d['k']``.
        label: never that of another object; None where no other known place holds it any more.
    """

    after: int
    frame: int
    place: str
    label: int | None


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception that left the program.

    Attributes:
        type: qualified name of its class.
        message: what ``str()`` gives for a built-in exception; the arguments otherwise.
        line: line of the program where it was raised, if one was being executed.
    """

    type: str
    message: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a Call ended.

    Attributes:
        kind: one of :data:`OutcomeKind`.
        value: what a ``returned`` Call returned.
        exception: what a ``raised`` Call raised, or the ``SystemExit`` of an ``exited`` one.
    """

    kind: OutcomeKind
    value: Snapshot | None = None
    exception: Raised | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """Whether the recording can be trusted as a whole.

    Attributes:
        state: ``complete``, or why it is not.
        reason: what is missing; beside ``complete``, why there was no Call to record (``setup
            raised``).
    """

    state: State
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """A Program, a Call, what happened, and whether that is all of it.

    Attributes:
        program: source text of the program ("" when a live recording has none).
        call: the Call's expression; None when only the module's body ran.
        setup: statements run in the program's namespace before the Call.
        outcome: how it ended.
        status: whether every line in scope was recorded.
        level: the isolation under which it ran; ``none`` for a live recording.
        limits: the limits in force, by name.
        stdout, stderr: what the program wrote, up to ``limits["output_bytes"]`` each.
        steps: everything recorded, in order.
        call_start: index in ``steps`` where the Call itself begins (after module body and setup).
        python: version of the interpreter, ``3.11.7``.
        writes: all that was written to ``stdout`` and ``stderr``, in order; None where it is not known
            when it was. :mod:`pytrace_mono.tracer.output` reads them.
        aliases: how labels changed, in order; None where nobody asked which places hold the same
            object. :func:`pytrace_mono.tracer.labels.labels_at` reads them.
    """

    program: str
    call: str | None
    setup: str
    outcome: Outcome
    status: Status
    level: Level
    limits: Mapping[str, Any]
    stdout: str
    stderr: str
    steps: tuple[Step, ...]
    call_start: int
    python: str
    version: int = TRACE_VERSION
    writes: tuple[Write, ...] | None = None
    aliases: tuple[Alias, ...] | None = None

    @property
    def complete(self) -> bool:
        """True when nothing in scope was missed."""
        return self.status.state == "complete"

    @property
    def call_steps(self) -> tuple[Step, ...]:
        """The steps of the Call alone."""
        return self.steps[self.call_start :]

    def to_json(self) -> str:
        """This trace as one line of JSON, version 1."""
        from pytrace_mono.tracer import serialize

        return serialize.to_json(self)

    @staticmethod
    def from_json(data: str | bytes) -> Trace:
        """Read back what :meth:`to_json` wrote.

        Raises:
            TraceFormatError: ``data`` is not JSON, not a trace, or of a newer version.
        """
        from pytrace_mono.tracer import serialize

        return serialize.from_json(data)

    def digest(self) -> str:
        """sha256 of the program, the Call and what was recorded; equal runs have equal digests."""
        from pytrace_mono.tracer import serialize

        return serialize.digest(self)
