"""When a request may be sent: how many at once, how many a minute, how many tokens a minute."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytrace_mono.synth.admission import Admission
from pytrace_mono.synth.rates import Rate, seconds
from pytrace_mono.synth.retrying import MAX_WAIT, wait_before


def headers(limit: int, remaining: int, reset: str, kind: str = "requests") -> dict[str, str]:
    values = {"limit": limit, "remaining": remaining, "reset": reset}
    return {f"x-ratelimit-{name}-{kind}": str(value) for name, value in values.items()}


def go(admission: Admission, requests: int, troubled: Callable[[], bool], **options: Any) -> int:
    """Send so many, one after another for each slot; the most that were in flight at once."""
    now = most = 0

    async def one() -> None:
        nonlocal now, most
        async with admission.admitted(0) as admitted:
            now += 1
            most = max(most, now)
            await asyncio.sleep(0)
            admitted.troubled = troubled()
            now -= 1

    async def all_of_them() -> None:
        await asyncio.gather(*(one() for _ in range(requests)))

    asyncio.run(all_of_them())
    assert now == 0
    return most


def test_as_many_go_at_once_as_are_allowed_and_no_more() -> None:
    assert go(Admission(7), 100, lambda: False) == 7


def test_an_overloaded_endpoint_is_asked_by_fewer_and_by_more_when_it_has_recovered() -> None:
    admission = Admission(64)
    go(admission, 500, lambda: True)
    assert admission.at_once == 1
    go(admission, 5_000, lambda: False)
    assert admission.at_once == 64


def test_refusals_at_random_do_not_bring_the_number_down() -> None:
    chance = random.Random(0)
    admission = Admission(64)
    go(admission, 5_000, lambda: chance.random() < 0.3)
    assert admission.at_once == 64


def test_an_endpoint_with_room_for_a_few_is_found_out() -> None:
    admission = Admission(64)
    in_flight = 0

    async def one() -> None:
        nonlocal in_flight
        answered = False
        while not answered:
            async with admission.admitted(0) as admitted:
                in_flight += 1
                answered = in_flight <= 8
                admitted.troubled = not answered
                await asyncio.sleep(0.001 if answered else 0)
                in_flight -= 1

    async def many() -> None:
        await asyncio.gather(*(one() for _ in range(500)))

    asyncio.run(many())
    assert 4 <= admission.at_once <= 32


def test_who_is_cancelled_while_waiting_leaves_no_slot_behind() -> None:
    admission = Admission(1)

    async def hold(seconds: float) -> None:
        async with admission.admitted(0):
            await asyncio.sleep(seconds)

    async def trial(chance: random.Random) -> None:
        tasks = [asyncio.create_task(hold(0)) for _ in range(30)]
        while not all(task.done() for task in tasks):
            chance.choice(tasks).cancel()
            await asyncio.sleep(0)
        await asyncio.wait_for(hold(0), 1)  # nothing is held for ever

    chance = random.Random(0)
    for _ in range(50):
        asyncio.run(trial(chance))


def test_a_bucket_lets_so_many_go_at_once_and_then_so_many_a_second() -> None:
    rate = Rate("requests", 60, now=0.0)
    assert [rate.take(1, 0.0) for _ in range(62)] == [0.0] * 60 + [1.0, 2.0]
    assert rate.take(1, 10.0) == 0.0


def test_what_was_reserved_and_not_used_is_given_back() -> None:
    rate = Rate("tokens", 1_000, now=0.0)
    assert rate.take(1_000, 0.0) == 0.0
    rate.give_back(900, 0.0)
    assert rate.take(900, 0.0) == 0.0
    assert rate.take(100, 0.0) == pytest.approx(6.0)


def test_a_request_larger_than_the_bucket_waits_for_a_full_one_and_not_for_ever() -> None:
    rate = Rate("tokens", 600, now=0.0)
    assert rate.take(5_000, 0.0) == 0.0
    assert rate.take(5_000, 0.0) == pytest.approx(60.0)


def test_limits_are_learned_from_the_headers_and_may_change() -> None:
    rate = Rate("requests", None, now=0.0)
    assert rate.take(1, 0.0) == 0.0 and not rate.bounded
    rate.learn(headers(600, 1, "59.9s"), 0.0)  # ten a second
    assert [rate.take(1, 0.0) for _ in range(3)] == pytest.approx([0.0, 0.1, 0.2], abs=0.01)
    rate.learn(headers(60, 0, "1m0s"), 100.0)  # one a second
    assert rate.take(1, 100.0) == pytest.approx(1.0)


def test_a_limit_for_a_day_is_spread_over_the_day() -> None:
    rate = Rate("requests", None, now=0.0)
    rate.learn(headers(14_400, 0, "24h0m0s"), 0.0)
    assert rate.take(1, 0.0) == pytest.approx(6.0)


def test_the_users_own_bound_is_kept_where_the_endpoint_allows_more() -> None:
    rate = Rate("requests", 60, now=0.0)
    rate.learn(headers(6_000, 6_000, "0s"), 0.0)
    assert [rate.take(1, 0.0) for _ in range(61)][-1] == pytest.approx(1.0)


@pytest.mark.parametrize("text", ["", "nan", "-3", "inf", "soon", "1e999", "12parsecs"])
def test_a_header_that_says_nothing_changes_nothing(text: str) -> None:
    assert seconds(text) is None
    rate = Rate("requests", None, now=0.0)
    rate.learn({"x-ratelimit-limit-requests": text}, 0.0)
    assert not rate.bounded


def test_durations_are_read_as_endpoints_write_them() -> None:
    texts = ["12ms", "1s", "6m0s", "1h2m3.5s", "2m59.56s", "1.5"]
    assert [seconds(text) for text in texts] == [0.012, 1.0, 360.0, 3723.5, 179.56, 1.5]


@given(
    st.lists(
        st.tuples(st.floats(0, 5), st.integers(0, 3), st.integers(1, 50), st.integers(0, 99)),
        max_size=50,
    )
)
def test_no_one_waits_for_ever_whatever_an_endpoint_says(
    steps: list[tuple[float, int, int, int]],
) -> None:
    rate, now = Rate("requests", None, 0.0), 0.0
    debt = 0
    for passed, taken, limit, remaining in steps:
        now += passed
        rate.learn(headers(limit, min(limit, remaining), f"{limit}s"), now)
        for _ in range(taken):
            debt += 1
            wait = rate.take(1, now)
            assert 0 <= wait <= 60 * (debt + 1)


@given(st.integers(1, 10_000), st.one_of(st.none(), st.floats(0, 1e6)))
def test_a_wait_is_never_longer_than_a_minute_and_never_shorter_than_asked(
    attempt: int, asked: float | None
) -> None:
    said = {} if asked is None else {"retry-after": str(asked)}
    wait = wait_before(attempt, said)
    assert min(asked or 0, MAX_WAIT) <= wait <= MAX_WAIT * 1.1


@pytest.mark.parametrize(
    ("bounds", "least"),
    [
        ({}, 0.0),
        ({"requests_per_minute": 600}, 0.0),
        ({"requests_per_minute": 10}, 60.0),
        ({"tokens_per_minute": 1_000}, 60.0),
        ({"requests_per_minute": 10, "tokens_per_minute": 500}, 180.0),
    ],
)
def test_the_lowest_of_the_bounds_holds(
    bounds: dict[str, float], least: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = [0.0]

    async def noted(seconds: float) -> None:
        waits.append(seconds)

    async def twenty() -> None:
        admission = Admission(20, **bounds)
        for _ in range(20):
            async with admission.admitted(100):
                pass

    monkeypatch.setattr("pytrace_mono.synth.admission.asyncio.sleep", noted)
    asyncio.run(twenty())
    assert max(waits) == pytest.approx(least, abs=1.0)
