"""Duplicates are found without keeping the input in memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytrace_mono.errors import StoreError
from pytrace_mono.synth.seen import Seen


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "\ud800", ""]), st.sampled_from("xy"))))
def test_the_first_content_of_each_name_is_remembered(items: list[tuple[str, str]]) -> None:
    seen, known = Seen(), dict[str, str]()
    for name, content in items:
        before = known.get(name)
        assert seen.add(name, content) == (None if before is None else before == content)
        known.setdefault(name, content)


def test_a_temporary_file_that_cannot_grow_is_one_message() -> None:
    seen = Seen()
    seen._connection.execute("PRAGMA max_page_count = 3")
    with pytest.raises(StoreError, match="SQLITE_TMPDIR"):
        for number in range(10_000):
            seen.add(str(number), "")
