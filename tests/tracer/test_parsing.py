"""Trees of Python source, built by many threads."""

from __future__ import annotations

import ast
import gc
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from pytrace_mono.tracer.parsing import parse_expression, parse_module

NESTED = ("x = " + "[" * 40 + "]" * 40 + "\n") * 40


class Finalized:
    """One that only the garbage collector finds, with code to run at its end."""

    def __init__(self) -> None:
        self.me = self

    def __del__(self) -> None:
        sum(range(50))


@pytest.fixture
def busy_threads() -> Iterator[None]:
    """Threads that change as often as they can, also in the middle of making a tree."""
    interval, thresholds = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(1e-6)
    gc.set_threshold(50)
    yield
    gc.set_threshold(*thresholds)
    sys.setswitchinterval(interval)


def test_threads_that_parse_at_once_do_not_disturb_each_other(busy_threads: None) -> None:
    """Without the lock, CPython 3.11.7 raises SystemError in one of ten (cpython#106905)."""

    def parse(number: int) -> int:
        Finalized()
        return len(parse_module(NESTED).body)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(parse, range(100))) == {40}


def test_an_expression_is_its_own_tree() -> None:
    assert isinstance(parse_expression("f(1)"), ast.Call)
    with pytest.raises(SyntaxError):
        parse_expression("x = 1")
