"""All values that occur in a run."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

from pytrace_mono.tracer.types import Snapshot
from pytrace_mono.verify.aligning.computed import parts_of
from pytrace_mono.verify.expressions import NotEvaluated
from pytrace_mono.verify.frames import Visit
from pytrace_mono.verify.instances import instance_of
from pytrace_mono.verify.recording import Run
from pytrace_mono.verify.source import NoLiteral, literal_of


class Occurring:
    """The values of variables, of results, and of what statements work out, with all their items.

    Args:
        run: the recording.

    Attributes:
        complete: whether no value was cut.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._values: set[str] = set()
        self._read: set[str] = set()
        self.complete = True
        for frame in run.frames.values():
            arguments = list(frame.arguments.values())
            self._take([*arguments, frame.value, *(value for _, value in frame.yields)])
            if all(a.exact for a in arguments):
                self._add(tuple(literal_of(a.text) for a in arguments))
        for visit in run.visits:
            self._take([*visit.changes.values(), *visit.before.values()])
            self._work_out(visit)
        for node in ast.walk(run.program.tree):
            if isinstance(node, ast.Constant):
                self._add(node.value)

    def __contains__(self, value: Any) -> bool:
        return _written(value) in self._values

    def _take(self, snapshots: Iterable[Snapshot | None]) -> None:
        for snapshot in snapshots:
            if snapshot is None or snapshot.text in self._read:
                continue
            self._read.add(snapshot.text)
            instance = None if snapshot.exact else instance_of(snapshot.text)
            if instance is not None:
                self._take(instance.fields.values())
            try:
                self._add(literal_of(snapshot.text))
            except NoLiteral:
                self.complete = self.complete and "..." not in snapshot.text

    def _work_out(self, visit: Visit) -> None:
        for node in parts_of(visit.statement):
            if isinstance(node, ast.expr) and not isinstance(node, (ast.Constant, ast.Name)):
                try:
                    self._add(self._run.evaluate(node, visit, after=False))
                except NotEvaluated:
                    continue

    def _add(self, value: Any) -> None:
        text = _written(value)
        if text in self._values:
            return
        self._values.add(text)
        if isinstance(value, (list, tuple, set, frozenset)):
            for item in value:
                self._add(item)
        elif isinstance(value, dict):
            for key, item in value.items():
                self._add(key)
                self._add(item)


def _written(value: Any) -> str:
    """A value as text; a list and a tuple of the same items are one."""
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_written, value))}]"
    return repr(value)
