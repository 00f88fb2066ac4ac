"""How faithful the checker is: lies caught, true texts accused, text unread, and what it costs.

    python benchmarks/faithfulness.py [CALLS.jsonl ...]

The Narrator tells every Call of the files (by default of ``examples/programs``); lies are planted by
``tests/verify/lies.py``. The free-style monologues are those of ``tests/verify/freestyle``.
"""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from pytrace_mono.synth import Completion, Narrator, Prompt, synthesize
from pytrace_mono.tasks import parse_answer
from pytrace_mono.tracer import Sandbox
from pytrace_mono.verify import Checked, Evidence, check
from pytrace_mono.verify.policy import DEFAULT

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "verify"))

import by_hand  # noqa: E402 - beside the tests
from by_hand import Lie, Monologue  # noqa: E402
from lies import lies  # noqa: E402

PLANTS = 4000
RUNS = 400
"""Monologues checked with their run."""
TOGETHER = 8
"""Calls in one child, as ``synth`` has it."""
MOST = 3
"""Lies of one kind in one text."""


class Listener:
    """The Narrator, and what it was asked and said."""

    name = "listener"

    def __init__(self) -> None:
        self.narrator = Narrator()
        self.heard: list[tuple[Prompt, str]] = []

    async def complete(self, prompt: Prompt, *, n: int = 1) -> list[Completion]:
        said = await self.narrator.complete(prompt, n=n)
        self.heard.append((prompt, said[0].text))
        return said


def narrated(path: Path) -> None:
    """Print what the checker makes of the Narrator's text about a file of Calls."""
    listener = Listener()
    with tempfile.TemporaryDirectory() as folder:
        counts = synthesize(path, listener, Path(folder) / "c", format="jsonl").stats
    print(f"\n{path.name}: {len(listener.heard)} monologues by the Narrator; counts {counts}")
    status: Counter[str] = Counter()
    planted: Counter[str] = Counter()
    caught: Counter[str] = Counter()
    accused = unread = coded = 0
    coverage: list[float] = []
    seconds = 0.0
    box = Sandbox()
    # Every recording is held here at once, as in no run: they are not the checker's to go through.
    gc.collect()
    gc.freeze()
    for number, (prompt, text) in enumerate(listener.heard):
        trace = prompt.trace
        if prompt.direction == "backward":  # held against the run of the input it chooses
            chosen = parse_answer(text, "backward").call or ""
            trace = box.trace(trace.program, chosen, prompt.call.setup)
        evidence = Evidence(trace, prompt.entry_point, prompt.traces)
        told = text.split("[ANSWER]")[0]
        begun = time.process_time()
        checked = check(told, evidence, prompt.direction)
        seconds += time.process_time() - begun
        status.update(finding.status for finding in checked.findings)
        unread += len(checked.reading.unread)
        coded += checked.reading.coded
        if prompt.direction == "forward":
            coverage.append(checked.scores.coverage)
        if checked.contradicted:
            accused += 1
            continue
        for lie in lies(told, trace, number, MOST):
            if planted.total() < PLANTS:
                planted[lie.kind] += 1
                caught[lie.kind] += lie.is_caught(check(lie.text, evidence, prompt.direction))
    box.close()
    total = len(listener.heard)
    print(f"claims       {dict(status)}; sentences with code {coded}, unread {unread}")
    print(f"accused      {accused} of {total} ({accused / total:.2%})")
    print(f"lies caught  {caught.total()} of {planted.total()} ({_share(caught, planted)})")
    print("             " + ", ".join(f"{k} {caught[k]}/{planted[k]}" for k in planted))
    few = sum(share < DEFAULT.coverage for share in coverage)
    print(
        f"coverage     {sum(coverage) / max(1, len(coverage)):.2%} of lines with side effects, the "
        f"lowest {min(coverage, default=1):.0%}; {few} of {len(coverage)} below the policy"
    )
    print(f"CPU          {1000 * seconds / total:.2f} ms per monologue beyond running the program")
    for words, most in (("in a child", 1), ("sharing a child as in synth", TOGETHER)):
        each = _with_the_run(listener.heard, most)
        print(
            f"             {1000 * each:.2f} ms with the run, so {2 / each:.0f}/s on two cores, "
            f"each Call {words}"
        )


def _with_the_run(heard: list[tuple[Prompt, str]], together: int) -> float:
    """Seconds of CPU for running a Call in the sandbox and checking a text about it, forwards.

    ``together``: so many Calls of a program that imports nothing share a child.
    """
    told = [(p, text.split("[ANSWER]")[0]) for p, text in heard if p.direction == "forward"][:RUNS]
    parts: list[list[tuple[Prompt, str]]] = []
    for prompt, text in told:
        last = parts[-1] if parts else []
        program = prompt.trace.program
        same = bool(last) and last[0][0].trace.program == program and "import" not in program
        if same and len(last) < together:
            last.append((prompt, text))
        else:
            parts.append([(prompt, text)])
    begun = sum(os.times()[:4])
    with Sandbox() as box:
        for part in parts:
            calls = [(prompt.call.call, prompt.call.setup) for prompt, _ in part]
            traces = box.trace_all(part[0][0].trace.program, calls)
            for (prompt, text), trace in zip(part, traces, strict=True):
                check(text, Evidence(trace, prompt.entry_point, prompt.traces), "forward")
    return (sum(os.times()[:4]) - begun) / len(told)


def free_style(split: str) -> None:
    """Print the same of the monologues written by hand, with the lies that stand beside them.

    Once as they are read here, and once as a model restated them, where its answers are kept.
    """
    told = by_hand.recorded(split)
    if not told:
        print(f"\nfree style, {split}: not there")
        return
    print(f"\nfree style, {split}: {len(told)} monologues, read by patterns")
    _judged(told, lambda m, lie, evidence: check(m.told(lie), evidence, m.direction))
    answers = by_hand.answers(split)
    if answers:
        print(f"free style, {split}: the same, restated by a model")
        _judged(told, lambda m, lie, evidence: m.restated(lie, evidence, answers))


def _judged(
    told: list[tuple[Monologue, Evidence]],
    read: Callable[[Monologue, Lie | None, Evidence], Checked],
) -> None:
    accused = aside = unread = coded = 0
    planted: Counter[str] = Counter()
    caught: Counter[str] = Counter()
    for monologue, evidence in told:
        true = read(monologue, None, evidence)
        accused += bool(true.contradicted)
        unread += len(true.reading.unread)
        coded += true.reading.coded
        for lie in monologue.lies:
            against = read(monologue, lie, evidence).contradicted
            about = [f for f in against if monologue.is_about(lie, f.claim)]
            aside += len(about) < len(against)
            planted[lie.kind] += 1
            caught[lie.kind] += bool(about)
    print(
        f"accused      {accused} of {len(told)} ({accused / len(told):.1%}); unread {unread} of {coded}"
    )
    print(f"lies caught  {caught.total()} of {planted.total()} ({_share(caught, planted)})")
    print(f"             {aside} of these texts are accused beside the lie, too")


def _share(part: Counter[str], whole: Counter[str]) -> str:
    return f"{part.total() / whole.total():.1%}" if whole else "none"


if __name__ == "__main__":
    for given in [Path(a) for a in sys.argv[1:]] or [ROOT / "examples" / "programs"]:
        narrated(given)
    for name in ("dev", "dev2", "dev3", "heldout", "heldout2"):
        free_style(name)
