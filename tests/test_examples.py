"""The examples, and what the documents show, are run as they stand."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from pytrace_mono.cli import COMMANDS, main
from pytrace_mono.records import Problem
from pytrace_mono.synth import Narrator, load_problems, synthesize

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


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


def fenced(document: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", document.read_text(), re.DOTALL)


@pytest.mark.parametrize(
    "document",
    [path for path in [ROOT / "README.md", *sorted(DOCS.glob("*.md"))] if fenced(path, "python")],
    ids=lambda path: path.stem,
)
def test_the_python_in_a_document_runs_as_one_program(document: Path, tmp_path: Path) -> None:
    script = tmp_path / "blocks.py"
    script.write_text("\n".join(fenced(document, "python")))
    run(script, tmp_path)


def test_the_rows_in_the_document_of_problems_are_problems_whose_calls_give_what_they_say(
    tmp_path: Path,
) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(fenced(DOCS / "problems.md", "json")))
    problems = list(load_problems(rows))
    assert len(problems) == 4
    described = [
        problem.model_copy(update={"description": "told"})
        for problem in problems
        if isinstance(problem, Problem)
    ]
    corpus = synthesize(described, Narrator(), tmp_path / "c", format="jsonl")
    assert not list(corpus.rejects())
    assert corpus.stats["nl"]["kept"] == len(problems)


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="printed as CPython 3.11 gives them")
def test_the_printed_monologues_are_those_of_the_corpus(tmp_path: Path) -> None:
    command = r"`pytrace-mono (corpus show) demo-corpus (--direction \w+ --problem (\w+))`\n\n"
    printed = re.findall(
        rf"{command}````text\n(.*?)````", (DOCS / "monologues.md").read_text(), re.DOTALL
    )
    assert len(printed) == 6
    for name in {name for _, _, name, _ in printed}:
        shutil.copy(ROOT / "examples" / "programs" / f"{name}.py", tmp_path)
    synthesize(tmp_path, Narrator(), tmp_path / "c", format="jsonl")
    for command, options, _, text in printed:
        with redirect_stdout(io.StringIO()) as shown:
            assert main([*command.split(), str(tmp_path / "c"), *options.split()]) == 0
        assert shown.getvalue() == text


def test_the_readme_names_every_command_and_every_document() -> None:
    readme = (ROOT / "README.md").read_text()
    for command in COMMANDS:
        assert f"pytrace-mono {command}" in readme
    for document in DOCS.glob("*.md"):
        assert f"docs/{document.name}" in readme
    for example in re.findall(r"\((examples/[\w.]+|docs/[\w.-]+)\)", readme):
        assert (ROOT / example).exists(), example
