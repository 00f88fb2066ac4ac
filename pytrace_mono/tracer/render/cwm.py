"""Frames as the Code World Model reads them (Meta FAIR 2025, arXiv 2510.02387).

``<|call_sep|>LOCALS<|action_sep|>SOURCE<|frame_sep|>`` for a call, ``line_sep`` for a line;
``return_sep`` and ``exception_sep`` have no locals but ``<|arg_sep|>VALUE``. LOCALS is a JSON
object of the variables *before* the line runs, each as text, ``".."`` where it is as in the
activation's frame before. No frame is left out: the next one could not be read without it. The form
is that of the prompting guide released with the model (github.com/facebookresearch/cwm), which
marks the entry point by a comment, ``<< START_OF_TRACE``.
"""

from __future__ import annotations

import json

from pytrace_mono.tracer.render.inline import own_steps
from pytrace_mono.tracer.statements import source_lines
from pytrace_mono.tracer.types import Snapshot, Trace


def cwm(trace: Trace) -> str:
    """The program as context, then one frame a step.

    The format has no frames for suspension: a yield is a return frame, and nothing is written for
    an ``unwind``, which follows its exception. A run that was cut off has neither a last return nor
    ``<|end_of_text|>``.
    """
    source = source_lines(trace.program)
    steps = list(own_steps(trace))
    now: dict[int, dict[str, Snapshot]] = {}
    shown: dict[int, dict[str, Snapshot]] = {}
    frames: list[str] = []
    for step in steps:
        action = source[step.line - 1] if 0 < step.line <= len(source) else ""
        state = now.setdefault(step.frame, {})
        if step.kind == "call":
            state.update(step.changes)
        if step.kind in ("call", "line"):
            before = shown.get(step.frame, {})
            variables = {
                name: ".." if before.get(name) == value else value.text
                for name, value in state.items()
            }
            shown[step.frame] = dict(state)
            frames.append(f"<|{step.kind}_sep|>{json.dumps(variables)}<|action_sep|>{action}\n")
        elif step.kind in ("return", "yield", "await", "exception"):
            kind = "exception" if step.kind == "exception" else "return"
            value = json.dumps(step.value.text if step.value is not None else "None")
            frames.append(f"<|{kind}_sep|><|action_sep|>{action}\n<|arg_sep|>{value}")
        state.update(step.changes)
        for name in step.deleted:
            state.pop(name, None)
        for name in step.changed_beyond_preview:
            # Its text is as before though the value is not: ".." would be untrue.
            shown.get(step.frame, {}).pop(name, None)
    body = "".join(f"{frame}<|frame_sep|>" for frame in frames)
    entry = steps[0].line if steps and trace.call is not None else 0
    context = "\n".join(
        f"{line}  # << START_OF_TRACE" if number == entry else line
        for number, line in enumerate(source, 1)
    )
    ended = trace.complete and trace.outcome.kind in ("returned", "raised")
    end = "<|end_of_text|>" if ended else ""
    return f"<|trace_context_start|>{context}<|frame_sep|>{body}{end}\n"
