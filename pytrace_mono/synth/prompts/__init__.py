"""The instructions for a teacher that is a model; the wording lives in the ``.md`` files here.

The model is shown the recorded trace: it then errs less in the middle, and every claim is checked
all the same. The manifest says so (``trace_shown``).
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from string import Template

from pytrace_mono import tasks
from pytrace_mono.records import Call, Direction
from pytrace_mono.synth.teacher import Message
from pytrace_mono.tracer.types import Trace

MAX_TRACE_CHARS = 12_000

_SECTIONS: dict[Direction, tuple[str, str]] = {
    "forward": (
        "Execution Simulation",
        "The run in its natural order, as a list: each line that changed something, what it "
        "changed, and the value that is returned.",
    ),
    "backward": (
        "Reverse Deduction",
        "From the output towards the input, as a list: what must have held before each line, as a "
        "Python expression in backticks. Where several earlier states are possible, say what is "
        "free, then choose.",
    ),
}


def messages(
    direction: Direction,
    *,
    program: str,
    call: Call,
    masked_call: str,
    output: str,
    shown_trace: str,
) -> tuple[Message, ...]:
    """The chat that asks for one monologue.

    Args:
        direction: forward or backward.
        program: the source.
        call: the Call, on one line.
        masked_call: the Call with ``??`` for its arguments.
        output: the recorded value, as a literal.
        shown_trace: what :func:`shown_trace` makes of the recording.
    """
    section, rules = _SECTIONS[direction]
    if direction == "forward":
        question = tasks.forward_instruction(program, call.call, call.setup)
        asked = call.call
    else:
        question = tasks.backward_instruction(program, masked_call, output, call.setup)
        asked = masked_call
    system = _template("system").substitute(section=section, section_rules=rules)
    user = _template(direction).substitute(
        question=question, trace=shown_trace, call=asked, output=output
    )
    return (Message("system", system), Message("user", user))


def shown_trace(trace: Trace) -> str:
    """The rendered recording in a fence, its middle cut out where it is too long to send."""
    from pytrace_mono.tracer.render.text import render

    text = render(trace)
    if len(text) > MAX_TRACE_CHARS:
        half = MAX_TRACE_CHARS // 2
        head, tail = text[:half].rpartition("\n")[0], text[-half:].partition("\n")[2]
        left_out = text.count("\n") - head.count("\n") - tail.count("\n")
        text = f"{head}\n... ({left_out} lines are left out here)\n{tail}"
    return f"```\n{text.rstrip()}\n```"


@cache
def _template(name: str) -> Template:
    text = resources.files(__package__).joinpath(f"{name}.md").read_text(encoding="utf-8")
    return Template(text.strip())
