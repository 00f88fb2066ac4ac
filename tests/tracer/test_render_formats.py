"""Every rendering over the same few programs, and what can be read back out of two of them.

``UPDATE_GOLDEN=1`` rewrites the files in ``golden/``; read the difference before you commit it.
"""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from random_programs import programs
from render_programs import PROGRAMS

from pytrace_mono.tracer import Outcome, Snapshot, Status, Step, Trace
from pytrace_mono.tracer.limits import Limits
from pytrace_mono.tracer.render import FORMATS, render
from pytrace_mono.tracer.render.inline import elide
from pytrace_mono.tracer.sandbox import Sandbox

GOLDEN = Path(__file__).parent / "golden"
DOC = Path(__file__).parents[2] / "docs" / "renderings.md"
INLINE = ("annotated", "scratchpad", "concise", "next")
FENCED = re.compile(r"^## `(\w+)`.*?^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(Limits(max_steps=60), isolation="guard", workers=1) as sandbox:
        yield sandbox


@pytest.mark.parametrize("format", [*INLINE, "cwm"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_each_format_is_as_agreed(name: str, format: str, box: Sandbox) -> None:
    """Golden text of every program in every format, the same on every Python version."""
    text = render(box.trace(*PROGRAMS[name]), format)
    path = GOLDEN / f"render_{name}.{format}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PROGRAMS)
def test_comments_change_nothing_in_the_program(name: str, box: Sandbox) -> None:
    """A rendering into the source parses to the very same tree, multi-line strings included."""
    source = PROGRAMS[name][0]
    trace = box.trace(*PROGRAMS[name])
    for format in INLINE:
        assert ast.dump(ast.parse(render(trace, format))) == ast.dump(ast.parse(source))


def test_what_is_left_out_is_counted() -> None:
    """First and last items stay, the number of the others stands between them."""
    assert elide(["a", "b", "c", "d"], 1, 1) == ["a", "... 2 more ...", "d"]
    assert elide(["a", "b"], 1, 1) == ["a", "b"]
    assert elide(["a", "b", "c"], 2, 0) == ["a", "b", "... 1 more ..."]


def test_a_format_that_is_not_there_is_refused(box: Sandbox) -> None:
    """The message names those that are."""
    with pytest.raises(ValueError, match="choose one of json, text, annotated"):
        render(box.trace("x = 1\n", None), "nothing")


def states(trace: Trace) -> list[dict[str, str]]:
    """The variables of each activation before each call and line step, from the Trace alone."""
    now: dict[int, dict[str, str]] = {}
    found = []
    for step in trace.call_steps:
        if step.file is not None:
            continue
        state = now.setdefault(step.frame, {})
        new = {name: value.text for name, value in step.changes.items()}
        if step.kind == "call":
            state.update(new)
        if step.kind in ("call", "line"):
            found.append(dict(state))
        state.update(new)
        for name in step.deleted:
            del state[name]
    return found


def read_cwm(text: str, trace: Trace) -> list[dict[str, str]]:
    """The same, from the text: ``..`` is looked up in the activation's frame before."""
    frames = text.split("<|frame_sep|>")[1:-1]
    steps = [
        step
        for step in trace.call_steps
        if step.file is None and step.kind not in ("resume", "unwind")
    ]
    assert len(frames) == len(steps)
    before: dict[int, dict[str, str]] = {}
    found = []
    for frame, step in zip(frames, steps, strict=True):
        match = re.match(r"<\|(?:call|line)_sep\|>(.*?)<\|action_sep\|>", frame, re.DOTALL)
        if match:
            shown = json.loads(match[1])
            last = before.get(step.frame, {})
            before[step.frame] = {
                name: last[name] if value == ".." else value for name, value in shown.items()
            }
            found.append(before[step.frame])
    return found


def check(trace: Trace) -> None:
    for format in FORMATS:
        assert render(trace, format)
    assert read_cwm(render(trace, "cwm"), trace) == states(trace)
    text = render(trace, "scratchpad")
    own = [step for step in trace.call_steps if step.file is None]
    changed = [step for step in own if step.kind != "call" and (step.changes or step.deleted)]
    assert len(re.findall(r"\[STATE-\d+\]", text)) == len(changed)
    for number, step in enumerate(changed):
        shown = text.split(f"[STATE-{number}] ")[1].split(f" [/STATE-{number}]")[0]
        expected = [f'"{name}": {value.text}' for name, value in step.changes.items()]
        expected += [f'"{name}": "<deleted>"' for name in step.deleted]
        assert shown == "{" + ", ".join(expected) + "}"


@pytest.mark.parametrize("name", PROGRAMS)
def test_states_read_back_are_those_of_the_trace(name: str, box: Sandbox) -> None:
    """What the frames and the scratchpad call unchanged is unchanged, the rest is what it was."""
    check(box.trace(*PROGRAMS[name]))


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(program=programs)
def test_every_program_renders_in_every_format(program: str, box: Sandbox) -> None:
    """No program breaks a rendering, and its states can be read back."""
    check(box.trace(program, "f()"))


def test_the_document_shows_what_is_printed(box: Sandbox) -> None:
    """Each format's example in docs/renderings.md is what the format gives today."""
    text = DOC.read_text(encoding="utf-8")
    trace = box.trace(*PROGRAMS["loop"])
    shown = dict(FENCED.findall(text))
    assert set(shown) == {*INLINE, "cwm"}
    for format, example in shown.items():
        made = render(trace, format)
        if os.environ.get("UPDATE_GOLDEN"):
            text = text.replace(f"```text\n{example}```", f"```text\n{made}```", 1)
            DOC.write_text(text, encoding="utf-8")
        else:
            assert example == made


def test_a_change_beyond_what_is_shown_is_not_called_unchanged() -> None:
    """Its text is as before; the frame repeats it, and annotated source says so."""
    one = Snapshot("[1, ...]", "list", False)
    trace = Trace(
        program="def f(x):\n    x[9] = 1\n    return 1\n",
        call="f(a)",
        setup="",
        outcome=Outcome("returned", Snapshot("1", "int", True)),
        status=Status("complete"),
        level="none",
        limits={},
        stdout="",
        stderr="",
        steps=(
            Step("call", 1, "f", 0, 0, {"x": one}),
            Step("line", 2, "f", 0, 0, {"x": one}, changed_beyond_preview=("x",)),
            Step("line", 3, "f", 0, 0),
        ),
        call_start=0,
        python="3.11.7",
    )
    assert '<|line_sep|>{"x": "[1, ...]"}<|action_sep|>    return 1' in render(trace, "cwm")
    assert "x = [1, ...] (changed further in)" in render(trace, "annotated")
