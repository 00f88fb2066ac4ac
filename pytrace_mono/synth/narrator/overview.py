"""Understanding the Function: what it is for, what its parts are for, before any value is named."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from pytrace_mono.records import Problem
from pytrace_mono.synth.narrator.roles import roles_of
from pytrace_mono.synth.narrator.source import Function, Loop, is_generator, own_nodes, parameters
from pytrace_mono.synth.narrator.wording import Voice, code, label, listing, sentence

_ASK = re.compile(
    r"^(?:please )?(?:write|create|implement|define|develop|build) (?:a|an|the) "
    r"(?:\w+ )?(?:function|program|method|class|script)s? "
    r"(?:(?P<finite>(?:that|which) (?=\w+s\b))|to |that can |that |which )",
    re.IGNORECASE,
)


def overview(problem: Problem, function: Function, voice: Voice) -> str:
    """A short paragraph about the function, from its description and the shape of its code."""
    sentences = [_purpose(problem, function)]
    roles = roles_of(function)
    if roles:
        texts = [role.text for role in roles[:4]]
        sentences.append(sentence("; ".join(texts)))
    sentences.extend(_shape(function, voice, bool(roles)))
    return " ".join(part for part in sentences if part)


def _purpose(problem: Problem, function: Function) -> str:
    name = code(function.name)
    described = (problem.description or ast.get_docstring(function) or "").strip()
    first = re.split(r"(?<=[.!?])\s|\n\s*\n", described, maxsplit=1)[0]
    first = " ".join(first.split()).rstrip(".")
    taken = [code(p) for p in parameters(function) if p not in ("self", "cls")]
    gets = f"takes {listing(taken)}" if taken else "takes no input"
    if not first or len(first) > 300 or ">>>" in first:
        return f"{name} {gets}."
    asked = _ASK.match(first)
    if asked is not None and asked.end() < len(first):
        lead = "It" if asked["finite"] else "Its task is to"  # "that finds", not "to find"
        rest = first[asked.end() :]
        return f"{name} {gets}. {lead} {rest[0].lower()}{rest[1:]}."
    return f"{name} {gets}. The task: {first[0].lower()}{first[1:]}."


def _shape(function: Function, voice: Voice, has_roles: bool) -> list[str]:
    nodes = own_nodes(function)
    found: list[str] = []
    guards = [s for s in _leading(function) if isinstance(s, ast.If)]
    if guards:
        guard = guards[0]
        what = (
            "turns a bad input away" if isinstance(guard.body[-1], ast.Raise) else "answers at once"
        )
        lead = voice.choose(guard.test.__class__.__name__, "The guard at", "The test at")
        test = code(ast.unparse(guard.test))
        found.append(f"{lead} {label(guard.lineno)} {what} when {test}.")
    loops = [n for n in nodes if isinstance(n, Loop)]
    outer = [n for n in loops if not any(n is not o and n in list(ast.walk(o)) for o in loops)]
    for loop in [] if has_roles else outer[:2]:  # with a role told, the loop explains itself
        inner = [n for n in loops if n is not loop and n in list(ast.walk(loop))]
        nested = f", with the loop at {label(inner[0].lineno)} inside it" if inner else ""
        if isinstance(loop, ast.While):
            if isinstance(loop.test, ast.Constant):
                about = "goes on until it is left from inside"
            else:
                about = f"goes on while {code(ast.unparse(loop.test))}"
        else:
            about = f"goes through {code(ast.unparse(loop.iter))}"
        found.append(f"The loop at {label(loop.lineno)} {about}{nested}.")
    again = [
        n
        for n in ast.walk(function)
        if isinstance(n, ast.Call) and ast.unparse(n.func).rsplit(".", 1)[-1] == function.name
    ]
    if again:
        again.sort(key=lambda call: (call.lineno, call.col_offset))
        first = again[0].lineno
        asked = dict.fromkeys(code(ast.unparse(c)) for c in again if c.lineno == first)
        found.append(f"It is recursive: {label(first)} asks for {listing(list(asked)[:3])}.")
    for tried in [n for n in nodes if isinstance(n, ast.Try)][:1]:
        handlers = [h for h in tried.handlers if h.type is not None]
        if handlers and handlers[0].type is not None:
            caught = code(ast.unparse(handlers[0].type))
            found.append(f"{label(handlers[0].lineno)} takes over after a {caught}.")
    found.extend(_result(function, nodes, bool(loops), voice))
    return found


def _leading(function: Function) -> list[ast.stmt]:
    """The guards a function starts with: an ``if`` whose body leaves and that has no ``else``."""
    found: list[ast.stmt] = []
    for statement in function.body:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            continue
        if (
            isinstance(statement, ast.If)
            and not statement.orelse
            and isinstance(statement.body[-1], (ast.Return, ast.Raise))
        ):
            found.append(statement)
            continue
        break
    return found


def _result(
    function: Function, nodes: Sequence[ast.AST], has_loops: bool, voice: Voice
) -> list[str]:
    if is_generator(function):
        return ["It is a generator: it hands out its values one by one."]
    returns = [n for n in nodes if isinstance(n, ast.Return) and n.value is not None]
    if not returns:
        return ["It returns nothing; what counts is what it changes."]
    last = returns[-1]
    assert last.value is not None
    text = ast.unparse(last.value)
    if len(returns) == 1 and isinstance(last.value, ast.Name):
        return [f"In the end {code(text)} is returned."]
    if len(returns) == 1 and not has_loops and len(text) <= 70:
        lead = voice.choose(text, "The answer is", "What comes back is", "It returns")
        return [f"{lead} {code(text)}."]
    return []
