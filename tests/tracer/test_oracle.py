"""No differences between the recorder and an oracle that re-renders every visible value each time."""

from __future__ import annotations

import gc
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import every_kind
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from oracle import differences, look_at
from random_programs import programs
from test_versions import INTERPRETERS, VERSIONS

from pytrace_mono.tracer.limits import Limits

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
EXAMPLES = sorted((ROOT / "examples" / "programs").glob("*.py"))
CALLS = ("cruxeval_dev", "humaneval_calls", "mbpp_train_calls", "algorithms_calls")
SMALL = Limits(max_chars=60, max_items=3, max_depth=2, max_int_bits=16)
"""Most changes are past what these show."""

each_limits = pytest.mark.parametrize("limits", [Limits(), SMALL], ids=["default", "small"])


@pytest.fixture(autouse=True, scope="module")
def what_other_tests_left_is_not_collected() -> Iterator[None]:
    """Garbage is collected before each comparison: what stands in memory need not be searched."""
    gc.freeze()
    yield
    gc.unfreeze()


@each_limits
def test_every_kind_of_step(limits: Limits) -> None:
    assert differences(every_kind.PROGRAM, "main()", limits) == []


@each_limits
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_programs(path: Path, limits: Limits) -> None:
    program = path.read_text(encoding="utf-8").replace('"__main__"', '"program"')
    assert differences(program, None, limits) == []


def test_the_oracle_sees_what_is_past_the_preview() -> None:
    """Otherwise its agreement would show less than it promises."""
    steps = look_at("a = [[0] * 9, 1]\na[0][8] = 2\na = [[0] * 9, 1]\nb = {1.5}\n", None, SMALL)
    assert [list(step.shown) for step in steps[1:5]] == [["a"], [], [], ["b"]]
    assert [list(step.hidden) for step in steps[1:5]] == [[], ["a"], ["a"], []]


@each_limits
@settings(deadline=None, max_examples=20, suppress_health_check=list(HealthCheck))
@given(program=programs)
def test_random_programs(program: str, limits: Limits) -> None:
    assert differences(program, "f()", limits) == []


@pytest.mark.slow
@pytest.mark.timeout(600)  # most of a minute on an idle machine, and many on a busy one
@each_limits
@settings(deadline=None, max_examples=500, suppress_health_check=list(HealthCheck))
@given(program=programs)
def test_many_random_programs(program: str, limits: Limits) -> None:
    assert differences(program, "f()", limits) == []


def _on(version: str, asked: list[tuple[str, str | None, dict[str, int]]]) -> list[str]:
    """All differences that the interpreter of a version finds."""
    if version not in INTERPRETERS:
        pytest.skip(f"no Python {version} next to this one or on PATH")
    done = subprocess.run(
        [INTERPRETERS[version], str(Path(__file__).with_name("oracle.py"))],
        env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return [told for program in json.loads(done.stdout) for told in program]


each_version = pytest.mark.parametrize("version", VERSIONS)


@each_version
def test_each_version_agrees_about_every_kind_of_step_and_the_examples(version: str) -> None:
    sources = [(path.read_text(encoding="utf-8"), None) for path in EXAMPLES[::6]]
    asked = [*sources, (every_kind.PROGRAM, "main()")]
    assert (
        _on(version, [(*each, limits.to_dict()) for each in asked for limits in (Limits(), SMALL)])
        == []
    )


@pytest.mark.slow
@pytest.mark.timeout(600)  # the same
@each_version
@settings(
    deadline=None, max_examples=8, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(several=st.lists(programs, min_size=5, max_size=15))
def test_each_version_agrees_about_random_programs(version: str, several: list[str]) -> None:
    limits = (Limits().to_dict(), SMALL.to_dict())
    assert _on(version, [(program, "f()", limit) for program in several for limit in limits]) == []


def _shared(name: str) -> list[dict[str, Any]]:
    path = DATA / f"{name}.jsonl"
    if not path.exists():
        pytest.skip(f"{path.name} is not here")
    return [json.loads(line) for line in path.read_text().splitlines()]


def _all_differences(rows: list[dict[str, Any]], limits: Limits) -> dict[str, list[str]]:
    found = {
        f"{row['id']} {call['call'][:200]}": differences(row["code"], call["call"], limits)
        for row in rows
        for call in row["calls"][:2]
    }
    return {where: told for where, told in found.items() if told}


@each_limits
@pytest.mark.parametrize("name", CALLS)
def test_a_sample_of_the_shared_programs(name: str, limits: Limits) -> None:
    assert _all_differences(_shared(name)[::80], limits) == {}


@pytest.mark.slow
@pytest.mark.timeout(600)  # two minutes of one file's programs on an idle machine
@each_limits
@pytest.mark.parametrize("name", CALLS)
def test_all_shared_programs(name: str, limits: Limits) -> None:
    assert _all_differences(_shared(name), limits) == {}
