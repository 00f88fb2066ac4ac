"""What can be asked of a Call: its one-line form, what it calls, and its input as literals."""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass

from pytrace_mono import tasks
from pytrace_mono.errors import AnswerError, CallError
from pytrace_mono.records import Call, Problem, called_name
from pytrace_mono.tracer.parsing import parse_module
from pytrace_mono.tracer.types import Outcome
from pytrace_mono.verify import literal_call
from pytrace_mono.verify.literals import expression


@dataclass(frozen=True)
class Arguments:
    """The input of a Call of the entry point.

    Attributes:
        callee: source of what is called: ``f``, ``s.push``.
        literal: the Call itself where its arguments are literals; None where they must be
            evaluated first.
        probe: an expression whose value is the arguments: ``((1, x), {'k': y})``.
    """

    callee: str
    literal: str | None
    probe: str


def one_line(call: Call) -> Call:
    """The Call as it can stand left of ``==``.

    Raises:
        CallError: it is not one expression.
    """
    try:
        return call.model_copy(update={"call": tasks.assertable(call.call)})
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        message = error.msg if isinstance(error, SyntaxError) else str(error)
        raise CallError(f"the Call is not one expression: {message}") from None


def entry_name(problem: Problem, call: Call) -> str:
    """The name of the function a row is about; "" where the Call is no call of a name."""
    return problem.entry_of(call) or ""


def arguments(problem: Problem, call: Call) -> Arguments | str:
    """The input to ask for in a backward monologue, or why there is none."""
    try:
        node = expression(call.call)
    except AnswerError as error:
        return str(error)
    if not isinstance(node, ast.Call):
        return "the Call is an expression around the function, not a call of it"
    wrong = _not_of_entry(problem, node)
    if wrong:
        return wrong
    callee = ast.unparse(node.func)
    if not node.args and not node.keywords and not _takes_parameters(problem.code, callee):
        return f"{callee} takes no arguments"
    probe = ast.Tuple(
        [
            ast.Tuple(node.args, ast.Load()),
            ast.Dict(
                [ast.Constant(word.arg) if word.arg else None for word in node.keywords],
                [keyword.value for keyword in node.keywords],
            ),
        ],
        ast.Load(),
    )
    try:
        literal = literal_call(call.call).source
    except AnswerError:
        literal = None
    return Arguments(callee, literal, ast.unparse(probe))


def with_literals(arguments: Arguments, probed: Outcome) -> str | None:
    """The Call with its evaluated arguments written out; None where they are not exact."""
    value = probed.value
    if probed.kind != "returned" or value is None or not value.exact:
        return None
    try:
        pair = expression(value.text)
        callee = expression(arguments.callee)
    except AnswerError:
        return None
    if not isinstance(pair, ast.Tuple) or len(pair.elts) != 2:
        return None
    positional, named = pair.elts
    if not isinstance(positional, ast.Tuple) or not isinstance(named, ast.Dict):
        return None
    keywords = []
    for key, argument in zip(named.keys, named.values, strict=True):
        if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
            return None
        if not key.value.isidentifier():  # only ** can pass such a name
            return None
        keywords.append(ast.keyword(key.value, argument))
    return ast.unparse(ast.Call(callee, positional.elts, keywords))


def _not_of_entry(problem: Problem, node: ast.Call) -> str | None:
    last = node.func.attr if isinstance(node.func, ast.Attribute) else None
    last = node.func.id if isinstance(node.func, ast.Name) else last
    if problem.entry_point is not None:
        wanted = problem.entry_point.rpartition(".")[2]
        return None if last == wanted else f"the Call is not one of {problem.entry_point}"
    name = called_name(ast.unparse(node))
    if name and hasattr(builtins, name) and name not in _bound_names(problem.code):
        return f"{name} is a built-in, not a function of the program"
    return None if last else "what is called has no name"


def _bound_names(code: str) -> set[str]:
    names = set()
    for node in ast.walk(parse_module(code)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name)
    return names


def _takes_parameters(code: str, callee: str) -> bool:
    """Whether the function or class called so in the program can be given an argument."""
    name = callee.rpartition(".")[2]
    for node in ast.walk(parse_module(code)):
        if isinstance(node, ast.ClassDef):
            if node.name == name:
                return any(
                    _has_parameters(inner, bound=True)
                    for inner in node.body
                    if isinstance(inner, ast.FunctionDef) and inner.name == "__init__"
                )
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef) and inner.name == name:
                    static = any(
                        isinstance(mark, ast.Name) and mark.id == "staticmethod"
                        for mark in inner.decorator_list
                    )
                    return _has_parameters(inner, bound=not static)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == name:
            return _has_parameters(node, bound=False)
        elif (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Lambda)
            and any(isinstance(target, ast.Name) and target.id == name for target in node.targets)
        ):
            return _has_parameters(node.value, bound=False)
    return False


def _has_parameters(
    function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, *, bound: bool
) -> bool:
    given = function.args
    positional = len(given.posonlyargs) + len(given.args) - bound
    return positional > 0 or bool(given.kwonlyargs or given.vararg or given.kwarg)
