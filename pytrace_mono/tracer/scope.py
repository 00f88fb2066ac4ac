"""Which code is recorded."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType

from pytrace_mono.errors import InputError
from pytrace_mono.tracer.kept import BUILTINS

__builtins__ = BUILTINS

PROGRAM_FILE = "<program>"
"""Filename under which a program given as source text is compiled."""
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")


class Files(frozenset[str]):
    """Accepts the files with these names; so what it accepts is known before it is asked."""

    __slots__ = ()
    __call__ = frozenset.__contains__


@dataclass(frozen=True)
class Scope:
    """Decides by a code object's file, and where wanted by itself, whether its frames are recorded.

    Attributes:
        accepts: called once per file name, with ``code.co_filename``.
        program: the file whose line numbers the Trace's ``program`` text has; a live recording that
            is given none takes the file of its block or function.
        code: asked as well about each code object of such a file: each function, each class's body and
            the module's is one.
    """

    accepts: Callable[[str], bool]
    program: str = PROGRAM_FILE
    code: Callable[[CodeType], bool] | None = None

    @staticmethod
    def of_files(*names: str) -> Scope:
        """Record the code of these files; the first one is the program.

        Args:
            names: file names as in ``code.co_filename``; absolute where the file exists.
        """
        return Scope(Files(names), names[0])

    @staticmethod
    def of_folder(folder: str | os.PathLike[str], program: str = PROGRAM_FILE) -> Scope:
        """Record the code of every file below ``folder``; ``program`` names the main one.

        Installed packages and the standard library are left out where they lie below it, as in
        ``.venv``.
        """
        return Scope(_Below([os.path.abspath(folder)]), program)

    @staticmethod
    def of_modules(*names: str) -> Scope:
        """Record the code of these modules, and of what is below those that are packages.

        Args:
            names: as in an import statement; of ``a.b``, ``a`` is imported if it was not.

        Raises:
            InputError: there is no such module, or none with Python source.
        """
        files: list[str] = []
        folders: list[str] = []
        for name in names:
            try:
                spec = importlib.util.find_spec(name)
            except (ImportError, ValueError):  # no parent; __main__ and the like have no spec
                spec = None
            if spec is None or not (spec.has_location or spec.submodule_search_locations):
                raise InputError(
                    f"Scope.of_modules: no module {name!r} with a source file is found here; "
                    "check its name, or use Scope.of_files."
                )
            if spec.origin is not None:
                files.append(os.path.abspath(spec.origin))
            folders += map(os.path.abspath, spec.submodule_search_locations or ())
        below, wanted = _Below(folders), frozenset(files)
        return Scope(lambda name: os.path.abspath(name) in wanted or below(name))

    def with_program(self, program: str) -> Scope:
        """The same, with this main file if it has none yet."""
        if self.program != PROGRAM_FILE:
            return self
        return dataclasses.replace(self, program=program)

    def covers(self, code: CodeType) -> bool:
        accepted = self.accepts(code.co_filename)
        return bool(accepted and (self.code is None or self.code(code)))


class _Below:
    """Is a file below one of these folders, and not in a library that happens to lie there?"""

    def __init__(self, folders: list[str]) -> None:
        self._roots = [os.path.join(folder, "") for folder in folders]
        library = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib")]
        self._libraries = [os.path.join(os.path.abspath(path), "") for path in library if path]

    def __call__(self, name: str) -> bool:
        if name.startswith("<"):
            return False  # code made from text is in no folder
        path = os.path.abspath(name)
        return any(path.startswith(root) and self._is_own(path, root) for root in self._roots)

    def _is_own(self, path: str, root: str) -> bool:
        inner = os.sep + path[len(root) :]
        if any(mark in inner for mark in _INSTALLED):
            return False
        return not any(
            path.startswith(library) and not root.startswith(library) for library in self._libraries
        )
