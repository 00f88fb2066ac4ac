"""Input that cannot be run is refused before anything runs, with its line and cause."""

from __future__ import annotations

import warnings

import pytest

from pytrace_mono.errors import CallError, SandboxError, SourceError
from pytrace_mono.tracer.sandbox import Job, Sandbox


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("x = 1\ndef (:\n", r"the program is not Python that compiles \(line 2\)"),
        ("x = 1\n\0", r"\(line 2\): it contains a NUL byte"),
        ("(" * 5000 + ")" * 5000, "nested"),
        ("x = '\ud800'", "surrogates"),
        (b"x = 1", "must be a str, not bytes"),
        (None, "must be a str, not NoneType"),
        ("x = 1\n" * 2_000_000, "larger than"),
    ],
    ids=["syntax", "nul", "nested", "surrogate", "bytes", "none", "size"],
)
def test_a_source_that_does_not_parse_is_refused(source: str, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        Sandbox.check(Job(source))


@pytest.mark.parametrize(
    "call", ["x = 1", "", "f(); g()", "f(", "return 1", 3], ids=lambda call: repr(call)
)
def test_a_call_that_is_not_one_expression_is_refused(call: str) -> None:
    with pytest.raises(CallError, match="Call"):
        Sandbox.check(Job("def f(): pass", call))


def test_a_setup_that_does_not_parse_is_refused() -> None:
    with pytest.raises(CallError, match=r"setup .*line 2"):
        Sandbox.check(("f = 1", "f", "x = 1\ny ="))


@pytest.mark.parametrize(
    ("job", "error"),
    [
        (Job("return 1"), SourceError),
        (Job("x = 1", "(yield)"), CallError),
        (Job("x = 1", "x", "return"), CallError),
    ],
    ids=["source", "call", "setup"],
)
def test_what_parses_but_does_not_compile_is_refused_when_it_is_run(
    sandbox: Sandbox, job: Job, error: type[Exception]
) -> None:
    Sandbox.check(job)
    with pytest.raises(error, match="SyntaxError"):
        sandbox.trace(job.source, job.call, job.setup)


def test_odd_escapes_in_a_program_warn_nobody(sandbox: Sandbox) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert sandbox.run("x = '\\d'\n", "x").kind == "returned"


def test_a_closed_sandbox_says_so() -> None:
    sandbox = Sandbox(isolation="guard")
    sandbox.close()
    sandbox.close()
    with pytest.raises(SandboxError, match="closed"):
        sandbox.trace("x = 1")


@pytest.mark.parametrize("workers", [0, -1, 1.5, True])
def test_workers_must_be_a_positive_whole_number(workers: int) -> None:
    with pytest.raises(SandboxError, match="positive whole number"):
        Sandbox(isolation="guard", workers=workers)
