"""A few Problems from end to end, to read before a run is paid for."""

from __future__ import annotations

from collections.abc import Iterator

from pytrace_mono import tasks
from pytrace_mono.synth.corpus import LEDGER, Corpus
from pytrace_mono.synth.ledger import Ledger, told


def preview(corpus: Corpus) -> Iterator[str]:
    """Every row of a small corpus in full, then what was dropped, then what it cost."""
    for example in corpus.examples():
        prompt, completion = tasks.prompt_and_completion(example)
        yield f"=== kept: {example.id}\n\n{prompt.rstrip()}\n\n{completion}\n"
    for reject in corpus.rejects():
        about = reject.get("call") or reject.get("problem_id") or reject.get("file")
        text = f"=== dropped: {reject['direction']} of {about}: {reject['reason']}"
        text += f"\n\n{reject.get('detail', '')}\n"
        if reject.get("response"):
            text += f"\n{reject['response']}\n"
        yield text
    dropped = sum(sum(codes.values()) for codes in corpus.stats["reasons"].values())
    yield (
        f"preview: {corpus.stats['problems']['read']} problems, {len(corpus)} rows kept, "
        f"{dropped} dropped; nothing was written"
    )
    if (corpus.path / LEDGER).exists():
        ledger = Ledger(corpus.path)
        yield f"paid: {told(ledger.totals())}; the answers are kept for the run itself"
        ledger.close()
