"""What a program had written at a step, and which step wrote it."""

from __future__ import annotations

from dataclasses import dataclass

from pytrace_mono.tracer.types import Stream, Trace

_LEAVING = frozenset({"yield", "await", "return", "unwind"})


@dataclass(frozen=True, slots=True)
class Written:
    """Text that was written while no further step began.

    Attributes:
        text: what.
        stream: where to.
        step: index of the step whose line wrote it, itself or by what it called that is not recorded;
            None where it was no recorded line, such as a Call that is ``print(f(1))``.
        after: index of the step that was the latest one then; later than ``step`` where that called
            recorded functions first, as ``print(f(1))`` does. -1 before the first step.
    """

    text: str
    stream: Stream
    step: int | None
    after: int


def written(trace: Trace) -> tuple[Written, ...] | None:
    """All that the program wrote, in order; None where it is not known when."""
    if trace.writes is None:
        return None
    found: list[Written] = []
    starts = {"stdout": 0, "stderr": 0}
    standing: list[int] = []  # by depth, the latest step
    done = 0
    for write in trace.writes:
        for index in range(done, write.after + 1):
            step = trace.steps[index]
            del standing[step.depth :]
            standing += [index] * (step.depth + 1 - len(standing))
        done = write.after + 1
        step_index = standing[-1] if standing else None
        if step_index is not None and trace.steps[step_index].kind in _LEAVING:
            step_index = standing[-2] if len(standing) > 1 else None
        whole = trace.stdout if write.stream == "stdout" else trace.stderr
        text = whole[starts[write.stream] : write.end]
        starts[write.stream] = write.end
        found.append(Written(text, write.stream, step_index, write.after))
    return tuple(found)


def output_at(trace: Trace, index: int) -> tuple[str, str] | None:
    """stdout and stderr as they were before the step after ``index`` began; None where not known."""
    if trace.writes is None:
        return None
    ends = {"stdout": 0, "stderr": 0}
    for write in trace.writes:
        if write.after > index:
            break
        ends[write.stream] = write.end
    return trace.stdout[: ends["stdout"]], trace.stderr[: ends["stderr"]]
