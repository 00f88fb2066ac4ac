"""What the Narrator says of random programs, held against their recordings as in ``test_truth``."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from test_truth import explained, told_of

from pytrace_mono.records import Call, Problem

sys.path.append(str(Path(__file__).parents[1] / "tracer"))
from random_programs import programs


def drawn(most: int) -> list[str]:
    """Programs that differ. One corpus of them all costs little; drawing whole lists costs minutes."""
    found: dict[str, None] = {}

    @settings(
        max_examples=most,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(source=programs)
    def draw(source: str) -> None:
        found[source] = None

    draw()
    return list(found)


def _all_is_true(sources: list[str], out: Path) -> None:
    problems = [
        Problem(id=f"random/{n}", code=source, calls=(Call(call="f()"),))
        for n, source in enumerate(sources)
    ]
    report = told_of(problems, out)
    assert not report.false, explained(report)


def test_every_claim_about_random_programs_is_true(tmp_path: Path) -> None:
    sources = drawn(15)
    assert len(sources) > 5
    _all_is_true(sources, tmp_path / "corpus")


@pytest.mark.slow
def test_every_claim_about_many_random_programs_is_true(tmp_path: Path) -> None:
    _all_is_true(drawn(150), tmp_path / "corpus")
