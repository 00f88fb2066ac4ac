"""True monologues are not accused, and a lie planted in one is caught."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for lies.py beside this file
sys.path.insert(0, str(Path(__file__).parents[1] / "narrator"))  # for telling.py

from lies import lies
from telling import PROGRAMS, program, said

from pytrace_mono.records import Direction
from pytrace_mono.tracer import Sandbox
from pytrace_mono.verify import Evidence, check

NAMES = sorted(path.stem for path in PROGRAMS.glob("*.py"))[::6]


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_the_narrator_is_not_accused_and_its_planted_lies_are_caught(direction: Direction) -> None:
    caught: Counter[str] = Counter()
    planted: Counter[str] = Counter()
    missed: list[str] = []
    with Sandbox() as box:
        for name in NAMES:
            problem = program(name)
            call = problem.calls[0]
            trace = box.trace(problem.code, call.call, call.setup)
            if trace.outcome.kind != "returned":
                continue
            told = said(box, problem, 0, direction).split("[ANSWER]")[0]
            evidence = Evidence(trace, problem.entry_of(call) or "")
            assert not check(told, evidence, direction).contradicted, name
            for lie in lies(told, trace):
                planted[lie.kind] += 1
                found = lie.is_caught(check(lie.text, evidence, direction))
                caught[lie.kind] += found
                if not found:
                    missed.append(f"{name}: {lie.kind}: {lie.said}")
    assert planted.total() >= 8
    assert caught.total() >= 0.95 * planted.total(), missed
