"""How often a loop, or a line in one, ran."""

from __future__ import annotations

from pytrace_mono.verify.checking.context import Answer, Context
from pytrace_mono.verify.claims import Claim, Passes
from pytrace_mono.verify.frames import Round


def passes(context: Context, claim: Claim, said: Passes) -> Answer:
    """Whether a loop ran so many times, or a line in one did."""
    if said.times is None:
        return None, "no number of passes is stated", None
    if claim.place.line is not None and claim.place.line not in context.run.program.loop_lines:
        count = len(context.places.visits(claim.place))
        around = _loops_of(context, claim.place.line)
        if count == said.times:
            return True, "", None
        rounds = [r for r in context.places.rounds(claim.place) if r.loop.lineno in around]
        if any(len(r.passes) == said.times for r in rounds):
            return True, "", None
        return False, f"line {claim.place.line} runs {count} times there", None
    rounds = context.places.rounds(claim.place)
    if not rounds and said.times == 0:
        return True, "", None
    if not rounds:
        return False, "no loop runs there", None
    if context.forward:
        rounds = [r for r in rounds if r.over >= context.cursor] or rounds
    counted = [r for r in rounds if r.counted]
    for running in counted:
        if len(running.passes) == said.times:
            return True, "", running.begins
    if len(counted) < len(rounds):
        return None, "its passes cannot be told apart by lines", None
    together: list[list[Round]] = []
    if not context.forward:  # backwards all runs of a loop in one activation are told as one
        frames = dict.fromkeys(r.frame for r in counted)
        together = [[r for r in counted if r.frame is frame] for frame in frames]
    elif claim.place.line is None:
        together = [counted]
    if any(sum(len(r.passes) for r in those) == said.times for those in together):
        return True, "", None
    first = rounds[0]
    return (
        False,
        f"the loop at line {first.loop.lineno} runs {len(first.passes)} times",
        first.begins,
    )


def _loops_of(context: Context, line: int) -> set[int]:
    statement = context.statement(line)
    if statement is None:
        return set()
    return {loop.lineno for loop in context.run.program.loops_around(statement)}
