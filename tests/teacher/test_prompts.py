"""The instructions for a model: shown by a command, and known by a version."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from string import Template
from typing import Any

import pytest

from pytrace_mono import tasks
from pytrace_mono.cli import main
from pytrace_mono.synth import prompts


def test_the_command_shows_all_that_a_model_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prompts", "show"]) == 0
    shown = capsys.readouterr().out
    assert re.match(r"version [0-9a-f]{12}\n", shown)
    for words in (
        "### Execution Simulation",
        "### Reverse Deduction",
        "$recording",
        "JSON",
        "[MONOLOGUE]",
    ):
        assert words in shown
    assert main(["prompts", "show", "forward"]) == 0
    assert "Reverse Deduction" not in capsys.readouterr().out


@pytest.fixture
def fresh() -> Iterator[None]:
    """No version is remembered, before and after."""
    prompts.version.cache_clear()
    yield
    prompts.version.cache_clear()


def test_a_version_is_the_same_in_every_process(fresh: None) -> None:
    code = "from pytrace_mono.synth import prompts; print(prompts.version())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == prompts.version()


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (prompts, "_system"),
        (prompts, "_template"),
        (tasks, "forward_instruction"),
        (tasks, "backward_instruction"),
    ],
)
def test_another_wording_anywhere_is_another_version(
    fresh: None, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str
) -> None:
    before = prompts.version()
    prompts.version.cache_clear()
    said = getattr(owner, name)

    def otherwise(*given: Any) -> Any:
        text = said(*given)
        return Template(text.template + "!") if isinstance(text, Template) else f"{text}!"

    monkeypatch.setattr(owner, name, otherwise)
    assert prompts.version() != before
