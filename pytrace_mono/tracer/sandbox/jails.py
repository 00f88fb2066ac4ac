"""External jails: another program (bwrap, nsjail, runsc, docker) starts the warm parent inside it.

What exists inside is what :func:`places` names, read-only: Python's own directories and this package.
There is no network and no other process. The warm parent adds what layers it can have inside.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pytrace_mono
from pytrace_mono.errors import IsolationUnavailableError
from pytrace_mono.tracer.sandbox import kernel, landlock, scratch

_NOBODY = "65534"
_TRIAL_SECONDS = 60
_IMAGE = "pytrace-mono:empty"
_EMPTY_ARCHIVE = bytes(10240)
_LINKED = ("bin", "lib", "lib32", "lib64", "libx32", "sbin")
_MAX_PROCESSES = 256


class Inside(NamedTuple):
    """What is to run inside a jail.

    Attributes:
        command: the program and its arguments.
        environment: all of its environment.
        folder: for files that ``runsc`` needs, "" for the others; removed when it has ended.
        with_scratch: a small file system to write to is to be at ``scratch.MOUNTED_AT``.
        descriptor: one that is to stay open, or -1.
    """

    command: list[str]
    environment: dict[str, str]
    folder: str
    with_scratch: bool = False
    descriptor: int = -1


def _bwrap(inside: Inside) -> list[str]:
    # Not --die-with-parent: the parent is a thread to the kernel, and a warm parent outlives those.
    words = ["bwrap", "--unshare-all", "--new-session", "--as-pid-1", "--cap-drop", "ALL"]
    for name, target in _links().items():
        words += ["--symlink", target, f"/{name}"]
    for path, real in places():
        words += ["--ro-bind", real, path]
    words += ["--dev-bind", os.devnull, os.devnull, "--proc", "/proc"]
    if inside.with_scratch:
        words += ["--size", str(scratch.BYTES), "--tmpfs", scratch.MOUNTED_AT]
    return [*words, "--remount-ro", "/", "--chdir", "/", "--", *inside.command]


def _nsjail(inside: Inside) -> list[str]:
    words = ["nsjail", "-Mo", "--really_quiet", "--time_limit", "0", "--disable_rlimits"]
    words += ["--keep_env", "--user", _NOBODY, "--group", _NOBODY, "--cwd", "/"]
    for name, target in _links().items():
        words += ["--symlink", f"{target}:/{name}"]
    for path, real in places():
        words += ["--bindmount_ro", f"{real}:{path}"]
    words += ["--bindmount", os.devnull]
    if inside.with_scratch:
        words += ["--mount", f"none:{scratch.MOUNTED_AT}:tmpfs:size={scratch.BYTES},mode=0777"]
    if inside.descriptor >= 0:
        words += ["--pass_fd", str(inside.descriptor)]
    return [*words, "--", *inside.command]


def _runsc(inside: Inside) -> list[str]:
    def mount(path: str, kind: str, source: str, *options: str) -> dict[str, Any]:
        return {"destination": path, "type": kind, "source": source, "options": options}

    mounts = [mount(path, "bind", real, "rbind", "ro") for path, real in _with_links()]
    mounts.append(mount("/proc", "proc", "proc"))
    mounts.append(mount("/tmp", "tmpfs", "tmpfs", "ro"))  # else there is one to write to
    if inside.with_scratch:
        options = (f"size={scratch.BYTES}", "mode=0777", "noexec")
        mounts.append(mount(scratch.MOUNTED_AT, "tmpfs", "tmpfs", *options))
    bundle = {
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": int(_NOBODY), "gid": int(_NOBODY)},
            "args": inside.command,
            "env": [f"{name}={value}" for name, value in inside.environment.items()],
            "cwd": "/",
            "capabilities": {},
            "noNewPrivileges": True,
        },
        "root": {"path": "root", "readonly": True},
        "hostname": "sandbox",
        "mounts": mounts,
        "linux": {"namespaces": [{"type": k} for k in ("pid", "network", "ipc", "uts", "mount")]},
    }
    folder = Path(inside.folder)
    for name in ("root", "state"):
        (folder / name).mkdir()
    (folder / "config.json").write_text(json.dumps(bundle), encoding="utf-8")
    words = ["runsc", "--root", str(folder / "state"), "--network", "none", "--ignore-cgroups"]
    if os.geteuid() != 0:
        words.append("--rootless")
    return [*words, "run", "--bundle", inside.folder, folder.name]


def _docker(inside: Inside) -> list[str]:
    words = ["docker", "run", "--rm", "--interactive", "--log-driver", "none", "--workdir", "/"]
    words += ["--network", "none", "--read-only", "--user", f"{_NOBODY}:{_NOBODY}"]
    words += ["--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
    words += ["--pids-limit", str(_MAX_PROCESSES)]
    for name, value in inside.environment.items():
        words += ["--env", f"{name}={value}"]
    for path, real in _with_links():
        words += ["--mount", f"type=bind,src={real},dst={path},readonly"]
    if inside.with_scratch:
        words += ["--tmpfs", f"{scratch.MOUNTED_AT}:size={scratch.BYTES},mode=0777,noexec"]
    return [*words, _IMAGE, *inside.command]


class _Tool(NamedTuple):
    command: Callable[[Inside], list[str]]
    passes_descriptor: bool
    fix: str


TOOLS = {
    "runsc": _Tool(_runsc, False, "install gVisor (gvisor.dev; on Debian apt-get install runsc)"),
    "docker": _Tool(_docker, False, "install Docker, start its daemon, and be allowed to use it"),
    "nsjail": _Tool(_nsjail, True, "build and install nsjail (github.com/google/nsjail)"),
    "bwrap": _Tool(_bwrap, True, "install bubblewrap (on Debian apt-get install bubblewrap)"),
}
"""The tools by name; where any will do, they are tried in this order."""


class Launch:
    """How to start a program inside a jail.

    Args:
        tool: one of :data:`TOOLS`.
        command: the program and its arguments.
        environment: its environment.
        with_scratch: it is to find a file system to write to.
        descriptor: to be passed on, where the tool can.

    Attributes:
        command: what to start instead.
        environment: with what environment.
    """

    def __init__(
        self,
        tool: str,
        command: list[str],
        environment: dict[str, str],
        with_scratch: bool = False,
        descriptor: int = -1,
    ) -> None:
        self._folder = tempfile.mkdtemp(prefix="pytrace-mono-") if tool == "runsc" else ""
        inside = Inside(command, environment, self._folder, with_scratch, descriptor)
        words = TOOLS[tool].command(inside)
        self.command = [shutil.which(words[0]) or words[0], *words[1:]]
        # The client finds its daemon by its environment; nothing of it goes inside.
        self.environment = dict(os.environ) if tool == "docker" else environment

    def close(self) -> None:
        """Remove what the tool needed; it has ended."""
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)  # It removes some of it itself.


def choose(isolation: str) -> str | None:
    """The tool that is meant by a name: itself, or for ``external`` the first that works here.

    Returns:
        None where no external jail is meant.

    Raises:
        IsolationUnavailableError: it is not installed, or does not start.
    """
    if isolation != "external" and isolation not in TOOLS:
        return None
    problems = {}
    for name in TOOLS if isolation == "external" else [isolation]:
        problems[name] = problem(name)
        if problems[name] is None:
            return name
    raise IsolationUnavailableError(
        "no external jail can be had here ("
        + "; ".join(f"{name}: {why}" for name, why in problems.items())
        + ")",
        "; or ".join(TOOLS[name].fix for name in problems)
        + "; or use isolation='isolated', which needs no other program",
    )


@lru_cache(maxsize=len(TOOLS))
def problem(tool: str) -> str | None:
    """Why a tool cannot be used here, or None; found out once, by using it."""
    if not kernel.LINUX:
        return f"only Linux has it (this is {sys.platform})"
    if shutil.which(tool) is None:
        return "it is not installed"
    try:
        if tool == "docker":
            _make_image()
        launch = Launch(tool, [sys.executable, "-s", "-c", ""], {})
        try:
            _run(launch.command, launch.environment)
        finally:
            launch.close()
    except (OSError, subprocess.SubprocessError) as error:
        return f"it does not start: {error}"
    return None


def _make_image() -> None:
    """Docker runs images only: make one that holds nothing, where it is not there yet."""
    docker, environment = shutil.which("docker") or "docker", dict(os.environ)
    try:
        _run([docker, "image", "inspect", _IMAGE], environment)
    except OSError:
        _run([docker, "import", "-", _IMAGE], environment, _EMPTY_ARCHIVE)


def _run(command: list[str], environment: dict[str, str], given: bytes = b"") -> None:
    done = subprocess.run(
        command, env=environment, input=given, capture_output=True, timeout=_TRIAL_SECONDS
    )
    if done.returncode:
        words = done.stderr.decode("utf-8", "replace").strip() or f"status {done.returncode}"
        raise OSError(words.rsplit("\n", 1)[-1])


@lru_cache(maxsize=1)
def places() -> list[tuple[str, str]]:
    """What exists inside, read-only: its path, and that path without symbolic links."""
    paths = [grant.path for grant in landlock.grants() if grant.path != os.devnull]
    paths.append(str(Path(pytrace_mono.__file__).resolve().parent))
    paths += [f"/usr/{name}" for name in ("lib32", "lib64")]  # the dynamic loader
    paths += os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)
    python = Path(sys.executable)
    paths += [str(python), str(python.resolve()), str(python.parent.parent / "pyvenv.cfg")]
    found: list[tuple[str, str]] = []
    for path in sorted(set(paths)):
        below = any(path.startswith(other + os.sep) for other, _ in found)
        if path and not below and os.path.exists(path):
            found.append((path, os.path.realpath(path)))
    return found


def _links() -> dict[str, str]:
    """Directories of the root that are symbolic links, as on most systems of today."""
    return {name: os.readlink(f"/{name}") for name in _LINKED if os.path.islink(f"/{name}")}


def _with_links() -> list[tuple[str, str]]:
    """Places, for tools that cannot make links: the linked directories that hold the loader too."""
    loaders = [(f"/{name}", os.path.realpath(f"/{name}")) for name in ("lib64", "lib")]
    return [*places(), *((path, real) for path, real in loaders if os.path.isdir(real))]
