"""The built-in Teacher: no model, it narrates the recording itself.

::

    source      statements by line, loops, functions
    story       what a recording tells: activations, visits and loops
    unfolding, grouping  the flat recording as a story
    roles, overview, properties, grounds  what the program is for, before any value
    clauses, calls, conditions, inside  one statement in words
    forward, backward               the two monologues
    witness, undo                   a simpler input for the output; expressions solved for their parts
    detail, series                  how much of a long run is told; several values in few words
    wording, values                 small words; values as code

What it says is read off the recording, so its values are true by construction; the Verifier checks it
all the same. Wording varies with the seed, never with the process.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import lru_cache

from pytrace_mono import tasks
from pytrace_mono.synth.narrator.backward import Deduction
from pytrace_mono.synth.narrator.detail import LEVELS, LONGEST
from pytrace_mono.synth.narrator.forward import Simulation
from pytrace_mono.synth.narrator.overview import overview
from pytrace_mono.synth.narrator.properties import examples_of, properties, result_types
from pytrace_mono.synth.narrator.source import Function, Source
from pytrace_mono.synth.narrator.story import Activation, visits
from pytrace_mono.synth.narrator.unfolding import tell
from pytrace_mono.synth.narrator.values import show
from pytrace_mono.synth.narrator.witness import with_simplest_input
from pytrace_mono.synth.narrator.wording import Voice, code, label, listing
from pytrace_mono.synth.teacher import Completion, Prompt
from pytrace_mono.tracer.types import Snapshot

__all__ = ["Narrator"]

_parse = lru_cache(maxsize=8)(Source)


class Narrator:
    """Narrates a recorded Call, forward to its output or backward to its input.

    Args:
        seed: chooses between phrasings; the same seed gives the same text.
    """

    name = "narrator"

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    async def complete(self, prompt: Prompt, *, n: int = 1) -> list[Completion]:
        """``n`` tellings of the same run, which differ in wording only."""
        asked = prompt
        if prompt.direction == "backward":
            prompt = await with_simplest_input(prompt)
        another = prompt is not asked
        return [Completion(self._respond(prompt, index, another)) for index in range(n)]

    def _respond(self, prompt: Prompt, index: int, another: bool) -> str:
        """One telling; ``another`` says that the input is not the recorded one."""
        voice = Voice(self.seed, index, prompt.problem.id, prompt.call.call, prompt.direction)
        source = _parse(prompt.trace.program)
        roots = tell(prompt.trace, source)
        main = _main(roots, prompt.entry_point)
        going_on = next((root for root in roots if root.earlier), None)
        told = main or going_on
        parts: list[str] = []
        if told is not None and told.definition is not None:
            parts.append("### Understanding the Function")
            parts.append(overview(prompt.problem, told.definition, voice))
        around = _wrapper(roots, main)
        if around is not None and main is not None and main.definition is not None:
            decorator = main.definition.decorator_list[0]
            parts[-1] += (
                f" {label(decorator.lineno)} wraps it in {code(ast.unparse(decorator))}: "
                f"a call of it runs {code(around.name)}."
            )
        elif main is not None and main.definition is not None:
            parts.extend(_properties(prompt, main.definition))
        value = prompt.trace.outcome.value
        assert value is not None
        if prompt.direction == "forward":
            parts.append("\n### Execution Simulation")
            parts.extend(_forward(prompt, source, voice, roots, main, value))
            call = prompt.call.call
        else:
            parts.append("\n### Reverse Deduction")
            parts.extend(_backward(prompt, source, voice, around or main, value, another))
            call = prompt.literal_call
        return tasks.response("\n".join(parts), call, prompt.output)


def _main(roots: list[Activation], entry_point: str) -> Activation | None:
    """The activation that the prompt is about: the entry point's, wherever a decorator put it."""
    name = entry_point.rsplit(".", 1)[-1]
    begun = [a for a in _all(roots) if not a.resumed and a.definition is not None]
    named = [a for a in begun if a.name == name]
    if named:
        return next((a for a in reversed(roots) if a in named), named[0])
    defined = [root for root in roots if root in begun]
    return defined[-1] if defined else None


def _wrapper(roots: list[Activation], main: Activation | None) -> Activation | None:
    """What a call of a decorated function runs in its place, where that gives something else."""
    if main is None or main.definition is None or not main.definition.decorator_list:
        return None
    outermost = roots[-1]
    return outermost if outermost is not main and outermost.value != main.value else None


def _all(activations: Iterable[Activation]) -> Iterator[Activation]:
    for activation in activations:
        yield activation
        for visit in visits(activation.nodes):
            yield from _all(visit.calls)


def _properties(prompt: Prompt, function: Function) -> list[str]:
    traces = prompt.traces or (prompt.trace,)
    examples = examples_of(traces, function, function.name)
    said = properties(function, examples, result_types(traces, function.name))
    if not said:
        return []
    return ["\n### Key Properties and Constraints", *(f"- {text}" for text in said)]


def _forward(
    prompt: Prompt,
    source: Source,
    voice: Voice,
    roots: list[Activation],
    main: Activation | None,
    value: Snapshot,
) -> list[str]:
    lines: list[str] = []
    if prompt.call.setup.strip() and "\n" not in prompt.call.setup.strip():
        lines.append(f"Before the call, {code(prompt.call.setup.strip())} is run.")
    # `all(f(i) for i in ...)` runs the function many times: no one of them gives "the" arguments.
    runs = [root for root in roots if main is not None and root.name == main.name]
    alone = main if len([run for run in runs if not run.resumed]) <= 1 else None
    if alone is not None:
        lines.append(_given(alone))
    for detail in LEVELS:
        simulated = Simulation(source, voice, detail).lines(roots, alone)
        if sum(map(len, simulated)) <= LONGEST:
            break
    if not simulated:
        return [f"{code(prompt.call.call)} gives {show(value)} in one go."]
    lines.extend(simulated)
    ends_the_call = main is not None and main.value == value and main is roots[-1]
    if not ends_the_call:
        lines.append(f"- So {code(prompt.call.call)} as a whole is {show(value)}.")
    return lines


def _given(main: Activation) -> str:
    given = [
        f"{code(name)} is {show(argument)}"
        if len(argument.text) > 90
        else code(f"{name} = {argument.text}")
        for name, argument in main.arguments.items()
    ]
    return f"The call gives {listing(given)}." if given else "The call gives no arguments."


def _backward(
    prompt: Prompt,
    source: Source,
    voice: Voice,
    main: Activation | None,
    value: Snapshot,
    another: bool,
) -> list[str]:
    lines = [f"The output to reach is {show(value)}."]
    if main is None or main.definition is None or main.value != value:
        lines.append(
            f"- The value comes out of {code(prompt.masked_call)} in one go; "
            f"{code(prompt.literal_call)} gives it."
        )
        return lines
    return lines + Deduction(source, voice, main, value).lines(prompt.literal_call, another)
