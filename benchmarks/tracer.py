"""What recording costs: microseconds per traced line, beside a trace function that does nothing.

    python benchmarks/tracer.py

Both are timed in the same process, best of five, so the ratio means something where the machine is
noisy. PySnooper is timed beside them when it is installed.
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable

from pytrace_mono.tracer.limits import Limits
from pytrace_mono.tracer.recorder import Recorder
from pytrace_mono.tracer.scope import Scope

PROGRAMS = {
    "loop over ints": (
        "def f():\n    t = 0\n    for i in range(800):\n        t += i * i\n    return t\n"
    ),
    "growing list": (
        "def f():\n    a = []\n    for i in range(150):\n        a.append(i)\n    return a\n"
    ),
    "dict counting": (
        "def f():\n    d = {}\n    for w in 'abcd' * 60:\n        d[w] = d.get(w, 0) + 1\n    return d\n"
    ),
    "recursion": (
        "def fib(n):\n    if n < 2:\n        return n\n    return fib(n - 1) + fib(n - 2)\n\n\n"
        "def f():\n    return fib(11)\n"
    ),
    "objects": (
        "class P:\n    def __init__(self, x):\n        self.x = x\n\n    def move(self):\n"
        "        self.x += 1\n        return self.x\n\n\n"
        "def f():\n    p = P(0)\n    for _ in range(100):\n        p.move()\n    return p.x\n"
    ),
}


def best(run: Callable[[], int]) -> tuple[float, int]:
    """Shortest of five runs in seconds, and the lines it traced."""
    results = []
    for _ in range(5):
        start = time.perf_counter()
        lines = run()
        results.append((time.perf_counter() - start, lines))
    return min(results)


def nothing(function: Callable[[], object]) -> int:
    lines = 0

    def local(frame: object, event: str, arg: object) -> object:
        nonlocal lines
        lines += event == "line"
        return local

    sys.settrace(lambda frame, event, arg: local)
    try:
        function()
    finally:
        sys.settrace(None)
    return lines


def recorded(function: Callable[[], object]) -> int:
    recorder = Recorder(Limits(max_steps=100_000), Scope.of_files("<program>"))
    recorder.start()
    try:
        function()
    finally:
        status = recorder.stop()
    assert status["state"] == "complete", status
    return sum(row["kind"] == "line" for row in recorder.rows)


def snooped(function: Callable[[], object]) -> int:
    import pysnooper

    out = io.StringIO()
    with pysnooper.snoop(out, depth=100):
        function()
    return out.getvalue().count(" line ")


def main() -> None:
    peers: dict[str, Callable[[Callable[[], object]], int]] = {"recorder": recorded}
    try:
        import pysnooper  # noqa: F401
    except ImportError:
        print("PySnooper is not installed: not measured")
    else:
        peers["PySnooper"] = snooped
    for name, code in PROGRAMS.items():
        namespace: dict[str, Callable[[], object]] = {}
        exec(compile(code, "<program>", "exec"), namespace)  # noqa: S102 - the programs above
        function = namespace["f"]
        base, base_lines = best(lambda function=function: nothing(function))
        text = f"{name:16} no-op {1e6 * base / base_lines:6.2f} us/line"
        for peer, run in peers.items():
            seconds, lines = best(lambda run=run, function=function: run(function))
            cost = 1e6 * seconds / max(lines, 1)
            text += f"   {peer} {cost:7.2f} us/line ({cost / (1e6 * base / base_lines):5.1f}x)"
        print(text)


if __name__ == "__main__":
    main()
