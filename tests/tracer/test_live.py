"""Recording one's own code: a call, a block, and what was there before."""

from __future__ import annotations

import contextlib
import functools
import sys
import threading
from typing import Any

import pytest

from pytrace_mono.errors import PytraceMonoError
from pytrace_mono.tracer import Limits, Scope, record, trace_call


def add_up(numbers: list[int]) -> int:
    total = 0
    for number in numbers:
        total += number
    return total


def fail(message: str) -> None:
    raise ValueError(message)


class Stopped(BaseException):
    pass


class Account:
    def __init__(self, balance: int) -> None:
        self.balance = balance

    def __call__(self, amount: int) -> int:
        self.balance += amount
        return self.balance


def test_trace_call_records_a_call() -> None:
    """Program, call, outcome, and the steps with their changes, under default limits."""
    trace = trace_call(add_up, [1, 2])
    assert trace.call == "add_up([1, 2])"
    assert trace.complete and trace.level == "none" and trace.limits == Limits().to_dict()
    assert trace.outcome.kind == "returned" and trace.outcome.value is not None
    assert trace.outcome.value.text == "3"
    totals = [step.changes["total"].text for step in trace.steps if "total" in step.changes]
    assert totals == ["0", "1", "3"]
    line = add_up.__code__.co_firstlineno
    assert trace.steps[0].kind == "call" and trace.steps[0].line == line
    assert trace.program.splitlines()[line - 1].startswith("def add_up(")
    assert type(trace).from_json(trace.to_json()) == trace


def test_an_exception_is_in_the_outcome_and_not_raised() -> None:
    """Any exception, with its line; SystemExit is told apart."""
    outcome = trace_call(fail, "no").outcome
    assert outcome.exception is not None
    assert (outcome.kind, outcome.exception.type, outcome.exception.message) == (
        "raised",
        "ValueError",
        "no",
    )
    assert outcome.exception.line == fail.__code__.co_firstlineno + 1
    assert trace_call(sys.exit, 3).outcome.kind == "exited"

    def stop() -> None:
        raise Stopped("x")

    assert trace_call(stop).outcome.kind == "raised"


def test_keyboard_interrupt_goes_through() -> None:
    """Neither form keeps Ctrl-C to itself, and the trace function is back."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    before = sys.gettrace()
    with pytest.raises(KeyboardInterrupt):
        trace_call(interrupt)
    with pytest.raises(KeyboardInterrupt), record() as recording:
        interrupt()
    assert recording.trace.outcome.kind == "raised"
    assert sys.gettrace() is before


@pytest.mark.parametrize(
    ("function", "arguments", "name"),
    [
        (Account, (1,), "Account.__init__"),
        (Account(1), (2,), "Account.__call__"),
        (Account(1).__call__, (2,), "Account.__call__"),
        (functools.partial(add_up, [1]), (), "add_up"),
        (functools.lru_cache(lambda n: n), (1,), "<lambda>"),
        (functools.wraps(add_up)(lambda n: add_up(n)), ([1],), "add_up"),
    ],
)
def test_whatever_can_be_called_is_found(function: Any, arguments: Any, name: str) -> None:
    """Classes, instances, methods, partial objects and decorated functions."""
    trace = trace_call(function, *arguments)
    assert trace.outcome.kind == "returned" and trace.complete
    functions = {step.function for step in trace.steps}
    short = {name.rsplit(".", 1)[-1] for name in functions}  # 3.10 has no qualified names here
    assert name in functions or name.rsplit(".", 1)[-1] in short


def test_a_block_is_recorded_from_its_first_line_to_its_last() -> None:
    """The frame that runs already, its functions, the last line's changes, and nothing of ours."""
    items = [1]
    with record() as recording:
        items.append(2)
        total = add_up(items)
        items.append(total)
    trace = recording.trace
    assert trace.complete and trace.call is None and trace.outcome.kind == "returned"
    own = [s for s in trace.steps if s.depth == 0]
    assert [s.kind for s in own] == ["line"] * 3
    assert [{n: v.text for n, v in s.changes.items()} for s in own] == [
        {"items": "[1, 2]"},
        {"total": "3"},
        {"items": "[1, 2, 3]"},
    ]
    assert {s.depth for s in trace.steps} == {0, 1}


def test_an_exception_that_leaves_the_block_is_told_and_goes_on() -> None:
    """Outcome and exception step, and the caller gets the exception."""
    with pytest.raises(ValueError, match="no"), record() as recording:
        fail("no")
    trace = recording.trace
    assert trace.outcome.exception is not None and trace.outcome.exception.type == "ValueError"
    assert [s.kind for s in trace.steps][-2:] != ["line", "line"]
    assert "unwind" in {s.kind for s in trace.steps}


def test_what_was_traced_before_is_traced_after() -> None:
    """A trace function, that of threads, and the frame's own are as they were found."""

    def other(frame: Any, event: str, arg: Any) -> Any:
        return other

    frame = sys._getframe()
    before, before_threads, before_local = sys.gettrace(), threading.gettrace(), frame.f_trace
    sys.settrace(other)
    threading.settrace(other)
    frame.f_trace = other
    try:
        with record():
            x = 1
        trace_call(add_up, [x])
        assert sys.gettrace() is other
        assert threading.gettrace() is other
        assert frame.f_trace is other
    finally:
        sys.settrace(before)
        threading.settrace(before_threads)
        frame.f_trace = before_local


def test_a_trace_function_of_threads_still_hears_of_them() -> None:
    """Coverage of threads that start during a recording goes on."""
    heard = []

    def other(frame: Any, event: str, arg: Any) -> Any:
        heard.append(frame.f_code.co_name)

    def work() -> None:
        pass

    before = threading.gettrace()
    threading.settrace(other)
    try:
        with record() as recording:
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
    finally:
        threading.settrace(before)
    assert "work" in heard
    assert recording.trace.status.state == "thread_untraced"


def test_one_record_serves_one_block_at_a_time() -> None:
    """It can be used again, and says clearly that it cannot be used inside itself."""
    again = record()
    for expected in ("1", "2"):
        with again as recording:
            value = int(expected)
        changes = recording.trace.steps[0].changes
        assert changes["value"].text == str(value)
    with again as recording:
        with pytest.raises(PytraceMonoError, match="in use"), again:
            pass
        after = 3
    assert recording.trace.complete
    assert any("after" in step.changes for step in recording.trace.steps) and after == 3


def test_a_recording_inside_another_is_its_own_and_the_outer_one_says_so() -> None:
    """Two recorders cannot watch at the same time."""
    before = sys.gettrace()
    with record() as outer:
        one = 1
        with record() as inner:
            two = 2
        three = 3
    assert inner.trace.complete and outer.trace.status.state == "tracer_lost"
    assert any("two" in step.changes for step in inner.trace.steps)
    assert any("three" in step.changes for step in outer.trace.steps)
    assert (one, two, three) == (1, 2, 3) and sys.gettrace() is before


def test_an_exit_stack_may_enter_it() -> None:
    """The block is the one that the user wrote, not contextlib's."""
    with contextlib.ExitStack() as stack:
        recording = stack.enter_context(record())
        seen = 5
    assert recording.trace.complete and seen == 5
    assert any("seen" in step.changes for step in recording.trace.steps)


def test_the_trace_is_there_when_the_block_has_ended() -> None:
    """Asking early is an error of this library's, with a reason."""
    with record() as recording, pytest.raises(PytraceMonoError, match="ended"):
        _ = recording.trace
    assert recording.trace.complete


def test_scope_decides_what_is_recorded() -> None:
    """A folder, or a predicate over file names."""
    with record(scope=Scope(lambda name: False)) as recording:
        add_up([1])
    assert recording.trace.steps == ()
    with record(scope=Scope.of_folder(__file__.rsplit("/", 1)[0], __file__)) as recording:
        add_up([1])
    assert "add_up" in {step.function for step in recording.trace.steps}


def test_limits_end_the_recording_of_a_block() -> None:
    """The block goes on; the trace function from before is back."""
    before = sys.gettrace()
    with record(Limits(max_steps=5)) as recording:
        total = add_up(list(range(10)))
    assert total == 45
    assert recording.trace.status.state == "truncated" and len(recording.trace.steps) == 5
    assert sys.gettrace() is before
