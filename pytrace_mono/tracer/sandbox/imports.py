"""What programs may import, by name. A rule of the house, no wall: ``sys.modules`` is there."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pytrace_mono.errors import SandboxError

_ALWAYS = "__future__"
_import = builtins.__import__


def known(names: Sequence[str]) -> tuple[str, ...]:
    """The names, in order, each once.

    Raises:
        SandboxError: one is not the name of a module.
    """
    for name in names:
        if type(name) is not str or not all(part.isidentifier() for part in name.split(".")):
            raise SandboxError(
                f"imports holds {name!r}, which is not the name of a module, as in an import statement"
            )
    return tuple(sorted(set(names)))


def only(allowed: tuple[str, ...]) -> Callable[..., Any]:
    """An ``__import__`` for a program: these modules, what is below them, and nothing else.

    Modules that it imports may import what they need.
    """
    said = ", ".join(allowed) or "none"

    def __import__(
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> Any:
        if level == 0 and not _is_allowed(name, allowed):
            raise ImportError(f"{name!r} may not be imported here; allowed are: {said}", name=name)
        return _import(name, globals, locals, fromlist, level)

    return __import__


def _is_allowed(name: str, allowed: tuple[str, ...]) -> bool:
    return name == _ALWAYS or any(name == one or name.startswith(f"{one}.") for one in allowed)
