"""Plain text: one line a step, in order, indented by call depth."""

from __future__ import annotations

import re

from pytrace_mono.tracer.types import Outcome, Step, Trace

_CODE_WIDTH = 44
_LABELS = {
    "call": "enters",
    "resume": "resumes",
    "yield": "yields",
    "await": "awaits",
    "return": "returns",
    "unwind": "leaves by the exception",
    "exception": "raises",
}


def render(trace: Trace) -> str:
    """The whole recording as text.

    A line shows its source and, behind ``#``, what it changed; other steps say what happened.
    """
    # Not splitlines(), which also splits at form feeds, where Python does not begin a line.
    source = re.split(r"\r\n|\r|\n", trace.program)
    head = [f"Python {trace.python}, isolation {trace.level}, recording {trace.status.state}"]
    if trace.status.reason:
        head[0] += f" ({trace.status.reason})"
    if trace.setup.strip():
        head.append(f"setup: {trace.setup.strip()}")
    if trace.call is not None:
        head.append(f"call: {trace.call}")
    body = [_line(step, source) for step in trace.steps]
    written = [
        f"{name}:\n{text}" for name in ("stdout", "stderr") if (text := getattr(trace, name))
    ]
    return "\n".join([*head, "", *body, "", describe(trace.outcome), *written]) + "\n"


def describe(outcome: Outcome) -> str:
    """One sentence part for an outcome: ``returned 3``, ``raised ValueError: bad (line 4)``."""
    if outcome.kind == "returned" and outcome.value is not None:
        return f"returned {outcome.value.text}"
    if outcome.exception is not None:
        raised = outcome.exception
        place = f" (line {raised.line})" if raised.line is not None else ""
        message = f": {raised.message}" if raised.message else ""
        return f"{outcome.kind} {raised.type}{message}{place}"
    return outcome.kind.replace("_", " ")


def _line(step: Step, source: list[str]) -> str:
    indent = "  " * step.depth
    label = f"L{step.line}".rjust(5)
    changes = [f"{name} = {value.text}" for name, value in step.changes.items()]
    changes += [f"{name} is deleted" for name in step.deleted]
    shown = ", ".join(changes)
    if step.kind == "line" and step.file is None and 0 < step.line <= len(source):
        text = f"{indent}{source[step.line - 1].strip()}"
        if not shown:
            return f"{label}  {text}"
        return f"{label}  {text.ljust(_CODE_WIDTH)}  # {shown}"
    text = f"{step.function} {_LABELS.get(step.kind, 'runs')}"
    if step.value is not None:
        text += f" {step.value.text}"
    return f"{label}  {indent}{text}" + (f": {shown}" if shown else "")
