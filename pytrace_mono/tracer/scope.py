"""Which code is recorded."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType

PROGRAM_FILE = "<program>"
"""Filename under which a program given as source text is compiled."""


@dataclass(frozen=True)
class Scope:
    """Decides by a code object's file whether its frames are recorded.

    Attributes:
        accepts: called once per file name, with ``code.co_filename``.
        program: the file whose line numbers the Trace's ``program`` text has.
    """

    accepts: Callable[[str], bool]
    program: str = PROGRAM_FILE

    @staticmethod
    def of_files(*names: str) -> Scope:
        """Record the code of these files; the first one is the program.

        Args:
            names: file names as in ``code.co_filename``; absolute where the file exists.
        """
        wanted = frozenset(names)
        return Scope(wanted.__contains__, names[0])

    @staticmethod
    def of_folder(folder: str | os.PathLike[str], program: str) -> Scope:
        """Record the code of every file below ``folder``; ``program`` names the main one."""
        root = os.path.join(os.path.abspath(folder), "")
        return Scope(lambda name: os.path.abspath(name).startswith(root), program)

    def covers(self, code: CodeType) -> bool:
        return self.accepts(code.co_filename)
