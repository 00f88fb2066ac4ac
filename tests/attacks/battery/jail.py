"""Where attacks run: in a Sandbox as this user or as an ordinary one, or bare inside an outer jail."""

from __future__ import annotations

import functools
import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

from battery.attack import SECRET, Sign

_NOBODY = 65534
_HERE = Path(__file__).resolve().parents[1]
_ROOT = _HERE.parents[1]
_SECONDS = 110
_MEGABYTE = 1 << 20
_ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "PYTHONDONTWRITEBYTECODE": "1",
    "DECOY_TOKEN": SECRET,  # what attacks on the caller's environment are after
}


class Unavailable(Exception):
    """This machine cannot do that; the message says why."""


def in_sandbox(level: str, kinds: tuple[str, ...], ordinary: bool) -> dict[str, list[Sign]]:
    """Run attacks in a Sandbox.

    Args:
        level: the isolation level.
        kinds: which attacks.
        ordinary: True for an ordinary user even where this one is root.

    Raises:
        Unavailable: there is no ordinary user who could run it.
    """
    python = sys.executable
    user = None
    if ordinary and os.getuid() == 0:
        python, user = _python_for_all(), _NOBODY
    elif not ordinary and os.getuid() != 0:
        raise Unavailable("this is not root")
    return _report([python, "-m", "battery", level, *kinds], user, limited=False)


def in_jail(way: str, kinds: tuple[str, ...]) -> dict[str, list[Sign]]:
    """Run the controls, ``bare`` or ``guarded``, as an ordinary user inside a jail.

    Raises:
        Unavailable: there is no bubblewrap, or it cannot make a jail here.
    """
    python = _python_for_all() if os.getuid() == 0 else os.path.realpath(sys.executable)
    user = _NOBODY if os.getuid() == 0 else None
    command = [*_jail(), python, "-m", "battery", way, *kinds]
    return _report(command, user, limited=True)


def _jail() -> list[str]:
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        raise Unavailable("the controls need bubblewrap (apt-get install bubblewrap)")
    small = ["--size", str(64 * _MEGABYTE), "--tmpfs"]
    arguments = [bwrap, "--unshare-all", "--die-with-parent", "--new-session", "--clearenv"]
    for folder in ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc/ld.so.cache"):
        if os.path.islink(folder):
            arguments += ["--symlink", os.readlink(folder), folder]
        elif os.path.exists(folder):
            arguments += ["--ro-bind", folder, folder]
    if os.getuid() != 0:
        prefix = os.path.realpath(sys.base_prefix)
        if not prefix.startswith("/usr"):
            arguments += ["--ro-bind", prefix, prefix]
    arguments += [
        "--ro-bind",
        str(_HERE),
        "/attacks",
        "--ro-bind",
        str(_decoy_passwd()),
        "/etc/passwd",
    ]
    arguments += ["--proc", "/proc", "--dev", "/dev", *small, "/dev/shm", *small, "/tmp"]
    arguments += ["--dir", "/tmp/this-is-the-jail", "--remount-ro", "/"]
    for name, value in {**_ENVIRONMENT, "PYTHONPATH": "/attacks"}.items():
        arguments += ["--setenv", name, value]
    return [*arguments, "--chdir", "/tmp", "--"]


def _decoy_passwd() -> Path:
    return _HERE / "battery" / "decoy_passwd"


def _limit() -> None:
    for kind, value in (
        (resource.RLIMIT_AS, 1024 * _MEGABYTE),
        (resource.RLIMIT_NPROC, 64),
        (resource.RLIMIT_FSIZE, 64 * _MEGABYTE),
        (resource.RLIMIT_CPU, _SECONDS),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (value, value))


def _report(command: list[str], user: int | None, limited: bool) -> dict[str, list[Sign]]:
    done = subprocess.run(
        command,
        cwd="/",
        env={**_ENVIRONMENT, "PYTHONPATH": f"{_HERE}:{_ROOT}"},
        user=user,
        group=user,
        extra_groups=None if user is None else [],
        preexec_fn=_limit if limited else None,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_SECONDS,
    )
    complaint = done.stderr.decode("utf-8", "replace").strip()
    if limited and not done.stdout and complaint.startswith("bwrap:"):
        raise Unavailable(f"no jail can be made here: {complaint}")
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[-4:])}: {complaint[-2000:]}")
    seen: dict[str, list[Sign]] = json.loads(done.stdout)
    return seen


@functools.cache
def _python_for_all() -> str:
    """A Python that an ordinary user may run, and that can read this project."""
    for python in (sys.executable, "/usr/bin/python3"):
        check = [python, "-c", "import sys; sys.exit(sys.version_info < (3, 10))"]
        try:
            done = subprocess.run(
                check, user=_NOBODY, group=_NOBODY, extra_groups=[], cwd="/", capture_output=True
            )
            readable = subprocess.run(
                ["/bin/cat", __file__], user=_NOBODY, extra_groups=[], cwd="/", capture_output=True
            )
        except OSError:
            continue
        if done.returncode == 0 and readable.returncode == 0:
            return python
    raise Unavailable("no Python here may be run by an ordinary user (as /usr/bin/python3 could)")
