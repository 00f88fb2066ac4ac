"""What the OpenAI teacher adds to a request, on the loopback and in the same run.

    PYTHONPATH=tests python benchmarks/teacher.py

An instant endpoint in a process of its own, prompts of 2 kB, 64 requests at once: the bare openai
client with the same transport, and the teacher with cache and ledger; then the same prompts out of
the cache, through the teacher and alone. curator is put beside them where CURATOR_PYTHON names a
Python that has it, or this one does. CPU is the asking process's, without the endpoint's: on a busy
machine it is the number to read.

Monologues are not read or checked here: the rates are those of asking and of the cache.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

import openai
from aiohttp import web
from chat_server import body_of
from teacher_curator import MISSING

from pytrace_mono.records import Call, Problem
from pytrace_mono.synth import Message, OpenAITeacher, Prompt
from pytrace_mono.synth.cache import Keys, ResponseCache
from pytrace_mono.synth.ledger import Ledger
from pytrace_mono.tracer import Sandbox

COUNT, AT_ONCE = 3_000, 64
BODY = json.dumps(body_of("It is so. " * 100, tokens=(500, 250))).encode()


def endpoint(ready: Connection) -> None:
    async def go() -> None:
        async def answer(request: web.Request) -> web.Response:
            await request.read()
            return web.Response(body=BODY, content_type="application/json")

        app = web.Application()
        app.router.add_post("/v1/chat/completions", answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        ready.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(go())


async def measured(name: str, one: Callable[[int], Awaitable[object]]) -> float:
    slots = asyncio.Semaphore(AT_ONCE)

    async def limited(i: int) -> None:
        async with slots:
            await one(i)

    started, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(limited(i) for i in range(COUNT)))
    return told(name, COUNT, time.perf_counter() - started, time.process_time() - cpu)


def told(name: str, count: int, seconds: float, cpu: float) -> float:
    """Print the rates; the milliseconds of CPU for each."""
    each = cpu / count * 1e3
    print(
        f"{name:<40}{count / seconds:8.0f}/s {each:8.3f} ms CPU each, {count / cpu:6.0f}/s of CPU"
    )
    return each


def chat(i: int) -> str:
    return f"{i} " + "x = x + 1\n" * 200


async def compare(url: str, directory: Path, prompt: Prompt) -> None:
    client = openai.AsyncOpenAI(
        api_key="none", base_url=url, max_retries=0, http_client=openai.DefaultAioHttpClient()
    )
    teacher = OpenAITeacher("m", base_url=url, concurrency=AT_ONCE, cache=directory)
    teacher.begin(Ledger(directory))

    def plain(i: int) -> Awaitable[object]:
        return client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": chat(i)}]
        )

    def asked(i: int) -> Awaitable[object]:
        turns = (Message("user", chat(i)),)
        return teacher.complete(replace(prompt, messages=turns, row=str(i)))

    await asyncio.gather(*(plain(i) for i in range(AT_ONCE)))  # connections are made
    bare = await measured("bare openai client, aiohttp transport", plain)
    ours = await measured("OpenAITeacher, cache and ledger", asked)
    print(f"{'  over the bare client':<40}{'':>10} {ours - bare:+8.3f} ms CPU each")
    await measured("the same again: out of the cache", asked)
    # As a run meets them, without a task for each.
    started, cpu = time.perf_counter(), time.process_time()
    for i in range(COUNT):
        await asked(i)
    told(
        "the same, one after another",
        COUNT,
        time.perf_counter() - started,
        time.process_time() - cpu,
    )
    await client.close()
    await teacher.aclose()


def alone(directory: Path) -> None:
    cache = ResponseCache(directory / "alone")
    keys = Keys("e", {"model": "m"})
    chats = [[{"content": chat(i)}] for i in range(COUNT)]
    for turns in chats:
        cache.put(keys.of(turns, 0), BODY)
    started, cpu = time.perf_counter(), time.process_time()
    for turns in chats:
        assert cache.get(keys.of(turns, 0)) is not None
    spent = time.process_time() - cpu
    told("the cache alone, with the digest", COUNT, time.perf_counter() - started, spent)


def curator(url: str) -> None:
    own = Path(__file__).with_name("teacher_curator.py")
    python = os.environ.get("CURATOR_PYTHON", sys.executable)
    command = [python, str(own), url, str(COUNT), str(AT_ONCE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == MISSING:
        print("curator: not installed (CURATOR_PYTHON may name a Python that has it)")
    elif done.returncode:
        print(f"curator: failed: {done.stderr.strip().splitlines()[-1]}")
    else:
        told("curator, its cache included", *json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    problem = Problem(id="p", code="def f(x):\n    return x\n", calls=(Call(call="f(1)"),))
    with Sandbox() as box:
        trace = box.trace(problem.code, "f(1)")
    call = problem.calls[0]
    prompt = Prompt(
        direction="forward",
        messages=(),
        problem=problem,
        call=call,
        trace=trace,
        traces=(trace,),
        entry_point="f",
        literal_call="f(1)",
        masked_call="f(??)",
        output="1",
    )
    ready, other = multiprocessing.Pipe()
    server = multiprocessing.Process(target=endpoint, args=(other,), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{ready.recv()}/v1"
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(compare(url, Path(directory), prompt))
        alone(Path(directory))
    curator(url)
    server.terminate()


if __name__ == "__main__":
    main()
