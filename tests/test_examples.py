"""The examples and the README's Python run as they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pytrace_mono.cli import COMMANDS

ROOT = Path(__file__).parents[1]


def run(source: Path, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, source],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.py")), ids=lambda p: p.stem)
def test_an_example_runs_and_prints_something(path: Path, tmp_path: Path) -> None:
    assert run(path, tmp_path).strip()


def test_the_python_in_the_readme_runs(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        script = tmp_path / "block.py"
        script.write_text(block)
        assert "line" in run(script, tmp_path)


def test_the_readme_names_every_command_and_every_document() -> None:
    readme = (ROOT / "README.md").read_text()
    for command in COMMANDS:
        assert f"pytrace-mono {command}" in readme
    for document in (ROOT / "docs").glob("*.md"):
        assert f"docs/{document.name}" in readme
    for example in re.findall(r"\((examples/[\w.]+|docs/[\w.-]+)\)", readme):
        assert (ROOT / example).exists(), example
