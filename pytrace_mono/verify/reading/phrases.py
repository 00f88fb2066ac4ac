"""What a sentence in free style states: short patterns over the template of a sentence's pieces."""

from __future__ import annotations

import re

from pytrace_mono.verify.reading.assignments import (
    also,
    appended,
    beside,
    equations,
    from_to,
    mentions,
    pairs,
    sets,
    sizes,
    unnamed,
    values,
)
from pytrace_mono.verify.reading.clauses import Clauses, Phrase, Rule, silent_stretches
from pytrace_mono.verify.reading.conditions import (
    bare,
    checks,
    demands,
    members,
    properties,
    tests,
    types,
    verdicts,
    worded,
)
from pytrace_mono.verify.reading.outcomes import calls, counts, lines, raises, returns, yields


def phrases(sentence: Clauses) -> list[Phrase]:
    """All statements of a sentence, in its order."""
    sentence.silent = silent_stretches(sentence.template)
    found: list[Phrase] = []
    for rule in _RULES:
        found.extend(
            p for p in rule(sentence) if sentence.asserted(p.start) and not _denied(p, sentence)
        )
    return sorted(found, key=lambda phrase: phrase.start)


_NOT_RUN = re.compile(
    r"(?: (?:itself|there|is|was|are|were|does|did|has|had|gets?|got|will|been|be|on|in|line|«L?v?\d+»))*"
    r"(?: not|n't| never| skipped| passed over| unreached| left out| out of reach)\b"
)


def _denied(phrase: Phrase, sentence: Clauses) -> bool:
    """Whether code that looks like a value is a line of which it is said that it did not run."""
    return phrase.kind == "value" and bool(_NOT_RUN.match(sentence.template, phrase.end))


_RULES: tuple[Rule, ...] = (
    lines,
    tests,
    verdicts,
    counts,
    types,
    returns,
    yields,
    raises,
    from_to,
    demands,
    worded,
    properties,
    members,
    sizes,
    equations,
    sets,
    pairs,
    values,
    also,
    beside,
    appended,
    unnamed,
    checks,
    bare,
    calls,
    mentions,
)
