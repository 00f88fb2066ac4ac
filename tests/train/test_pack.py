"""Packing loses nothing, cuts nothing and mixes nothing up; the order is the seed's alone."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("yaml", reason="needs the extra [train]")

from pytrace_mono.errors import TrainingDataError
from pytrace_mono.train.data import IGNORED, Document
from pytrace_mono.train.pack import filled, pack
from pytrace_mono.train.rows import TrainingTask
from pytrace_mono.train.steps import epoch_order

LENGTHS = st.lists(st.integers(1, 50), max_size=80)


@settings(deadline=None)
@given(LENGTHS, st.integers(50, 200), st.integers(0, 9))
def test_every_document_is_in_exactly_one_row_and_no_row_is_too_long(
    lengths: list[int], capacity: int, seed: int
) -> None:
    rows = pack(lengths, capacity, str(seed))
    assert sorted(index for row in rows for index in row) == list(range(len(lengths)))
    assert all(0 < sum(lengths[index] for index in row) <= capacity for row in rows)


@settings(deadline=None)
@given(LENGTHS, st.integers(50, 200))
def test_no_two_rows_could_be_one(lengths: list[int], capacity: int) -> None:
    used = sorted(sum(lengths[index] for index in row) for row in pack(lengths, capacity, "0"))
    assert len(used) < 2 or used[0] + used[1] > capacity


def test_each_document_goes_into_the_fullest_row_with_room() -> None:
    rows = pack([7, 6, 4, 3], 10, "0")
    assert sorted(sorted(row) for row in rows) == [[0, 3], [1, 2]]


def test_the_seed_alone_decides_the_rows() -> None:
    lengths = [3, 5, 5, 5, 2, 9, 4] * 5
    assert pack(lengths, 12, "a") == pack(lengths, 12, "a")
    assert pack(lengths, 12, "a") != pack(lengths, 12, "b")


def test_a_document_longer_than_a_row_is_an_error() -> None:
    with pytest.raises(TrainingDataError, match="11 tokens does not fit into a row of 10"):
        pack([3, 11], 10, "0")


def test_what_a_row_is_filled_up_with_has_no_label_and_is_not_too_long() -> None:
    row = [Document("nl", (1, 2, 3), 2)]
    added = filled(row, 10, 4)[1:]
    assert [len(document) for document in added] == [4, 3]
    assert all(set(document.labels) == {IGNORED} for document in added)
    assert filled(row, 3, 4) == row


@settings(deadline=None)
@given(st.integers(1, 20), st.sampled_from([0.25, 0.5, 1.0, 1.7, 3.0]), st.integers(1, 8))
def test_a_weight_is_how_often_a_task_is_shown_and_evenly_so(
    size: int, weight: float, epochs: int
) -> None:
    tasks: list[TrainingTask] = ["forward"] * size + ["nl"] * 3
    shown: Counter[int] = Counter()
    for epoch in range(epochs):
        shown.update(epoch_order(tasks, {"forward": weight}, seed=1, epoch=epoch))
    forward = [shown[index] for index in range(size)]
    assert sum(forward) == round(epochs * weight * size)
    assert max(forward) - min(forward) <= 1
    assert [shown[index] for index in range(size, size + 3)] == [epochs] * 3


def test_the_order_is_the_same_for_a_seed_and_epoch_and_another_for_the_next() -> None:
    tasks: list[TrainingTask] = ["forward", "backward", "nl"] * 20
    first = epoch_order(tasks, {}, seed=7, epoch=0)
    assert first == epoch_order(tasks, {}, seed=7, epoch=0)
    assert first != epoch_order(tasks, {}, seed=7, epoch=1)
    assert sorted(first) == list(range(60))


def test_the_order_is_fixed_for_good() -> None:
    """A run that is resumed under another Python must see the same rows."""
    tasks: list[TrainingTask] = ["forward"] * 6
    assert epoch_order(tasks, {}, seed=0, epoch=0) == GOLDEN_ORDER
    assert pack([5, 5, 5, 3, 2, 7], 10, "0") == GOLDEN_ROWS


GOLDEN_ORDER = [1, 2, 3, 5, 0, 4]
GOLDEN_ROWS = [[1, 0], [2, 4], [5, 3]]


def test_a_weight_for_a_task_without_rows_is_told_with_the_tasks_there_are() -> None:
    with pytest.raises(TrainingDataError, match=r"'repair' has the weight 1.0 .* rows for: nl"):
        epoch_order(["nl"], {"repair": 1.0}, seed=0, epoch=0)
