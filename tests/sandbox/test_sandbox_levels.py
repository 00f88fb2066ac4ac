"""Levels: what is asked for by name is had or refused, and what is had is told."""

from __future__ import annotations

import os
import warnings

import pytest

from pytrace_mono.errors import IsolationUnavailableError, SandboxError
from pytrace_mono.tracer.sandbox import Layer, Sandbox, kernel, landlock, layers, levels, worker


@pytest.fixture
def no_landlock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without Landlock, as far as the main process can tell."""
    monkeypatch.setattr(landlock, "version", lambda: 0)
    monkeypatch.setattr(levels, "_warned", False)


def test_an_unknown_level_is_refused_with_the_known_ones() -> None:
    with pytest.raises(IsolationUnavailableError, match="guard, confined"):
        Sandbox(isolation="safe")


def test_confined_by_name_is_an_error_where_it_cannot_be_had(no_landlock: None) -> None:
    with pytest.raises(IsolationUnavailableError, match="landlock"):
        Sandbox(isolation="confined")


def test_auto_warns_once_when_it_is_less_than_confined(no_landlock: None) -> None:
    with pytest.warns(RuntimeWarning, match="accidents"):
        assert Sandbox().level == "guard"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Sandbox().level == "guard"


def test_guard_by_name_warns_nobody(no_landlock: None) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Sandbox(isolation="guard").level == "guard"


def test_layers_say_what_is_active_and_why_not(no_landlock: None) -> None:
    found = {layer.name: layer for layer in layers()}
    assert all(isinstance(layer, Layer) and layer.detail for layer in found.values())
    assert set(found) == {
        *("rlimits", "session", "no_new_privs", "landlock", "seccomp"),
        *("namespaces", "external jail"),
    }
    assert not found["landlock"].active and "no Landlock" in found["landlock"].detail
    assert not found["seccomp"].active and "not used" in found["seccomp"].detail
    assert not found["namespaces"].active and not found["external jail"].active


def test_a_layer_that_fails_in_the_child_keeps_the_program_from_running(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    # The warm parent is told to break a layer after it has been made ready.
    broken = worker._BOOTSTRAP.replace(
        "zygote.main(",
        "import os\n"
        "from pytrace_mono.tracer.sandbox import confine\n"
        "parent, make = os.getpid(), confine.kernel.Calls.make\n"
        "def broken(calls):\n"
        "    if os.getpid() != parent:\n"
        "        raise OSError(1, 'no limits today')\n"
        "    make(calls)\n"
        "confine.kernel.Calls.make = broken\n"
        "zygote.main(",
    )
    monkeypatch.setattr(worker, "_BOOTSTRAP", broken)
    marker = os.path.join(str(tmp_path), "ran")
    with (
        Sandbox(isolation="guard") as sandbox,
        pytest.raises(SandboxError, match=r"was not run.*no limits today"),
    ):
        sandbox.run(f"open({marker!r}, 'w')")
    assert not os.path.exists(marker)


def test_a_warm_parent_that_cannot_be_made_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_BOOTSTRAP", "raise RuntimeError('no parent today')")
    with (
        Sandbox(isolation="guard") as sandbox,
        pytest.raises(SandboxError, match="no parent today"),
    ):
        sandbox.run("x = 1")


def test_asking_for_the_layers_changes_nothing() -> None:
    before = kernel.has_no_new_privileges(), landlock.version()
    layers()
    assert (kernel.has_no_new_privileges(), landlock.version()) == before
    with open(os.devnull, "w") as still_free:
        still_free.write("x")
