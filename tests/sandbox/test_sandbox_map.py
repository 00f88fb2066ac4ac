"""Many programs at once: in order, lazily, and without leaving anything running."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator

import pytest

from pytrace_mono.errors import SourceError
from pytrace_mono.tracer import Limits
from pytrace_mono.tracer.sandbox import Job, Sandbox


@pytest.fixture(scope="module")
def pair() -> Iterator[Sandbox]:
    with Sandbox(Limits(wall_seconds=5), "guard", workers=2) as sandbox:
        yield sandbox


def values(traces: Iterator[object]) -> list[str]:
    return [trace.outcome.value.text for trace in traces]  # type: ignore[attr-defined]


def test_traces_come_in_the_order_of_their_jobs(pair: Sandbox) -> None:
    source = "import time\ndef f(n):\n    time.sleep(0.05 if n % 3 == 0 else 0)\n    return n\n"
    jobs = [Job(source, f"f({n})") for n in range(12)]
    assert values(pair.map(jobs)) == [str(n) for n in range(12)]


def test_jobs_may_be_tuples(pair: Sandbox) -> None:
    assert values(pair.map([("x = 1", "x"), ("x = 1", "x + y", "y = 1")])) == ["1", "2"]


def test_an_endless_supply_of_jobs_is_taken_only_a_little_ahead(pair: Sandbox) -> None:
    taken = itertools.count()
    last = 0

    def supply() -> Iterator[Job]:
        nonlocal last
        for last in taken:
            yield Job("", str(last))

    traces = pair.map(supply())
    assert values(itertools.islice(traces, 20)) == [str(n) for n in range(20)]
    assert last < 20 + 8
    traces.close()  # type: ignore[attr-defined]


def test_both_workers_run_at_once(pair: Sandbox) -> None:
    sleepy = [("import time", "time.sleep(0.4)")] * 4
    list(pair.map(sleepy[:2]))
    begun = time.monotonic()
    list(pair.map(sleepy))
    assert time.monotonic() - begun < 1.4


def test_bad_input_raises_at_its_place_after_the_earlier_traces(pair: Sandbox) -> None:
    jobs: list[tuple[str, str]] = [("", "1"), ("", "2"), ("def", "3"), ("", "4")]
    traces = pair.map(jobs)
    assert values(itertools.islice(traces, 2)) == ["1", "2"]
    with pytest.raises(SourceError, match="line 1"):
        next(traces)


def test_an_exception_of_the_job_iterator_comes_after_the_earlier_traces(pair: Sandbox) -> None:
    def supply() -> Iterator[Job]:
        yield Job("", "1")
        raise KeyError("supply")

    traces = pair.map(supply())
    assert values(itertools.islice(traces, 1)) == ["1"]
    with pytest.raises(KeyError):
        next(traces)


def test_leaving_early_ends_what_still_runs(pair: Sandbox) -> None:
    jobs = [("", "1")] + [("import time", "time.sleep(60)")] * 3
    begun = time.monotonic()
    for _ in pair.map(jobs):
        break
    assert time.monotonic() - begun < 2.5
    assert not [t for t in threading.enumerate() if t.daemon and "_work" in t.name]
    assert pair.run("", "1").kind == "returned"


def test_single_runs_are_possible_while_a_map_is_read(pair: Sandbox) -> None:
    for trace in pair.map([("", str(n)) for n in range(6)]):
        assert trace.outcome.value is not None
        again = pair.run("", trace.outcome.value.text)
        assert again == trace.outcome


def test_many_threads_may_share_a_sandbox(pair: Sandbox) -> None:
    found: dict[int, str] = {}

    def ask(n: int) -> None:
        outcome = pair.run("", str(n))
        found[n] = outcome.value.text if outcome.value is not None else ""

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: str(n) for n in range(8)}
