"""The file formats that synth, train and evals share.

Unknown fields of a Problem are carried along in ``model_extra``; they are never an error.
"""

from __future__ import annotations

import ast
import hashlib
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from pytrace_mono.tracer.parsing import parse_expression

Direction = Literal["forward", "backward"]
Task = Literal["nl", "forward", "backward"]
Verification = Literal["verified", "unverified"]


class Call(BaseModel):
    """One invocation, as an expression.

    Attributes:
        call: the expression, evaluated in the program's namespace.
        setup: statements run in that namespace first.
        expected: the value it should give, as a Python literal; None when nobody said.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    call: str
    setup: str = ""
    expected: str | None = None


class Problem(BaseModel):
    """A program and the Calls made of it.

    Attributes:
        id: unique within a corpus.
        code: the program's source.
        entry_point: the (dotted) name the Calls are about; None where each Call names its own.
        calls: at least one.
        description: what the program is for, in words.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    id: str
    code: str
    entry_point: str | None = None
    calls: tuple[Call, ...]
    description: str | None = None

    def entry_of(self, call: Call) -> str | None:
        """The name of the function ``call`` is about: the entry point, else what the Call calls."""
        return self.entry_point or called_name(call.call)


class Example(BaseModel):
    """One row of a corpus: the five PyX columns, then where they come from (the wide row).

    Exactly one of ``nl``, ``fwd_mnl`` and ``bwd_mnl`` is non-empty and holds the instruction;
    ``response`` holds the target (SemCoder, arXiv 2406.01006, dataset PyX).

    Attributes:
        task: which of the three columns is filled.
        call: the Call in a backward row's answer is the witness; here stands the recorded one.
        output: the recorded value; "" for ``nl``.
        trace_digest: sha256 of the Trace that decided; "" for ``nl``.
        level: isolation under which it was recorded; "" for ``nl``.
        teacher: name of the Teacher; "" for ``nl``, whose target is the given code.
        trace_shown: whether the teacher was shown the recording; False for ``nl``.
        revised: the teacher was told what was wrong with an earlier completion and put it right.
        attempts: completions looked at until this one was kept.
        verification: ``unverified`` marks an nl row whose Calls had no expected value.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    nl: str = ""
    fwd_mnl: str = ""
    bwd_mnl: str = ""
    response: str
    task: Task
    problem_id: str
    program: str
    entry_point: str
    setup: str = ""
    call: str = ""
    output: str = ""
    python: str = ""
    trace_digest: str = ""
    level: str = ""
    teacher: str = ""
    trace_shown: bool = False
    revised: bool = False
    attempts: int = 0
    verification: Verification = "verified"

    @property
    def instruction(self) -> str:
        """The one filled column."""
        return self.nl or self.fwd_mnl or self.bwd_mnl


PYX_COLUMNS = ("id", "nl", "fwd_mnl", "bwd_mnl", "response")


def called_name(expression: str) -> str | None:
    """The dotted name an expression calls: ``"Stack().push"`` has none, ``"a.b(1)"`` gives "a.b"."""
    try:
        node: ast.expr = parse_expression(expression.strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if not isinstance(node, ast.Call):
        return None
    node = node.func
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([node.id, *reversed(parts)])


def stable_id(*parts: Any) -> str:
    """A short id that depends on the parts alone, not on order of arrival or the process."""
    return hashlib.sha256(
        "\x1f".join(str(part) for part in parts).encode("utf-8", "surrogatepass")
    ).hexdigest()[:12]
