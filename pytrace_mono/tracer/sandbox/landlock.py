"""Landlock: which files and connections a confined program reaches. It starts from nothing at all.

The ruleset is made once, in the warm parent; a child only has to enter it (:mod:`confine`).
"""

from __future__ import annotations

import os
import site
import struct
import sysconfig
from typing import NamedTuple

from pytrace_mono.tracer.sandbox import kernel

_EXECUTE = 1 << 0
_WRITE_FILE = 1 << 1
_READ_FILE = 1 << 2
_READ_DIR = 1 << 3
_PATH_BENEATH = 1
_REMOVE = 1 << 4 | 1 << 5  # directories, files
_MAKE = 1 << 7 | 1 << 8  # directories, files
_MOVE, _TRUNCATE = 1 << 13, 1 << 14
_VERSION_QUESTION = 1

# What each generation of the interface can take away: (file rights, network rights, scopes).
# The newest that the kernel accepts is used, whatever version number it reports.
_GENERATIONS = (
    ((1 << 16) - 1, 0b11, 0b11),  # scopes: abstract UNIX sockets, signals
    ((1 << 16) - 1, 0b11, 0),  # ioctl on devices
    ((1 << 15) - 1, 0b11, 0),  # TCP bind and connect
    ((1 << 15) - 1, 0, 0),  # truncate
    ((1 << 14) - 1, 0, 0),  # link and rename across directories
    ((1 << 13) - 1, 0, 0),
)


def version() -> int:
    """Version of the kernel's Landlock interface; 0 when there is none."""
    try:
        return kernel.landlock_create_ruleset(None, _VERSION_QUESTION)
    except OSError:
        return 0


def create_ruleset(granted: list[Grant]) -> int:
    """Make the ruleset of a confined program and return its descriptor.

    Args:
        granted: what :func:`grants` gave.

    Raises:
        OSError: the kernel has no Landlock, or it is switched off.
    """
    refusal: OSError | None = None
    for files, network, scopes in _GENERATIONS:
        # Older kernels accept the longer structure as long as what they do not know is zero.
        attribute = struct.pack("=QQQ", files, network, scopes)
        try:
            ruleset = kernel.landlock_create_ruleset(attribute)
            break
        except OSError as error:
            refusal = error
    else:
        raise refusal or OSError("no Landlock")
    for grant in granted:
        _grant(ruleset, grant.real, grant.rights & files)
    return ruleset


def _grant(ruleset: int, path: str, rights: int) -> None:
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        rule = struct.pack("=Qi", rights, fd)
        kernel.landlock_add_rule(ruleset, _PATH_BENEATH, rule)
    finally:
        os.close(fd)


class Grant(NamedTuple):
    """A path that programs may use, without symbolic links too, and the rights to it."""

    path: str
    real: str
    rights: int


def to_write(path: str) -> Grant:
    """A directory in which programs may do as they like, except to execute what is there."""
    rights = _WRITE_FILE | _READ_FILE | _READ_DIR | _REMOVE | _MAKE | _MOVE | _TRUNCATE
    return Grant(path, os.path.realpath(path), rights)


def grants() -> list[Grant]:
    """Paths a program may use, each with its rights: Python's own, and no place of the user's."""
    readable = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    readable.update(site.getsitepackages())
    readable.update(_library_directories())
    readable.add("/usr/share/zoneinfo")
    granted = [
        Grant(path, os.path.realpath(path), _EXECUTE | _READ_FILE | _READ_DIR)
        for path in sorted(readable | {os.path.realpath(path) for path in readable})
        if os.path.isdir(path) and os.path.dirname(os.path.realpath(path)) != path
    ]
    granted.append(Grant("/etc/ld.so.cache", "/etc/ld.so.cache", _READ_FILE))
    granted.append(Grant(os.devnull, os.devnull, _READ_FILE | _WRITE_FILE))
    return granted


def _library_directories() -> set[str]:
    """Where extension modules find the shared libraries that they are linked with."""
    directories = set()
    beside_stdlib = os.path.dirname(sysconfig.get_path("stdlib"))
    if not beside_stdlib.startswith("/usr/"):
        # A Python that brings its own libraries (conda, pyenv); below /usr they are the system's.
        directories.add(beside_stdlib)
    with open("/proc/self/maps") as maps:
        for line in maps:
            path = line.rstrip("\n").split(maxsplit=5)[5:]
            if path and os.path.basename(path[0]).startswith(("libc.", "libc-", "ld-")):
                directories.add(os.path.dirname(path[0]))
    return directories
