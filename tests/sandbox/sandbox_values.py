"""What programs say of themselves, for the tests of this folder."""

from __future__ import annotations

from pytrace_mono.tracer.sandbox import Sandbox


def text(box: Sandbox, source: str, call: str) -> str:
    """Of the value of a Call that returns."""
    outcome = box.run(source, call)
    assert outcome.value is not None, outcome
    return outcome.value.text


def restores(box: Sandbox) -> bool:
    """Does one child run program after program there, restored in between?"""
    pids = [box.run("import os", "os.getpid()").value for _ in range(3)]
    return pids[-1] is not None and pids[-1] == pids[-2]
