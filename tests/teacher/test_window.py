"""Work side by side, taken up in order."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytrace_mono.synth.window import Window


async def worked(number: int, turns: int) -> int:
    for _ in range(turns):
        await asyncio.sleep(0)
    return number


@given(st.lists(st.one_of(st.none(), st.integers(0, 5)), max_size=60), st.integers(1, 8))
def test_everything_comes_once_and_in_order(turns: list[int | None], at_work: int) -> None:
    async def go() -> list[int]:
        window: Window[int] = Window(at_work)
        came: list[int] = []
        for number, steps in enumerate(turns):
            if steps is None:
                window.add(number)
            else:
                window.begin(worked(number, steps))
            while window.full:
                await window.wait()
                came.extend(window.take())
        while len(window):
            await window.wait()
            came.extend(window.take())
        return came

    assert asyncio.run(go()) == list(range(len(turns)))


def test_one_that_is_slow_holds_up_no_other() -> None:
    async def go() -> int:
        window: Window[int] = Window(2)
        slow = asyncio.Event()

        async def first() -> int:
            await slow.wait()
            return 0

        window.begin(first())
        for number in range(1, 100):
            window.begin(worked(number, 1))
            while window.full:
                await window.wait()
        slow.set()
        while list(window.take()):
            pass
        return len(window)

    assert asyncio.run(asyncio.wait_for(go(), 10)) > 90


def test_a_failure_is_told_before_its_turn_and_what_was_done_stays() -> None:
    async def fails() -> int:
        raise KeyError("x")

    async def go() -> list[int]:
        window: Window[int] = Window(4)
        window.begin(worked(0, 1))
        window.begin(worked(1, 10_000))
        window.begin(fails())
        with pytest.raises(KeyError):
            while True:
                await window.wait()
        return list(await window.end())

    assert asyncio.run(go()) == [0]
