"""What a live recording disturbs or misses is told, on each interpreter found here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from test_versions import INTERPRETERS, ROOT, VERSIONS, _run

PROGRAM = """
import _thread, sys, threading, time
from pytrace_mono.tracer import record, trace_call

def kept():
    a = 1
    d = locals()
    b = 2
    return sorted(d)

def kept_of_frame():
    d = sys._getframe().f_locals
    b = 2
    return len(d)

def of_caller():
    return sys._getframe(1).f_locals

def kept_by_caller():
    d = of_caller()
    b = 2
    return len(d)

def kept_in_one_line():
    d = locals(); return d

def kept_by_a_loop(a=1):
    for name in locals():
        return name

def not_kept(a=1):
    b = dict(locals())
    c = "{a}".format(**vars())
    exec("x = 1")
    return sorted(b), eval("a")

def returned(a=1):
    return locals()

def not_reached(a=1):
    if a == 2:
        d = locals()
        return d
    return a

def work():
    return 1

def by_threading():
    t = threading.Thread(target=work); t.start(); t.join()

def by_thread():
    done = _thread.allocate_lock(); done.acquire()
    def run():
        done.release()
    _thread.start_new_thread(run, ())
    done.acquire()

def no_thread():
    if threading is None:
        _thread.start_new_thread(work, ())

disturbed = "disturbed" if sys.version_info < (3, 13) else "complete"
for f in (kept, kept_of_frame, kept_by_caller, kept_in_one_line, kept_by_a_loop):
    assert trace_call(f).status.state == disturbed, f
for f in (not_kept, returned, not_reached, no_thread):
    trace = trace_call(f)
    assert trace.complete, (f, trace.status)
    assert trace.outcome.value.text == repr(f())
for f in (by_threading, by_thread):
    assert trace_call(f).status.state == "thread_untraced", f

# Threads that others begin meanwhile, and recordings in two threads that overlap in any order.
begun, go_on = threading.Event(), threading.Event()
states = []
def first():
    with record() as recording:
        begun.set()
        go_on.wait()
        x = 1
    states.append(recording.trace.status)
one = threading.Thread(target=first)
one.start()
begun.wait()
with record() as recording:
    y = 1
    go_on.set()
    while one.is_alive():
        time.sleep(0.001)
assert [s.state for s in states] == ["complete"], states
assert recording.trace.complete, recording.trace.status
other = threading.Thread(target=work)
begun.clear(); go_on.clear(); states.clear()
one = threading.Thread(target=first)
one.start(); begun.wait(); other.start(); other.join(); go_on.set(); one.join()
assert [s.state for s in states] == ["complete"], states
assert sys.gettrace() is None and threading.gettrace() is None

# A generator that another tracer knew keeps its trace function.
def tracer(frame, event, arg):
    return tracer
def numbers():
    yield 1
    yield 2
values = numbers()
sys.settrace(tracer); next(values); sys.settrace(None)
found = values.gi_frame.f_trace
assert found is not None
with record() as recording:
    next(values)
assert values.gi_frame.f_trace is found and sys._getframe().f_trace is None
try:
    with record():
        1 / 0
except ZeroDivisionError:
    pass
assert sys.gettrace() is None and sys._getframe().f_trace is None
print("fine")
"""


@pytest.mark.parametrize("version", VERSIONS)
def test_kept_locals_and_threads_are_told_and_nothing_else_is(version: str, tmp_path: Path) -> None:
    """`disturbed` until 3.12 where locals() is kept, `thread_untraced` for threads of the block."""
    executable = INTERPRETERS.get(version)
    if executable is None or _run(executable, "-c", "").returncode != 0:
        pytest.skip(f"no Python {version} next to this one or on PATH")
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    done = _run(executable, str(program))
    assert done.stdout == "fine\n", done.stderr


LIVE = """
from pytrace_mono.tracer import record, trace_call
import sys, threading
def double(n):
    twice = n * 2
    return twice
def test_it():
    before = sys.gettrace(), threading.gettrace(), sys._getframe().f_trace
    with record() as recording:
        x = double(2)
    assert recording.trace.complete, recording.trace.status
    assert any("twice" in s.changes for s in recording.trace.steps)
    assert any("x" in s.changes for s in recording.trace.steps)
    assert trace_call(double, 3).complete
    now = sys.gettrace(), threading.gettrace(), sys._getframe().f_trace
    assert all(a is b for a, b in zip(before, now))
    after = 1
    assert after
"""
PLUGIN = """
import sys
LINES = set()
def tracer(frame, event, arg):
    if event == "line" and frame.f_code.co_name == "test_it":
        LINES.add(frame.f_lineno)
    return tracer
def pytest_runtest_call(item):
    sys.settrace(tracer)
def pytest_runtest_teardown(item):
    assert sys.gettrace() is tracer
    sys.settrace(None)
    assert max(LINES) == LAST, LINES
""".replace("LAST", str(len(LIVE.splitlines())))


def _pytest(folder: Path, *command: str) -> None:
    (folder / "test_live_here.py").write_text(LIVE)
    done = subprocess.run(
        [sys.executable, "-m", *command, "-q", "-p", "no:cacheprovider", "test_live_here.py"],
        cwd=folder,
        env={"PYTHONPATH": f"{ROOT}:{folder}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_works_under_pytest_beside_another_tracer(tmp_path: Path) -> None:
    """With rewritten asserts, and a plugin's trace function that hears of what follows the block."""
    _pytest(tmp_path, "pytest")
    (tmp_path / "plugin.py").write_text(PLUGIN)
    _pytest(tmp_path, "pytest", "-p", "plugin")


def test_it_works_under_coverage(tmp_path: Path) -> None:
    """With its tracer written in C and the one written in Python, which are put back."""
    pytest.importorskip("coverage", reason="coverage is not installed")
    for tracer in ("ctrace", "pytrace"):
        (tmp_path / ".coveragerc").write_text(f"[run]\ncore = {tracer}\n")
        _pytest(tmp_path, "coverage", "run", "-m", "pytest")


def test_it_works_in_a_notebook(tmp_path: Path) -> None:
    """In IPython: cells are programs of their own, with their text."""
    pytest.importorskip("IPython", reason="IPython is not installed")
    code = (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        "shell.history_manager.enabled = False\n"
        "cells = ['from pytrace_mono.tracer import record, trace_call\\n'\n"
        " 'def f(n):\\n    m = n + 1\\n    return m\\n',\n"
        " 'with record() as recording:\\n    x = 1\\n    y = x + 1\\n',\n"
        " 'trace = trace_call(f, 1)']\n"
        "for cell in cells: shell.run_cell(cell).raise_error()\n"
        "trace, block = shell.user_ns['trace'], shell.user_ns['recording'].trace\n"
        "assert trace.complete and 'm = n + 1' in trace.program, trace\n"
        "assert [s.kind for s in trace.steps] == ['call', 'line', 'line', 'return']\n"
        "assert block.complete and block.program == cells[1], block\n"
        "assert [list(s.changes) for s in block.steps] == [['x'], ['y']], block.steps\n"
        "print('fine')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "IPYTHONDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.stdout.endswith("fine\n"), done.stdout + done.stderr
