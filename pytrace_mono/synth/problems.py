"""Reading Problems: JSON Lines in every form of the contract, ``.py`` files, directories of them.

Rows are read one at a time, so a file may be larger than memory. A row that cannot be used becomes
a :class:`Reject` that names file, row and cause; the others go on.
"""

from __future__ import annotations

import hashlib
import io
import json
import tokenize
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pytrace_mono.errors import ProblemError
from pytrace_mono.manifest import explained
from pytrace_mono.records import Problem
from pytrace_mono.synth import programs, rows
from pytrace_mono.synth.rejects import Origin, Reject
from pytrace_mono.synth.seen import Seen
from pytrace_mono.verify.reasons import Reason

MAX_ROW_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Located:
    """A Problem, and where it was read (None for one made in Python)."""

    problem: Problem
    origin: Origin | None = None


def load_problems(path: str | Path) -> Iterator[Problem | Reject]:
    """Read Problems in order; a row that cannot be used comes as a Reject in its place.

    Args:
        path: a JSON Lines file, a ``.py`` file, or a directory of ``.py`` files.

    Raises:
        ProblemError: the path cannot be read at all, or holds nothing.
    """
    located = locate(
        Path(path)
    )  # before the first row is asked for, so that a wrong path fails here
    return (item.problem if isinstance(item, Located) else item for item in located)


def listed(problems: Iterable[Problem | Reject]) -> list[Problem | Reject]:
    """Problems made in Python, or those that :func:`load_problems` gave.

    Raises:
        ProblemError: they are something else, or a file could not hold them.
    """
    if not isinstance(problems, Iterable):
        raise ProblemError(f"give a path, or Problems, not {problems!r:.80}")
    items = list(problems)
    for number, item in enumerate(items, 1):
        if not isinstance(item, (Problem, Reject)):
            raise ProblemError(f"number {number} of the Problems is no Problem(...): {item!r:.80}")
        try:
            _dumped(item)
        except ValueError as error:
            raise ProblemError(f"number {number} of the Problems holds no text: {error}") from None
    return items


def _dumped(item: Problem | Reject) -> bytes:
    text = item.model_dump_json() if isinstance(item, Problem) else json.dumps(item.to_dict())
    return text.encode()


def locate(problems: str | Path | Iterable[Problem | Reject]) -> Iterator[Located | Reject]:
    """What :func:`load_problems` reads, with each Problem's origin; Problems pass through.

    Raises:
        ProblemError: as :func:`load_problems`.
    """
    if not isinstance(problems, (str, Path)):
        return _without_duplicates(
            Located(item) if isinstance(item, Problem) else item for item in problems
        )
    path = Path(problems)
    if path.is_dir():
        return _without_duplicates(_read_directory(path, _sources(path)))
    _check_file(path)
    if path.suffix == ".py":
        return _without_duplicates(iter([_read_program(path, path.name, path.stem)]))
    return _without_duplicates(_read_rows(path))


@dataclass(frozen=True)
class Survey:
    """What is known of an input before it is read.

    Attributes:
        name: what to call it in a manifest.
        sha256: of the bytes of its files, or of the Problems.
        rows: how many there may be at most.
    """

    name: str
    sha256: str
    rows: int


def survey(problems: str | Path | Sequence[Problem | Reject]) -> Survey:
    """Go through an input once, without understanding it.

    Raises:
        ProblemError: a file cannot be read, or holds nothing.
    """
    digest = hashlib.sha256()
    if not isinstance(problems, (str, Path)):
        for problem in problems:
            digest.update(_dumped(problem) + b"\n")
        return Survey("problems made in Python", digest.hexdigest(), len(problems))
    path = Path(problems)
    directory = path.is_dir()
    files = _sources(path) if directory else [path]
    lines = 0
    half = False  # a last line without its end
    for file in files:
        if directory:
            digest.update(f"{file.relative_to(path).as_posix()}\n".encode())
        else:
            _check_file(file)
        try:
            with file.open("rb") as stream:
                while block := stream.read(1 << 20):
                    digest.update(block)
                    lines += block.count(b"\n")
                    half = not block.endswith(b"\n")
        except OSError as error:
            raise ProblemError(f"{file}: cannot be read: {error.strerror}") from None
    by_file = directory or path.suffix == ".py"
    return Survey(path.name, digest.hexdigest(), len(files) if by_file else lines + half)


def _check_file(path: Path) -> None:
    try:
        with path.open("rb") as stream:
            if not stream.read(1):
                raise ProblemError(f"{path}: the file is empty; it should hold Problems")
    except FileNotFoundError:
        raise ProblemError(f"{path}: there is no such file or directory") from None
    except OSError as error:
        raise ProblemError(f"{path}: cannot be read: {error.strerror}") from None


def _sources(directory: Path) -> list[Path]:
    found = sorted(
        file
        for file in directory.rglob("*.py")
        if file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(directory).parts)
    )
    if not found:
        raise ProblemError(f"{directory}: the directory holds no .py file")
    return found


def _read_directory(directory: Path, files: list[Path]) -> Iterator[Located | Reject]:
    for file in files:
        name = file.relative_to(directory)
        yield _read_program(file, name.as_posix(), name.with_suffix("").as_posix())


def _read_program(file: Path, name: str, problem_id: str) -> Located | Reject:
    origin = Origin(name)

    def reject(reason: Reason, detail: str) -> Reject:
        return Reject("row", reason, detail, problem_id, origin=origin)

    try:
        data = file.read_bytes()
    except OSError as error:
        return reject(Reason.BAD_ROW, f"cannot be read: {error.strerror}")
    if len(data) > MAX_ROW_BYTES:
        return reject(Reason.TOO_LONG, f"{len(data)} bytes are more than {MAX_ROW_BYTES}")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        source = io.TextIOWrapper(io.BytesIO(data), encoding).read()
    except (SyntaxError, UnicodeDecodeError) as error:  # as Python itself would refuse it
        return reject(Reason.INVALID_UTF8, str(error))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            problem = programs.problem_of(source, problem_id)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return reject(Reason.BAD_CODE, rows.syntax_message(error))
    if not source.strip():
        return reject(Reason.NO_CODE, "the file is empty")
    if not problem.calls:
        return reject(Reason.NO_CALLS, 'no `if __name__ == "__main__":` block with a Call in it')
    return _checked(problem, origin)


def _read_rows(path: Path) -> Iterator[Located | Reject]:
    with path.open("rb") as stream:
        number = 0
        while line := stream.readline(MAX_ROW_BYTES + 1):
            number += 1
            origin = Origin(path.name, number)
            if len(line) > MAX_ROW_BYTES:
                while line and not line.endswith(b"\n"):
                    line = stream.readline(MAX_ROW_BYTES)
                detail = f"the row is longer than {MAX_ROW_BYTES} bytes"
                yield Reject("row", Reason.TOO_LONG, detail, origin=origin)
            elif line.strip():
                yield _read_row(line, origin)


def _read_row(line: bytes, origin: Origin) -> Located | Reject:
    try:
        row: Any = json.loads(line.decode("utf-8-sig" if origin.row == 1 else "utf-8"))
    except UnicodeDecodeError as error:
        return Reject("row", Reason.INVALID_UTF8, f"not UTF-8: {error}", origin=origin)
    except (ValueError, RecursionError) as error:
        half = "" if line.endswith(b"\n") else "; the file ends in the middle of this row"
        return Reject("row", Reason.NOT_JSON, f"not JSON: {error}{half}", origin=origin)
    problem_id = rows.id_of(row)
    try:
        problem = rows.problem_of(row)
    except rows.RowError as error:
        return Reject("row", error.reason, str(error), problem_id, origin=origin)
    except ValidationError as error:
        return Reject("row", Reason.BAD_ROW, explained(error), problem_id, origin=origin)
    return _checked(problem, origin)


def _checked(problem: Problem, origin: Origin) -> Located | Reject:
    """Compiling is not running: nothing of the program is executed here."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(problem.code, "<program>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        detail = rows.syntax_message(error)
        return Reject("row", Reason.BAD_CODE, detail, problem.id, origin=origin)
    return Located(problem, origin)


def _without_duplicates(items: Iterable[Located | Reject]) -> Iterator[Located | Reject]:
    seen = Seen()
    for item in items:
        if isinstance(item, Reject):
            yield item
            continue
        problem_id = item.problem.id
        before = seen.add(problem_id, item.problem.model_dump_json())
        if before is None:
            yield item
        elif before:
            detail = "the same Problem came before"
            yield Reject("row", Reason.DUPLICATE_ROW, detail, problem_id, origin=item.origin)
        else:
            detail = f"another Problem has the id {problem_id!r}"
            yield Reject("row", Reason.DUPLICATE_ID, detail, problem_id, origin=item.origin)
