"""Turn a program into checked monologues from Python, and print one of them.

Needs the base install:  python examples/make_a_corpus.py
"""

import tempfile

from pytrace_mono.records import Call, Problem
from pytrace_mono.synth import Narrator, synthesize

CODE = """\
def digits_sum(number):
    total = 0
    while number > 0:
        number, digit = divmod(number, 10)
        total += digit
    return total
"""

problem = Problem(
    id="digits_sum",
    code=CODE,
    entry_point="digits_sum",
    calls=(Call(call="digits_sum(407)", expected="11"), Call(call="digits_sum(9)")),
    description="Add up the decimal digits of a whole number.",
)

with tempfile.TemporaryDirectory() as folder:
    corpus = synthesize([problem], Narrator(), f"{folder}/corpus", format="jsonl")
    for example in corpus.examples("backward"):
        print(example.response)
        break
    print(f"\n{corpus.manifest['counts']['rows']} rows")
