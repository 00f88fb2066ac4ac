"""Input that cannot be run is refused before anything runs, with its line and cause."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest

from pytrace_mono.errors import CallError, LimitError, SandboxError, SourceError
from pytrace_mono.tracer import Limits
from pytrace_mono.tracer.sandbox import Job, Sandbox, wire


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("x = 1\ndef (:\n", r"the program is not Python that compiles \(line 2\)"),
        ("x = 1\n\0", r"\(line 2\): it contains a NUL byte"),
        ("(" * 5000 + ")" * 5000, "nested"),
        ("x = '\ud800'", "surrogates"),
        ("x = '\ud800'" + " " * 100_000, "surrogates"),
        (b"x = 1", "must be a str, not bytes"),
        (None, "must be a str, not NoneType"),
        ("x = 1\n" * 2_000_000, "larger than"),
    ],
    ids=["syntax", "nul", "nested", "surrogate", "long surrogate", "bytes", "none", "size"],
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


@pytest.mark.parametrize("call", ["", " \n"])
def test_an_empty_call_is_told_what_one_looks_like(call: str) -> None:
    with pytest.raises(CallError, match=r"the Call is empty; give an expression, as in f\("):
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
    with pytest.raises(error, match=r"\(line 1\): '(return|yield)' outside function"):
        sandbox.trace(job.source, job.call, job.setup)


@pytest.mark.parametrize(
    ("job", "error"),
    [
        (Job("x = 1\n" * 20_000 + "def (:\n"), SourceError),
        (Job("x = 1", "x +\n" * 40_000), CallError),
        (Job("x = [" + "1," * 2_000_000), SourceError),
    ],
    ids=["source", "call", "million"],
)
def test_long_texts_are_parsed_by_the_child_alone(
    impatient: Sandbox, job: Job, error: type[Exception]
) -> None:
    used = time.process_time()
    Sandbox.check(job)
    try:
        assert impatient.run(job.source, job.call).kind in ("timed_out", "crashed")
    except (SourceError, CallError) as refused:
        assert type(refused) is error
    assert time.process_time() - used < 0.5


def test_a_long_program_that_does_not_parse_is_refused_with_its_line(sandbox: Sandbox) -> None:
    with pytest.raises(SourceError, match="line 20001"):
        sandbox.run("x = 1\n" * 20_000 + "def (:\n")


def test_odd_escapes_in_a_program_warn_nobody(sandbox: Sandbox) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert sandbox.run("x = '\\d'\n", "x").kind == "returned"


@pytest.mark.parametrize(
    "job",
    [
        Job("x = 1\ndef (:\n"),
        Job("(" * 5000 + ")" * 5000),
        Job("x = 1", "f(", ""),
        Job("x = 1", "x = 1"),
        Job("x = 1", "x", "x = 1\ny ="),
    ],
    ids=["syntax", "nested", "open", "statement", "setup"],
)
def test_what_a_child_refuses_it_refuses_as_the_check_does(sandbox: Sandbox, job: Job) -> None:
    with pytest.raises((SourceError, CallError)) as checked:
        Sandbox.check(job)
    with pytest.raises(type(checked.value)) as run:
        sandbox.run(job.source, job.call, job.setup)
    assert str(run.value) == str(checked.value)


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


def test_more_memory_than_the_machine_has_is_refused() -> None:
    with pytest.raises(LimitError, match="and this machine has"):
        Sandbox(Limits(memory_bytes=2**60))


def test_more_workers_than_there_are_descriptors_for_are_refused() -> None:
    with pytest.raises(SandboxError, match=r"give fewer .*ulimit -n"):
        Sandbox(workers=10**9)


WITHOUT_FORK = """\
import os, struct, sys
sys.path.insert(0, sys.argv[1])
from pytrace_mono.errors import PytraceMonoError
from pytrace_mono.tracer.sandbox import Sandbox, kernel, layers
# fork, vfork, clone and clone3 are answered with EPERM, everything else is allowed.
numbers = {"x86_64": (56, 57, 58, 435), "aarch64": (220, 435)}[os.uname().machine]
program = [(0x20, 0, 0, 0)]
for at, number in enumerate(numbers):
    program.append((0x15, len(numbers) - at, 0, number))
program += [(0x06, 0, 0, 0x7FFF0000), (0x06, 0, 0, 0x00050001)]
kernel.forbid_new_privileges()
kernel.install_seccomp(bytearray().join(struct.pack("=HBBI", *line) for line in program))
box = Sandbox(workers=2)
for run in (lambda: box.run("1"), lambda: list(box.map([("1", None)]))):
    try:
        run()
    except PytraceMonoError as error:
        print(type(error).__name__, error)
print(layers()[5].detail)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs seccomp")
def test_where_no_process_may_be_made_the_error_says_so() -> None:
    root = str(Path(__file__).resolve().parents[2])
    command = [sys.executable, "-c", WITHOUT_FORK, root]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    run, mapped, namespaces = done.stdout.splitlines()
    for line in (run, mapped):
        assert line.startswith("SandboxError ") and "ulimit -u" in line, line
    assert "no process could be started to try" in namespaces


NESTED = b"[" * 100_000 + b"]" * 100_000


def test_a_deep_result_is_refused_also_where_recursion_is_unlimited() -> None:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(10**6)
    try:
        for deep in (NESTED, b"[" * 17 + b"]" * 17, b'{"a":[' * 9 + b"]}" * 9, b"[[]"):
            with pytest.raises(ValueError, match="nested"):
                wire.parse(deep)
        for flat in (
            b'["[[[[[[[[[[[[[[[[[[[[", "\\"[[[[[[[[[[[[[[[[["]',
            b"[]",
            b'{"a":[{"b":1}]}',
            b"1",
        ):
            assert wire.parse(flat) == json.loads(flat)
    finally:
        sys.setrecursionlimit(before)
    with pytest.raises((RecursionError, ValueError)):
        wire.parse(NESTED)


def test_what_a_recording_holds_is_far_from_too_deep(sandbox: Sandbox) -> None:
    trace = sandbox.trace(
        "def f():\n    a = [[[[{1: [[[2]]]}]]]]\n    raise ValueError(a)\n", "f()"
    )
    assert trace.complete and not wire._is_deep(trace.to_json().encode())
