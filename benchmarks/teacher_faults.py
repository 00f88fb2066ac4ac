"""How the OpenAI teacher stands an endpoint that fails, and how much memory a long run takes.

    export PYTHONPATH=tests:tests/teacher
    python benchmarks/teacher_faults.py storm     30 % of the requests refused (429), at random
    python benchmarks/teacher_faults.py errors    50 runs against 40 % of errors (500)
    python benchmarks/teacher_faults.py memory    what a run of 100,000 rows holds on its way (Linux)

The endpoint is the scripted one of the tests, in a process of its own.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from aiohttp import web
from chat_server import body_of
from endpoint import answer

from pytrace_mono.synth import Completion, Corpus, OpenAITeacher, Prompt, synthesize
from pytrace_mono.tracer import Limits

FAULTS = {"storm": (429, 0.3), "errors": (500, 0.4), "none": (200, 0.0)}


def endpoint(ready: Connection, status: int, share: float, delay: float) -> None:
    chance = random.Random(0)

    async def reply(request: web.Request) -> web.Response:
        asked = json.loads(await request.read())
        if chance.random() < share:
            return web.Response(status=status, text="{}", content_type="application/json")
        if delay:
            await asyncio.sleep(delay)
        prompt = "\n".join(message["content"] for message in asked["messages"])
        return web.json_response(body_of(answer(prompt), tokens=(100, 20)))

    async def go() -> None:
        app = web.Application(client_max_size=1 << 24)
        app.router.add_post("/v1/chat/completions", reply)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ready.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(go())


def against(kind: str, delay: float, work: Callable[[str], Any]) -> Any:
    """What the work gives, done against an endpoint of this kind."""
    ready, other = multiprocessing.Pipe()
    arguments = (other, *FAULTS[kind], delay)
    server = multiprocessing.Process(target=endpoint, args=arguments, daemon=True)
    server.start()
    try:
        return work(f"http://127.0.0.1:{ready.recv()}/v1")
    finally:
        server.terminate()


def run(
    url: str, rows: int, place: Path, kind: type[OpenAITeacher] = OpenAITeacher, **options: Any
) -> tuple[Corpus, float]:
    """A corpus of so many forward rows, and the seconds it took."""
    place.mkdir(parents=True)
    problems = place / "rows.jsonl"
    with problems.open("w") as stream:
        for i in range(rows):
            row = {"id": str(i), "code": f"def f(x):\n    return x + {i}\n", "calls": ["f(1)"]}
            stream.write(json.dumps(row) + "\n")
    teacher = kind("m", base_url=url, cache=place / "cache", **options)
    limits = Limits(wall_seconds=5)
    started = time.perf_counter()
    corpus = synthesize(problems, teacher, place / "c", limits=limits, directions=["forward"])
    return corpus, time.perf_counter() - started


def storm() -> None:
    rows, at_once, delay = 400, 16, 1.0
    with tempfile.TemporaryDirectory() as place:
        times = {}
        for kind in ("none", "storm"):
            corpus, times[kind] = against(
                kind,
                delay,
                lambda url, kind=kind: run(url, rows, Path(place) / kind, concurrency=at_once),
            )
            print(f"{kind:<6}{len(corpus)} of {rows} rows in {times[kind]:.1f} s")
    ideal = rows * delay / at_once
    print(f"ideal {ideal:.1f} s ({rows} answers of {delay:g} s, {at_once} at once)")
    print(f"30 % refused: {times['storm'] / ideal:.2f} of the ideal time, ", end="")
    print(f"{times['storm'] / times['none']:.2f} of the undisturbed run")


def errors() -> None:
    runs, rows, kept = 50, 60, 0
    with tempfile.TemporaryDirectory() as place:

        def all_of_them(url: str) -> int:
            number = 0
            for i in range(runs):
                corpus, _ = run(url, rows, Path(place) / str(i), attempts=3)
                dropped = list(corpus.rejects())
                assert len(corpus) + len(dropped) == rows and corpus.complete
                assert all(reject["detail"] for reject in dropped)
                number += len(corpus)
            return number

        started = time.perf_counter()
        kept = against("errors", 0.0, all_of_them)
    print(
        f"{runs} runs of {rows} rows ended in {time.perf_counter() - started:.0f} s: "
        f"{kept} rows kept, {runs * rows - kept} dropped with a reason, none lost"
    )


class Watched(OpenAITeacher):
    """Tells what its process holds when it has been asked so many times."""

    marks: Sequence[int] = ()
    asked = 0

    async def complete(self, prompt: Prompt, *, n: int = 1) -> list[Completion]:
        self.asked += 1
        if self.asked in self.marks:
            told_memory(self.asked)
        return await super().complete(prompt, n=n)


def told_memory(rows: int) -> None:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    now, peak = (int(status[name].split()[0]) / 1_024 for name in ("VmRSS", "VmHWM"))
    print(f"{rows:>7} rows: {now:6.1f} MB, {peak:6.1f} MB at most so far", flush=True)


def memory() -> None:
    Watched.marks = [int(number) for number in sys.argv[2:]] or [
        *(1_000, 2_000, 5_000, 10_000, 20_000, 30_000),
        *(40_000, 50_000, 60_000, 70_000, 80_000, 90_000, 100_000),
    ]
    with tempfile.TemporaryDirectory() as place:
        rows = Watched.marks[-1]
        corpus, seconds = against(
            "none", 0.0, lambda url: run(url, rows, Path(place) / "run", Watched)
        )
    print(f"{len(corpus)} rows in {seconds:.0f} s ({len(corpus) / seconds:.0f} rows/s)")


if __name__ == "__main__":
    {"storm": storm, "errors": errors, "memory": memory}[sys.argv[1]]()
