"""Sandboxes that the tests of this folder share: starting one costs more than most of the tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytrace_mono.tracer.limits import Limits
from pytrace_mono.tracer.sandbox import Sandbox, layers, levels

CONFINED_HERE = all(
    layer.active for layer in layers() if layer.name in ("landlock", "seccomp", "no_new_privs")
)
LEVELS = ["guard", levels.choose("auto")] if CONFINED_HERE else ["guard"]


@pytest.fixture(scope="session", params=LEVELS)
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A sandbox at the weakest and at the strongest level that this machine offers."""
    with Sandbox(Limits(wall_seconds=10), request.param) as made:
        yield made


@pytest.fixture(scope="session", params=LEVELS)
def impatient(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """The same, for programs that do not end by themselves."""
    with Sandbox(Limits(wall_seconds=0.4), request.param) as made:
        yield made


@pytest.fixture(scope="session")
def confined() -> Iterator[Sandbox]:
    """A sandbox with every layer that is built, or no test."""
    if not CONFINED_HERE:
        pytest.skip("needs Landlock and seccomp, which this machine does not offer")
    with Sandbox(Limits(wall_seconds=5), "confined") as made:
        yield made
