"""What the sandbox costs, beside what people do without it; and the long soak.

    python benchmarks/sandbox.py                     the numbers, in one run
    python benchmarks/sandbox.py --soak 100000       many programs in one Sandbox, 5 % of them hostile

Every way runs the same short programs, on the same number of processors, in turns: each is measured
several times and the median is printed, because other programs use the machine as well; processor
time, all processes together, is steadier than the rate where they use much of it. evalplus'
own guard is used where evalplus is installed, the same technique from ``tests/attacks`` elsewhere;
the way with PySnooper needs ``pip install pysnooper``.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "attacks"))

from pytrace_mono.tracer import Limits, Sandbox
from pytrace_mono.tracer.sandbox import Program

PROGRAM = "def f(n):\n    t = 0\n    for i in range(n):\n        t += i\n    return t\n"
CALL = "f(5)"
WORKERS = 2
ROUNDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--soak", type=int, metavar="N", help="run N programs, 5 %% hostile")
    parser.add_argument("--isolation", default="auto", help="level (default: the best there is)")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"{len(os.sched_getaffinity(0))} processors, load before the run {load:.1f}")
    if options.soak:
        print_soak(options.soak, options.isolation)
    else:
        print_rates(options.isolation)


def print_rates(isolation: str) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        Sandbox(Limits(), isolation, WORKERS) as box,
        ThreadPoolExecutor(WORKERS) as threads,
    ):
        guard, whose = find_guard()
        plain = Path(folder, "plain.py")
        plain.write_text(f"{PROGRAM}print({CALL})\n")
        snooped = Path(folder, "snooped.py")
        snooped.write_text(f"import pysnooper\n@pysnooper.snoop()\n{PROGRAM}print({CALL})\n")
        calls = tuple(f"f({n})" for n in range(10))

        def each(run: Callable[[int], object]) -> Callable[[int], object]:
            return lambda count: list(threads.map(run, range(count)))

        # Name: how many in a round, what runs that many.
        ways: dict[str, tuple[int, Callable[[int], object]]] = {
            "python file.py": (40, each(lambda _: python(plain))),
            f"multiprocessing + {whose} guard": (200, each(lambda _: guarded(guard))),
            "Sandbox.run": (500, each(lambda _: box.run(PROGRAM, CALL))),
            "Sandbox.map, traced": (500, lambda n: list(box.map([(PROGRAM, CALL)] * n))),
            "Sandbox.map, traced, trusted": (
                1000,
                lambda n: list(box.map([(PROGRAM, CALL)] * n, trusted=True)),
            ),
            "Sandbox.map, traced Calls, 10 a program": (
                1000,
                lambda n: list(box.map([Program(PROGRAM, calls)] * (n // 10))),
            ),
        }
        snooper = importlib.util.find_spec("pysnooper") is not None
        if snooper:
            ways["python file.py with PySnooper"] = (40, each(lambda _: python(snooped)))
        for _, run in ways.values():
            run(10)
        resident = memory()
        rates: dict[str, list[float]] = {name: [] for name in ways}
        costs: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, (count, run) in ways.items():
                begun, processor = time.perf_counter(), processor_seconds()
                run(count)
                rates[name].append(count / (time.perf_counter() - begun))
                costs[name].append((processor_seconds() - processor) / count)
        print(f"isolation {box.level}, {WORKERS} at a time, median of {ROUNDS} rounds:")
        print("a second (least to most), and milliseconds of processor time for each")
        for name, found in rates.items():
            spread = f"({min(found):.0f} to {max(found):.0f})"
            cost = statistics.median(costs[name]) * 1000
            print(f"  {name:40} {statistics.median(found):7.0f}  {spread:16} {cost:7.2f} ms")
        print("ratios of rates, and of processor time, each the median of those within one round")
        for ours, theirs in (
            ("Sandbox.run", "python file.py"),
            ("Sandbox.map, traced, trusted", "python file.py"),
            ("Sandbox.run", f"multiprocessing + {whose} guard"),
            ("Sandbox.map, traced", "python file.py with PySnooper"),
        ):
            if theirs in rates:
                faster = ratio(rates[ours], rates[theirs])
                cheaper = ratio(costs[theirs], costs[ours])
                print(f"  {ours} / {theirs}: {faster:.1f}x, {cheaper:.1f}x")
        print(f"main process: {(memory() - resident) / 2**20:+.1f} MiB over the run")


def print_soak(programs: int, isolation: str) -> None:
    from battery.soak import soak

    with Sandbox(isolation=isolation) as box:
        level = box.level
    found = soak(programs, level, WORKERS)
    print(f"isolation {found.level}: {found.programs} programs, {found.hostile} of them hostile, ")
    print(f"  in {found.seconds:.0f} s ({found.programs / found.seconds:.0f} programs/s)")
    print(f"  outcomes: {dict(found.outcomes)}")
    for who, (before, after) in found.memory.items():
        print(
            f"  {who}: {before / 2**20:.1f} MiB after a tenth, {after / 2**20:.1f} MiB at the end"
        )
    print(f"  faults: {len(found.faults)}")
    for fault in found.faults[:20]:
        print(f"    {fault}")
    sys.exit(bool(found.faults))


def python(file: Path) -> None:
    subprocess.run([sys.executable, file], capture_output=True, check=True)


def guarded(guard: Callable[[int], None]) -> None:
    """One program in a process of its own behind a guard, its result by way of a pipe."""
    context = multiprocessing.get_context("fork")
    reader, writer = context.Pipe(duplex=False)
    process = context.Process(target=_behind, args=(guard, writer))
    process.start()
    writer.close()
    value = reader.recv() if reader.poll(10) else None
    process.join(10)
    reader.close()
    with contextlib.suppress(ValueError):  # A start in another thread may be taking leave of it.
        process.close()
    if value != "10":
        raise RuntimeError(f"the guarded program gave {value!r}")


def _behind(guard: Callable[[int], None], writer: Any) -> None:
    guard(4 << 30)
    namespace: dict[str, Any] = {}
    exec(PROGRAM, namespace)  # noqa: S102 - the program above
    writer.send(repr(eval(CALL, namespace)))  # noqa: S307 - the Call above


def find_guard() -> tuple[Callable[[int], None], str]:
    """evalplus' guard, without the rest of evalplus; or ours."""
    package = importlib.util.find_spec("evalplus")
    for root in (package.submodule_search_locations or ()) if package else ():
        spec = importlib.util.spec_from_file_location("utils", Path(root, "eval", "utils.py"))
        if spec is not None and spec.loader is not None:
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module.reliability_guard, "evalplus'"
    from battery import guard

    return guard.enter, "a similar"


def ratio(ones: list[float], others: list[float]) -> float:
    return statistics.median(one / other for one, other in zip(ones, others, strict=True))


def processor_seconds() -> float:
    """Processor time of this process and of its descendants, those that have ended too."""
    from battery.scene import descendants

    ticks = 0
    for pid in (os.getpid(), *descendants(os.getpid())):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # It has ended, and is counted with its parent.
        ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def memory() -> int:
    """Resident bytes of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()
