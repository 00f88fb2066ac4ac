"""What the Narrator says of random programs, held against their recordings as in ``test_truth``."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_truth import explained, told_of

from pytrace_mono.records import Call, Problem

sys.path.append(str(Path(__file__).parents[1] / "tracer"))
from random_programs import programs

SETTINGS = settings(
    max_examples=1, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
MANY = st.lists(programs, min_size=15, max_size=15)


def _all_is_true(sources: list[str], out: Path) -> None:
    problems = [
        Problem(id=f"random/{n}", code=source, calls=(Call(call="f()"),))
        for n, source in enumerate(sources)
    ]
    report = told_of(problems, out)
    assert not report.false, explained(report)


@SETTINGS
@given(sources=MANY)
def test_every_claim_about_random_programs_is_true(
    tmp_path_factory: pytest.TempPathFactory, sources: list[str]
) -> None:
    _all_is_true(sources, tmp_path_factory.mktemp("random") / "corpus")


@pytest.mark.slow
@settings(SETTINGS, max_examples=8)
@given(sources=MANY)
def test_every_claim_about_many_random_programs_is_true(
    tmp_path_factory: pytest.TempPathFactory, sources: list[str]
) -> None:
    _all_is_true(sources, tmp_path_factory.mktemp("random") / "corpus")
