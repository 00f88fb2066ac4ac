"""What holds for every test."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from hypothesis import settings

settings.load_profile("ci")  # the same examples in every run

# A shell's background job ignores it, and so would every program that a test starts and interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or pays into the cache of whoever runs it, or of another test."""
    monkeypatch.setenv("PYTRACE_MONO_CACHE", str(tmp_path / "response-cache"))
