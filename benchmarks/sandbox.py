"""Programs a second in the sandbox, beside starting an interpreter for each.

    python benchmarks/sandbox.py

The same short program, in the same run: traced and untraced in a Sandbox, and as `python file.py`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

from pytrace_mono.tracer import Sandbox

PROGRAM = "def f(n):\n    t = 0\n    for i in range(n):\n        t += i\n    return t\n"
COUNT = 300


def rate(run: Callable[[], object], count: int) -> float:
    start = time.perf_counter()
    run()
    return count / (time.perf_counter() - start)


def main() -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".py") as file, Sandbox() as box:
        file.write(PROGRAM + "print(f(5))\n")
        file.flush()
        box.trace(PROGRAM, "f(5)")
        few = COUNT // 10
        plain = rate(
            lambda: [
                subprocess.run([sys.executable, file.name], capture_output=True) for _ in range(few)
            ],
            few,
        )
        jobs = [(PROGRAM, "f(5)")] * COUNT
        traced = rate(lambda: list(box.map(jobs)), COUNT)
        untraced = rate(lambda: [box.run(*job) for job in jobs], COUNT)
        print(f"isolation {box.level}, {box.workers} workers")
        print(f"python file.py, one after another   {plain:7.0f} programs/s")
        print(
            f"Sandbox.run, one after another      {untraced:7.0f} programs/s ({untraced / plain:.1f}x)"
        )
        print(
            f"Sandbox.map, traced, all workers    {traced:7.0f} programs/s ({traced / plain:.1f}x)"
        )


if __name__ == "__main__":
    main()
