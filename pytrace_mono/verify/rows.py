"""Rows to audit: prompt and response in any of three shapes, as program, Call and text.

- a corpus of ours, or PyX (arXiv 2406.01006): ``id, nl, fwd_mnl, bwd_mnl, response``;
- ``prompt`` and ``response`` (or ``completion``);
- a chat: ``messages`` of a user and an assistant.

The prompt holds the program between ``[PYTHON]`` and ``[/PYTHON]``, its lines labelled or not, and as
its last line an assertion in which ``??`` stands for what is asked.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytrace_mono.errors import InputError
from pytrace_mono.records import Direction
from pytrace_mono.tasks import PREFIXES, UNKNOWN
from pytrace_mono.tracer.parsing import parse_module

_LABEL = re.compile(r"[ \t]*# \[L\d+\][ \t]*$", re.MULTILINE)
_HOLE = "__asked_for__"


@dataclass(frozen=True)
class Row:
    """One monologue to audit.

    Attributes:
        id: its id, or its number in the file.
        direction: what was asked for.
        program: source, without labels, with the setup behind it.
        left: source of the Call asked about (forward), or with ``??`` for its input (backward).
        output: source of the output to reach; "" for forward.
        response: monologue and answer.
        restated: the monologue as a model restated it (:mod:`pytrace_mono.verify.reading.restated`);
            None to read it here.
    """

    id: str
    direction: Direction
    program: str
    left: str
    output: str
    response: str
    restated: str | None = None


def row_of(data: Any, number: int) -> Row | None:
    """Read one row; None for a row of another task (``nl``).

    Raises:
        InputError: it is of none of the shapes, or its prompt does not say what is asked.
    """
    if not isinstance(data, dict):
        raise InputError(f"row {number}: an object is expected, not {type(data).__name__}")
    identity = str(data.get("id") or number)
    prompt, response = _texts(data, identity)
    if prompt is None:
        return None
    program, assertion = _parts(prompt, identity)
    left, right = _sides(assertion, identity)
    if right == UNKNOWN:
        return Row(identity, "forward", program, left, "", response)
    if UNKNOWN in left:
        return Row(identity, "backward", program, left, right, response)
    raise InputError(f"row {identity}: the assertion has no {UNKNOWN}, so nothing is asked")


def _texts(data: Mapping[str, Any], identity: str) -> tuple[str | None, str]:
    """The prompt, None for one of another task, and the response."""
    prompt: Any
    if "response" in data and ("fwd_mnl" in data or "bwd_mnl" in data or "nl" in data):
        prompt, response = data.get("fwd_mnl") or data.get("bwd_mnl"), data["response"]
        if not prompt:
            return None, ""
    elif "prompt" in data:
        prompt, response = data["prompt"], data.get("response", data.get("completion"))
    elif isinstance(data.get("messages"), list):
        prompt, response = [None, None, *map(_content, data["messages"])][-2:]
    else:
        raise InputError(
            f"row {identity}: neither id/fwd_mnl/bwd_mnl/response, nor prompt/response, nor messages"
        )
    if not isinstance(prompt, str) or not isinstance(response, str):
        raise InputError(f"row {identity}: the prompt and the response are not both texts")
    return None if prompt.startswith(PREFIXES["nl"]) else prompt, response


def _content(turn: Any) -> Any:
    return turn.get("content") if isinstance(turn, dict) else None


def _parts(prompt: str, identity: str) -> tuple[str, str]:
    start, end = prompt.rfind("[PYTHON]"), prompt.rfind("[/PYTHON]")
    if start < 0 or end < start:
        raise InputError(f"row {identity}: the prompt has no [PYTHON] ... [/PYTHON]")
    lines = prompt[start + len("[PYTHON]") : end].strip("\n").rstrip().split("\n")
    position = next(
        (i for i in range(len(lines) - 1, -1, -1) if lines[i].lstrip().startswith("assert ")), None
    )
    if position is None:
        raise InputError(f"row {identity}: the prompt has no assertion")
    program = _LABEL.sub("", "\n".join(lines[:position])).rstrip() + "\n"
    return program, _LABEL.sub("", "\n".join(lines[position:]))


def _sides(assertion: str, identity: str) -> tuple[str, str]:
    try:
        statement = parse_module(assertion.replace(UNKNOWN, _HOLE)).body[0]
        test = statement.test if isinstance(statement, ast.Assert) else None
    except (SyntaxError, ValueError, RecursionError, MemoryError, IndexError):
        test = None
    if (
        not isinstance(test, ast.Compare)
        or len(test.ops) != 1
        or not isinstance(test.ops[0], ast.Eq)
    ):
        raise InputError(f"row {identity}: not `assert call == value`: {assertion!r:.100}")
    left, right = ast.unparse(test.left), ast.unparse(test.comparators[0])
    return left.replace(_HOLE, UNKNOWN), right.replace(_HOLE, UNKNOWN)
