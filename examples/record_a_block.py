"""Record a block of the running program: what each line changed, also inside containers and objects.

Needs nothing but the base install:  python examples/record_a_block.py
"""

from dataclasses import dataclass, field

from pytrace_mono.tracer import record


@dataclass
class Basket:
    prices: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, cents: int) -> int:
        self.prices[name] = cents
        return sum(self.prices.values())


basket = Basket()
with record() as recording:
    total = basket.add("bread", 240)
    total = basket.add("milk", 129)
    del basket.prices["bread"]

for step in recording.trace.steps:
    for name, value in step.changes.items():
        print(f"line {step.line}: {name} = {value.text}")
