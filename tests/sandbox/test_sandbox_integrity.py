"""A program that reaches for its recorder is told, with how, and cannot take that back."""

from __future__ import annotations

import sys

import pytest

from pytrace_mono.tracer.sandbox import Sandbox


@pytest.mark.parametrize(
    ("source", "how"),
    [
        ("import sys\nsys.settrace(None)\n", "sys.settrace"),
        ("import gc\ngc.get_objects()\n", "garbage collector"),
        ("import sys\nsys.gettrace().__self__.stop()\n", "the harness's own functions"),
        ("import signal\nsignal.setitimer(signal.ITIMER_REAL, 0)\n", "timer"),
        ("print.__self__.hex = lambda x: 7\n", "replaced hex"),
        ("import ctypes\nctypes.CDLL(None).getpid()\n", "ctypes"),
    ],
    ids=["settrace", "gc", "gettrace", "timer", "builtins", "ctypes"],
)
def test_tampering_is_marked_with_how(sandbox: Sandbox, source: str, how: str) -> None:
    status = sandbox.trace(source).status
    assert status.state == "tampered" and status.reason is not None and how in status.reason


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="f_locals leaves no references any more")
def test_reading_the_local_variables_of_the_harness_is_told(sandbox: Sandbox) -> None:
    source = (
        "import inspect\n"
        "frame, found = inspect.currentframe(), []\n"
        "while frame is not None:\n"
        "    found.append(getattr(frame, 'f_' + 'locals'))\n"
        "    frame = getattr(frame, 'f_' + 'back')\n"
    )
    status = sandbox.trace(source).status
    assert status.state == "tampered" and "local variables of the harness" in str(status.reason)


_HONEST = {
    "who called": "def f():\n    return sys._getframe(1).f_code.co_name\nassert f() == '<module>'\n",
    "current frame": "def f(x):\n    return dict(inspect.currentframe().f_locals)\nf(1)\n",
    "caller's variables": "def f():\n    return sys._getframe().f_back.f_locals['x']\nx = 1\nf()\n",
    "globals": "def f():\n    pass\nf.__globals__['y'] = 1\n",
    "closure": "def f(x):\n    return lambda: x\nf(1).__closure__[0].cell_contents\n",
    "closure vars": "def f(x):\n    return lambda: x\ninspect.getclosurevars(f(1))\n",
    "stack": "[frame.function for frame in inspect.stack()]\n",
    "to the bottom": "frame = sys._getframe()\nwhile frame:\n    frame = frame.f_back\n",
    "traceback": "try:\n    1 / 0\nexcept ZeroDivisionError:\n    traceback.print_exc()\n",
    "its frame": (
        "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n"
        "    error.__traceback__.tb_frame.f_code.co_name\n"
    ),
    "endless recursion": (
        "def f(n):\n    return f(n + 1)\ntry:\n    f(0)\nexcept RecursionError:\n    pass\n"
    ),
    "whole stack": "traceback.print_stack()\n",
    "logging": "logging.basicConfig()\nlogging.getLogger('a').warning('b', stack_info=True)\n",
    "warnings": "warnings.warn('old', DeprecationWarning, stacklevel=2)\n",
    "namedtuple": "collections.namedtuple('P', 'x y')(1, 2)\n",
    "dataclass": "@dataclasses.dataclass\nclass P:\n    x: int\nP(1)\n",
    "signature": "inspect.signature(lambda x: x)\ninspect.getsource(f) if 0 else None\n",
    "handlers": "signal.getsignal(signal.SIGALRM)\nsignal.signal(signal.SIGUSR1, print)\n",
    "generator": "g = (x for x in 'ab')\nnext(g)\ng.gi_frame.f_lineno\n",
    "am I debugged": "assert sys.gettrace() is None or callable(sys.gettrace())\n",
    "weak references": "class A: pass\na = A()\nr = weakref.ref(a, print)\ndel a\n",
    "collector": "gc.collect()\ngc.callbacks.append(print)\ngc.collect()\n",
}


@pytest.mark.parametrize("body", _HONEST.values(), ids=_HONEST.keys())
def test_a_look_at_its_own_frames_and_functions_is_no_tampering(
    sandbox: Sandbox, body: str
) -> None:
    names = (
        "collections, dataclasses, gc, inspect, logging, signal, sys, traceback, warnings, weakref"
    )
    trace = sandbox.trace(f"import {names}\n{body}")
    assert (trace.outcome.kind, trace.status.state) == ("returned", "complete"), trace.status


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


def test_garbage_that_an_earlier_call_left_is_no_sign_of_tampering(sandbox: Sandbox) -> None:
    source = "import gc\ndef f(n):\n    gc.collect()\n    return 1 / n\n"
    traces = sandbox.trace_all(source, ["f(0)", "f(0)", "f(1)"])
    assert [trace.status.state for trace in traces] == ["complete"] * 3
