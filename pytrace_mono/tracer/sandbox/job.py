"""What is asked of a sandbox, and whether it can be run at all."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from pytrace_mono.errors import CallError, InputError, SourceError
from pytrace_mono.tracer.parsing import one_at_a_time

MAX_SOURCE_BYTES = 10 * 1024 * 1024
_PARSED_HERE = 64 * 1024
"""Characters; what is longer is parsed by the child alone, under its limits: ten million of them can
take the parser a minute and gigabytes of memory."""

_MAX_TEXT = 32 * 1024 * 1024
"""Characters in one request; as JSON they take up to six bytes each (``wire.REQUEST_CAP``)."""


@dataclass(frozen=True, slots=True)
class Job:
    """One run.

    Attributes:
        source: the program.
        call: the Call, one expression in the program's namespace; None runs the module's body only.
        setup: statements run after the program and before the Call.
    """

    source: str
    call: str | None = None
    setup: str = ""


CallLike = str | tuple[str, str] | None
"""A Call, ``(call, setup)``, or None for the module's body alone."""


@dataclass(frozen=True, slots=True)
class Program:
    """Several Calls of one program, run one after another in one child.

    Each Call gets a fresh namespace, in which the program's body runs again; what it changed outside
    that (an imported module's state) the next Call may find changed. Another program never does.

    Attributes:
        source: the program.
        calls: its Calls, in order; at least one.
    """

    source: str
    calls: tuple[CallLike, ...]


JobLike = Job | Program | tuple[str, str | None] | tuple[str, str | None, str]
"""A Job, a Program, or ``(source, call)``, or ``(source, call, setup)``."""


def as_jobs(given: JobLike) -> list[Job]:
    """The Calls in what :meth:`Sandbox.map` accepts: one Job each, all of the same program.

    Raises:
        SourceError: it is none of them.
        CallError: a Program without a Call.
    """
    if isinstance(given, Job):
        return [given]
    if isinstance(given, Program):
        if isinstance(given.calls, str) or not given.calls:
            raise CallError("Program.calls must be a sequence of Calls that is not empty")
        return [
            Job(given.source, *call) if isinstance(call, tuple) else Job(given.source, call)
            for call in given.calls
        ]
    if not isinstance(given, tuple) or not 1 <= len(given) <= 3:
        raise SourceError(
            f"a job must be a Job, a Program, (source, call) or (source, call, setup), not "
            f"{given!r:.60}"
        )
    return [Job(*given)]


def pieces(together: list[Job]) -> Iterator[list[Job]]:
    """Jobs that go to a warm parent at once, in parts that are no larger than it accepts."""
    piece: list[Job] = []
    size = 0
    for job in together:
        its = len(job.source) + len(job.setup) + len(job.call or "")
        if piece and size + its > _MAX_TEXT:
            yield piece
            piece, size = [], 0
        piece.append(job)
        size += its
    yield piece


def in_groups(given: Iterator[list[Job]], count: int) -> Iterator[list[Job]]:
    """Jobs of several programs together, until there are ``count``; an error after what came before."""
    group: list[Job] = []
    try:
        for together in given:
            group += together
            if len(group) >= count:
                yield group
                group = []
    except Exception:  # of the caller's iterator; what came before it is run
        if group:
            yield group
        raise
    if group:
        yield group


def check_texts(together: Iterable[Job]) -> None:
    """Refuse what is no text that could be run; whether it is Python the child finds out.

    Args:
        together: Jobs; a program that several in a row share is looked at once.

    Raises:
        SourceError: the program is not text, or too large.
        CallError: the same of Call or setup, or the Call is empty.
    """
    seen: object = object()
    for job in together:
        if job.source is not seen:
            _check_text(job.source, "program", SourceError)
            seen = job.source
        _check_text(job.setup, "setup", CallError)
        if job.call is not None:
            _check_text(job.call, "Call", CallError)
            if not job.call.strip():
                raise CallError("the Call is empty; give an expression, as in f([1, 2])")


def check(together: Iterable[Job]) -> None:
    """Refuse what cannot be run, by parsing alone: nothing is executed. Long texts are not parsed here.

    Args:
        together: Jobs.

    Raises:
        SourceError: the program is not text, too large, or not Python.
        CallError: the Call is empty or not one expression, or the setup is not Python.
    """
    for job in together:
        check_texts([job])
        _parse(job.source, "program", "exec", SourceError)
        if job.setup:
            _parse(job.setup, "setup", "exec", CallError)
        if job.call is not None:
            _parse(job.call, "Call", "eval", CallError)


def refusal(part: str, line: int | None, cause: str) -> InputError:
    """The error for a part (source, setup or call) that parses but does not compile."""
    if part == "source":
        return SourceError(_message("program", line, cause))
    return CallError(_message("Call" if part == "call" else "setup", line, cause))


def _check_text(text: object, what: str, error: type[InputError]) -> None:
    if type(text) is not str:
        raise error(f"the {what} must be a str, not {type(text).__name__}")
    try:
        too_large = len(text) > MAX_SOURCE_BYTES or len(text.encode()) > MAX_SOURCE_BYTES
    except UnicodeEncodeError as fault:
        raise error(_message(what, None, str(fault))) from None
    if too_large:
        raise error(f"the {what} is larger than {MAX_SOURCE_BYTES} bytes; give a smaller one")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise error(_message(what, line, "it contains a NUL byte"))


def _parse(text: str, what: str, mode: Literal["exec", "eval"], error: type[InputError]) -> None:
    if len(text) > _PARSED_HERE:
        return
    try:
        # The warning filters too belong to the whole process.
        with one_at_a_time, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, f"<{what.lower()}>", mode, ast.PyCF_ONLY_AST, dont_inherit=True)
    except SyntaxError as fault:
        raise error(_message(what, fault.lineno, fault.msg)) from None
    except (RecursionError, MemoryError):
        raise error(_message(what, None, "it is nested too deeply")) from None
    except (ValueError, OverflowError) as fault:
        raise error(_message(what, None, str(fault))) from None


def _message(what: str, line: int | None, cause: str) -> str:
    form = "one Python expression" if what == "Call" else "Python that compiles"
    where = "" if line is None else f" (line {line})"
    return f"the {what} is not {form}{where}: {cause}"
