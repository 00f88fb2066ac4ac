"""A corpus in a few lines, for a person."""

from __future__ import annotations

from statistics import mean, median

from pytrace_mono.synth.corpus import LEDGER, Corpus
from pytrace_mono.synth.ledger import Ledger, spent, told
from pytrace_mono.verify.reasons import explain

_SCOPES = {
    "row": "rows of the input",
    "call": "calls",
    "nl": "nl rows",
    "forward": "forward",
    "backward": "backward",
}

_STAGES = {
    "asking": "without an answer",
    "answered": "answered, not readable",
    "parsed": "read, not right",
    "kept": "kept",
}


def summary(corpus: Corpus, *, why: bool = True) -> str:
    """What was read, kept and dropped, each reason with its number, and where the files are.

    Args:
        corpus: what to sum up.
        why: say why it is not complete, where nobody else does.
    """
    counts = corpus.stats
    problems, calls = counts["problems"], counts["calls"]
    nl, forward, backward = counts["nl"], counts["forward"], counts["backward"]
    lines = [
        f"problems   {problems['read']} read, {problems['rejected']} rejected",
        f"calls      {calls['stated']} stated, {calls['usable']} with an exact value, "
        f"{calls['dropped']} dropped",
    ]
    if nl["kept"] or nl["dropped"]:
        lines.append(
            f"nl         {nl['kept']} kept ({nl['verified']} verified, {nl['unverified']} "
            f"unverified), {nl['dropped']} dropped"
        )
    directions = corpus.manifest["config"]["directions"]
    if "forward" in directions:
        lines.append(
            f"forward    {forward['kept']} kept of {forward['asked']} asked{_share(forward)}, "
            f"{forward['dropped']} dropped"
        )
    if "backward" in directions:
        lines.append(
            f"backward   {backward['kept']} kept of {backward['asked']} asked{_share(backward)}, "
            f"{backward['dropped']} dropped, {backward['not_invertible']} not invertible"
        )
    if counts["reasons"]:
        lines.append("dropped, by reason")
        for scope, reasons in counts["reasons"].items():
            for code, number in sorted(reasons.items(), key=lambda item: (-item[1], item[0])):
                what = f"{number:>7}  {_SCOPES.get(scope, scope)}: {code}"
                lines.append(f"{what:<44} {explain(code)}")
    if (corpus.path / LEDGER).exists():
        lines += _paid(corpus)
    lines.append(
        f"files      {corpus.path}/data ({counts['rows']} rows), rejects.jsonl, manifest.json"
    )
    if not corpus.complete:
        lines.append(f"NOT COMPLETE{': ' + corpus.manifest['stopped'] if why else ''}")
    return "\n".join(lines)


def _paid(corpus: Corpus) -> list[str]:
    ledger = Ledger(corpus.path, reading=True)
    try:
        lines = [f"paid       {told(ledger.totals())}"]
        if corpus.manifest["config"].get("revise"):
            asked = ledger.revisions()
            number = asked.paid + asked.cached
            cost = f"; of the sum above {spent(asked)}" if number else ""
            lines.append(
                f"revised    {number} rows asked to put right what was wrong, "
                f"{corpus.stats['revised']} of them kept{cost}"
            )
        stages = ", ".join(
            f"{number} {_STAGES[stage]}" for stage, number in ledger.stages().items()
        )
        lines.append(f"rows       {stages}")
        latency = ledger.latency()
        if latency is not None:
            median, high, longest = latency
            mean_attempts, most = ledger.attempts()
            lines.append(
                f"answers    after {median:.2f} s (median), {high:.2f} s (95 %), {longest:.2f} s "
                f"(longest); {mean_attempts:.2f} attempts each, {most} at most"
            )
    finally:
        ledger.close()
    return lines


def sizes(corpus: Corpus) -> str:
    """Lengths of the targets by task, in characters."""
    lengths: dict[str, list[int]] = {}
    for example in corpus.examples():
        lengths.setdefault(example.task, []).append(len(example.response))
    lines = ["length of the targets in characters (mean, median, longest)"]
    for task, values in sorted(lengths.items()):
        lines.append(f"  {task:<9}{mean(values):>8.0f}{median(values):>8.0f}{max(values):>8}")
    return "\n".join(lines)


def _share(counts: dict[str, int]) -> str:
    return f" ({counts['kept'] / counts['asked']:.1%})" if counts["asked"] else ""
