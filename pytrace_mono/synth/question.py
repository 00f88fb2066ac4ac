"""What is asked about one Call."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from pytrace_mono import tasks
from pytrace_mono.records import Call, Direction, stable_id
from pytrace_mono.synth import prompts
from pytrace_mono.synth.problems import Located
from pytrace_mono.synth.teacher import Prompt, Rerun
from pytrace_mono.tracer.types import Snapshot, Trace


@dataclass(frozen=True)
class Question:
    """All that is known of a Call about which a monologue is asked.

    Attributes:
        located: the Problem, and where it stands.
        stated: the Call as it was read; rows and rejects show this one.
        call: the same on one line, as it can be asked about.
        trace: its complete recording, with an exact value.
        traces: every complete recording of the Problem.
        entry_point: name of the function it is about.
        callee: source of what it calls; "" where it is no call of the entry point.
        literal_call: the Call with literal arguments; None where there is no such form.
        rerun: runs other Calls of the same program.
    """

    located: Located
    stated: Call
    call: Call
    trace: Trace
    traces: tuple[Trace, ...]
    entry_point: str
    callee: str
    literal_call: str | None
    rerun: Rerun

    @cached_property
    def digest(self) -> str:
        """The Trace's digest; its two rows share it."""
        return self.trace.digest()

    @cached_property
    def shown_trace(self) -> str:
        """The recording as a model is shown it."""
        return prompts.shown_trace(self.trace)

    @property
    def output(self) -> Snapshot:
        """The recorded value."""
        value = self.trace.outcome.value
        assert value is not None
        return value

    @property
    def masked_call(self) -> str:
        """The Call with its input hidden."""
        if self.callee:
            return f"{self.callee}({tasks.UNKNOWN})"
        return tasks.mask_input(self.call.call, self.entry_point)


def row_id(question: Question, direction: Direction) -> str:
    """An id that depends on the row alone, not on the order of anything."""
    call = question.stated
    return f"{question.located.problem.id}/{stable_id(call.call, call.setup)}/{direction}"


def prompt_of(question: Question, direction: Direction, row: str, *, show_trace: bool) -> Prompt:
    """What a teacher is asked about this Call."""
    call, output = question.call, question.output.text
    return Prompt(
        direction=direction,
        messages=prompts.messages(
            direction,
            program=question.trace.program,
            call=call,
            masked_call=question.masked_call,
            output=output,
            shown_trace=question.shown_trace if show_trace else "",
        ),
        problem=question.located.problem,
        call=call,
        trace=question.trace,
        traces=question.traces,
        entry_point=question.entry_point,
        literal_call=question.literal_call or call.call,
        masked_call=question.masked_call,
        output=output,
        row=row,
        rerun=question.rerun,
    )


def revision_of(prompt: Prompt, said: str, mismatch: str) -> Prompt:
    """What a teacher is asked after a wrong completion: the same, with what was wrong with it."""
    chat = prompts.revision(prompt.messages, said, mismatch)
    return replace(prompt, messages=chat, sample=0, mismatch=mismatch)
