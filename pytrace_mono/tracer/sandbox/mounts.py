"""Namespaces and mounts: the calls of Linux that :mod:`namespaces` needs and Python does not have.

Each raises :class:`OSError` when the kernel refuses.
"""

from __future__ import annotations

import ctypes
import os
import struct

from pytrace_mono.tracer.sandbox import kernel

_SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_SYS_MOUNT_SETATTR = 442  # on every architecture
_AT_FDCWD = -100
_AT_RECURSIVE = 0x8000


def unshare(flags: int) -> None:
    """Leave some of the namespaces that this process is in for new ones."""
    kernel.call("unshare", ctypes.c_int(flags))


def mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    words = [None if text is None else os.fsencode(text) for text in (source, target, kind)]
    kernel.call("mount", *words, ctypes.c_ulong(flags), os.fsencode(options) or None)


def umount(target: str, flags: int) -> None:
    kernel.call("umount2", os.fsencode(target), ctypes.c_int(flags))


def pivot_root(new: str, old: str) -> None:
    """Make ``new`` the root of this mount namespace and put the old one at ``old``."""
    number = _SYS_PIVOT_ROOT.get(os.uname().machine)
    if number is None:
        raise OSError(f"pivot_root: its number on {os.uname().machine} is not known")
    kernel.syscall(number, os.fsencode(new), os.fsencode(old))


def set_mount_read_only(target: str) -> None:
    """Everything mounted at and below ``target``: no writing, no set-user-id, no devices."""
    attributes = struct.pack("=QQQQ", 0x1 | 0x2 | 0x4, 0, 0, 0)
    kernel.syscall(
        _SYS_MOUNT_SETATTR,
        _AT_FDCWD,
        os.fsencode(target),
        _AT_RECURSIVE,
        attributes,
        len(attributes),
    )
