"""The instructions for a model: shown by a command, and known by a version."""

from __future__ import annotations

import re

import pytest

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


def test_another_wording_is_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    before = prompts.version()
    prompts.version.cache_clear()
    assert prompts.version() == before
    monkeypatch.setitem(prompts._SECTIONS, "forward", ("Execution Simulation", "Otherwise."))
    prompts.version.cache_clear()
    assert prompts.version() != before
    prompts.version.cache_clear()
