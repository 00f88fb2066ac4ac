"""A teacher is anything with a name and ``complete``: here one that makes mistakes on purpose.

What it says is checked like everybody else's: the wrong answers are dropped, with a reason.
Needs the base install:  python examples/your_own_teacher.py
"""

import tempfile

from pytrace_mono.records import Call, Problem
from pytrace_mono.synth import Completion, Narrator, Prompt, synthesize


class CarelessTeacher:
    """Narrates well, and gets every second answer wrong."""

    name = "careless"

    def __init__(self) -> None:
        self._narrator = Narrator()
        self._asked = 0

    async def complete(self, prompt: Prompt, *, n: int = 1) -> list[Completion]:
        self._asked += 1
        completions = await self._narrator.complete(prompt, n=n)
        if self._asked % 2:
            return completions
        return [
            Completion(c.text.replace(f"== {prompt.output}", "== 'no idea'")) for c in completions
        ]


calls = tuple(Call(call=f"double({n})") for n in range(6))
problem = Problem(id="double", code="def double(n):\n    return 2 * n\n", calls=calls)

with tempfile.TemporaryDirectory() as folder:
    corpus = synthesize(
        [problem], CarelessTeacher(), f"{folder}/corpus", directions=["forward"], format="jsonl"
    )
    counts = corpus.manifest["counts"]
    print(f"kept {counts['forward']['kept']}, dropped {counts['forward']['dropped']}")
    for reject in corpus.rejects():
        print(f"{reject['reason']}: {reject['detail']}")
