"""The tasks as (prompt, completion), and the way back from text to an answer.

The corpus, the teachers' prompts, training and evaluation all go through this module, so that a
model is asked exactly what it was taught. The task prefixes and the ``[PYTHON]``/``[ANSWER]`` tags
are SemCoder's (arXiv 2406.01006, ``src/prompts.py`` and ``experiments/cruxeval_prompts.py``).
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from dataclasses import dataclass
from functools import lru_cache

from pytrace_mono.errors import AnswerError
from pytrace_mono.records import Direction, Example, Task
from pytrace_mono.tracer.parsing import parse_expression, parse_module

PREFIXES: dict[Task, str] = {
    "nl": (
        "You are an exceptionally intelligent coding assistant that consistently delivers accurate "
        "and reliable <Code> according to <NL_Description>"
    ),
    "forward": (
        "Simulate the Execution: You are given a Python function and an assertion containing a "
        "function input. Complete the assertion containing the execution output corresponding to "
        "the given input in [ANSWER] and [/ANSWER] tags."
    ),
    "backward": (
        "Deduce the Semantic Constraints: You are given a Python program and its expected output. "
        "Find one input such that executing the program with the input leads to the given output. "
        "Complete the assertion with one such input in between [ANSWER] and [/ANSWER]."
    ),
}

# The task is SemCoder's, the wording ours: a model released by its authors was tuned on another.
REPAIR_PREFIX = (
    "Debug and Refine the Code: A Python program fails a test of the problem it should solve. "
    "Simulate its execution on that test, name the root cause of the failure, and give the "
    "corrected program between [Refined] and [/Refined]."
)

UNKNOWN = "??"
_LAYOUT_TOKENS = frozenset(
    {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.COMMENT}
)
_WEAK = (
    ast.BoolOp, ast.Compare, ast.IfExp, ast.Lambda, ast.NamedExpr, ast.Await,
    ast.Yield, ast.YieldFrom,
)  # fmt: skip
_MAX_ANSWER_CHARS = 100_000


@dataclass(frozen=True)
class Answer:
    """What a completion says: the monologue's text and the two sides of its assertion.

    Attributes:
        monologue: between ``[MONOLOGUE]`` and ``[/MONOLOGUE]``.
        call: source of the left side; None when only a value was given.
        output: source of the right side; None when only a call was given.
    """

    monologue: str
    call: str | None
    output: str | None


@lru_cache(maxsize=64)
def label_lines(code: str) -> str:
    """The program with ``# [L5]`` behind every line of code.

    Lines inside a multi-line string, before a backslash continuation, blank ones and lone comments
    stay as they are: a label there would change the program or name nothing that runs.
    """
    # Not splitlines(): a form feed or U+2028 inside a string ends no line of Python.
    code = code.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n")
    lines = code.split("\n")
    labelled: set[int] = set()
    inside: set[int] = set()
    try:
        for token in tokenize.generate_tokens(io.StringIO(code).readline):
            inside.update(range(token.start[0], token.end[0]))
            if token.type not in _LAYOUT_TOKENS and token.string:
                labelled.update((token.start[0], token.end[0]))
    except (tokenize.TokenError, SyntaxError):
        labelled = set(range(1, len(lines) + 1))
    width = min(max((len(line) for line in lines), default=0), 60)
    return "\n".join(
        f"{line.ljust(width)}  # [L{number}]"
        if number in labelled and number not in inside and not line.endswith("\\") and line.strip()
        else line
        for number, line in enumerate(lines, 1)
    )


def assertable(call: str) -> str:
    """The Call as it can stand left of ``==``: on one line, in parentheses where it binds weaker.

    ``f(1) or 2`` gives ``(f(1) or 2)``; an ordinary call is left as its author wrote it.
    """
    call = call.strip()
    node = parse_expression(call)
    if "\n" in call or "#" in call:  # the rest of the assertion would end up in a comment
        call = ast.unparse(node)
    is_not = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    return f"({call})" if is_not or isinstance(node, _WEAK) else call


def mask_input(call: str, entry_point: str) -> str:
    """The Call with its arguments replaced by ``??``: ``s.push(3)`` gives ``s.push(??)``."""
    node = parse_expression(call.strip())
    if isinstance(node, ast.Call):
        return f"{ast.unparse(node.func)}({UNKNOWN})"
    return f"{entry_point}({UNKNOWN})"


def forward_instruction(program: str, call: str, setup: str = "") -> str:
    """What a model sees when it is to find the output."""
    return _python_block(program, setup, f"assert {call} == {UNKNOWN}")


def backward_instruction(program: str, masked_call: str, output: str, setup: str = "") -> str:
    """What a model sees when it is to find an input."""
    return _python_block(program, setup, f"assert {masked_call} == {output}")


def _python_block(program: str, setup: str, assertion: str) -> str:
    parts = [label_lines(program).rstrip("\n"), setup.strip("\n"), assertion]
    return "[PYTHON]\n" + "\n".join(part for part in parts if part) + "\n[/PYTHON]"


def response(monologue: str, call: str, output: str) -> str:
    """The target text of a forward or backward row."""
    return (
        f"[MONOLOGUE]\n{monologue.strip()}\n[/MONOLOGUE]\n"
        f"[ANSWER]\nassert {call} == {output}\n[/ANSWER]"
    )


def prompt_of(task: Task, instruction: str) -> str:
    """The prompt a model is trained on and asked with."""
    if task == "nl":
        return f"{PREFIXES['nl']}\n\n<NL_Description>\n{instruction}\n\n<Code>\n"
    return f"{PREFIXES[task]}\n{instruction}\n"


def repair_prompt(fault: str) -> str:
    """The prompt of a repair row, whose ``fault`` shows the program and the test that it fails."""
    return f"{REPAIR_PREFIX}\n{fault}\n"


def prompt_and_completion(example: Example) -> tuple[str, str]:
    """An Example as the pair that training tokenizes apart."""
    return prompt_of(example.task, example.instruction), example.response


def parse_answer(text: str, direction: Direction) -> Answer:
    """Read a completion, tolerantly in its wrapping and strictly in its answer.

    Fences, prose around the tags, a missing ``assert`` and a missing closing tag are accepted, since
    they do not change what was answered. The assertion is taken apart by ``ast``, so ``==`` inside
    a string is no trap. The text is never evaluated.

    Raises:
        AnswerError: there is no answer, or it is neither an equality nor one expression.
    """
    answer = _tagged(text, "ANSWER", last=True)
    if answer is None:
        raise AnswerError("the completion has no [ANSWER] ... [/ANSWER]")
    node = _answer_expression(answer)
    monologue = _tagged(text, "MONOLOGUE", last=False)
    if monologue is None:
        monologue = text[: text.rfind("[ANSWER]")]
    monologue = monologue.strip()
    if (
        isinstance(node, ast.Compare)
        and len(node.ops) == 1
        and isinstance(node.ops[0], ast.Eq)
        and not _is_literal(node.left)
    ):
        return Answer(monologue, ast.unparse(node.left), ast.unparse(node.comparators[0]))
    if direction == "backward" and isinstance(node, ast.Call):
        return Answer(monologue, ast.unparse(node), None)
    if direction == "forward" and not isinstance(node, ast.Compare):
        return Answer(monologue, None, ast.unparse(node))
    raise AnswerError(f"the answer is not of the form `assert call == value`: {answer!r:.200}")


def _tagged(text: str, tag: str, *, last: bool) -> str | None:
    opening = f"[{tag}]"
    start = text.rfind(opening) if last else text.find(opening)
    if start < 0:
        return None
    rest = text[start + len(opening) :]
    for end in (f"[/{tag}]", "[ANSWER]"):
        if end in rest:
            return rest[: rest.index(end)]
    return rest


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, RecursionError, MemoryError):
        return False
    return True


def _answer_expression(answer: str) -> ast.expr:
    if len(answer) > _MAX_ANSWER_CHARS:
        raise AnswerError(f"the answer has {len(answer)} characters")
    source = re.sub(r"^\s*```\w*\n|\n?```\s*$", "", answer.strip()).strip()
    try:
        body = parse_module(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise AnswerError(f"the answer is not Python: {answer.strip()!r:.200}") from None
    if len(body) == 1:
        statement = body[0]
        if isinstance(statement, ast.Assert):
            return statement.test
        if isinstance(statement, ast.Expr):
            return statement.value
    raise AnswerError(f"the answer is not one assertion: {answer.strip()!r:.200}")
