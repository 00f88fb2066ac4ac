"""Hold each Claim against the recording: a function for each kind of statement."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytrace_mono.verify.checking import (
    calls,
    conditions,
    histories,
    loops,
    restated,
    states,
    whole,
)
from pytrace_mono.verify.checking.context import Answer, Context
from pytrace_mono.verify.checking.places import NoSuchPass
from pytrace_mono.verify.claims import (
    Called,
    Changes,
    Claim,
    Condition,
    Gives,
    Growth,
    History,
    Holds,
    Inputs,
    Operand,
    Passes,
    Quoted,
    Raises,
    Reached,
    Restated,
    Statement,
    Taken,
    Value,
)
from pytrace_mono.verify.findings import Finding

_CHECKS: dict[type[Statement], Callable[[Context, Claim, Any], Answer]] = {
    Value: states.value,
    Operand: states.operand,
    Condition: conditions.condition,
    Reached: conditions.reached,
    Passes: loops.passes,
    Taken: histories.taken,
    History: histories.history,
    Growth: histories.growth,
    Changes: histories.changes,
    Gives: calls.gives,
    Called: calls.called,
    Raises: calls.raised,
    Holds: whole.holds,
    Inputs: whole.inputs,
    Quoted: whole.quoted,
    Restated: restated.restated,
}


def check_claim(context: Context, claim: Claim) -> Finding:
    """The finding for one claim; call it in the order of the text."""
    check = _CHECKS[type(claim.statement)]
    try:
        holds, fact, step = check(context, claim, claim.statement)
    except NoSuchPass as none:
        holds, fact, step = False, str(none), None
    except RecursionError:
        holds, fact, step = None, "nested too deeply to be looked at", None
    if holds is None:
        return Finding(claim, "unsupported", fact, step)
    return Finding(claim, "holds" if holds else "contradicted", "" if holds else fact, step)
