"""Whether this machine can give what a Sandbox asks for, told before anything runs."""

from __future__ import annotations

import errno
import os
import resource

from pytrace_mono.errors import LimitError, SandboxError
from pytrace_mono.tracer.limits import Limits

_DESCRIPTORS_EACH = 4
"""What the main process holds open for one warm parent: three pipes, and one while it starts."""

_DESCRIPTORS_SPARE = 32

NO_FORK = (
    "no new process may be made: raise the limit on processes (ulimit -u, or the container's pids "
    "limit), allow fork and clone where a seccomp profile forbids them, or free memory"
)


def check(limits: Limits, workers: int) -> None:
    """Refuse what cannot be had here.

    Raises:
        LimitError: more memory than there is.
        SandboxError: more warm parents than descriptors for them.
    """
    known = "SC_PHYS_PAGES" in os.sysconf_names
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if known else 0
    if limits.memory_bytes > memory > 0:
        raise LimitError(
            f"Limits.memory_bytes is {limits.memory_bytes}, and this machine has {memory}; give that "
            "or less, for each worker."
        )
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    needed = workers * _DESCRIPTORS_EACH + _DESCRIPTORS_SPARE
    if most != resource.RLIM_INFINITY and needed > most:
        raise SandboxError(
            f"workers is {workers}, which takes about {needed} open files, and this process may have "
            f"{most}; give fewer (about one for each processor), or raise the limit (ulimit -n)"
        )


def not_started(what: str, error: OSError) -> SandboxError:
    """The error for a process that did not start, with what to do about it."""
    if error.errno in (errno.EAGAIN, errno.EPERM, errno.ENOMEM):
        return SandboxError(f"the sandbox's warm parent did not start: {error}: {NO_FORK}")
    return SandboxError(
        f"the sandbox's warm parent did not start: {what}: {error}. Run pytrace_mono under an ordinary "
        "Python interpreter."
    )
