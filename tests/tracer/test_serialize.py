"""A Trace as JSON: the same after a round trip, and strict with what is no Trace."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytrace_mono.errors import TraceFormatError
from pytrace_mono.tracer import Limits, Outcome, Raised, Snapshot, Status, Step, Trace, serialize
from pytrace_mono.tracer.types import Write

TEXT = st.text(st.characters(blacklist_categories=("Cs",)), max_size=6)
COUNT = st.integers(0, 2**40)
SNAPSHOT = st.builds(Snapshot, TEXT, TEXT, st.booleans())
MAYBE = st.none()
STEP = st.builds(
    Step,
    kind=st.sampled_from("call line yield resume await return unwind exception".split()),
    line=COUNT,
    function=TEXT,
    frame=COUNT,
    depth=COUNT,
    changes=st.dictionaries(TEXT, SNAPSHOT, max_size=2),
    deleted=st.lists(TEXT, max_size=2).map(tuple),
    value=MAYBE | SNAPSHOT,
    file=MAYBE | TEXT,
)
TRACE = st.builds(
    Trace,
    program=TEXT,
    call=MAYBE | TEXT,
    setup=TEXT,
    outcome=st.builds(
        Outcome,
        kind=st.sampled_from("returned raised exited timed_out over_limit crashed".split()),
        value=MAYBE | SNAPSHOT,
        exception=MAYBE | st.builds(Raised, TEXT, TEXT, MAYBE | COUNT),
    ),
    status=st.builds(
        Status,
        st.sampled_from("complete truncated tracer_lost thread_untraced tampered".split()),
        MAYBE | TEXT,
    ),
    level=st.sampled_from("none guard confined isolated external".split()),
    limits=st.just(Limits().to_dict()),
    stdout=TEXT,
    stderr=TEXT,
    steps=st.lists(STEP, max_size=3).map(tuple),
    call_start=COUNT,
    python=TEXT,
    writes=MAYBE | st.sampled_from([(), (Write(-1, "stdout", 0), Write(-1, "stderr", 0))]),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None)
@given(TRACE)
def test_a_trace_comes_back_equal(trace: Trace) -> None:
    """from_json(to_json(t)) == t, and its digest is that of the original."""
    again = Trace.from_json(trace.to_json())
    assert again == trace
    assert again.digest() == trace.digest()
    assert json.loads(trace.to_json())["complete"] is trace.complete


def _places(row: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    pairs = (
        row.items() if isinstance(row, dict) else enumerate(row) if isinstance(row, list) else ()
    )
    for key, value in pairs:
        found += _places(value, (*path, key))
    return found


@settings(max_examples=400, deadline=None)
@given(TRACE, JSON, st.booleans(), st.data())
def test_a_damaged_trace_raises_nothing_but_its_own_error(
    trace: Trace, junk: Any, remove: bool, data: st.DataObject
) -> None:
    """One place of a trace replaced by anything, or removed: it reads, or TraceFormatError."""
    row = json.loads(trace.to_json())
    path = data.draw(st.sampled_from(_places(row)))
    inner = row
    for key in path[:-1]:
        inner = inner[key]
    if remove:
        del inner[path[-1]]
    else:
        inner[path[-1]] = junk
    with contextlib.suppress(TraceFormatError):
        Trace.from_json(json.dumps(row)).to_json()


@settings(max_examples=400, deadline=None)
@given(STEP, JSON, st.booleans(), st.data())
def test_a_plain_step_is_read_as_by_the_reader_that_asks_field_by_field(
    step: Step, junk: Any, damage: bool, data: st.DataObject
) -> None:
    """Where the short way reads a step, damaged or not, the long way reads the same."""
    row = json.loads(json.dumps(serialize.step_to_dict(step)))
    if damage:
        path = data.draw(st.sampled_from(_places(row)))
        inner = row
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = junk
    read = serialize._plain_step(row)
    if read is not None:
        assert read == serialize.step_from_dict(row)
    else:
        assert damage or step.deleted or step.value is not None or step.file is not None


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=40) | TEXT | JSON.map(json.dumps))
def test_anything_that_is_no_trace_is_refused(data: str | bytes) -> None:
    """Bytes, text and JSON that is something else raise TraceFormatError."""
    with pytest.raises(TraceFormatError):
        Trace.from_json(data)


@pytest.mark.parametrize(
    "data",
    [
        "[" * 100_000,
        '{"version": ' + "[" * 800 + "]" * 800 + "}",
        "9" * 5000,
        '{"version": 2}',
        "NaN",
    ],
)
def test_json_that_strains_the_reader_is_refused(data: str) -> None:
    """Deep nesting and huge numbers end as TraceFormatError, not as RecursionError or ValueError."""
    with pytest.raises(TraceFormatError):
        Trace.from_json(data)


def test_a_newer_version_says_what_to_do() -> None:
    """The message names the version that was found and the one that is read."""
    with pytest.raises(TraceFormatError, match="of version 7; pytrace_mono reads version 1"):
        Trace.from_json('{"version": 7}')
