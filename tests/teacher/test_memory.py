"""How much memory a run takes does not depend on how long it is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("openai")
pytest.importorskip("aiohttp")
pytest.importorskip("pyarrow")

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "teacher_faults.py"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_a_run_of_3000_rows_holds_hardly_more_than_one_of_1000() -> None:
    # In a process of its own: one that has run other tests has free memory to grow into.
    done = subprocess.run(
        [sys.executable, BENCHMARK, "memory", "1000", "3000"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    peaks = dict(re.findall(r"(\d+) rows: .* ([\d.]+) MB at most so far", done.stdout))
    assert float(peaks["3000"]) < 1.08 * float(peaks["1000"]), done.stdout
