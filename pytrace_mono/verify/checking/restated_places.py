"""From the place of a restated statement to the visits that it is about."""

from __future__ import annotations

import ast
from bisect import bisect_left

from pytrace_mono.verify.checking.context import Context
from pytrace_mono.verify.claims import Claim, Place, Restated
from pytrace_mono.verify.frames import Visit
from pytrace_mono.verify.program import is_endless


def untold(context: Context, claim: Claim, said: Restated) -> str | None:
    """Why the recording does not decide what is said of a place, whatever was recorded there."""
    program, line = context.run.program, claim.place.line
    if any(loop not in program.loop_lines for loop, _ in claim.place.passes):
        return "there is no loop at that line"
    if claim.place.call is not None and not context.places.called(claim.place.call):
        return f"{claim.place.call} was not recorded"
    if line is None:
        return None
    statement = program.at.get(line, (None, line))[0]
    is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    if statement is None or is_text or isinstance(statement, (ast.Global, ast.Nonlocal)):
        return "no step of a recording is on such a line"  # `else:`, a docstring
    if isinstance(statement, ast.While) and is_endless(statement) and said.verb == "runs":
        return "some versions of Python leave out the header of an endless loop"
    if said.verb == "loops" and line not in program.loop_lines:
        return "there is no loop at that line"
    around: ast.AST | None = program.parents.get(statement)
    while around is not None and not isinstance(around, (ast.FunctionDef, ast.AsyncFunctionDef)):
        around = program.parents.get(around)
    if around is None and not context.places.visits(Place(line)):
        return "that line ran before the Call"
    return None


def visits_of(context: Context, claim: Claim, said: Restated) -> list[Visit]:
    """The visits meant; not those of deeper calls of the same function.

    Raises:
        NoSuchPass: the place is a pass that never was.
    """
    place = claim.place
    visits = context.places.visits(place)
    owners = {w.frame for w in context.places.windows(place) if w.frame is not None}
    again = {owner.definition for owner in owners}
    visits = [v for v in visits if v.frame in owners or v.frame.definition not in again]
    # Comprehensions and lambdas run on the line, too; it is the line itself that is told of.
    visits = [v for v in visits if v.frame.name[0] != "<"] or visits
    visits = [v for v in visits if not _is_an_exit(context, v)]
    if not said.visit:
        return visits
    index = said.visit if said.visit < 0 else said.visit - 1
    return visits[index:][:1]


def _is_an_exit(context: Context, visit: Visit) -> bool:
    """Whether it is the ``with`` once more, when its body is done."""
    found = visit.statement
    if not isinstance(found, (ast.With, ast.AsyncWith)):
        return False
    own = visit.frame.visits
    index = bisect_left(own, visit.start, key=lambda other: other.start)
    return index > 0 and context.run.program.in_block(own[index - 1].statement, found.body)
