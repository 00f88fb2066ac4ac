"""What programs may import, where a Sandbox says so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytrace_mono.errors import SandboxError
from pytrace_mono.tracer import Limits
from pytrace_mono.tracer.sandbox import Sandbox

NUMPY = """\
import numpy
def solve(n):
    matrix = numpy.eye(n) * 4 + numpy.ones((n, n))
    return round(float(numpy.linalg.solve(matrix, numpy.ones(n)).sum()), 6)
"""


@pytest.fixture(scope="module")
def few() -> Iterator[Sandbox]:
    with Sandbox(workers=1, imports=["math", "collections", "xml.dom"]) as made:
        yield made


@pytest.mark.parametrize(
    "source",
    [
        "import math",
        "from math import pi",
        "import collections.abc",
        "from collections import abc, deque",
        "from __future__ import annotations",
        "import xml.dom.minidom",
    ],
)
def test_an_allowed_module_and_what_is_below_it_are_imported(few: Sandbox, source: str) -> None:
    assert few.trace(source).outcome.kind == "returned"


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import os", "os"),
        ("import mathematics", "mathematics"),
        ("from xml import sax", "xml"),
        ("import math, socket as s", "socket"),
        ("__import__('os.path')", "os.path"),
    ],
)
def test_another_one_is_an_import_error_that_the_trace_shows(
    few: Sandbox, source: str, name: str
) -> None:
    trace = few.trace(f"{source}\n")
    raised = trace.outcome.exception
    assert raised is not None and raised.type == "ImportError" and raised.line == 1
    assert (
        raised.message
        == f"'{name}' may not be imported here; allowed are: collections, math, xml.dom"
    )
    assert any(step.kind == "exception" and step.line == 1 for step in trace.steps)
    assert trace.complete


def test_a_program_may_catch_it_and_the_recording_still_tells(few: Sandbox) -> None:
    trace = few.trace(
        "try:\n    import re\nexcept ImportError as error:\n    why = error.name\n", "why"
    )
    assert trace.outcome.value is not None and trace.outcome.value.text == "'re'"
    assert [step.line for step in trace.steps if step.kind == "exception"] == [2]


def test_what_an_allowed_module_imports_is_its_own_affair() -> None:
    with Sandbox(workers=1, imports=["csv"]) as box:
        assert box.run("import csv", "next(csv.reader(['a,b']))").kind == "returned"
        assert box.run("import re").kind == "raised"
    with Sandbox(workers=1, imports=[]) as box:
        raised = box.run("import re").exception
        assert raised is not None and raised.message.endswith("allowed are: none")


@pytest.mark.parametrize("names", [["os path"], ["a..b"], [3], [""]])
def test_names_that_no_module_can_have_are_refused(names: list[str]) -> None:
    with pytest.raises(SandboxError, match="not the name of a module"):
        Sandbox(imports=names)


def test_numpy_works_within_the_memory_that_the_document_names() -> None:
    with Sandbox(Limits(memory_bytes=160 << 20), workers=1) as box:
        outcome = box.run(NUMPY, "solve(100)")
        if outcome.exception is not None and outcome.exception.type == "ModuleNotFoundError":
            pytest.skip("numpy is not installed where programs may read it")
        assert outcome.value is not None and outcome.value.text == "0.961538", outcome
