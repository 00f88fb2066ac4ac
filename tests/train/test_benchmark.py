"""The benchmark comes to its end in every way, and gives no number where it measures nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from runs import write_rows

torch = pytest.importorskip("torch", reason="needs the extra [train]")

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "train.py"


def benchmark(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], text=True, capture_output=True, check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_every_way_comes_to_its_end_with_a_tiny_model(tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "rows.jsonl", 24)
    done = benchmark(str(rows), "--rehearse", "--steps", "1", "--samples", "8")
    assert done.returncode == 0, done.stdout + done.stderr
    ways = done.stdout.splitlines()[1:]
    assert len(ways) == 5
    assert all(way.endswith(": not measured, came to its end") for way in ways)


@pytest.mark.slow
def test_without_a_gpu_it_says_so_and_stops(tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA GPU")
    done = benchmark(str(write_rows(tmp_path / "rows.jsonl")))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("not measured: needs a CUDA GPU with 80 GB")
