"""Namespaces: a warm parent that sees no process, no network and no file but Python's own.

Entered once for each warm parent, by :func:`enter`: user, process ids, network, messages, host name,
mounts and cgroups are its own; its root is a read-only tmpfs into which the directories that programs
may read are mounted; there is no /proc. Root needs no more for it than an ordinary user does.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
from functools import lru_cache

from pytrace_mono.tracer.sandbox import kernel, mounts, scratch

_NEW_USER = 0x10000000
_OTHERS = 0x00020000 | 0x20000000 | 0x40000000 | 0x08000000 | 0x04000000 | 0x02000000
"""CLONE_NEWNS, NEWPID, NEWNET, NEWIPC, NEWUTS, NEWCGROUP (linux/sched.h)."""

_BIND, _RECURSIVE, _PRIVATE = 0x1000, 0x4000, 0x40000
_READ_ONLY, _NO_SUID, _NO_DEVICES, _NO_EXECUTION = 0x1, 0x2, 0x4, 0x8
_REMOUNT, _DETACH = 0x20, 0x2
_NOBODY = 65534
_SITE = "/tmp"
"""Where the new root is mounted, because every system has it; nothing is written there."""
_OLD = "/.old"
_LINKED = ("bin", "lib", "lib32", "lib64", "libx32", "sbin")


def enter(places: list[tuple[str, str]], main_ended: int, with_scratch: bool = False) -> None:
    """Go on as the first process of new namespaces; the calling process stays behind to watch.

    Args:
        places: what is to exist inside, read-only: its path, and that path without symbolic links.
        main_ended: a descriptor that becomes readable when the main process ends, or -1.
        with_scratch: a small file system to write to, in memory, is to be at ``scratch.MOUNTED_AT``.

    Raises:
        OSError: the kernel refuses one of the steps.
    """
    user, group = os.geteuid(), os.getegid()
    # Now: whoever stays behind shares the new root, which for a moment has no file at all.
    null = os.open(os.devnull, os.O_RDWR)
    mapped = _unshare_with_map(user, group)
    pid = os.fork()
    if pid:
        _stay_behind(pid, main_ended, null)
    os.close(null)
    _new_root(places, with_scratch)
    if mapped:
        _become_nobody()
    kernel.die_with_parent()  # Last, because a change of user takes it back.


def problem() -> str | None:
    """Why there are no namespaces here, or None; found out once, by a process that tries."""
    if not kernel.LINUX:
        return f"only Linux has them (this is {sys.platform})"
    return _tried(os.geteuid())


@lru_cache(maxsize=2)
def _tried(user: int) -> str | None:
    import subprocess  # Not at the top: warm parents never ask, and it would make each fork dearer.

    code = (
        "import sys\nsys.path.append(sys.argv[1])\n"
        "from pytrace_mono.tracer.sandbox import namespaces\n"
        "namespaces.enter([], -1)\n"
    )
    root = os.path.dirname(__file__)
    for _ in __package__.split("."):
        root = os.path.dirname(root)
    try:
        done = subprocess.run(
            [sys.executable, "-s", "-c", code, root],
            env={},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
    except OSError as error:
        return f"no process could be started to try: {error}"
    if done.returncode == 0:
        return None
    return (done.stderr.strip() or f"status {done.returncode}").rsplit("\n", 1)[-1]


def _unshare_with_map(user: int, group: int) -> bool:
    """Leave the outer namespaces; True where ``nobody`` exists in the new ones, for root to become.

    A process cannot map more than itself from inside, so a helper that stays outside does it.
    """
    outer = os.getpid()
    wait, go = os.pipe()
    helper = os.fork()
    if helper == 0:
        os.close(go)
        os.read(wait, 1)
        done = 1
        with contextlib.suppress(OSError):
            both = f"0 {user} 1\n{_NOBODY} {_NOBODY} 1\n" if user == 0 else ""
            if both:
                _write(f"/proc/{outer}/uid_map", both)
                _write(f"/proc/{outer}/gid_map", f"0 {group} 1\n{_NOBODY} {_NOBODY} 1\n")
                done = 0
        os._exit(done)
    os.close(wait)
    try:
        mounts.unshare(_NEW_USER)
    finally:
        os.close(go)
        _, status = os.waitpid(helper, 0)
    mapped = status == 0
    if not mapped:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"0 {user} 1\n")
        _write("/proc/self/gid_map", f"0 {group} 1\n")
    mounts.unshare(_OTHERS)
    return mapped


def _stay_behind(pid: int, main_ended: int, null: int) -> None:
    """As the process that watches: end with the first one inside, and end it with the main process."""
    for fd in (0, 1):
        os.dup2(null, fd)
    ended = os.pidfd_open(pid)
    poll = select.poll()
    poll.register(ended, select.POLLIN)
    if main_ended >= 0:
        poll.register(main_ended, select.POLLIN)
    while ended not in dict(poll.poll()):
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _new_root(places: list[tuple[str, str]], with_scratch: bool) -> None:
    mounts.mount("none", "/", None, _RECURSIVE | _PRIVATE)
    mounts.mount("tmpfs", _SITE, "tmpfs", _NO_SUID | _NO_DEVICES, "size=1m,mode=0755")
    os.mkdir(_SITE + _OLD)
    links = {name: os.readlink(f"/{name}") for name in _LINKED if os.path.islink(f"/{name}")}
    mounts.pivot_root(_SITE, _SITE + _OLD)
    os.chdir("/")
    # The tmpfs is no longer in the way: what lies below its place can be mounted as well.
    for name, target in links.items():
        os.symlink(target, f"/{name}")
    shown: list[str] = []
    for path, real in sorted({*places, (os.devnull, os.devnull)}):
        if not any(path.startswith(other + os.sep) for other in shown):
            _show(path, _OLD + real)
            shown.append(path)
    mounts.umount(_OLD, _DETACH)
    os.rmdir(_OLD)
    if with_scratch:
        os.mkdir(scratch.MOUNTED_AT)
        options = f"size={scratch.BYTES},nr_inodes={scratch.FILES},mode=0777"
        flags = _NO_SUID | _NO_DEVICES | _NO_EXECUTION
        mounts.mount("tmpfs", scratch.MOUNTED_AT, "tmpfs", flags, options)
    mounts.mount("none", "/", None, _REMOUNT | _BIND | _READ_ONLY | _NO_SUID | _NO_DEVICES)


def _show(path: str, outside: str) -> None:
    if os.path.isdir(outside):
        os.makedirs(path, exist_ok=True)
    elif os.path.exists(outside):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o444))
    else:
        return
    mounts.mount(outside, path, None, _BIND | _RECURSIVE)
    if path != os.devnull:
        mounts.set_mount_read_only(path)


def _become_nobody() -> None:
    """Root inside is root outside where files are concerned, so do not stay root."""
    os.setgroups([])
    os.setresgid(_NOBODY, _NOBODY, _NOBODY)
    os.seteuid(_NOBODY)
    try:
        os.listdir(os.path.dirname(os.__file__))
    except OSError:  # Python is installed where only root can read it.
        os.seteuid(0)
        return
    os.seteuid(0)
    os.setresuid(_NOBODY, _NOBODY, _NOBODY)


def _write(path: str, text: str) -> None:
    fd = os.open(path, os.O_WRONLY)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)
