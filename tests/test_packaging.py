"""What a user installs: the wheel, in an environment of its own, away from the source tree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
PROGRAM = '''\
"""Say how many vowels a word has."""


def vowels(word):
    count = 0
    for letter in word:
        if letter in "aeiou":
            count += 1
    return count


if __name__ == "__main__":
    assert vowels("radio") == 3
    vowels("sky")
'''


def command(*words: object, cwd: Path) -> str:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [str(word) for word in words],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=environment,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the sdist and the wheel that is built from it."""
    out = tmp_path_factory.mktemp("dist")
    command(sys.executable, "-m", "build", "--outdir", out, ROOT, cwd=out)
    return out


def test_the_wheel_holds_the_prompts_the_types_and_no_tests(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "pytrace_mono/py.typed" in names
    assert "pytrace_mono/synth/prompts/forward.md" in names
    assert not [name for name in names if name.startswith(("tests", "examples"))]


def test_the_sdist_holds_the_licence(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        assert any(name.endswith("/LICENSE") for name in archive.getnames())


def test_the_installed_wheel_makes_a_corpus_of_a_users_program(built: Path, tmp_path: Path) -> None:
    (wheel,) = built.glob("*.whl")
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    command(
        python, "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", f"{wheel}[synth]",
        cwd=tmp_path,
    )  # fmt: skip
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "vowels.py").write_text(PROGRAM)
    script = tmp_path / "env" / "bin" / "pytrace-mono"
    printed = command(script, "synth", "mine", "--out", "corpus", cwd=tmp_path)
    assert "2 kept of 2 asked" in printed
    loaded = command(
        python,
        "-c",
        "from datasets import load_dataset; d = load_dataset('corpus', split='train'); "
        "print(sorted(set(d['task'])), len(d))",
        cwd=tmp_path,
    )
    assert loaded.strip() == "['backward', 'forward', 'nl'] 5"
    traced = command(
        script, "trace", "mine/vowels.py", "--call", "vowels('aeon')", "--format", "json",
        cwd=tmp_path,
    )  # fmt: skip
    assert json.loads(traced)["outcome"]["value"]["text"] == "3"


def test_without_extras_the_tracer_works_and_a_missing_one_is_named(
    built: Path, tmp_path: Path
) -> None:
    (wheel,) = built.glob("*.whl")
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    command(
        python, "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", wheel, cwd=tmp_path
    )
    (tmp_path / "vowels.py").write_text(PROGRAM)
    script = tmp_path / "env" / "bin" / "pytrace-mono"
    assert "returned 2" in command(
        script, "trace", "vowels.py", "--call", "vowels('bee')", cwd=tmp_path
    )
    done = subprocess.run(
        [script, "synth", "vowels.py", "--out", "c"],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 2
    assert 'pip install "pytrace_mono[synth]"' in done.stderr
    assert "Traceback" not in done.stderr
