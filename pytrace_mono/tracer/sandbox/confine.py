"""Shut a freshly forked child in, layer by layer, in an order that never needs what it gave up.

At level ``confined``: files outside Python's own, the network, other processes, new processes and
threads, the kernel's more dangerous calls, processor time, memory, descriptors, the environment.
:mod:`namespaces`, entered by the warm parent, add at level ``isolated`` that nothing else exists.

Level ``guard`` keeps to resource limits, a session of its own and a clean environment: it protects
from accidents, not from attackers.
"""

from __future__ import annotations

import math
import os
import resource
import signal

from pytrace_mono.tracer.limits import Limits
from pytrace_mono.tracer.sandbox import kernel, landlock, scratch, seccomp
from pytrace_mono.tracer.sandbox.setting import Setting
from pytrace_mono.tracer.sandbox.syscalls import RESULT_FD

__all__ = ["RESULT_FD", "Jail", "limit_processor"]

MAX_THREADS = 64
"""At level ``isolated``, with the profile ``threads``; elsewhere memory alone bounds them."""

_MAX_DESCRIPTORS = 32
_LARGEST_LIMIT = 2**62

Bounds = tuple[tuple[int, tuple[int, int]], ...]
"""Kinds of resource limit, each with the soft and the hard one."""


class Jail:
    """The layers of one level, made ready in the warm parent so that a child only enters them.

    Args:
        setting: the level, and what is granted beyond it.
        granted: which files programs may use.
        folder: where a program begins.
        address_space: bytes of address space in use before a program begins.

    Raises:
        OSError: the kernel refuses a layer that ``confined`` needs.
    """

    def __init__(
        self, setting: Setting, granted: list[landlock.Grant], folder: str, address_space: int
    ) -> None:
        self._setting = setting
        self._folder = folder
        self._address_space = address_space
        confined = setting.level != "guard"
        # An external jail may have a kernel of its own, without the one or the other.
        spared = setting.level == "external"
        self._landlocked = confined and not (spared and landlock.version() == 0)
        self._filtered = confined and not (spared and not kernel.knows_seccomp())
        if self._landlocked:
            self._ruleset = landlock.create_ruleset(granted)
        if self._filtered:
            self._filter = seccomp.Filter(setting.profiles)
        if confined:
            kernel.forbid_new_privileges()
            kernel.drop_capabilities()
        if spared:
            kernel.forbid_inspection()  # There may be a /proc that programs can read.
        if kernel.LINUX:
            kernel.adopt_orphans()

    def bounds(self, limits: Limits) -> Bounds:
        """What :meth:`enter` sets for these limits, apart from processor time."""
        bounds = {"FSIZE": 0, "NOFILE": _MAX_DESCRIPTORS, "CORE": 0, "NPROC": 0}
        if "scratch" in self._setting.profiles:
            bounds["FSIZE"] = scratch.BYTES
        if "threads" in self._setting.profiles:
            # It counts all of the user's processes, which only a namespace keeps to those of one run.
            isolated = self._setting.level == "isolated"
            bounds["NPROC"] = MAX_THREADS + 1 if isolated else _LARGEST_LIMIT
        if kernel.LINUX:
            # macOS accepts RLIMIT_AS and does not honour it.
            bounds["AS"] = self._address_space + limits.memory_bytes
            bounds["MSGQUEUE"] = bounds["MEMLOCK"] = 0
        if self._setting.level == "external":
            # gVisor's kernel has not all of these.
            for name in ("CORE", "NPROC", "MSGQUEUE", "MEMLOCK"):
                if not _can_be_set(getattr(resource, f"RLIMIT_{name}")):
                    del bounds[name]
        kinds = {name: getattr(resource, f"RLIMIT_{name}") for name in bounds}
        return tuple((kinds[name], _at_most(kinds[name], bounds[name])) for name in bounds)

    def enter(self, parent: int, bounds: Bounds, cpu_seconds: int, secret: int) -> None:
        """Confine this process for good.

        Args:
            parent: process id of the warm parent.
            bounds: as :meth:`bounds` gave them.
            cpu_seconds: processor time for all Calls together.
            secret: what a write to the result pipe has to name.

        Raises:
            OSError: a layer could not be applied; the program must not run.
        """
        os.setsid()
        if kernel.LINUX:
            kernel.die_with_parent(signal.SIGKILL)
            kernel.forbid_inspection()
        if os.getppid() != parent:
            raise OSError("the warm parent died")
        os.dup2(0, 2)
        os.chdir(self._folder)
        if self._landlocked:
            landlock.enter(self._ruleset)
        kernel.close_from(RESULT_FD + 1)
        for kind, bound in bounds:
            resource.setrlimit(kind, bound)
        resource.setrlimit(resource.RLIMIT_CPU, _at_most(resource.RLIMIT_CPU, cpu_seconds))
        if self._filtered:
            kernel.install_seccomp(self._filter.code(os.getpid(), secret))


def limit_processor(limits: Limits, used: float) -> None:
    """Have the kernel end this process one second after a Call has used up its processor time.

    Args:
        limits: the Call's.
        used: processor seconds that this process has used before.
    """
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    wanted = math.ceil(min(used + limits.cpu_seconds, _LARGEST_LIMIT)) + 1
    soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def _at_most(kind: int, value: int) -> tuple[int, int]:
    """A limit no higher than the one that is already there."""
    outer = resource.getrlimit(kind)[1]
    value = min(value, _LARGEST_LIMIT if outer == resource.RLIM_INFINITY else outer)
    return value, value


def _can_be_set(kind: int) -> bool:
    try:
        resource.setrlimit(kind, resource.getrlimit(kind))
    except ValueError:
        return False
    return True
