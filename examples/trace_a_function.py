"""Record one call of a function of yours, and walk through what happened.

Needs nothing but the base install:  python examples/trace_a_function.py
"""

from pytrace_mono.tracer import trace_call


def running_maximum(numbers):
    best = None
    result = []
    for number in numbers:
        if best is None or number > best:
            best = number
        result.append(best)
    return result


trace = trace_call(running_maximum, [3, 1, 4, 1, 5])

print(f"{trace.call} {trace.outcome.kind} {trace.outcome.value.text} ({trace.status.state})")
for step in trace.steps:
    changes = ", ".join(f"{name} = {value.text}" for name, value in step.changes.items())
    print(f"line {step.line:3}  {step.kind:9} {changes}")
