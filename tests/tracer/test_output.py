"""What a program had written at a step, and which step wrote it."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytrace_mono.errors import TraceFormatError
from pytrace_mono.tracer import Limits, Sandbox, Trace, record
from pytrace_mono.tracer.output import output_at, written

NESTED = """\
import sys
def inner(x):
    print("in", x)
    return x
def f(n):
    for i in range(n):
        print(inner(i), "é€")
    sys.stderr.write("done")
    return n
"""


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(Limits(output_bytes=500), isolation="guard", workers=1) as sandbox:
        yield sandbox


def test_each_text_is_told_with_the_step_whose_line_wrote_it(box: Sandbox) -> None:
    """Also where that line called a recorded function first; nobody's where the Call itself wrote."""
    trace = box.trace(NESTED, "print(f(2))")
    found = written(trace)
    assert found is not None
    lines = [None if w.step is None else trace.steps[w.step].line for w in found]
    assert [(w.text, w.stream) for w in found] == [
        ("in 0\n", "stdout"),
        ("0 é€\n", "stdout"),
        ("in 1\n", "stdout"),
        ("1 é€\n", "stdout"),
        ("done", "stderr"),
        ("2\n", "stdout"),
    ]
    assert lines == [3, 7, 3, 7, 8, None]
    assert [w.after for w in found] == sorted(w.after for w in found)


def test_the_output_at_a_step_is_what_was_written_before_the_next_one_began(box: Sandbox) -> None:
    trace = box.trace("print('a')\nx = 1\nprint('b')\n")
    seen = [(trace.steps[i].line, output_at(trace, i)) for i in range(len(trace.steps))]
    assert [one for line, one in seen if line == 1][-1] == ("a\n", "")
    assert [one for line, one in seen if line == 2] == [("a\n", "")]
    assert seen[-1][1] == ("a\nb\n", "")
    assert output_at(trace, -1) == ("", "")


def test_a_character_belongs_to_the_step_that_wrote_its_last_byte(box: Sandbox) -> None:
    source = "import sys\nout = sys.stdout.buffer\nout.write('é'.encode()[:1])\nx = 1\n"
    trace = box.trace(source + "out.write('é'.encode()[1:])\n")
    found = written(trace)
    assert found is not None and trace.stdout == "é"
    assert [(w.text, trace.steps[w.step or 0].line) for w in found] == [("", 3), ("é", 5)]


@pytest.mark.parametrize(
    "trick",
    [
        "sys.stdout.seek(0); print('x')",
        "sys.stdout.truncate(1)",
        "io.BytesIO.write(sys.stdout.buffer, b'x')",
        "io.BytesIO.writelines(sys.stdout.buffer, [b'x'])",
    ],
)
def test_a_program_that_goes_behind_the_stream_leaves_it_unknown(box: Sandbox, trick: str) -> None:
    trace = box.trace(f"import io, sys\nprint('abc')\n{trick}\n")
    assert trace.writes is None and written(trace) is None and output_at(trace, 0) is None


def test_lines_written_together_and_a_run_that_is_cut_keep_their_steps(box: Sandbox) -> None:
    trace = box.trace("import sys\nsys.stdout.buffer.writelines([b'a', b'b'])\nprint('c' * 600)\n")
    found = written(trace)
    assert trace.outcome.kind == "over_limit" and found is not None
    assert [(w.text[:3], trace.steps[w.step or 0].line) for w in found] == [("ab", 2), ("ccc", 3)]
    assert "".join(w.text for w in found) == trace.stdout and len(trace.stdout) == 500


def test_a_program_that_writes_nothing_has_no_writes_which_is_known(box: Sandbox) -> None:
    assert box.trace("x = 1\n").writes == ()


TEXTS = st.lists(
    st.tuples(
        st.sampled_from(["stdout", "stderr"]),
        st.text(st.characters(codec="utf-8"), min_size=1, max_size=5),
        st.booleans(),
    ),
    max_size=8,
)


@settings(max_examples=25, deadline=None)
@given(TEXTS)
def test_any_writes_come_back_piece_by_piece(
    box: Sandbox, texts: list[tuple[str, str, bool]]
) -> None:
    """One text a line, or by a function: the pieces are the texts, and the round trip keeps them."""
    lines = ["import sys", "def by(stream, text):", "    stream.write(text)"]
    for stream, text, called in texts:
        lines.append(
            f"by(sys.{stream}, {text!r})"
            if called
            else f"print({text!r}, end='', file=sys.{stream})"
        )
    trace = box.trace("\n".join(lines) + "\n")
    found = written(trace)
    assert found is not None
    assert [(w.stream, w.text) for w in found] == [(s, t) for s, t, _ in texts]
    expected = [3 if called else 4 + at for at, (_, _, called) in enumerate(texts)]
    assert [trace.steps[w.step or 0].line for w in found] == expected
    assert Trace.from_json(trace.to_json()) == trace


@pytest.mark.parametrize(
    "writes",
    [
        [[0, "stdout"]],
        [[0, "stdin", 1]],
        [[9, "stdout", 1]],
        [[0, "stdout", 3], [0, "stdout", 2]],
        [[1, "stdout", 1], [0, "stdout", 2]],
        [[0, "stdout", 99]],
        [[True, "stdout", 1]],
        {"0": 1},
    ],
)
def test_writes_that_cannot_be_are_refused(box: Sandbox, writes: object) -> None:
    row = json.loads(box.trace("print('a')\nprint('b')\n").to_json())
    Trace.from_json(json.dumps(row))
    row["writes"] = writes
    with pytest.raises(TraceFormatError):
        Trace.from_json(json.dumps(row))


def test_a_document_without_writes_is_read_as_one_that_does_not_know(box: Sandbox) -> None:
    row = json.loads(box.trace("print('a')\n").to_json())
    del row["writes"]
    assert Trace.from_json(json.dumps(row)).writes is None


def test_a_live_block_records_its_output_where_it_was_asked_to(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """And passes it on: pytest's own stream, which is in its place again, has all of it."""
    stream = sys.stdout
    with record(output=True) as recording:
        print("a", 1)
        sys.stderr.write("oops")
        sys.stdout.writelines(["b", "c"])
    assert sys.stdout is stream
    trace = recording.trace
    found = written(trace)
    assert found is not None and trace.complete
    first = trace.steps[0].line
    assert [(w.text, w.stream, trace.steps[w.step or 0].line - first) for w in found] == [
        ("a 1\n", "stdout", 0),
        ("oops", "stderr", 1),
        ("bc", "stdout", 2),
    ]
    assert capsys.readouterr() == ("a 1\nbc", "oops")


def test_a_live_block_leaves_the_streams_alone_otherwise() -> None:
    """Its Trace says that it does not know, and a stream that the block replaced stays."""
    stream = sys.stdout
    with record() as recording:
        inside = sys.stdout
    assert inside is stream
    assert recording.trace.writes is None
    mine = io.StringIO()
    try:
        with record(output=True):
            sys.stdout = mine
        assert sys.stdout is mine
    finally:
        sys.stdout = stream


def test_more_live_output_than_is_kept_goes_on_and_is_told() -> None:
    with (
        contextlib.redirect_stdout(io.StringIO()) as kept,
        record(Limits(output_bytes=3), output=True) as recording,
    ):
        print("abcdef")
    assert kept.getvalue() == "abcdef\n" and recording.trace.stdout == "abc"
    assert recording.trace.status.state == "truncated"
    assert recording.trace.status.reason == "output_bytes (3) written; no more is kept"
