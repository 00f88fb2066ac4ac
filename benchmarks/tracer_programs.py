"""The programs that ``benchmarks/tracer.py`` times: each is (source, call)."""

from __future__ import annotations

import json
from pathlib import Path

Program = tuple[str, str]
"""Source text of a program and an expression that calls it."""

HEAVY: dict[str, Program] = {
    "big list, set in the middle": (
        "def f(n):\n    a = list(range(5000))\n    for i in range(n):\n        a[2500] = i\n"
        "        t = a[i]\n    return t\n",
        "f(300)",
    ),
    "matrix product": (
        "def f(n):\n    a = [[i * j % 7 for j in range(n)] for i in range(n)]\n"
        "    c = [[0] * n for _ in range(n)]\n    for i in range(n):\n        for j in range(n):\n"
        "            for k in range(n):\n                c[i][j] += a[i][k] * a[k][j]\n    return c\n",
        "f(9)",
    ),
    "dict counting": (
        "def f(n):\n    d = {}\n    for w in ('abcdefgh' * n):\n        d[w] = d.get(w, 0) + 1\n"
        "    return d\n",
        "f(100)",
    ),
    "recursion": (
        "def fib(n):\n    if n < 2:\n        return n\n    return fib(n - 1) + fib(n - 2)\n",
        "fib(13)",
    ),
    "string building": (
        "def f(n):\n    s = ''\n    for i in range(n):\n        s += chr(97 + i % 26)\n"
        "        if s.endswith('xyz'):\n            s += '.'\n    return s\n",
        "f(600)",
    ),
    "objects and generators": (
        "class P:\n    def __init__(self, x):\n        self.x = x\n        self.seen = []\n\n"
        "    def move(self, by):\n        self.x += by\n        self.seen.append(by)\n"
        "        return self.x\n\ndef steps(n):\n    for i in range(n):\n        yield i % 3\n\n"
        "def f(n):\n    p = P(0)\n    for by in steps(n):\n        p.move(by)\n    return p.x\n",
        "f(150)",
    ),
    "sort in place": (
        "def f(n):\n    a = [i * 23 % n for i in range(n)]\n    for i in range(n):\n"
        "        for j in range(n - 1 - i):\n            if a[j] > a[j + 1]:\n"
        "                a[j], a[j + 1] = a[j + 1], a[j]\n    return a\n",
        "f(36)",
    ),
    "nested loops": (
        "def f(n):\n    t = 0\n    for i in range(n):\n        for j in range(n):\n"
        "            t += i * j\n            if t % 2:\n                t -= 1\n    return t\n",
        "f(25)",
    ),
}

_BODIES = (
    "out = []\nfor x in a:\n    if x > {k}:\n        out.append(x - {k})\nreturn out",
    "total = 0\nfor i, x in enumerate(a):\n    total += i * x + {k}\nreturn total",
    "d = {{}}\nfor x in a:\n    d.setdefault(x % {k}, []).append(x)\nreturn sorted(d.items())",
    "a = sorted(a)\nwhile a and a[-1] > {k}:\n    a.pop()\nreturn a",
    "s = ''\nfor x in a:\n    s += str(x + {k})\nif s.startswith('1'):\n    s = s[::-1]\nreturn s",
    "b = [x * {k} for x in a]\nb.reverse()\nreturn b[: {k}]",
    "seen = set()\nfor x in a:\n    if x in seen:\n        return x\n    seen.add(x % {k})\nreturn None",
    "lo, hi = 0, len(a) - 1\nwhile lo < hi:\n    a[lo], a[hi] = a[hi], a[lo]\n    lo += 1\n"
    "    hi -= 1\nreturn a + [{k}]",
)


def short() -> list[Program]:
    """Many short functions of different shapes, none of which runs for more than some tens of lines."""
    programs = []
    for k in range(2, 12):
        for body in _BODIES:
            lines = body.format(k=k).splitlines()
            source = "def f(a):\n" + "".join(f"    {line}\n" for line in lines)
            programs.append((source, f"f({[(i * k) % 17 + 1 for i in range(k)]})"))
    return programs


def from_file(path: Path) -> list[Program]:
    """Programs and their first calls out of JSON lines with ``code`` and ``calls[].call``."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [(row["code"], row["calls"][0]["call"]) for row in rows if row["calls"]]
