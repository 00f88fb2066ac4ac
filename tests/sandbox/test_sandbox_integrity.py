"""A program that reaches for its recorder is told, with how, and cannot take that back."""

from __future__ import annotations

import pytest

from pytrace_mono.tracer.sandbox import Sandbox


@pytest.mark.parametrize(
    ("source", "how"),
    [
        ("import sys\nsys.settrace(None)\n", "sys.settrace"),
        ("import sys\nsys._getframe(1)\n", "frames"),
        ("import gc\ngc.get_objects()\n", "garbage collector"),
        ("import sys\nsys.gettrace()\n", "gettrace"),
        ("import signal\nsignal.setitimer(signal.ITIMER_REAL, 0)\n", "timer"),
        ("print.__self__.hex = lambda x: 7\n", "replaced hex"),
        ("import ctypes\nctypes.CDLL(None).getpid()\n", "ctypes"),
    ],
    ids=["settrace", "frame", "gc", "gettrace", "timer", "builtins", "ctypes"],
)
def test_tampering_is_marked_with_how(sandbox: Sandbox, source: str, how: str) -> None:
    status = sandbox.trace(source).status
    assert status.state == "tampered" and status.reason is not None and how in status.reason


@pytest.mark.parametrize(
    "source",
    [
        "from collections import namedtuple\nP = namedtuple('P', 'x y')\nP(1, 2)\n",
        "import dataclasses, enum, typing\nclass E(enum.Enum):\n    A = 1\n",
        "import ctypes\nx = ctypes.c_int32(2**31).value\n",
        "import builtins\nbuiltins.print = lambda *a: None\nprint(1)\n",
        "exec('y = 1')\nz = eval('y + 1')\n",
    ],
    ids=["namedtuple", "enum", "c_int32", "own builtins", "exec"],
)
def test_ordinary_programs_are_not_suspected(sandbox: Sandbox, source: str) -> None:
    assert sandbox.trace(source).status.state == "complete"
