"""Claims about a run as a whole: histories, what a loop took, properties, the input, quotes."""

from __future__ import annotations

import ast
import builtins
import keyword
from collections.abc import Callable, Sequence
from typing import Any

from pytrace_mono.tracer.types import Snapshot
from pytrace_mono.verify.checking.comparing import NoLiteral, fits, literal_of, shows
from pytrace_mono.verify.checking.places import is_written
from pytrace_mono.verify.claims import Changes, Growth, History, Inputs, Quoted, Shown, Taken
from pytrace_mono.verify.expressions import NotEvaluated, evaluate
from pytrace_mono.verify.program import Loop, targets_of
from pytrace_mono.verify.reading import shapes
from pytrace_mono.verify.recording import Frame, Run

Answer = tuple[bool | None, str, int | None]
_NO_RUN: Answer = (None, "the run of the function was not recorded alone", None)


def taken(run: Run, main: Frame | None, line: int | None, said: Taken) -> Answer:
    """The values that a loop gave its target."""
    if main is None:
        return _NO_RUN
    names = [n.strip(" ()") for n in said.target.split(",")]
    rounds = [
        r
        for r in run.rounds
        if r.frame is main and (line is None or r.loop.lineno == line) and r.counted
    ]
    for running in rounds:
        if not isinstance(running.loop, (ast.For, ast.AsyncFor)):
            continue
        if len(names) != 1 or names[0] not in targets_of(running.loop):
            continue
        headers = [v for v in main.visits if v.start in set(running.passes)]
        values = [v.after(names[0]) for v in headers]
        answer = _sequence(said.values, values, said.elided)
        if answer is not False:
            return answer, "not recorded exactly", running.begins
        told = ", ".join(v.text[:40] if v else "?" for v in values[:20])
        return False, f"{said.target} took {told}", running.begins
    return None, "no such loop was recorded", None


def _sequence(
    said: Sequence[Shown], values: Sequence[Snapshot | None], elided: bool
) -> bool | None:
    """Whether values are as shown; ``elided``: the last one shown is the end, the others the start."""
    if elided and said:
        if len(said) > len(values):
            return False
        values = [*values[: len(said) - 1], values[-1]]
    if len(said) != len(values):
        return False
    answers = [v is not None and fits(s, v) for s, v in zip(said, values, strict=True)]
    if False in answers:
        return False
    return None if None in answers else True


def in_some_frame(
    run: Run, main: Frame | None, name: str, test: Callable[[Frame], Answer]
) -> Answer:
    """What is said of a variable's changes is about the main activation, or one further down."""
    if main is None:
        return _NO_RUN
    answer = test(main)
    if answer[0] is True:
        return answer
    others = [f for f in run.called if f is not main and any(name in v.changes for v in f.visits)]
    told = [other for f in others if (other := test(f))[0] is True]
    return told[0] if told else answer


def history(main: Frame, said: History) -> Answer:
    """The values a variable had, as far as they are told."""
    changed = [v for v in main.visits if said.name in v.changes]
    if not changed:
        return None, f"{said.name} is not seen to change", None
    first = changed[0].before.get(said.name)
    values: list[Snapshot | None] = [v.changes[said.name] for v in changed]
    bound = [
        v.after(said.name)
        for v in main.visits
        if said.name in targets_of(v.statement) or said.name in v.changes
    ]
    known: list[list[Snapshot | None]] = [values, bound]
    if first is not None:
        known += [[first, *values], [first, *bound]]
    for line in {v.label for v in changed}:
        own = [v for v in main.visits if v.label == line]
        known.append([v.after(said.name) for v in own])
        known.append([own[0].before.get(said.name), *(v.after(said.name) for v in own)])
    unknown = False
    for sequence in known:
        ordered = sequence if said.forwards else sequence[::-1]
        if said.elided and len(said.values) == 1:
            answer = ordered[0 if not said.forwards else -1]
            holds = answer is not None and fits(said.values[0], answer)
        else:
            holds = _sequence(said.values, ordered, said.elided)
        if holds:
            return True, "", changed[-1].start
        unknown = unknown or holds is None
    if unknown:
        return None, "not all of its values were recorded exactly", None
    told = ", ".join(v.text[:40] if v else "?" for v in values[:20])
    return False, f"{said.name} was {told}", changed[-1].start


def growth(main: Frame, said: Growth) -> Answer:
    """By how much a variable moved at each change, or what came behind what it held."""
    changed = [v for v in main.visits if said.name in v.changes and said.name in v.before]
    sequences = [changed]
    sequences += [[v for v in changed if v.label == line] for line in {v.label for v in changed}]
    told = ""
    for visits in sequences:
        amounts: list[Any] = []
        for visit in visits:
            try:
                before = literal_of(visit.before[said.name].text)
                amounts += _added(before, literal_of(visit.changes[said.name].text))
            except NoLiteral:
                return None, "not all of its values were recorded exactly", None
        shown = said.amounts * len(amounts) if said.each else said.amounts
        if amounts and len(shown) == len(amounts) and all(map(shows, shown, amounts)):
            return True, "", visits[-1].start
        told = told or ", ".join(repr(amount)[:40] for amount in amounts[:20])
    return False, f"{said.name} moved by {told or 'nothing'}", None


def _added(before: Any, after: Any) -> list[Any]:
    if isinstance(before, (str, list)) and type(before) is type(after):
        if after[: len(before)] != before or len(after) == len(before):
            return [None]
        return [after[len(before) :]] if isinstance(after, str) else after[len(before) :]
    if isinstance(before, (int, float)) and isinstance(after, (int, float)):
        return [after - before]
    return [None]


def changes(main: Frame, said: Changes) -> Answer:
    """Which lines changed a variable, and how often."""
    changed = [v for v in main.visits if said.name in v.changes]
    lines = set(said.lines)
    counts = set()
    for visits in (changed, changed[1:]):
        if {v.label for v in visits} == lines:
            counts.add(len(visits))
    ran = [v for v in main.visits if v.label in lines]
    if lines <= {v.label for v in changed}:
        counts.add(len(ran))
    if said.count in counts or (said.count is None and counts):
        return True, "", changed[-1].start if changed else None
    told = sorted({v.label for v in changed})
    where = ", ".join(map(str, told)) or "no line"
    return False, f"{said.name} is changed {len(changed)} times, by {where}", None


def on_all(predicate: str, runs: Sequence[Run], entry_point: str) -> Answer:
    """Whether a predicate about input and result holds on every known Call."""
    decided = False
    for run in runs:
        main = run.main(entry_point)
        holds = on_run(predicate, main)
        if holds is False:
            return False, f"false of {run.trace.call}", None
        decided = decided or holds is True
    return (True if decided else None), "it cannot be evaluated on any known Call", None


def on_run(predicate: str, main: Frame | None) -> bool | None:
    """Whether a predicate holds of one run: of its arguments, its last values and its result."""
    if main is None or main.ending != "return" or main.value is None:
        return None
    node = shapes.parsed(predicate)
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


def _free_names(node: ast.expr) -> list[str]:
    """Names of values: not of functions that are called, types asked about, or comprehensions."""
    vocabulary: set[int] = set()
    bound: set[str] = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Call):
            vocabulary.add(id(part.func))
            if ast.unparse(part.func) == "isinstance" and len(part.args) == 2:
                vocabulary.update(id(n) for n in ast.walk(part.args[1]))
        elif isinstance(part, ast.comprehension):
            bound.update(n.id for n in ast.walk(part.target) if isinstance(n, ast.Name))
        elif isinstance(part, ast.Lambda):
            bound.update(a.arg for a in part.args.args)
    names = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
    return sorted({n.id for n in names if id(n) not in vocabulary and n.id not in bound} - {"math"})


def inputs(run: Run, main: Frame | None, said: Inputs) -> Answer:
    """Whether the chosen input is the one that was run."""
    for name, shown in said.values:
        if not name:
            call = run.trace.call
            if call is None or shown.text is None:
                return None, "no Call was recorded", None
            written = main is not None and is_written(shown.text, main)
            if not written and shapes.normal(call) != shapes.normal(shown.text):
                return False, f"the Call that was run is {call:.200}", None
            continue
        if main is None:
            return _NO_RUN
        value = main.arguments.get(name)
        if value is None:
            return None, f"{name} is no parameter of {main.name}", None
        holds = fits(shown, value)
        if not holds:
            return holds, f"{name} is {value.text[:200]}", main.begins
    return True, "", main.begins if main is not None else None


def quoted(run: Run, line: int | None, said: Quoted) -> Answer:
    """Whether code stands in the program."""
    if said.code == "else":
        found = run.program.at.get(line or 0)
        loops = [s for s, _ in run.program.at.values() if isinstance(s, Loop)]
        inside = found and any(run.program.in_block(found[0], loop.orelse) for loop in loops)
        return bool(inside), f"line {line} stands in no else of a loop", None
    code = shapes.normal(said.code)
    known = code in run.program.code or keyword.iskeyword(code) or hasattr(builtins, code)
    if known or shapes.is_literal(code) or said.code in run.trace.setup:
        return True, "", None
    return None, "this code does not stand in the program", None
