"""What recording costs: microseconds of thread CPU time per traced line, beside its peers.

    python benchmarks/tracer.py                        about a minute
    python benchmarks/tracer.py --data programs.jsonl  short functions out of a file

Two sets of short functions are measured, each function in a recording of its own: real ones, out of the
file given or else out of ``../shared/data/cruxeval_dev.jsonl`` where that is, and some of our own. All
are timed in turn, each in a process of its own, and each with what it takes to get at its result: the
recorder with its rows as JSON, the others with their text. The first pass over the programs is told
apart, in which each also reads their source or bytecode. A line is a `line` event of the program, as
counted by a trace function that does nothing. Ratios mean something where the machine is noisy,
microseconds do not. A peer that is not installed is not measured (pip install pysnooper hunter snoop).
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import importlib.util
import io
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from tracer_programs import HEAVY, Program, from_file, short

from pytrace_mono.tracer.limits import Limits
from pytrace_mono.tracer.recorder import Recorder
from pytrace_mono.tracer.scope import Scope

_NOTHING = contextlib.nullcontext()
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "cruxeval_dev.jsonl"
_LIMITS = Limits(max_steps=1_000_000)


class Run:
    """A program whose module has run, in a file of its own so that each peer finds its source.

    Attributes:
        file: where it is.
    """

    def __init__(self, folder: Path, program: Program) -> None:
        source, call = program
        path = folder / f"program_{len(os.listdir(folder))}.py"
        self.file = str(path)
        # The tracer is no variable of the program's: to show it is not what is to be measured.
        driver = f"\n\ndef run_in():\n    with tracer():\n        {call}\n"
        path.write_text(source + driver, encoding="utf-8")
        namespace: dict[str, Any] = {"__name__": path.stem, "__file__": self.file}
        exec(compile(source + driver, self.file, "exec", dont_inherit=True), namespace)  # noqa: S102
        self._namespace = namespace

    def __call__(self, tracer: object = _NOTHING) -> None:
        self._namespace["tracer"] = lambda: tracer
        with contextlib.suppress(Exception):
            self._namespace["run_in"]()


Traced = Callable[[Run], object]


def no_op(run: Run) -> int:
    """Traces and does nothing but count; returns the lines."""
    lines = 0

    def local(frame: FrameType, event: str, arg: object) -> object:
        nonlocal lines
        lines += event == "line"
        return local

    def calls(frame: FrameType, event: str, arg: object) -> object:
        return local if frame.f_code.co_filename == run.file else None

    sys.settrace(calls)
    try:
        run()
    finally:
        sys.settrace(None)
    return lines


def repr_diff(run: Run) -> str:
    """The naive way: `repr` of every local at every event, told where it is another."""
    out: list[object] = []

    def calls(frame: FrameType, event: str, arg: object) -> object:
        if frame.f_code.co_filename != run.file:
            return None
        seen: dict[str, str] = {}

        def local(frame: FrameType, event: str, arg: object) -> object:
            changed = {}
            for name, value in frame.f_locals.items():
                text = repr(value)
                if seen.get(name) != text:
                    seen[name] = changed[name] = text
            out.append((event, frame.f_lineno, changed))
            return local

        return local

    sys.settrace(calls)
    try:
        run()
    finally:
        sys.settrace(None)
    return json.dumps(out)


def recorded(run: Run) -> str:
    recorder = Recorder(_LIMITS, Scope.of_files(run.file))
    recorder.start()
    try:
        run()
    finally:
        status = recorder.stop()
    if status["state"] != "complete":
        raise SystemExit(f"benchmarks/tracer.py: the recording of {run.file} is {status}")
    return recorder.rows.json()


def pysnooper(run: Run) -> str:
    import pysnooper

    out = io.StringIO()
    run(pysnooper.snoop(out, depth=1_000, color=False))
    return out.getvalue()


def hunter(run: Run) -> str:
    import hunter

    out = io.StringIO()
    with hunter.trace(filename=run.file, action=hunter.VarsSnooper(stream=out)):
        run()
    return out.getvalue()


def snoop(run: Run) -> str:
    import snoop

    out = io.StringIO()
    run(snoop.Config(out=out, color=False).snoop(depth=1_000))
    return out.getvalue()


RECORDERS: dict[str, Traced] = {
    "no-op": no_op,
    "repr-diff": repr_diff,
    "pytrace_mono": recorded,
    "PySnooper": pysnooper,
    "hunter": hunter,
    "snoop": snoop,
}
PEERS = ("PySnooper", "hunter", "snoop")


def seconds(trace: Traced, runs: Sequence[Run]) -> float:
    start = time.thread_time()
    for run in runs:
        trace(run)
    return time.thread_time() - start


def apart(trace: Traced, runs: Sequence[Run]) -> tuple[float, float]:
    """Seconds of a first and of a second pass, in a process of their own.

    So no recorder pays for what another leaves behind, such as an audit hook; nor for what compiling
    the programs left to the garbage collector, which would go through it in whichever pass comes to be
    the next in turn, for longer than the shortest passes last.
    """
    gc.collect()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            passes = [seconds(trace, runs) for _ in range(2)]
            os.write(writing, json.dumps(passes).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as told:
        answer = told.read()
    os.waitpid(child, 0)
    if not answer:
        raise SystemExit(f"benchmarks/tracer.py: {trace.__name__} failed; see above")
    first, second = json.loads(answer)
    return first, second


def measure(runs: Sequence[Run], rounds: int) -> dict[str, Any]:
    """Lines of a set, and for each recorder: its microseconds per line in each round, for programs
    that it has seen once before and for those that it has not."""
    with contextlib.redirect_stdout(io.StringIO()):
        lines = sum(no_op(run) for run in runs)
        again: dict[str, list[float]] = {}
        first: dict[str, list[float]] = {}
        for _ in range(rounds):
            for name, trace in RECORDERS.items():
                if importlib.util.find_spec(name.lower()) is None and name in PEERS:
                    continue
                passes = apart(trace, runs)
                first.setdefault(name, []).append(1e6 * passes[0] / lines)
                again.setdefault(name, []).append(1e6 * passes[1] / lines)
    return {"lines": lines, "programs": len(runs), "us": again, "us_first": first}


def show(title: str, result: dict[str, Any]) -> None:
    print(f"\n{title}: {result['programs']} programs, {result['lines']} lines")
    print(
        f"{'recorder':14}{'us/line':>9}{'x no-op':>9}  (from to)    {'/ pytrace_mono':>16}"
        f"{'us/line, first time':>21}"
    )
    us = result["us"]
    for name in RECORDERS:
        if name not in us:
            print(f"{name:14} not measured: not installed")
            continue
        middle, first = statistics.median(us[name]), statistics.median(result["us_first"][name])
        ratios = sorted(a / b for a, b in zip(us[name], us["no-op"], strict=True))
        ratio = statistics.median(ratios)
        per_round = statistics.median(
            a / b for a, b in zip(us[name], us["pytrace_mono"], strict=True)
        )
        spread = f"({ratios[0]:.1f} {ratios[-1]:.1f})"
        print(f"{name:14}{middle:9.2f}{ratio:9.1f}  {spread:14}{per_round:14.1f}{first:21.2f}")


CONTAINERS = {
    "untouched": "        t = i\n",
    "read": "        t = a[i % 1000]\n",
    "one element changed": "        a[-7] = -i\n",
}


def containers(folder: Path, sizes: Sequence[int]) -> list[dict[str, Any]]:
    """Cost of a line while a list of some size is visible, and how often its change was told."""
    found = []
    for size in sizes:
        for what, line in CONTAINERS.items():
            source = f"def f(a, n):\n    for i in range(n):\n{line}    return n\n"
            times = 200 if "a[-7]" in line else 4_000  # the first look at a large list takes long
            costs = []
            for n in (times, 2 * times):  # the difference leaves the cost of the call itself out
                program = (source + f"a = list(range({size}))\n", f"f(a, {n})")
                run = Run(folder, program)
                costs.append(statistics.median(seconds(recorded, [run]) for _ in range(5)))
            body = [
                row
                for row in json.loads(recorded(run))
                if row["kind"] == "line" and row["line"] == 3
            ]
            found.append(
                {
                    "size": size,
                    "what": what,
                    "us": 1e6 * (costs[1] - costs[0]) / (2 * times),
                    "told": sum("a" in row["changes"] for row in body) / len(body),
                    "unchecked": sum("a" in row.get("unchecked", ()) for row in body) / len(body),
                }
            )
    return found


def by_length(folder: Path, lengths: Sequence[int]) -> list[dict[str, Any]]:
    """Cost of a line in recordings of different lengths, beside the trace function that does nothing."""
    source = (
        "def f(n):\n    t = 0\n    a = [0] * 9\n    for i in range(n):\n        t += i\n"
        "        a[t % 9] = i\n"
    )
    found = []
    for steps in lengths:
        run = Run(folder, (source, f"f({steps // 3})"))
        base, ours = seconds(no_op, [run]), seconds(recorded, [run])
        found.append({"steps": steps, "us": 1e6 * ours / steps, "ratio": ours / base})
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="JSON lines with `code` and `calls[].call`")
    parser.add_argument("--rounds", type=int, default=3, help="of each recorder (default: 3)")
    parser.add_argument("--json", type=Path, help="also write all that was measured to this file")
    args = parser.parse_args()
    data = args.data or (SHARED if SHARED.exists() else None)
    with tempfile.TemporaryDirectory() as folder:
        result = everything(Path(folder), from_file(data) if data else [], args.rounds)
    if args.json:
        args.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def everything(folder: Path, functions: Sequence[Program], rounds: int) -> dict[str, Any]:
    """Measure and print, table by table."""
    result: dict[str, Any] = {"python": sys.version.split()[0]}
    sets = {"short, real": functions, "short, own": short(), "heavy": list(HEAVY.values())}
    for title, programs in sets.items():
        if not programs:
            continue
        result[title] = measure([Run(folder, program) for program in programs], rounds)
        show(title, result[title])
    print("\nA list of n ints is visible     n   us/line   change told   unchecked")
    result["containers"] = containers(folder, [1_000, 10_000, 100_000, 1_000_000])
    for row in result["containers"]:
        print(
            f"{row['what']:24}{row['size']:9}{row['us']:10.1f}{row['told']:14.0%}{row['unchecked']:12.0%}"
        )
    print("\nSteps recorded   us/line   x no-op")
    result["length"] = by_length(folder, [1_000, 10_000, 100_000])
    for row in result["length"]:
        print(f"{row['steps']:14}{row['us']:10.2f}{row['ratio']:10.1f}")
    return result


if __name__ == "__main__":
    main()
