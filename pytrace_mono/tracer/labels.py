"""Which places hold the same object at a step, read from the aliases of a Trace."""

from __future__ import annotations

from pytrace_mono.tracer.types import Trace

_LEAVING = frozenset({"yield", "await", "return", "unwind"})


def labels_at(trace: Trace, index: int) -> dict[int, dict[str, int]] | None:
    """By frame and place, the labels when step ``index`` has run; None where there are none recorded.

    The frames are that of the step and those it was called from. What the step's own line did is in
    it, also where that called functions which come after it in ``trace.steps``; what the lines of
    the callers will have done is not.
    """
    if trace.aliases is None:
        return None
    step = trace.steps[index]
    wanted = {step.frame: _until(trace, index)}
    depth = step.depth
    for before in range(index - 1, -1, -1):
        if trace.steps[before].depth < depth:
            depth = trace.steps[before].depth
            wanted.setdefault(trace.steps[before].frame, index - (step.kind in _LEAVING))
    found: dict[int, dict[str, int]] = {frame: {} for frame in wanted}
    for alias in trace.aliases:
        if alias.frame in wanted and alias.after <= wanted[alias.frame]:
            if alias.label is None:
                found[alias.frame].pop(alias.place, None)
            else:
                found[alias.frame][alias.place] = alias.label
    return found


def _until(trace: Trace, index: int) -> int:
    """The last step before the frame of this one goes on."""
    step = trace.steps[index]
    if step.kind in _LEAVING:
        return index
    for after in range(index + 1, len(trace.steps)):
        if trace.steps[after].frame == step.frame:
            return after - 1
    return len(trace.steps) - 1
