"""Programs that are trusted share children: faster, and otherwise as if each had its own."""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Iterator

import pytest

from pytrace_mono.errors import SourceError
from pytrace_mono.tracer.sandbox import Program, Sandbox
from pytrace_mono.tracer.sandbox.job import Job, in_groups, pieces


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(workers=1) as made:
        yield made


def texts(traces: Iterator[object]) -> list[str]:
    return [trace.outcome.value.text for trace in traces]  # type: ignore[attr-defined]


def test_sixteen_jobs_share_a_child_and_others_do_not(box: Sandbox) -> None:
    source = "import calendar\nseen = calendar.__dict__.setdefault('seen', [])\nseen.append({})\n"
    given = [(source.format(n), "seen") for n in range(40)]
    together = [literal_eval(text) for text in texts(box.map(iter(given), trusted=True))]
    assert together == [list(range(n - n % 16, n + 1)) for n in range(40)]
    alone = [literal_eval(text) for text in texts(box.map(given[:5]))]
    assert alone == [[n] for n in range(5)]


def test_each_has_a_namespace_builtins_and_random_of_its_own(box: Sandbox) -> None:
    source = "import builtins, random\nbuiltins.left = left = 1\n"
    look = "import builtins, random\n"
    call = "hasattr(builtins, 'left'), 'left' in globals(), random.random()"
    _, first = texts(box.map([(source, "1"), (look, call)], trusted=True))
    (second,) = texts(box.map([(look, call)]))
    assert first == second and first.startswith("(False, False, 0.")


def test_one_that_ends_its_process_takes_no_other_with_it(box: Sandbox) -> None:
    given = [
        ("", "1"),
        ("import os\nos._exit(3)", None),
        ("", "2"),
        ("while 1: 1 / 0", None),
        ("", "3"),
    ]
    traces = list(box.map(given, trusted=True))
    kinds = [trace.outcome.kind for trace in traces]
    assert kinds == ["returned", "crashed", "returned", "raised", "returned"]


def test_bad_input_raises_after_the_traces_of_what_came_before(box: Sandbox) -> None:
    results = box.map(
        [("", "1"), Program("", ("2", "3")), ("def (", None), ("", "4")], trusted=True
    )
    seen = []
    with pytest.raises(SourceError):
        for trace in results:
            seen.append(trace.call)
    assert seen == ["1", "2", "3"]


def test_groups_are_closed_when_they_are_full_and_at_the_end() -> None:
    jobs = [[Job(str(n))] for n in range(5)]
    assert [len(group) for group in in_groups(iter(jobs), 2)] == [2, 2, 1]
    assert list(in_groups(iter([]), 2)) == []


def test_a_request_is_cut_into_pieces_that_a_warm_parent_accepts() -> None:
    large = Job("x" * 10_000_000)
    assert [len(piece) for piece in pieces([large] * 7)] == [3, 3, 1]
    assert [len(piece) for piece in pieces([Job("x")] * 100)] == [100]
