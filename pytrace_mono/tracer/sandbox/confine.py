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
import struct
from os import getpid as _getpid
from os import getppid as _getppid

from pytrace_mono.tracer.limits import Limits
from pytrace_mono.tracer.sandbox import kernel, landlock, scratch, seccomp
from pytrace_mono.tracer.sandbox.setting import Setting
from pytrace_mono.tracer.sandbox.syscalls import BEGUN_FD, MAX_DESCRIPTORS, RESULT_FD, WORK_FD

MAX_THREADS = 64
"""At level ``isolated``, with the profile ``threads``; elsewhere memory alone bounds them."""

_LARGEST_LIMIT = 2**62
MOST_SECONDS = 1 << 32
"""More processor time than there is; the kernel counts in nanoseconds, in 64 bits."""

_RLIMIT = struct.Struct("=QQ")
"""``struct rlimit64``: the soft limit, then the hard one."""

Bound = tuple[int, tuple[int, int]]
"""A kind of resource limit, with the soft and the hard one."""


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
        if confined:
            kernel.forbid_new_privileges()
            kernel.drop_capabilities()
        if spared:
            kernel.forbid_inspection()  # There may be a /proc that programs can read.
        if kernel.LINUX:
            kernel.adopt_orphans()
        if self._filtered:
            kernel.install_seccomp(seccomp.of_parent(setting.profiles).code)

    def entry(self, limits: Limits, restored: bool = False) -> Entry:
        """The way in for children with these limits.

        Args:
            limits: theirs.
            restored: they are put back after each run, for which seccomp is needed.
        """
        calls = kernel.Calls() if kernel.LINUX else None
        filter = None
        if self._filtered:
            filter = seccomp.of_restored() if restored else seccomp.of_child(self._setting.profiles)
        entry = Entry(calls, self._folder, self._bounds(limits), filter)
        if calls is None:
            return entry
        calls.add("setsid")
        calls.add_die_with_parent()
        calls.add_forbid_inspection()
        calls.add("dup3", 0, 2)
        calls.add("chdir", bytearray(os.fsencode(self._folder) + b"\0"))
        if self._landlocked:
            calls.add("landlock_restrict_self", self._ruleset)
        if entry.closes:
            calls.add("close_range", RESULT_FD + 1, BEGUN_FD - 1)
            calls.add("close_range", WORK_FD + 1, kernel.LAST_FD)
        for kind, bound in entry.bounds:
            calls.add("prlimit64", 0, kind, bytearray(_RLIMIT.pack(*bound)))
        calls.add("prlimit64", 0, resource.RLIMIT_CPU, entry.processor)
        if filter is not None:
            calls.add_seccomp(filter.code)
        return entry

    def rehearsal(self) -> Entry:
        """A way in that can be gone in the warm parent, to no effect."""
        calls = kernel.Calls()
        if kernel.LINUX and kernel.knows_close_range():
            calls.add("close_range", kernel.LAST_FD, kernel.LAST_FD)  # It is not open.
        entry = Entry(calls, self._folder, (), None)
        entry.closes = True
        return entry

    def _bounds(self, limits: Limits) -> tuple[Bound, ...]:
        bounds = {"FSIZE": 0, "NOFILE": MAX_DESCRIPTORS, "CORE": 0, "NPROC": 0}
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


class Entry:
    """The way into the jail for the children of one request.

    Args:
        calls: the layers; None where they cannot be made ready.
        folder: where a program begins.
        bounds: the limits on resources, apart from processor time.
        filter: asks for the secret; None where there is none.

    Attributes:
        bounds: as given.
        processor: the limit on processor time, as the kernel reads it.
        closes: the kernel can close every descriptor in one of the calls.
    """

    def __init__(
        self,
        calls: kernel.Calls | None,
        folder: str,
        bounds: tuple[Bound, ...],
        filter: seccomp.Filter | None,
    ) -> None:
        self._calls = calls
        self._folder = folder
        self.bounds = bounds
        self._filter = filter
        self.processor = bytearray(_RLIMIT.size)
        self._most_seconds = processor_limit()
        self.closes = calls is not None and kernel.knows_close_range()

    def open(self, cpu_seconds: int, secret: int) -> None:
        """In the warm parent: make it that of the next child.

        Args:
            cpu_seconds: processor time for all Calls together.
            secret: what a write to the result pipe has to name.
        """
        seconds = min(cpu_seconds, self._most_seconds)
        _RLIMIT.pack_into(self.processor, 0, seconds, seconds)
        if self._filter is not None:
            self._filter.set_secret(secret)

    def enter(self, parent: int) -> None:
        """Confine this process for good.

        Args:
            parent: process id of the warm parent.

        Raises:
            OSError: a layer could not be applied; the program must not run.
        """
        if self._filter is not None:
            self._filter.set_pid(_getpid())
        if self._calls is not None:
            self._calls.make()
        else:
            self._enter_elsewhere()
        if not self.closes:
            os.closerange(RESULT_FD + 1, BEGUN_FD)
            os.closerange(WORK_FD + 1, os.sysconf("SC_OPEN_MAX"))
        if _getppid() != parent:
            raise OSError("the warm parent died")

    def _enter_elsewhere(self) -> None:
        """On other systems than Linux."""
        os.setsid()
        os.dup2(0, 2)
        os.chdir(self._folder)
        for kind, bound in self.bounds:
            resource.setrlimit(kind, bound)
        resource.setrlimit(resource.RLIMIT_CPU, _RLIMIT.unpack(self.processor))


def limit_processor(limits: Limits, used: float) -> None:
    """Have the kernel end this process one second after a Call has used up its processor time.

    Args:
        limits: the Call's.
        used: processor seconds that this process has used before.
    """
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    wanted = math.ceil(min(used + limits.cpu_seconds, MOST_SECONDS)) + 1
    soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def processor_limit() -> int:
    """The most processor seconds that a process may be given."""
    return _at_most(resource.RLIMIT_CPU, MOST_SECONDS)[0]


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
