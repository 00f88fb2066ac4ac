"""Claims about a run as a whole: constraints and properties, the input, quotes."""

from __future__ import annotations

import ast
import builtins
import keyword
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from pytrace_mono.verify.checking.comparing import fits
from pytrace_mono.verify.checking.context import NO_RUN, Answer, Context, where
from pytrace_mono.verify.checking.written import Written
from pytrace_mono.verify.claims import Claim, Holds, Inputs, Quoted
from pytrace_mono.verify.expressions import NotEvaluated, evaluate
from pytrace_mono.verify.frames import Frame, Visit
from pytrace_mono.verify.program import Loop
from pytrace_mono.verify.reading import shapes
from pytrace_mono.verify.recording import Known
from pytrace_mono.verify.source import NoLiteral, is_literal, literal_of, parsed


def holds(context: Context, claim: Claim, said: Holds) -> Answer:
    """Whether an expression is true: at its line, or, a property, on every known Call."""
    if claim.kind == "property":
        return on_all(said.expression, context.known)
    node = parsed(said.expression)
    if node is None:
        return None, "not an expression", None
    visits = context.places.visits(claim.place) or context.run.visits
    visits = [v for v in visits if v.frame is context.main] or visits

    def test(visit: Visit) -> bool | None:
        answers: list[bool | None] = []
        for after in (False, True):
            try:
                answers.append(bool(context.run.evaluate(node, visit, after=after)))
            except NotEvaluated:
                answers.append(None)
        return True if True in answers else (None if None in answers else False)

    def fact(visit: Visit) -> str:
        return f"{said.expression} is false {where(visit)}"

    holds, why, step = context.some(claim, visits, test, fact, "no line runs there")
    if holds is None:
        own = on_run(said.expression, context.main)
        if own is not None:
            return own, f"{said.expression} is false of this run", None
    return holds, why, step


def on_all(predicate: str, calls: Iterable[Known]) -> Answer:
    """Whether a predicate about input and result holds on every known Call."""
    decided = False
    for call, main in calls:
        holds = on_run(predicate, main)
        if holds is False:
            return False, f"false of {call}", None
        decided = decided or holds is True
    return (True if decided else None), "it cannot be evaluated on any known Call", None


def on_run(predicate: str, main: Frame | None) -> bool | None:
    """Whether a predicate holds of one run: of its arguments, its last values and its result."""
    if main is None or main.ending != "return" or main.value is None or main.yields:
        return None
    node = parsed(predicate)
    if node is None:
        return None
    names: dict[str, Any] = {}
    free = _free_names(node)
    try:
        for name in free:
            snapshot = main.arguments.get(name)
            if snapshot is None:
                snapshot = main.value
            if not snapshot.exact:
                return None
            names[name] = literal_of(snapshot.text)
        others = [name for name in free if name not in main.arguments]
        if len(others) > 1 and not set(others) <= {"result", "output", "answer"}:
            return None
        return bool(evaluate(node, names))
    except (NotEvaluated, NoLiteral):
        return None


@lru_cache(maxsize=512)
def _free_names(node: ast.expr) -> tuple[str, ...]:
    """Names of values: not of functions that are called, types asked about, or comprehensions."""
    vocabulary: set[int] = set()
    bound: set[str] = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Call):
            vocabulary.add(id(part.func))
            asks = isinstance(part.func, ast.Name) and part.func.id == "isinstance"
            if asks and len(part.args) == 2:
                vocabulary.update(id(n) for n in ast.walk(part.args[1]))
        elif isinstance(part, ast.comprehension):
            bound.update(n.id for n in ast.walk(part.target) if isinstance(n, ast.Name))
        elif isinstance(part, ast.Lambda):
            bound.update(a.arg for a in part.args.args)
    names = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
    return tuple(
        sorted({n.id for n in names if id(n) not in vocabulary and n.id not in bound} - {"math"})
    )


def inputs(context: Context, claim: Claim, said: Inputs) -> Answer:
    """Whether the chosen input is the one that was run."""
    main = context.main
    for name, shown in said.values:
        if not name:
            call = context.run.trace.call
            if call is None or shown.text is None:
                return None, "no Call was recorded", None
            written = main is not None and Written(shown.text).began(main)
            if not written and shapes.normal(call) != shapes.normal(shown.text):
                return False, f"the Call that was run is {call:.200}", None
            continue
        if main is None:
            return NO_RUN
        value = main.arguments.get(name)
        if value is None:
            return None, f"{name} is no parameter of {main.name}", None
        holds = fits(shown, value)
        if not holds:
            return holds, f"{name} is {value.text[:200]}", main.begins
    return True, "", main.begins if main is not None else None


def quoted(context: Context, claim: Claim, said: Quoted) -> Answer:
    """Whether code stands in the program."""
    run, line = context.run, claim.place.line
    if said.code == "else":
        found = run.program.at.get(line or 0)
        loops = [s for s, _ in run.program.at.values() if isinstance(s, Loop)]
        inside = found and any(run.program.in_block(found[0], loop.orelse) for loop in loops)
        return bool(inside), f"line {line} stands in no else of a loop", None
    code = shapes.normal(said.code)
    known = run.program.has(code) or keyword.iskeyword(code) or hasattr(builtins, code)
    if known or is_literal(code) or said.code in run.trace.setup:
        return True, "", None
    return None, "this code does not stand in the program", None
