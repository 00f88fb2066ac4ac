"""`@traced`: each call of a function recorded, whatever kind of function it is."""

from __future__ import annotations

import asyncio
import inspect
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from pytrace_mono.errors import InputError
from pytrace_mono.tracer import Limits, Scope, Trace, traced
from pytrace_mono.tracer.labels import labels_at


def texts(trace: Trace, name: str) -> list[str]:
    return [step.changes[name].text for step in trace.steps if name in step.changes]


@traced
def add_up(numbers: list[int]) -> int:
    """Adds."""
    total = 0
    for number in numbers:
        total += number
    return total


def test_each_call_is_recorded_and_the_function_stays_itself() -> None:
    """Name, doc and value are the function's own; its latest Traces are with it."""
    add_up.traces.clear()  # type: ignore[attr-defined]
    assert add_up([1, 2]) == 3 and add_up(numbers=[4]) == 4
    first, second = add_up.traces  # type: ignore[attr-defined]
    assert (first.call, second.call) == ("add_up([1, 2])", "add_up(numbers=[4])")
    assert first.complete and texts(first, "total") == ["0", "1", "3"]
    assert first.outcome.value is not None and first.outcome.value.text == "3"
    assert (add_up.__name__, add_up.__doc__) == ("add_up", "Adds.")
    assert Trace.from_json(first.to_json()) == first


def test_no_more_than_sixteen_traces_are_kept() -> None:
    """A function called often does not fill the memory."""
    for n in range(40):
        add_up([n])
    kept = add_up.traces  # type: ignore[attr-defined]
    assert len(kept) == 16 and kept[-1].call == "add_up([39])"


def test_traces_go_where_they_are_sent() -> None:
    """`to` takes each one; limits and scope are those given."""
    traces: list[Trace] = []

    @traced(to=traces.append, limits=Limits(max_steps=3), scope=Scope(lambda name: True))
    def count(n: int) -> int:
        for _ in range(n):
            pass
        return n

    assert count(10) == 10
    assert len(traces) == 1 and traces[0].status.state == "truncated"
    assert not hasattr(count, "traces")


def test_turned_off_it_is_the_function_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """So it costs nothing: by argument, or by the environment when the function is decorated."""

    def f() -> None:
        pass

    assert traced(enabled=False)(f) is f
    monkeypatch.setenv("PYTRACE_MONO_TRACED", "0")
    assert traced(f) is f


def test_of_a_recursion_the_outermost_call_is_recorded() -> None:
    """One Trace with all the frames; also when its limit is reached on the way."""
    for limits, state in ((Limits(), "complete"), (Limits(max_steps=5), "truncated")):
        traces: list[Trace] = []

        @traced(to=traces.append, limits=limits)
        def fib(n: int) -> int:
            return n if n < 2 else fib(n - 1) + fib(n - 2)

        assert fib(5) == 5
        assert [trace.status.state for trace in traces] == [state]
    assert len(traces[0].steps) == 5


def test_a_traced_function_inside_another_recording_belongs_to_that() -> None:
    """Otherwise the outer recording would be lost."""
    outer: list[Trace] = []
    add_up.traces.clear()  # type: ignore[attr-defined]

    @traced(to=outer.append)
    def twice() -> int:
        return add_up([1]) * 2

    assert twice() == 2
    assert not add_up.traces  # type: ignore[attr-defined]
    assert outer[0].complete and texts(outer[0], "total") == ["0", "1"]


def test_exceptions_go_on_unchanged() -> None:
    """The very same object reaches the caller, and is told in the outcome."""
    error, traces = ValueError("no"), []  # type: ignore[var-annotated]

    @traced(to=traces.append)
    def fail() -> None:
        raise error

    before = sys.gettrace()
    with pytest.raises(ValueError, match="no") as caught:
        fail()
    assert caught.value is error and sys.gettrace() is before
    assert traces[0].outcome.kind == "raised" and traces[0].outcome.exception.message == "no"


def test_methods_are_recorded_with_what_they_change() -> None:
    """Plain ones, and below @classmethod and @staticmethod."""
    traces: list[Trace] = []

    class Account:
        def __init__(self) -> None:
            self.balance = 1

        @traced(to=traces.append)
        def pay(self, amount: int) -> int:
            self.balance += amount
            return self.balance

        @classmethod
        @traced(to=traces.append)
        def opened(cls) -> Account:
            return cls()

        @staticmethod
        @traced(to=traces.append)
        def zero() -> int:
            return 0

    assert (Account.opened().pay(2), Account.zero()) == (3, 0)
    assert texts(traces[1], "self")[-1] == "<Account balance=3>"
    assert len(traces) == 3
    with pytest.raises(InputError, match="below"):
        traced(classmethod(lambda cls: cls))


def test_a_generator_is_recorded_while_it_runs() -> None:
    """What the consumer does between two values is not in it; send() and throw() arrive."""
    traces: list[Trace] = []

    @traced(to=traces.append)
    def echo() -> Iterator[Any]:
        got = 0
        while True:
            try:
                got = yield got
            except KeyError:
                return got

    assert inspect.isgeneratorfunction(echo)
    before = sys.gettrace()
    values = echo()
    assert next(values) == 0 and sys.gettrace() is before
    assert values.send(7) == 7 and not traces  # type: ignore[attr-defined]
    with pytest.raises(StopIteration) as stop:
        values.throw(KeyError())  # type: ignore[attr-defined]
    assert stop.value.value == 7
    (trace,) = traces
    assert trace.complete and {step.function.rsplit(".")[-1] for step in trace.steps} == {"echo"}
    assert texts(trace, "got") == ["0", "7"]
    assert trace.outcome.value is not None and trace.outcome.value.text == "7"


def test_a_generator_that_is_closed_ran_its_finally() -> None:
    """Its Trace says how it ended."""
    traces: list[Trace] = []

    @traced(to=traces.append)
    def numbers() -> Iterator[int]:
        closed = False
        try:
            yield 1
        finally:
            closed = True
            assert closed

    values = numbers()
    next(values)
    values.close()  # type: ignore[attr-defined]
    assert texts(traces[0], "closed") == ["False", "True"]
    assert traces[0].outcome.exception is not None
    assert traces[0].outcome.exception.type == "GeneratorExit"


def test_coroutines_that_run_by_turns_have_a_trace_each() -> None:
    """Two tasks of the same function, and what they await in scope."""
    traces: list[Trace] = []

    async def pause(n: int) -> int:
        await asyncio.sleep(0)
        return n

    @traced(to=traces.append)
    async def work(n: int) -> int:
        total = 0
        for i in range(n):
            total += await pause(i)
        return total

    async def main() -> list[int]:
        return await asyncio.gather(work(3), work(4))

    assert inspect.iscoroutinefunction(work)
    assert asyncio.run(main()) == [3, 6]
    assert [(t.call, t.status.state) for t in traces] == [
        ("work(3)", "complete"),
        ("work(4)", "complete"),
    ]
    assert [texts(t, "total") for t in traces] == [["0", "1", "3"], ["0", "1", "3", "6"]]


def test_an_async_generator_is_recorded() -> None:
    """Values, and the awaits between them."""
    traces: list[Trace] = []

    @traced(to=traces.append)
    async def ticks(n: int) -> AsyncIterator[int]:
        for i in range(n):
            await asyncio.sleep(0)
            yield i

    async def main() -> list[int]:
        return [i async for i in ticks(3)]

    assert inspect.isasyncgenfunction(ticks)
    assert asyncio.run(main()) == [0, 1, 2]
    assert traces[0].complete and texts(traces[0], "i") == ["0", "1", "2"]
    yielded = [s.value.text for s in traces[0].steps if s.kind == "yield" and s.value is not None]
    assert yielded == ["0", "1", "2"]


def test_each_thread_records_its_own_calls() -> None:
    """Threads at the same time do not disturb each other, and nothing of them stays behind."""
    traces: list[Trace] = []
    gate = threading.Barrier(2, timeout=30)

    @traced(to=traces.append)
    def work(n: int) -> int:
        gate.wait()
        square = n * n
        gate.wait()
        return square

    before = threading.gettrace()
    threads = [threading.Thread(target=work, args=(n,)) for n in (2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted((t.status.state, *texts(t, "square")) for t in traces) == [
        ("complete", "4"),
        ("complete", "9"),
    ]
    assert threading.gettrace() is before


def test_aliases_are_told_on_request_and_over_a_pause() -> None:
    """The same list in two places, in a call and in a generator that is suspended in between."""

    @traced(aliases=True)
    def call() -> None:
        row = [0]
        grid = [row, row]
        grid[0].append(1)

    @traced(aliases=True)
    def items() -> Iterator[int]:
        row = [0]
        same = row
        yield 1
        row.append(len(same))
        yield 2

    call()
    trace = call.traces[-1]  # type: ignore[attr-defined]
    labels = next(iter((labels_at(trace, len(trace.steps) - 2) or {}).values()))
    assert labels["row"] == labels["grid[0]"] == labels["grid[1]"]
    assert list(items()) == [1, 2]
    trace = items.traces[-1]  # type: ignore[attr-defined]
    assert trace.complete
    (appended,) = (
        i
        for i, s in enumerate(trace.steps)
        if s.kind == "line" and "same" in s.changes and "1]" in s.changes["same"].text
    )
    labels = next(iter((labels_at(trace, appended) or {}).values()))
    assert labels["row"] == labels["same"]
    assert add_up([1]) == 1
    assert add_up.traces[-1].aliases is None  # type: ignore[attr-defined]
