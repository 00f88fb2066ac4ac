"""Helpers: a program recorded in the sandbox, and what the Narrator says of it."""

from __future__ import annotations

import asyncio
import textwrap
from pathlib import Path

from pytrace_mono.records import Call, Direction, Problem
from pytrace_mono.synth import Narrator, Prompt
from pytrace_mono.synth.narrator.source import Source
from pytrace_mono.synth.narrator.story import Activation
from pytrace_mono.synth.narrator.unfolding import tell
from pytrace_mono.synth.programs import problem_of
from pytrace_mono.tracer import Sandbox, Trace

PROGRAMS = Path(__file__).parents[2] / "examples" / "programs"


def recorded(box: Sandbox, code: str, call: str, setup: str = "") -> Trace:
    """A complete recording of one Call."""
    trace = box.trace(textwrap.dedent(code).lstrip("\n"), call, setup)
    assert trace.complete, trace.status
    return trace


def story_of(box: Sandbox, code: str, call: str) -> list[Activation]:
    """The story of one Call."""
    trace = recorded(box, code, call)
    return tell(trace, Source(trace.program))


def said(box: Sandbox, problem: Problem, position: int, direction: Direction, seed: int = 0) -> str:
    """The Narrator's text about one Call of a Problem."""
    traces = [box.trace(problem.code, call.call, call.setup) for call in problem.calls]
    call, trace = problem.calls[position], traces[position]
    assert trace.outcome.value is not None, trace.outcome
    prompt = Prompt(
        direction=direction,
        messages=(),
        problem=problem,
        call=call,
        trace=trace,
        traces=tuple(t for t in traces if t.complete and t.outcome.kind == "returned"),
        entry_point=problem.entry_of(call) or "",
        literal_call=call.call,
        masked_call="f(??)",
        output=trace.outcome.value.text,
    )
    return asyncio.run(Narrator(seed).complete(prompt))[0].text


def program(name: str) -> Problem:
    """One of the example programs."""
    return problem_of((PROGRAMS / f"{name}.py").read_text(), name)


def problem(code: str, *calls: str) -> Problem:
    """A Problem of a few lines."""
    return Problem(
        id="here",
        code=textwrap.dedent(code).lstrip("\n"),
        calls=tuple(Call(call=call) for call in calls),
    )
