"""What a run would ask for and cost, before anything is asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pytrace_mono.synth.asking import Made
from pytrace_mono.synth.corpus import LEDGER
from pytrace_mono.synth.ledger import Ledger
from pytrace_mono.synth.openai_teacher import OpenAITeacher
from pytrace_mono.synth.problems import locate, survey
from pytrace_mono.synth.rejects import Reject
from pytrace_mono.synth.running import Pass, Wanted, first
from pytrace_mono.synth.teacher import Completion, Prompt, Usage
from pytrace_mono.tracer import Limits
from pytrace_mono.tracer.sandbox import Sandbox

LOOKED_AT = 200  # Problems that are run for it; the others are taken to be like these
ASSUMED = 700  # tokens of a completion, where the ledger knows of none
_MISMATCH = 150  # tokens of what a revision adds to the chat, beside the completion that it quotes


@dataclass(frozen=True)
class Estimate:
    """What a run may ask for; all but ``problems`` is extrapolated where ``looked_at`` is less.

    Attributes:
        problems: Problems of the input, at most.
        looked_at: those that were run.
        requests: answers to be paid for, if each row takes one.
        cached: answers that are there already.
        usage: tokens of the requests.
        measured: the length of the completions is that of earlier ones of this corpus, not assumed.
        cost: dollars; None where the price is not known.
        most: requests, where no row is kept before it was asked for as often as is allowed.
        most_cost: dollars for these; None where the price is not known.
    """

    problems: int
    looked_at: int
    requests: int
    cached: int
    usage: Usage
    measured: bool
    cost: float | None
    most: int
    most_cost: float | None

    def __str__(self) -> str:
        each = self.usage.completion_tokens // max(1, self.requests)
        source = "as long as those in the ledger" if self.measured else "assumed"
        lines = [
            "an estimate; nothing was asked",
            f"problems   {self.problems} at most, {self.looked_at} of them run for this",
            f"requests   about {self.requests}, and {self.cached} answers from the cache",
            f"tokens     about {self.usage.prompt_tokens} + {self.usage.completion_tokens} "
            f"(prompt + completion; {each} for each completion, {source})",
            f"cost       {_dollars(self.cost)}",
        ]
        if self.most > self.requests:
            lines.append(
                f"at most    about {self.most} requests, {_dollars(self.most_cost)}: if every row "
                "takes all that --samples and --revise allow"
            )
        return "\n".join(lines)


class _Counting:
    """Stands in for a teacher, and counts what it would be asked."""

    name = "estimate"

    def __init__(self, teacher: OpenAITeacher, wanted: Wanted) -> None:
        self._teacher = teacher
        self._wanted = wanted
        self.requests = self.cached = self.tokens = 0
        self.more = self.more_tokens = self.revisions = 0  # if nothing were kept

    async def complete(self, prompt: Prompt, *, n: int = 1) -> list[Completion]:
        found = self._teacher.paid_before(prompt)
        if found is not None:  # looked at, since a wrong one makes the next request
            self.cached += 1
            return [found]
        tokens = self._teacher.prompt_tokens(prompt)
        self.requests += 1
        self.tokens += tokens
        if not prompt.mismatch:
            more = self._wanted.samples - 1 - prompt.sample + self._wanted.revise
            self.more += more
            self.more_tokens += more * tokens
            self.revisions += self._wanted.revise
        return []


def estimate(
    problems: str | Path,
    teacher: OpenAITeacher,
    out: str | Path,
    wanted: Wanted,
    *,
    limits: Limits,
    isolation: str = "auto",
    workers: int | None = None,
    limit: int | None = None,
) -> Estimate:
    """Run the first Problems and count what would be asked about them.

    Raises:
        ProblemError: the input cannot be read at all.
        PrerequisiteError: an isolation level is missing.
    """
    rows = survey(problems).rows
    rows = rows if limit is None else min(rows, limit)
    counting = _Counting(teacher, wanted)
    looked_at = 0

    def take(made: Made | Reject) -> None:
        nonlocal looked_at
        looked_at += 1

    with Sandbox(limits, isolation=isolation, workers=workers) as box:
        items = first(locate(problems), min(rows, LOOKED_AT))
        Pass(box, counting, wanted, None, take).go(items)
    # The survey counts lines, blank ones too: what was read to its end is all there is.
    share = rows / looked_at if looked_at >= LOOKED_AT else 1.0
    requests = round(counting.requests * share)
    measured = _completion_tokens(Path(out))
    each = measured or ASSUMED
    usage = Usage(round(counting.tokens * share), requests * each)
    more = round(counting.more * share)
    quoted = counting.revisions * (each + _MISMATCH)
    most = Usage(
        usage.prompt_tokens + round((counting.more_tokens + quoted) * share),
        usage.completion_tokens + more * each,
    )
    return Estimate(
        problems=rows,
        looked_at=looked_at,
        requests=requests,
        cached=round(counting.cached * share),
        usage=usage,
        measured=measured is not None,
        cost=None if teacher.price is None else teacher.price.of(usage),
        most=requests + more,
        most_cost=None if teacher.price is None else teacher.price.of(most),
    )


def _completion_tokens(out: Path) -> int | None:
    """The mean in the ledger of the corpus, where there is one."""
    if not (out / LEDGER).exists():
        return None
    ledger = Ledger(out, reading=True)
    try:
        totals = ledger.totals()
    finally:
        ledger.close()
    return round(totals.usage.completion_tokens / totals.paid) if totals.paid else None


def _dollars(cost: float | None) -> str:
    return "not known (give --price)" if cost is None else f"about ${cost:.4f}"
