"""A guard as benchmarks of generated code use it: inside the process, by taking names away.

The technique of the ``reliability_guard`` of OpenAI's human-eval and of evalplus, written anew for
comparison: what could do harm is replaced by None, and the address space is limited. Its authors say
themselves that it is no sandbox.
"""

from __future__ import annotations

import builtins
import contextlib
import faulthandler
import os
import resource
import shutil
import subprocess
import sys

_OF_OS = (
    "kill system putenv remove removedirs rmdir fchdir setuid fork forkpty killpg rename renames "
    "truncate replace unlink fchmod fchown chmod chown chroot lchflags lchmod lchown getcwd chdir"
).split()
_MODULES = ("ipdb", "joblib", "resource", "psutil", "tkinter")


def enter(memory_bytes: int) -> None:
    """Guard this process for good.

    Args:
        memory_bytes: address space it may use.
    """
    for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
        with contextlib.suppress(ValueError):
            resource.setrlimit(kind, (memory_bytes, memory_bytes))
    faulthandler.disable()
    builtins.exit = builtins.quit = None  # type: ignore[assignment]
    os.environ["OMP_NUM_THREADS"] = "1"
    for name in _OF_OS:
        if hasattr(os, name):
            setattr(os, name, None)
    for name in ("rmtree", "move", "chown"):
        setattr(shutil, name, None)
    subprocess.Popen = None  # type: ignore[assignment,misc]
    for module in _MODULES:
        sys.modules[module] = None  # type: ignore[assignment]
