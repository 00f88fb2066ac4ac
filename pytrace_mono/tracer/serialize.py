"""A Trace as JSON and back; the shape is documented in ``docs/trace-format.md``.

Reading is strict: the bytes may come from a hostile program, so every field's type is checked and
nothing but strings, numbers, booleans, lists and mappings is ever built from them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, get_args

from pytrace_mono.errors import TraceFormatError
from pytrace_mono.tracer.types import (
    TRACE_VERSION,
    Alias,
    Level,
    Outcome,
    OutcomeKind,
    Raised,
    Snapshot,
    State,
    Status,
    Step,
    StepKind,
    Stream,
    Trace,
    Write,
)

_STEP_KINDS = frozenset(get_args(StepKind))
_OUTCOME_KINDS = frozenset(get_args(OutcomeKind))
_STATES = frozenset(get_args(State))
_LEVELS = frozenset(get_args(Level))
_STREAMS = frozenset(get_args(Stream))


def snapshot_to_dict(snapshot: Snapshot) -> dict[str, Any]:
    return {"text": snapshot.text, "type": snapshot.type, "exact": snapshot.exact}


def step_to_dict(step: Step) -> dict[str, Any]:
    row: dict[str, Any] = {
        "kind": step.kind,
        "line": step.line,
        "function": step.function,
        "frame": step.frame,
        "depth": step.depth,
        "changes": {name: snapshot_to_dict(value) for name, value in step.changes.items()},
        "deleted": list(step.deleted),
    }
    if step.value is not None:
        row["value"] = snapshot_to_dict(step.value)
    if step.file is not None:
        row["file"] = step.file
    if step.changed_beyond_preview:
        row["changed_beyond_preview"] = list(step.changed_beyond_preview)
    if step.unchecked:
        row["unchecked"] = list(step.unchecked)
    return row


def outcome_to_dict(outcome: Outcome) -> dict[str, Any]:
    row: dict[str, Any] = {"kind": outcome.kind}
    if outcome.value is not None:
        row["value"] = snapshot_to_dict(outcome.value)
    if outcome.exception is not None:
        raised = outcome.exception
        row["exception"] = {"type": raised.type, "message": raised.message, "line": raised.line}
    return row


def to_dict(trace: Trace) -> dict[str, Any]:
    """The trace as plain JSON types, in the documented order of keys."""
    status: dict[str, Any] = {"state": trace.status.state}
    if trace.status.reason is not None:
        status["reason"] = trace.status.reason
    row = {
        "version": trace.version,
        "python": trace.python,
        "program": trace.program,
        "setup": trace.setup,
        "call": trace.call,
        "outcome": outcome_to_dict(trace.outcome),
        "status": status,
        "complete": trace.complete,
        "level": trace.level,
        "limits": dict(trace.limits),
        "stdout": trace.stdout,
        "stderr": trace.stderr,
        "call_start": trace.call_start,
        "steps": [step_to_dict(step) for step in trace.steps],
    }
    if trace.writes is not None:
        row["writes"] = [[write.after, write.stream, write.end] for write in trace.writes]
    if trace.aliases is not None:
        row["aliases"] = [[a.after, a.frame, a.place, a.label] for a in trace.aliases]
    return row


def to_json(trace: Trace) -> str:
    return json.dumps(to_dict(trace), ensure_ascii=True)


def digest(trace: Trace) -> str:
    """sha256 over what was run and recorded, leaving out where (``level``, ``limits``)."""
    row = to_dict(trace)
    del row["level"], row["limits"]
    return hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()


def _kind(value: object) -> str:
    # Not its text: the repr of deeply nested data raises RecursionError.
    return "nothing" if value is None else f"a {type(value).__name__}"


def _get(row: Mapping[str, Any], key: str, kind: type, where: str) -> Any:
    value = row.get(key)
    # bool is an int to isinstance; a trace never stores one where a number belongs.
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TraceFormatError(f"{where}: {key!r} must be a {kind.__name__}, not {_kind(value)}")
    return value


def _one_of(row: Mapping[str, Any], key: str, allowed: frozenset[str], where: str) -> Any:
    value = row.get(key)
    if not isinstance(value, str) or value not in allowed:
        shown = repr(value[:60]) if isinstance(value, str) else _kind(value)
        raise TraceFormatError(f"{where}: {key!r} must be one of {sorted(allowed)}, not {shown}")
    return value


def snapshot_from_dict(row: Any, where: str = "snapshot") -> Snapshot:
    if type(row) is dict:  # the plain case first: there are many in a trace
        text, kind, exact = row.get("text"), row.get("type"), row.get("exact")
        if type(text) is str and type(kind) is str and type(exact) is bool:
            return Snapshot(text, kind, exact)
    if not isinstance(row, dict):
        raise TraceFormatError(f"{where}: a snapshot must be an object, not {_kind(row)}")
    return Snapshot(
        _get(row, "text", str, where),
        _get(row, "type", str, where),
        _get(row, "exact", bool, where),
    )


def step_from_dict(row: Any, where: str = "step") -> Step:
    if not isinstance(row, dict):
        raise TraceFormatError(f"{where}: a step must be an object, not {_kind(row)}")
    changes = _get(row, "changes", dict, where)
    file = row.get("file")
    return Step(
        kind=_one_of(row, "kind", _STEP_KINDS, where),
        line=_get(row, "line", int, where),
        function=_get(row, "function", str, where),
        frame=_get(row, "frame", int, where),
        depth=_get(row, "depth", int, where),
        changes={name: snapshot_from_dict(value, where) for name, value in changes.items()},
        deleted=_names(row, "deleted", where),
        value=snapshot_from_dict(row["value"], where) if "value" in row else None,
        file=None if file is None else _get(row, "file", str, where),
        changed_beyond_preview=(
            _names(row, "changed_beyond_preview", where) if "changed_beyond_preview" in row else ()
        ),
        unchecked=_names(row, "unchecked", where) if "unchecked" in row else (),
    )


def _plain_step(row: Any) -> Step | None:
    """The same for a step of the usual kind, without asking field by field; None for every other."""
    if type(row) is not dict or len(row) != 7:
        return None
    changes = row.get("changes")
    line, frame, depth = row.get("line"), row.get("frame"), row.get("depth")
    kind, function = row.get("kind"), row.get("function")
    if (
        row.get("deleted") == []
        and type(changes) is dict
        and type(line) is type(frame) is type(depth) is int
        and type(kind) is type(function) is str
        and kind in _STEP_KINDS
    ):
        try:
            told = {name: snapshot_from_dict(value) for name, value in changes.items()}
        except TraceFormatError:
            return None  # whoever is asked next says in which step
        return Step(kind, line, function, frame, depth, told)  # type: ignore[arg-type]  # it is one of them
    return None


def _names(row: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    names = _get(row, key, list, where)
    if not all(isinstance(name, str) for name in names):
        raise TraceFormatError(f"{where}: {key!r} must hold names")
    return tuple(names)


def _writes(row: Mapping[str, Any], length: Mapping[str, int], steps: int) -> tuple[Write, ...]:
    writes: list[Write] = []
    ends, latest = dict.fromkeys(length, 0), -1
    for index, item in enumerate(_get(row, "writes", list, "trace")):
        where = f"write {index}"
        if not isinstance(item, list) or len(item) != 3:
            raise TraceFormatError(f"{where}: must be [after, stream, end], not {_kind(item)}")
        fields = dict(zip(("after", "stream", "end"), item, strict=True))
        stream = _one_of(fields, "stream", _STREAMS, where)
        after, end = _get(fields, "after", int, where), _get(fields, "end", int, where)
        if not latest <= after < steps or not ends[stream] <= end <= length[stream]:
            raise TraceFormatError(f"{where}: not in order, or past the steps or the text")
        latest, ends[stream] = after, end
        writes.append(Write(after, stream, end))
    return tuple(writes)


def _aliases(row: Mapping[str, Any], steps: int) -> tuple[Alias, ...]:
    aliases: list[Alias] = []
    latest = -1
    for index, item in enumerate(_get(row, "aliases", list, "trace")):
        where = f"alias {index}"
        if not isinstance(item, list) or len(item) != 4:
            raise TraceFormatError(f"{where}: must be [after, frame, place, label]")
        fields = dict(zip(("after", "frame", "place", "label"), item, strict=True))
        after, frame = _get(fields, "after", int, where), _get(fields, "frame", int, where)
        if not latest <= after < steps:
            raise TraceFormatError(f"{where}: not in order, or past the steps")
        latest = after
        label = None if fields["label"] is None else _get(fields, "label", int, where)
        aliases.append(Alias(after, frame, _get(fields, "place", str, where), label))
    return tuple(aliases)


def outcome_from_dict(row: Any, where: str = "outcome") -> Outcome:
    if not isinstance(row, dict):
        raise TraceFormatError(f"{where}: an outcome must be an object, not {_kind(row)}")
    exception = None
    if "exception" in row:
        raised = _get(row, "exception", dict, where)
        line = raised.get("line")
        exception = Raised(
            _get(raised, "type", str, where),
            _get(raised, "message", str, where),
            None if line is None else _get(raised, "line", int, where),
        )
    return Outcome(
        kind=_one_of(row, "kind", _OUTCOME_KINDS, where),
        value=snapshot_from_dict(row["value"], where) if "value" in row else None,
        exception=exception,
    )


def from_dict(row: Any) -> Trace:
    """Check and rebuild a trace from plain JSON types.

    Raises:
        TraceFormatError: a field is missing, of a wrong type, or the version is unknown.
    """
    if not isinstance(row, dict):
        raise TraceFormatError(f"a trace must be a JSON object, not {_kind(row)}")
    version = _get(row, "version", int, "trace")
    if version != TRACE_VERSION:
        raise TraceFormatError(
            f"this trace is of version {version}; pytrace_mono reads version {TRACE_VERSION}: "
            "upgrade pytrace_mono, or record the program again."
        )
    status = _get(row, "status", dict, "trace")
    reason = status.get("reason")
    call = row.get("call")
    stdout, stderr = (_get(row, name, str, "trace") for name in ("stdout", "stderr"))
    steps = tuple(
        _plain_step(step) or step_from_dict(step, f"step {i}")
        for i, step in enumerate(_get(row, "steps", list, "trace"))
    )
    writes = None
    if row.get("writes") is not None:
        writes = _writes(row, {"stdout": len(stdout), "stderr": len(stderr)}, len(steps))
    return Trace(
        program=_get(row, "program", str, "trace"),
        call=None if call is None else _get(row, "call", str, "trace"),
        setup=_get(row, "setup", str, "trace"),
        outcome=outcome_from_dict(row.get("outcome")),
        status=Status(
            _one_of(status, "state", _STATES, "status"),
            None if reason is None else _get(status, "reason", str, "status"),
        ),
        level=_one_of(row, "level", _LEVELS, "trace"),
        limits=_get(row, "limits", dict, "trace"),
        stdout=stdout,
        stderr=stderr,
        steps=steps,
        call_start=_get(row, "call_start", int, "trace"),
        python=_get(row, "python", str, "trace"),
        version=version,
        writes=writes,
        aliases=None if row.get("aliases") is None else _aliases(row, len(steps)),
    )


def from_json(data: str | bytes) -> Trace:
    try:
        row = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise TraceFormatError(f"a trace must be JSON: {error}") from None
    return from_dict(row)
