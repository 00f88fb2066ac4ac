"""What holds for every test."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

settings.load_profile("ci")  # the same examples in every run


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or pays into the cache of whoever runs it, or of another test."""
    monkeypatch.setenv("PYTRACE_MONO_CACHE", str(tmp_path / "response-cache"))
