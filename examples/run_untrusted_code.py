"""Run programs you do not trust: confined, bounded, one process each, results as plain data.

Needs nothing but the base install:  python examples/run_untrusted_code.py
"""

from pytrace_mono.tracer import Limits, Sandbox

programs = [
    ("def f(n):\n    return n * n\n", "f(12)"),
    ("def f():\n    while True:\n        pass\n", "f()"),
    ("def f():\n    return open('/etc/passwd').read()\n", "f()"),
    ("def f():\n    return [0] * 10**10\n", "f()"),
    ("import socket\n\ndef f():\n    return socket.create_connection(('127.0.0.1', 22))\n", "f()"),
]

with Sandbox(Limits(wall_seconds=2, max_steps=2_000)) as box:
    print(f"isolation: {box.level}")
    for trace in box.map(programs):
        outcome = trace.outcome
        if outcome.value is not None:
            detail = outcome.value.text
        elif outcome.exception is not None:
            detail = f"{outcome.exception.type}: {outcome.exception.message}"
        else:
            detail = trace.status.reason or ""
        print(f"{outcome.kind:10} after {len(trace.steps):4} steps  {detail}")
