"""The instructions for a teacher that is a model; the wording lives in the ``.md`` files here.

A model that is shown the recorded trace errs less in the middle; one that is not has to reason. Its
claims are checked in both cases, and each row says which it was (``trace_shown``).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import cache
from importlib import resources
from string import Template

from pytrace_mono import tasks
from pytrace_mono.records import Call, Direction
from pytrace_mono.synth.teacher import Message
from pytrace_mono.tracer.types import Trace
from pytrace_mono.verify.reading import numbered

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

_ARGUES: dict[Direction, str] = {
    "forward": "forward, from the arguments to the value returned",
    "backward": "backward, from the value returned to arguments that give it, those of the call",
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
        shown_trace: what :func:`shown_trace` makes of the recording; "" withholds it.
    """
    if direction == "forward":
        question = tasks.forward_instruction(program, call.call, call.setup)
        asked = call.call
    else:
        question = tasks.backward_instruction(program, masked_call, output, call.setup)
        asked = masked_call
    recording = ""
    if shown_trace:
        recording = f" {_template(f'{direction}_recording').substitute(trace=shown_trace)}"
    user = _template(direction).substitute(
        question=question, recording=recording, call=asked, output=output
    )
    return (Message("system", _system(direction)), Message("user", user))


def revision(chat: tuple[Message, ...], said: str, mismatch: str) -> tuple[Message, ...]:
    """The chat that asks a model to put right what it said.

    Args:
        chat: what it was asked.
        said: what it said, in its own words.
        mismatch: what the Verifier found wrong with it.
    """
    asked = _template("revision").substitute(mismatch=mismatch)
    return (*chat, Message("assistant", said), Message("user", asked))


def restating(program: str, call: str, direction: Direction, text: str) -> tuple[Message, ...]:
    """The chat that asks a model to restate a monologue (:mod:`pytrace_mono.verify.reading.restated`).

    Args:
        program: the source.
        call: the Call whose recording the text is to be held against.
        direction: of the text.
        text: the monologue, without its answer.
    """
    # As Python counts lines: a form feed, say, ends none.
    code = re.split(r"\r\n?|\n", program.rstrip())
    lines = (f"{number:3} {line}" for number, line in enumerate(code, 1))
    user = _template("restating_question").substitute(
        program="\n".join(lines), call=call, direction=_ARGUES[direction], text=numbered(text)
    )
    return (Message("system", _template("restating").template), Message("user", user))


def restating_again(
    chat: tuple[Message, ...], said: str, accused: Sequence[tuple[str, str]]
) -> tuple[Message, ...]:
    """The chat that asks a model to look again at what goes against the recording.

    Args:
        chat: what it was asked, as :func:`restating` makes it.
        said: what it said.
        accused: each statement with its sentence's number, as it wrote it, and the recorded fact.
    """
    shown = (f"{n}. `{form}`\n   recorded: {fact}" for n, (form, fact) in enumerate(accused, 1))
    asked = _template("restating_again").substitute(accused="\n".join(shown))
    return (*chat, Message("assistant", said), Message("user", asked))


def restating_templates() -> str:
    """As :func:`templates`, of the chat of :func:`restating`."""
    names = ("restating", "restating_question", "restating_again")
    titles = ("system", "user", "user, where a statement goes against the recording")
    parts = zip(titles, map(_template, names), strict=True)
    return "\n\n".join(f"--- {title}\n{template.template}" for title, template in parts)


def section_of(direction: Direction) -> str:
    """The heading of the section that goes through the run."""
    return _SECTIONS[direction][0]


def as_json(chat: tuple[Message, ...]) -> tuple[Message, ...]:
    """The same chat, asking for a JSON object instead of tags."""
    system, *rest = chat
    asked = f"{system.content}\n\n{_template('json').template}"
    return (Message("system", asked), *rest)


def templates(direction: Direction) -> str:
    """All that a model is told, with ``$names`` where a row's own text comes in."""
    names = (direction, f"{direction}_recording", "json", "revision")
    titles = (
        "user",
        "$recording, where the trace is shown",
        "behind the system message, where the endpoint takes a response format",
        "user, after a wrong completion, with --revise",
    )
    parts = [("system", _system(direction))]
    parts += [(title, _template(name).template) for title, name in zip(titles, names, strict=True)]
    return "\n\n".join(f"--- {title}\n{text}" for title, text in parts)


@cache
def version() -> str:
    """The digest of the wording; it stands in the manifest.

    It is of whole chats about one small Call, so that it changes with all that makes them up: the
    templates here, the instructions of :mod:`pytrace_mono.tasks`, and how they are put together.
    """
    call = Call(call="f(1)", setup="y = 2")
    chats = []
    for direction in _SECTIONS:
        for recording in ("", "the recording"):
            chat = messages(
                direction,
                program="def f(x):\n    return x\n",
                call=call,
                masked_call="f(??)",
                output="1",
                shown_trace=recording,
            )
            chats += [chat, as_json(chat), revision(chat, "an answer", "a mismatch")]
    return hashlib.sha256(repr(chats).encode()).hexdigest()[:12]


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


def _system(direction: Direction) -> str:
    section, rules = _SECTIONS[direction]
    return _template("system").substitute(section=section, section_rules=rules)


@cache
def _template(name: str) -> Template:
    text = resources.files(__package__).joinpath(f"{name}.md").read_text(encoding="utf-8")
    return Template(text.strip())
