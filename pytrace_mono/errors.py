"""The error tree: everything pytrace_mono raises on purpose.

::

    PytraceMonoError
    ├── InputError                      something you gave cannot be used
    │   ├── SourceError                 a program is not Python that compiles
    │   ├── CallError                   a Call is not one expression, or its setup is not Python
    │   ├── ProblemError                a file or row of Problems cannot be read
    │   ├── TraceFormatError            bytes that should be a Trace are not
    │   ├── AnswerError                 a teacher's text holds no answer in the required form
    │   ├── TrainingDataError           rows, or their tokenizer, cannot be trained on
    │   └── TrainingConfigError         a training configuration asks for what cannot be
    ├── LimitError                      a limit is out of range
    ├── PrerequisiteError               something is missing here; ``fix`` says how to get it
    │   ├── MissingExtraError           an optional dependency
    │   ├── MissingKeyError             an endpoint's key
    │   └── IsolationUnavailableError   a sandbox level asked for by name
    ├── SandboxError                    the sandbox itself failed, not the program inside it
    ├── TeacherError                    an endpoint refused or could not be reached
    │   ├── BudgetError                 the next request could cost more than was allowed
    │   └── UnansweredError             a batch ended without an answer to this request
    ├── TrainingError                   a run cannot begin, go on, or be used
    ├── StoreError                      the cache or the ledger cannot be read or written
    └── CorpusError                     a corpus directory cannot be read or must not be overwritten

Every message names what is wrong, where, and what to do. A program that misbehaves is never one of
these: what it did is the ``Outcome`` of its ``Trace``.
"""

from __future__ import annotations


class PytraceMonoError(Exception):
    """Base of every error below; catching it catches them all."""


class InputError(PytraceMonoError):
    """Something the user gave cannot be used."""


class SourceError(InputError):
    """A program is not Python source that compiles on this interpreter."""


class CallError(InputError):
    """A Call is not a single expression, or its setup does not compile."""


class ProblemError(InputError):
    """A file, or one row of it, does not describe a Problem."""


class TraceFormatError(InputError):
    """Data that should be a Trace is malformed, or of a newer version."""


class AnswerError(InputError):
    """A teacher's text has no answer in the required form."""


class TrainingDataError(InputError):
    """Rows, or the tokenizer they are encoded with, cannot be trained on."""


class TrainingConfigError(InputError):
    """A training configuration has an unknown key, or a value that cannot be."""


class LimitError(PytraceMonoError, ValueError):
    """A limit is zero, negative, or beyond what the recorder can honour."""


class PrerequisiteError(PytraceMonoError):
    """Something this feature needs is missing here.

    Args:
        what: what is missing, in words.
        fix: the command or setting that provides it.
    """

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(f"{what}\n  fix: {fix}")
        self.what = what
        self.fix = fix


class MissingExtraError(PrerequisiteError):
    """An optional dependency is not installed.

    Args:
        feature: what the user asked for.
        package: the distribution that is missing.
        extra: the extra of pytrace_mono that brings it.
    """

    def __init__(self, feature: str, package: str, extra: str) -> None:
        super().__init__(
            f"{feature} needs the package {package!r}, which is not installed.",
            f'pip install "pytrace_mono[{extra}]"',
        )


class MissingKeyError(PrerequisiteError):
    """An endpoint needs a key and none is set."""


class IsolationUnavailableError(PrerequisiteError):
    """A sandbox level was asked for by name and cannot be had on this machine."""


class SandboxError(PytraceMonoError):
    """The sandbox itself failed (its warm parent did not start, or died repeatedly)."""


class TeacherError(PytraceMonoError):
    """A teacher's endpoint refused the request or could not be reached.

    Args:
        message: what happened, naming the endpoint, never the key.
        fatal: True when asking again cannot help (wrong key, unknown model).
    """

    def __init__(self, message: str, *, fatal: bool = False) -> None:
        super().__init__(message)
        self.fatal = fatal


class BudgetError(TeacherError):
    """The next request could cost more than the run may spend; always fatal."""

    def __init__(self, message: str) -> None:
        super().__init__(message, fatal=True)


class TrainingError(PytraceMonoError):
    """A training run cannot begin, go on, or be used: its output, a checkpoint, its loss, memory."""


class UnansweredError(TeacherError):
    """A batch ended without an answer to one request; the endpoint as such is well."""


class StoreError(PytraceMonoError):
    """The cache of responses or the ledger cannot be read or written."""


class CorpusError(PytraceMonoError):
    """A corpus directory is unreadable, or holds something that must not be overwritten."""
