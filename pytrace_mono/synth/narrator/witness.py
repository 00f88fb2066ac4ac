"""Another input that gives the same output: the recorded one made simpler, as far as that goes.

Candidates are type-aware mutations of the recorded arguments (fewer items, smaller numbers, the output
itself), all tried in one run of the sandbox; the simplest that works is mutated once more. One works
if it gives the output and leaves none of the lines out that the recorded run came to: an empty list
would often do for the output, and show nothing of the program. The one chosen is recorded, and the
deduction is told of that recording.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pytrace_mono.errors import AnswerError, InputError, SandboxError
from pytrace_mono.synth.teacher import Prompt
from pytrace_mono.tracer.parsing import parse_expression
from pytrace_mono.verify.literals import literal

_ROUNDS = 2
_MOST = 40
"""Candidates of one round."""
_PER_ARGUMENT = 14
_LONGEST = 2000
"""Characters of a call beyond which no search is made."""
_EVENTS = 4000
"""Lines, calls and returns after which a candidate is given up: mutated loops may never end."""

_TRY = """
def _same_outputs(target, lines, candidates):
    import sys
    found = []
    for index, candidate in enumerate(candidates):
        left = [{events}]
        unseen = set(lines)
        def tick(frame, event, argument):
            left[0] -= 1
            if left[0] < 0:
                raise TimeoutError
            if frame.f_code.co_filename == "<program>":
                unseen.discard(frame.f_lineno)
            return tick
        sys.settrace(tick)
        try:
            value = candidate()
        except BaseException:  # whatever it raises, it is no witness
            continue
        finally:
            sys.settrace(None)
        same = type(value) is type(target) and value == target and repr(value) == repr(target)
        if same and not unseen:
            found.append(index)
    return found
"""


async def with_simplest_input(prompt: Prompt) -> Prompt:
    """The same question about a simpler input that gives the same output, where one is found."""
    if prompt.rerun is None or len(prompt.literal_call) > _LONGEST:
        return prompt
    try:
        best = prompt.literal_call
        for _ in range(_ROUNDS):
            better = await _simplest(prompt, best)
            if better is None:
                break
            best = better
        if best == prompt.literal_call:
            return prompt
        trace = await prompt.rerun.trace(best)
        value = trace.outcome.value
        if trace.complete and value is not None and value.exact and value.text == prompt.output:
            traces = (*(prompt.traces or (prompt.trace,)), trace)
            return replace(prompt, trace=trace, traces=traces, literal_call=best)
    except (AnswerError, InputError, SandboxError):
        pass  # the recorded input serves as well
    return prompt


async def _simplest(prompt: Prompt, call: str) -> str | None:
    texts = list(_candidates(call, prompt.output))[:_MOST]
    if not texts:
        return None
    assert prompt.rerun is not None
    lines = sorted({s.line for s in prompt.trace.call_steps if s.kind == "line" and s.file is None})
    calls = ", ".join(f"lambda: {text}" for text in texts)
    probe = f"_same_outputs({prompt.output}, {lines}, [{calls}])"
    outcome = await prompt.rerun.outcome(probe, _TRY.replace("{events}", str(_EVENTS)))
    if outcome.kind != "returned" or outcome.value is None or not outcome.value.exact:
        return None
    found = literal(outcome.value.text)
    return texts[found[0]] if found else None


def _candidates(call: str, output: str) -> Iterator[str]:
    """Calls no longer than the given one, the simplest first."""
    node = parse_expression(call)
    assert isinstance(node, ast.Call)
    target = literal(output)
    slots: list[ast.expr] = [*node.args, *(word.value for word in node.keywords)]
    found: set[str] = set()
    for index, slot in enumerate(slots):
        try:
            value = ast.literal_eval(slot)
        except ValueError:
            continue  # a starred argument
        for other in list(_simpler(value, target))[:_PER_ARGUMENT]:
            if type(other) is type(value) and repr(other) != repr(value):
                found.add(_with(node, index, parse_expression(repr(other))))
    plain = ast.unparse(node)
    yield from sorted(
        (text for text in found if len(text) <= len(plain) and text != plain),
        key=lambda text: (len(text), text),
    )


def _with(call: ast.Call, index: int, value: ast.expr) -> str:
    arguments = list(call.args)
    keywords = list(call.keywords)
    if index < len(arguments):
        arguments[index] = value
    else:
        word = keywords[index - len(arguments)]
        keywords[index - len(arguments)] = ast.keyword(word.arg, value)
    return ast.unparse(ast.Call(call.func, arguments, keywords))


def _simpler(value: Any, target: Any) -> Iterator[Any]:
    """Values of the same type that say less."""
    yield target
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, (int, float)):
        kind = type(value)
        yield from (kind(n) for n in (1, 2, 0, 3, 4, 5, 6, 7, 8, 9, 10))
        yield from (kind(value // 2), kind(value - 1), kind(round(value, 1)))
    elif isinstance(value, (list, tuple, str)):
        yield from _shorter(value)
    elif isinstance(value, (dict, set)):
        yield type(value)()
        for item in list(value)[:6]:
            rest = [other for other in value if other is not item]
            yield {key: value[key] for key in rest} if isinstance(value, dict) else set(rest)


def _shorter(value: Any) -> Iterator[Any]:
    """Parts of a sequence."""
    size = len(value)
    yield value[:0]
    for width in {1, 2, size // 2, size - 1}:
        if 0 < width < size:
            yield value[:width]
            yield value[size - width :]
    for index in range(min(size, 5)):
        yield value[:index] + value[index + 1 :]
