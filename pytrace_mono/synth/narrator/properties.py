"""Key Properties: predicates about input and result that hold on every known run of the function.

Each candidate is evaluated on all of them; one that fails on a single run, or cannot be evaluated, is
left out. A relation needs a ground in the code, or several runs, before it is said at all.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pytrace_mono.synth.narrator.conditions import opposite
from pytrace_mono.synth.narrator.grounds import (
    Ground,
    ascending,
    from_items,
    never_negative,
    not_longer,
    returns_only,
    written,
)
from pytrace_mono.synth.narrator.source import Function, is_generator, local_names, parameters
from pytrace_mono.synth.narrator.values import python_value
from pytrace_mono.synth.narrator.wording import code
from pytrace_mono.tracer.types import Snapshot, Trace
from pytrace_mono.verify.expressions import NotEvaluated, evaluate
from pytrace_mono.verify.whitelist import TYPES

_MOST = 3
_MOST_EXAMPLES = 200
_RUNS_WITHOUT_GROUND = 6


@dataclass(frozen=True)
class Example:
    """One known run as values: the parameters by name, and the result."""

    arguments: Mapping[str, Any]
    result: Any


@dataclass(frozen=True)
class _Candidate:
    """A sentence and the predicate it stands on; ``{r}`` is the result, ``{p}`` a parameter.

    ``ground`` is what in the code makes it hold: then two runs are enough. Where there is none to
    ask for, it takes six before the predicate is more than chance. ``telling`` says whether the
    predicate excludes anything on these values, so that an empty list is not praised for being
    sorted. ``implies`` names weaker predicates, then not worth saying.
    """

    text: str
    predicate: str
    telling: Callable[[Any, Any], bool] = lambda parameter, result: True
    ground: Ground | None = None
    implies: tuple[str, ...] = ()


def _larger(parameter: Any, result: Any) -> bool:
    return bool(min(abs(parameter), abs(result)) > 1)


def _several(parameter: Any, result: Any) -> bool:
    return len(result) > 1


_AS_LONG = "len({r}) == len({p})"
_NOT_LONGER = "len({r}) <= len({p})"
_FROM_INPUT = "set({r}) <= set({p})"
_ABOUT_RESULT: dict[type, tuple[_Candidate, ...]] = {
    list: (
        _Candidate("The result is in ascending order", "{r} == sorted({r})", _several, ascending),
        _Candidate(
            "Nothing comes twice in the result",
            "len({r}) == len(set({r}))",
            _several,
            written("set(", "not in"),
        ),
    ),
    int: (_Candidate("The result is never negative", "{r} >= 0", ground=never_negative),),
    float: (_Candidate("The result is never negative", "{r} >= 0", ground=never_negative),),
}
_SIZED = (list, tuple, str, set, dict)
_ABOUT_BOTH: tuple[tuple[type | tuple[type, ...], type | tuple[type, ...], _Candidate], ...] = (
    (
        list,
        list,
        _Candidate(
            "The result holds the same items",
            "sorted({r}) == sorted({p})",
            _several,
            written("sort", "[::-1]", "reverse"),
            implies=(_AS_LONG, _NOT_LONGER, _FROM_INPUT),
        ),
    ),
    (
        str,
        str,
        _Candidate(
            "The result is the input turned round",
            "{r} == {p}[::-1]",
            _several,
            written("[::-1]", "reverse"),
        ),
    ),
    (
        (list, tuple, str),
        (list, tuple, str),
        _Candidate(
            "The result is as long as the input", _AS_LONG, _several, implies=(_NOT_LONGER,)
        ),
    ),
    (
        (list, tuple, str),
        list,
        _Candidate(
            "Every item of the result comes from the input",
            _FROM_INPUT,
            _several,
            from_items,
        ),
    ),
    (
        (list, tuple, str),
        (list, tuple, str),
        _Candidate(
            "The result is never longer than the input",
            _NOT_LONGER,
            _several,
            not_longer,
        ),
    ),
    (
        (list, tuple),
        (int, float),
        _Candidate(
            "The result is the sum of the input", "{r} == sum({p})", ground=written("sum(", "+=")
        ),
    ),
    (
        (list, tuple),
        (int, float, str),
        _Candidate(
            "The result is the largest item", "{r} == max({p})", ground=written("max(", ">")
        ),
    ),
    (
        (list, tuple),
        (int, float, str),
        _Candidate(
            "The result is the smallest item", "{r} == min({p})", ground=written("min(", "<")
        ),
    ),
    ((list, tuple), (int, float, str), _Candidate("The result is one of the items", "{r} in {p}")),
    (
        _SIZED,
        int,
        _Candidate(
            "The result never exceeds the size of the input",
            "0 <= {r} <= len({p})",
        ),
    ),
    (
        int,
        int,
        _Candidate("The result is a multiple of the input", "{p} != 0 and {r} % {p} == 0", _larger),
    ),
    (
        int,
        int,
        _Candidate("The result divides the input", "{r} != 0 and {p} % {r} == 0", _larger),
    ),
)


def examples_of(traces: Sequence[Trace], function: Function, name: str) -> list[Example]:
    """Every recorded run of one function, also inner ones, whose arguments and result are exact."""
    wanted = [p for p in parameters(function) if p not in ("self", "cls")]
    found: dict[str, Example] = {}
    for trace in traces:
        begun: dict[int, Mapping[str, Snapshot]] = {}
        for step in trace.call_steps:
            if step.function.rsplit(".", 1)[-1] != name or len(found) >= _MOST_EXAMPLES:
                continue
            if step.kind == "call":
                begun[step.frame] = step.changes
            elif step.kind == "return" and step.value is not None and step.frame in begun:
                given = begun.pop(step.frame)
                key = repr((sorted((n, v.text) for n, v in given.items()), step.value.text))
                with suppress(NotEvaluated):
                    arguments = {p: python_value(given[p]) for p in wanted if p in given}
                    found[key] = Example(arguments, python_value(step.value))
    return list(found.values())


def result_types(traces: Sequence[Trace], name: str) -> set[str]:
    """Types of everything one function was seen to return, exact or not."""
    return {
        step.value.type
        for trace in traces
        for step in trace.call_steps
        if step.kind == "return" and step.value and step.function.rsplit(".", 1)[-1] == name
    }


def result_name(function: Function) -> str:
    """What the result is called: its variable where there is one, else a name that is free."""
    returned = {
        ast.unparse(node.value)
        for node in ast.walk(function)
        if isinstance(node, ast.Return) and node.value is not None
    }
    local = local_names(function)
    if len(returned) == 1:
        name = next(iter(returned))
        if name.isidentifier() and name in local and name not in parameters(function):
            return name
    return next(n for n in ("result", "output", "the_result", "the_output") if n not in local)


def properties(
    function: Function, examples: Sequence[Example], kinds: Collection[str]
) -> list[str]:
    """Sentences with their predicates, all true on every example; at most three.

    Args:
        function: what they are about.
        examples: its known runs.
        kinds: names of the types it was seen to return.
    """
    if not examples or is_generator(function):
        return []
    name = result_name(function)
    found = _guarded(function, examples)
    if len(examples) > 1:
        implied: set[tuple[str, str]] = set()
        for candidate, parameter in _candidates(examples):
            if len(found) == _MOST - 1 or (candidate.predicate, parameter) in implied:
                continue
            if _holds(candidate, parameter, name, examples, function):
                found.append(_said(candidate, parameter, name, examples))
                implied.update((predicate, parameter) for predicate in candidate.implies)
    kind = next(iter(kinds), "")
    if set(kinds) == {kind} <= {*TYPES, "NoneType"} and returns_only(function, kind):
        if kind == "NoneType":
            found.append(f"Nothing is handed back: {code(f'{name} is None')}.")
        else:
            test = code(f"isinstance({name}, {kind})")
            found.append(f"The result is always of type {code(kind)}: {test}.")
    return found


def _guarded(function: Function, examples: Sequence[Example]) -> list[str]:
    """What an input must meet to get an answer at all, by the first guard that raises."""
    for guard in function.body:
        if isinstance(guard, ast.Expr) and isinstance(guard.value, ast.Constant):
            continue
        if not isinstance(guard, ast.If) or not isinstance(guard.body[-1], ast.Raise):
            break
        predicate = opposite(guard.test)
        with suppress(NotEvaluated):
            if all(evaluate(predicate, e.arguments) is True for e in examples):
                return [f"[L{guard.lineno}] gives no answer to any other input: {code(predicate)}."]
    return []


def _candidates(examples: Sequence[Example]) -> list[tuple[_Candidate, str]]:
    first = examples[0]
    found: list[tuple[_Candidate, str]] = []
    for parameter, value in first.arguments.items():
        for given, returned, candidate in _ABOUT_BOTH:
            if _is(value, given) and _is(first.result, returned):
                found.append((candidate, parameter))
    return [(c, "") for c in _ABOUT_RESULT.get(type(first.result), ())] + found


def _is(value: Any, kinds: type | tuple[type, ...]) -> bool:
    return type(value) in (kinds if isinstance(kinds, tuple) else (kinds,))


def _holds(
    candidate: _Candidate,
    parameter: str,
    name: str,
    examples: Sequence[Example],
    function: Function,
) -> bool:
    predicate = candidate.predicate.format(r=name, p=parameter)
    ground = candidate.ground
    if len(examples) < _RUNS_WITHOUT_GROUND and ground is None:
        return False
    if ground is not None and not ground(function, parameter):
        return False
    telling = 0
    for example in examples:
        try:
            if evaluate(predicate, {**example.arguments, name: example.result}) is not True:
                return False
            value = example.arguments.get(parameter)
            telling += candidate.telling(value, example.result)
        except (NotEvaluated, TypeError):
            return False
    return telling > 0 and _varies(examples, parameter)


def _varies(examples: Sequence[Example], parameter: str) -> bool:
    """One and the same input, or one and the same result, would prove nothing."""
    if parameter:
        return len({repr(e.arguments.get(parameter)) for e in examples}) > 1
    return len({repr(e.result) for e in examples}) > 1


def _said(candidate: _Candidate, parameter: str, name: str, examples: Sequence[Example]) -> str:
    predicate = candidate.predicate.format(r=name, p=parameter)
    text = candidate.text
    if parameter and len(examples[0].arguments) > 1:
        text = text.replace("the input", code(parameter))
    return f"{text}: {code(predicate)}."
