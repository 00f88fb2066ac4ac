"""Importing the tracer costs little and brings nothing along."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def _python(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *args], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )


def test_the_tracer_loads_the_standard_library_only() -> None:
    """Every module that the import adds is of the standard library or of the tracer itself."""
    code = (
        "import sys; before = set(sys.modules); import pytrace_mono.tracer; "
        "print(*sorted(set(sys.modules) - before))"
    )
    loaded = _python("-c", code).stdout.split()
    assert "pytrace_mono.tracer.recorder" in loaded
    foreign = [
        name
        for name in loaded
        if name.split(".")[0] not in sys.stdlib_module_names
        and name not in ("pytrace_mono", "pytrace_mono.errors")
        and not name.startswith("pytrace_mono.tracer")
    ]
    assert foreign == []


def test_the_import_takes_less_than_100_ms() -> None:
    """The best of five, as `-X importtime` tells it."""
    times = []
    for _ in range(5):
        told = _python("-X", "importtime", "-c", "import pytrace_mono.tracer").stderr
        found = re.search(r"\|\s*(\d+) \|\s+pytrace_mono\.tracer$", told, re.MULTILINE)
        assert found is not None
        times.append(int(found[1]))
    assert min(times) < 100_000
