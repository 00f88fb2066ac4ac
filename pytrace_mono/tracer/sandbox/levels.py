"""The isolation levels: which exist on this machine, and which one is meant by a name."""

from __future__ import annotations

import os
import sys
import warnings
from typing import NamedTuple

from pytrace_mono.errors import IsolationUnavailableError
from pytrace_mono.tracer.sandbox import jails, kernel, landlock, namespaces, syscalls
from pytrace_mono.tracer.types import Level

NAMES = ("auto", "guard", "confined", "isolated")

_warned = False


class Layer(NamedTuple):
    """One layer of the sandbox, as it stands on this machine.

    Attributes:
        name: what it is.
        active: True when a :class:`Sandbox` at level ``auto`` uses it here.
        detail: what it does, or why it is missing.
    """

    name: str
    active: bool
    detail: str


def layers() -> tuple[Layer, ...]:
    """Every layer and whether it is in force here; nothing is changed by asking.

    External jails are tried, which takes a second.
    """
    return (*_own_layers(), Layer("external jail", False, _jails()))


def _own_layers() -> tuple[Layer, ...]:
    posix = os.name == "posix"
    linux = kernel.LINUX
    version = landlock.version()
    filters = _seccomp_problem()
    memory = "" if linux else ", without memory: this system does not honour it"
    privileges = kernel.has_no_new_privileges()
    apart = namespaces.problem()
    found = version > 0 and filters is None and privileges
    unused = "" if found else "; not used, because not all layers of `confined` are here"
    return (
        Layer(
            "rlimits",
            posix,
            f"processor time, files, descriptors, memory{memory}" if posix else _NO_FORK,
        ),
        Layer("session", posix, "own session and process group" if posix else _NO_FORK),
        Layer(
            "no_new_privs",
            found,
            f"set-user-id programs are powerless{unused}" if privileges else "only Linux has it",
        ),
        Layer(
            "landlock",
            found,
            f"version {version} of its interface{unused}" if version else _NO_LANDLOCK,
        ),
        Layer("seccomp", found, filters or f"system calls from an allow list{unused}"),
        Layer("namespaces", found and apart is None, apart or f"{_NAMESPACES}{unused}"),
    )


def choose(isolation: str) -> Level:
    """The level to use for what the user asked for.

    Args:
        isolation: a level's name, or ``auto`` for the strongest that this machine offers, with a
            warning once per process when that is less than ``confined``.

    Raises:
        IsolationUnavailableError: the level is unknown or cannot be had here.
    """
    if isolation not in NAMES:
        raise IsolationUnavailableError(
            f"there is no isolation level {isolation!r}",
            f"choose one of: {', '.join((*NAMES, 'external', *jails.TOOLS))}",
        )
    if os.name != "posix":
        raise IsolationUnavailableError(
            f"no isolation level can be had here: {_NO_FORK}", "use Linux (or WSL), or macOS"
        )
    if isolation == "guard":
        return "guard"
    found = {layer.name: layer for layer in _own_layers()}
    missing = [
        f"{name}: {found[name].detail}"
        for name in ("landlock", "seccomp", "no_new_privs")
        if not found[name].active
    ]
    apart = found["namespaces"]
    if isolation == "isolated" and (missing or not apart.active):
        missing += [] if apart.active else [f"namespaces: {apart.detail}"]
        raise IsolationUnavailableError(
            "the isolation level 'isolated' cannot be had here (" + "; ".join(missing) + ")",
            _NAMESPACES_FIX,
        )
    if not missing:
        return "isolated" if apart.active and isolation != "confined" else "confined"
    if isolation == "confined":
        raise IsolationUnavailableError(
            "the isolation level 'confined' cannot be had here (" + "; ".join(missing) + ")",
            "use Linux 5.13 or later with Landlock enabled, on x86-64 or aarch64; or accept less "
            "with isolation='guard', for programs you trust",
        )
    _warn_once("; ".join(missing))
    return "guard"


def _warn_once(missing: str) -> None:
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(
            f"programs run at isolation level 'guard', which protects from accidents and not from "
            f"attackers, because 'confined' cannot be had here ({missing}). Say isolation='guard' "
            "to accept this silently.",
            RuntimeWarning,
            stacklevel=4,
        )


def _jails() -> str:
    problems = {name: jails.problem(name) for name in jails.TOOLS}
    usable = ", ".join(name for name, problem in problems.items() if problem is None)
    rest = [f"{name}: {problem}" for name, problem in problems.items() if problem is not None]
    return "; ".join([f"{usable} can be asked for by name" if usable else "none", *rest])


def _seccomp_problem() -> str | None:
    if not kernel.LINUX:
        return f"only Linux has it (this is {sys.platform})"
    if not kernel.knows_seccomp():
        return "this kernel accepts no seccomp filters"
    try:
        syscalls.architecture()
    except OSError as error:
        return str(error)
    return None


_NAMESPACES = "user, process ids, network, messages, host name, mounts: a root with Python alone"
_NAMESPACES_FIX = (
    "allow user namespaces (sysctl user.max_user_namespaces=15000, and where they exist "
    "kernel.unprivileged_userns_clone=1 or kernel.apparmor_restrict_unprivileged_userns=0; in a "
    "container a seccomp profile with unshare and mount), or use isolation='confined'"
)
_NO_FORK = "this system cannot fork"
_NO_LANDLOCK = "this kernel has no Landlock, or it is switched off (see `lsm=` on its command line)"
