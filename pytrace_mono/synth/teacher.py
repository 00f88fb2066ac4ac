"""The Teacher: anything that turns a Prompt into Completions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from pytrace_mono.records import Call, Direction, Problem
from pytrace_mono.tracer.types import Outcome, Trace

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True)
class Message:
    """One turn of a chat."""

    role: Role
    content: str


class Rerun(Protocol):
    """Other Calls, run after the same program and setup.

    Both raise InputError or SandboxError where there is no run.
    """

    async def outcome(self, call: str, more_setup: str = "") -> Outcome:
        """How a Call ends; ``more_setup`` runs before it."""

    async def trace(self, call: str) -> Trace:
        """The recording of a Call."""


@dataclass(frozen=True, kw_only=True)
class Chat:
    """What a model is asked.

    Attributes:
        messages: the turns so far.
        row: id of the row that it is asked for; "" outside a run.
        sample: which of several answers is wanted, from 0: who keeps answers gives the same one to the
            same messages and sample.
        mismatch: what the Verifier found wrong with the completion that ``messages`` quote: this asks
            to put it right. "" where it is asked for the first time.
    """

    messages: tuple[Message, ...]
    row: str = ""
    sample: int = 0
    mismatch: str = ""


@dataclass(frozen=True, kw_only=True)
class Prompt(Chat):
    """What a Teacher is asked, as text for a model and as data for a Teacher that wants it.

    Attributes:
        direction: forward (find the output) or backward (find an input).
        problem: the program and all its Calls.
        call: the Call, on one line.
        trace: its complete recording, with an exact value.
        traces: every complete recording of the same Problem, to check a property on.
        entry_point: name of the function that is asked about.
        literal_call: the Call with its arguments as literals: the recorded input. For a forward
            prompt of a Call that cannot be written so, the Call itself.
        masked_call: the Call with ``??`` for its arguments.
        output: the recorded value, as a literal.
        rerun: runs other Calls of the same program; None outside a run.
    """

    direction: Direction
    problem: Problem
    call: Call
    trace: Trace
    traces: tuple[Trace, ...]
    entry_point: str
    literal_call: str
    masked_call: str
    output: str
    rerun: Rerun | None = None


@dataclass(frozen=True)
class Usage:
    """Tokens an endpoint says it counted."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True)
class Completion:
    """What a Teacher said.

    Attributes:
        text: a monologue and an answer in their tags.
        usage: None where nothing was counted.
        finish_reason: the endpoint's word for why it stopped; ``length`` is a cut text.
        said: what the model said, where ``text`` is another form of it; to be quoted back to it.
    """

    text: str
    usage: Usage | None = None
    finish_reason: str | None = None
    said: str = ""


class Teacher(Protocol):
    """Anything that turns a Prompt into Completions.

    A teacher that holds connections may also have ``async aclose()``; it is called at the end of a
    run. One that asks a model may have ``model: str``, which is written into the manifest. One that
    pays may have ``begin(ledger)``; it is called at the start of a run with the corpus's ledger.
    """

    @property
    def name(self) -> str:
        """A short name for the manifest and each row."""

    async def complete(self, prompt: Prompt, *, n: int = 1) -> list[Completion]:
        """Up to ``n`` completions of one prompt.

        Raises:
            TeacherError: there is none; ``fatal`` where asking again cannot help.
        """
