"""The same program on each interpreter found here, against what is known of that version.

``UPDATE_GOLDEN=1`` rewrites the files in ``golden/``; read the difference before you commit it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
VERSIONS = ("3.10", "3.11", "3.12", "3.13")


def _interpreters() -> dict[str, str]:
    """Minor version -> executable: this one, its siblings (as pyenv puts them), and those on PATH."""
    found = {f"{sys.version_info[0]}.{sys.version_info[1]}": sys.executable}
    siblings = sorted(Path(sys.base_prefix).resolve().parent.glob("3.*/bin/python3"))
    for candidate in siblings:
        version = re.match(r"3\.\d+", candidate.parts[-3])
        if version is not None and os.access(candidate, os.X_OK):
            found.setdefault(version[0], str(candidate))
    for version in VERSIONS:
        on_path = shutil.which(f"python{version}")
        if on_path is not None:
            found.setdefault(version, on_path)
    return found


INTERPRETERS = _interpreters()


def _run(executable: str, *args: str) -> subprocess.CompletedProcess[str]:
    environment = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
    return subprocess.run(
        [executable, *args], env=environment, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_every_kind_of_step_is_as_known_for_the_version(version: str) -> None:
    """A program with every step kind, run by that interpreter with the standard library alone."""
    executable = INTERPRETERS.get(version)
    if executable is None or _run(executable, "-c", "").returncode != 0:
        pytest.skip(f"no Python {version} next to this one or on PATH")
    done = _run(executable, str(HERE / "every_kind.py"))
    assert done.returncode == 0, done.stderr
    golden = HERE / "golden" / f"every_kind-{version}.json"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(done.stdout)
    recorded, known = json.loads(done.stdout), json.loads(golden.read_text())
    assert recorded["status"] == {"state": "complete"}
    assert recorded["value"] == known["value"]
    assert recorded["steps"] == known["steps"]


def test_the_program_has_every_kind() -> None:
    """Otherwise the files above would show less than they promise."""
    for golden in sorted((HERE / "golden").glob("every_kind-*.json")):
        kinds = {step.split()[0] for step in json.loads(golden.read_text())["steps"]}
        assert kinds == set("call line yield resume await return unwind exception".split()), golden


def test_versions_agree_on_functions_that_do_not_use_comprehensions() -> None:
    """What differs between versions is known: comprehensions, and lines the compiler visits again."""
    values = {
        json.loads(golden.read_text())["value"]
        for golden in (HERE / "golden").glob("every_kind-*.json")
    }
    assert len(values) == 1
