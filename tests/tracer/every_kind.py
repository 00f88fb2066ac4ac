"""Run by other interpreters: records a fixed program and prints its rows as JSON.

The program is data here, so that the module needs nothing but the standard library and the tracer.
"""

import json
import sys

from pytrace_mono.tracer.limits import Limits
from pytrace_mono.tracer.recorder import Recorder
from pytrace_mono.tracer.scope import PROGRAM_FILE, Scope

PROGRAM = """
import contextlib, functools
counter = 0
class Box:
    size = 2
    def __init__(self, item):
        self.item = item
class Pause:
    def __await__(self):
        yield "paused"
def gen(n):
    try:
        for i in range(n):
            got = yield i
    except ValueError as error:
        yield str(error)
    finally:
        done = True
def delegate():
    result = yield from gen(1)
    return result
async def numbers():
    yield 1
    await Pause()
    yield [2]
async def collect():
    out = []
    async for n in numbers():
        out.append(n)
    return out
def raising(items):
    items.append(1); raise KeyError("k")
@functools.lru_cache(None)
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
def outer():
    count = 0
    def inner():
        nonlocal count
        count += 1
    inner()
    return count
def kinds(value):
    match value:
        case {"a": x}:
            return x
        case [first, *rest]:
            return rest
        case _:
            return None
def comprehensions(n):
    squares = [i * i for i in range(n)]
    pairs = {k: v for k, v in enumerate("ab")}
    total = sum(
        x
        for x in squares
    )
    return squares, pairs, total
def main():
    global counter
    counter += 1
    box = Box([1])
    box.item.append(2)
    g = gen(3)
    next(g)
    g.send("hi")
    g.throw(ValueError("thrown"))
    g.close()
    list(delegate())
    coroutine = collect()
    try:
        coroutine.send(None)
        coroutine.send(None)
    except StopIteration as stop:
        gathered = stop.value
    items = []
    try:
        raising(items)
    except KeyError:
        del items
    for _ in range(2):
        if (half := counter / 2) > 0.4: continue
    with contextlib.suppress(KeyError):
        {}["missing"]
    return fib(4), outer(), kinds({"a": 1}), kinds([1, 2]), comprehensions(3), (lambda q: q)(5), gathered
"""


def record() -> dict[str, object]:
    recorder = Recorder(Limits(), Scope.of_files(PROGRAM_FILE))
    namespace: dict[str, object] = {"__name__": "program"}
    program = compile(PROGRAM, PROGRAM_FILE, "exec", dont_inherit=True)
    recorder.start()
    exec(program, namespace)  # noqa: S102
    value = namespace["main"]()  # type: ignore[operator]
    status = recorder.stop()
    # One short line a step, so that a difference is easy to read.
    steps = []
    for row in json.loads(recorder.rows.json()):
        parts = [f"{name} = {value['text']}" for name, value in row["changes"].items()]
        parts += [f"{name} deleted" for name in row["deleted"]]
        if "value" in row:
            parts.append(f"-> {row['value']['text']}")
        place = f"{row['kind']} {row['line']} {row['function']} #{row['frame']} @{row['depth']}"
        steps.append(f"{place}: {', '.join(parts)}" if parts else place)
    return {"status": status, "value": repr(value), "steps": steps}


if __name__ == "__main__":
    json.dump(record(), sys.stdout, indent=1)
    sys.stdout.write("\n")
