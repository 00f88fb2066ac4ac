"""Seals notice every kind of change to a mapping, and nothing else."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest

from pytrace_mono.tracer.sandbox import seals
from pytrace_mono.tracer.sandbox.seals import Seals

_CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "replaced": lambda table: table.update(a=object()),
    "deleted": lambda table: table.pop("a"),
    "emptied": lambda table: table.clear(),
    "moved and replaced": lambda table: table.update({"a": 0, **{f"x{n}": n for n in range(999)}}),
}


@pytest.fixture(params=[True, False], ids=["by version", "by value"])
def by_version(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    known: bool = request.param and seals._VERSIONS_KNOWN
    monkeypatch.setattr(seals, "_VERSIONS_KNOWN", known)
    return known


@pytest.mark.parametrize("how", _CHANGES)
def test_a_change_is_named(how: str, by_version: bool) -> None:
    others = [{"a": object()} for _ in range(50)]
    table = {"a": object(), "b": object()}
    sealed = Seals([(table, ("a",)), *((other, None) for other in others)])
    assert sealed.changed() == []
    _CHANGES[how](table)
    assert sealed.changed() == ["a"]


def test_a_name_that_is_not_kept_may_change(by_version: bool) -> None:
    table = {"a": object(), "b": object()}
    sealed = Seals([(table, ("a",))])
    table["b"] = object()
    table["c"] = object()
    assert sealed.changed() == []


def test_a_class_is_sealed(by_version: bool) -> None:
    class Sealed:
        def method(self) -> None: ...

    sealed = Seals([(vars(Sealed), None)])
    assert sealed.changed() == []
    Sealed.method = lambda self: None  # type: ignore[method-assign]
    assert sealed.changed() == ["method"]


def test_what_was_put_back_is_suspect_until_renewed() -> None:
    if not seals._VERSIONS_KNOWN:
        pytest.skip("this interpreter's dicts are always looked at closely")
    value = object()
    table = {"a": value}
    sealed = Seals([(table, None), ({"b": 1}, None)])
    assert sealed.suspects() == []
    table["a"] = object()
    table["a"] = value
    assert [seal.table for seal in sealed.suspects()] == [table]
    assert sealed.changed() == []
    sealed.renew()
    assert sealed.suspects() == []


def test_looking_changes_nothing() -> None:
    tables = [{name: object()} for name in "abcdef"]
    sealed = Seals([(table, None) for table in tables])
    for table in tables:
        assert [*table] and table.get("z") is None and table.copy() and len(table)
    gc.collect()
    assert sealed.suspects() == ([] if seals._VERSIONS_KNOWN else sealed._closely)
