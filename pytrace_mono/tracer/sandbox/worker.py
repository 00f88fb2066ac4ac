"""The main process's side of one warm parent: start it, ask it, end it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytrace_mono
from pytrace_mono.errors import SandboxError
from pytrace_mono.tracer.sandbox import wire
from pytrace_mono.tracer.sandbox.jails import TOOLS, Launch
from pytrace_mono.tracer.sandbox.machine import not_started
from pytrace_mono.tracer.sandbox.setting import Setting
from pytrace_mono.tracer.sandbox.watch import pidfd

_START_SECONDS = 60.0
_STOP_SECONDS = 2.0
_PATIENCE_SECONDS = 15.0
"""How much later than its own deadline a warm parent's answer may come on a busy machine."""

_REPLY_CAP = wire.RESULT_CAP + 1024

# `-c` puts the current directory first in sys.path; the warm parent must import nothing from there.
# Our own root goes last and only for our own import, so that programs do not find it. The packages are
# bare, without what their own modules would import: everything in a warm parent makes its forks dearer.
_BOOTSTRAP = """\
import sys
sys.path[:] = [entry for entry in sys.path if entry]
root, setting, main = sys.argv[1:]
place = root
for name in ("pytrace_mono", "pytrace_mono.tracer", "pytrace_mono.tracer.sandbox"):
    place += "/" + name.rpartition(".")[2]
    sys.modules[name] = type(sys)(name)
    sys.modules[name].__path__ = [place]
added = root not in sys.path
if added:
    sys.path.append(root)
from pytrace_mono.tracer.sandbox import dense
dense.import_others()
dense.fill_gaps()
from pytrace_mono.tracer.sandbox import zygote
if added:
    sys.path.remove(root)
zygote.main(setting, int(main))
"""

# -I and -E would ignore PYTHONHASHSEED, so isolation comes from this environment being all there is.
_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "HOME": "/",
    # numpy's libraries start a thread per processor when they are imported, which is refused.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # Each thread of a program that may have some would reserve 64 MiB of its address space.
    "MALLOC_ARENA_MAX": "1",
    # A child that needs more memory than there is asks for it, and is not restored afterwards.
    "MALLOC_TOP_PAD_": "1048576",
}


Item = tuple[str, str | None, str]
"""Program, Call and setup."""


class Reply(NamedTuple):
    """How a run ended, as its warm parent saw it, and what the child sent.

    Attributes:
        end: as :class:`pytrace_mono.tracer.sandbox.watch.Heard` has it; unforked when no child could
            be made.
        notes: what the program tampered with.
        status: the child's wait status, where that is its end.
        cpu: processor time used, in seconds, where that is its end.
        body: the result, or the message that belongs to ``end``.
    """

    end: str
    notes: tuple[str, ...]
    status: int
    cpu: float
    body: bytes


class WorkerDied(Exception):
    """The warm parent ended, or does not answer."""


class Worker:
    """One warm parent.

    Args:
        setting: what holds for its children.

    Raises:
        SandboxError: it does not start.
    """

    def __init__(self, setting: Setting) -> None:
        self._patience = setting.limits.wall_seconds + _PATIENCE_SECONDS
        root = str(Path(pytrace_mono.__file__).resolve().parent.parent)
        environment = dict(_ENVIRONMENT)
        if "LD_LIBRARY_PATH" in os.environ:
            # Some Pythons find their own library by it.
            environment["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
        passed = setting.tool is None or TOOLS[setting.tool].passes_descriptor
        here = pidfd(os.getpid()) if passed else -1
        command = [sys.executable, "-s", "-c", _BOOTSTRAP, root, setting.to_json(), str(here)]
        self._launch = None
        self._folder: str | None = None
        if setting.tool is not None:
            with_scratch = "scratch" in setting.profiles
            self._launch = Launch(setting.tool, command, environment, with_scratch, here)
            command, environment = self._launch.command, self._launch.environment
        try:
            self._process = subprocess.Popen(
                command,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd="/",
                env=environment,
                pass_fds=[] if here < 0 else [here],
                start_new_session=True,  # Ctrl-C is for the main process, which then ends this one.
            )
        except OSError as error:
            raise not_started(sys.executable or "no sys.executable", error) from error
        finally:
            if here >= 0:
                os.close(here)
        try:
            self._replies = wire.Frames(self._fd(self._process.stdout), _REPLY_CAP)
            head, _ = self._receive(time.monotonic() + _START_SECONDS)
            self._folder = wire.from_bytes(head)["folder"]
        except WorkerDied as error:
            raise SandboxError(
                f"the sandbox's warm parent did not start at level {setting.level!r}: "
                f"{self._last_words()}"
            ) from error
        except BaseException:  # Ctrl-C too: nobody else could end the warm parent
            self.close()
            raise

    def ask(self, items: list[Item], traced: bool, deliver: Callable[[Reply], None]) -> None:
        """Have some items run in one child, as far as it lives.

        Args:
            items: what to run.
            traced: record them.
            deliver: called with the end of each, in order.

        Raises:
            WorkerDied: the warm parent is gone; it must be closed.
        """
        try:
            head = wire.to_bytes([traced, len(items)])
            wire.send(self._fd(self._process.stdin), head, wire.to_bytes(items))
        except OSError as error:
            raise WorkerDied(str(error)) from error
        for _ in items:
            head, body = self._receive(time.monotonic() + self._patience)
            ending = wire.from_bytes(head)
            notes = tuple(ending["notes"])
            deliver(Reply(ending["end"], notes, ending["status"], ending["cpu"], body))

    def interrupt(self) -> None:
        """Make a running :meth:`ask` in another thread end with :class:`WorkerDied`."""
        self._process.send_signal(signal.SIGTERM)

    def abandon(self) -> None:
        """Let go of descriptors in a forked copy of the main process, which owns no worker."""
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
        self._process.returncode = 0  # Not ours to wait for.

    def close(self) -> None:
        """End the warm parent and its child, and wait for it."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stderr is not None:
            self._process.stderr.close()
        if self._launch is not None:
            self._launch.close()
        if self._folder is not None:
            # Usually it has removed that itself. A program's files may be nested without bound.
            with contextlib.suppress(RecursionError):
                shutil.rmtree(self._folder, ignore_errors=True)

    def _receive(self, deadline: float) -> tuple[bytes, bytes]:
        try:
            frame = self._replies.next(deadline)
        except TimeoutError as error:
            raise WorkerDied("it does not answer") from error
        except (OSError, wire.FrameError) as error:
            raise WorkerDied(str(error)) from error
        if frame is None:
            raise WorkerDied("it ended")
        return frame

    def _last_words(self) -> str:
        """End the warm parent and return the last line of what it complained about."""
        self._process.kill()
        self._process.wait()
        assert self._process.stderr is not None
        text = self._process.stderr.read().decode("utf-8", "replace").strip()
        self.close()
        return text.rsplit("\n", 1)[-1] or f"it ended with status {self._process.returncode}"

    @staticmethod
    def _fd(pipe: Any) -> int:
        return int(pipe.fileno())
