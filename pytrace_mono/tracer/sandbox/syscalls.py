"""Which system calls a confined program may make, and their numbers on each architecture.

What Python needs to compute, to read the files that Landlock grants, to sleep and to end. Landlock
does not cover chmod, utime, UDP, UNIX paths or messages between processes: those are refused here by
not being named.
"""

from __future__ import annotations

import errno
import os
from typing import NamedTuple

ALLOW = 0
KILL = -1
TELL = -2
"""Allow the call, and tell the tracer of it: it may change what cannot be restored."""
READY = -3
"""Stop before the call for the tracer: the run is over."""
OWN_PID = 0x7FFFFFF1
"""Stands for the child's own process id in a :class:`Check` (no real one is that large)."""


RESULT_FD = 3
"""Where a child finds the pipe for its result."""

MAX_DESCRIPTORS = 32
BEGUN_FD = MAX_DESCRIPTORS - 2
"""Where it tells that it has begun to run programs; up here it is in nobody's way."""

WORK_FD = MAX_DESCRIPTORS - 1
"""Where a child that is restored from run to run is told what to run. Beyond these three a child has no
descriptor but the standard ones."""


class Check(NamedTuple):
    """The call is allowed when the low word of one of its arguments has one of these values.

    Attributes:
        argument: which one, from 0.
        values: what it may be.
        spare_result: and the first argument is not :data:`RESULT_FD`.
        first: and the first argument is this.
        otherwise: the errno to answer with, or TELL.
    """

    argument: int
    values: tuple[int, ...]
    spare_result: bool = False
    first: int | None = None
    otherwise: int = errno.EPERM


class Spare(NamedTuple):
    """The call is allowed when its first argument is not :data:`RESULT_FD`.

    Attributes:
        with_secret: allowed there too when the fourth argument, which the kernel ignores, is the
            child's secret; otherwise the program ends at once.
    """

    with_secret: bool = False


class Choice(NamedTuple):
    """The answer depends on the low word of the second argument.

    Attributes:
        first: what the first argument has to be.
        answers: the value of the second, and what then.
        otherwise: the errno to answer with.
    """

    first: int
    answers: tuple[tuple[int, int], ...]
    otherwise: int = errno.EPERM


UsualRule = int | Check | Spare
"""ALLOW, KILL, an errno to answer with, or a Check or Spare."""


class Told(NamedTuple):
    """As another rule has it, but where that allows the call, the tracer is told of it."""

    rule: UsualRule


Rule = UsualRule | Choice | Told
"""Beyond the usual ones TELL, or one of the classes above, whose answers may be READY."""

_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""Machine name -> (column in the tables below, AUDIT_ARCH constant)."""

# Name: (number on x86-64, number on aarch64); None where the architecture has no such call.
_ALLOWED: dict[str, tuple[int | None, int | None]] = {
    # Files already open, and reading those that Landlock grants.
    "read": (0, 63),
    "readv": (19, 65),
    "pread64": (17, 67),
    "preadv": (295, 69),
    "close": (3, 57),
    "open": (2, None),
    "openat": (257, 56),
    "stat": (4, None),
    "fstat": (5, 80),
    "lstat": (6, None),
    "newfstatat": (262, 79),
    "statx": (332, 291),
    "lseek": (8, 62),
    "access": (21, None),
    "faccessat": (269, 48),
    "faccessat2": (439, 439),
    "readlink": (89, None),
    "readlinkat": (267, 78),
    "getcwd": (79, 17),
    "getdents64": (217, 61),
    "pipe": (22, None),
    "pipe2": (293, 59),
    "fadvise64": (221, 223),
    # Waiting.
    "poll": (7, None),
    "ppoll": (271, 73),
    "select": (23, None),
    "pselect6": (270, 72),
    "epoll_create1": (291, 20),
    "epoll_ctl": (233, 21),
    "epoll_wait": (232, None),
    "epoll_pwait": (281, 22),
    "eventfd2": (290, 19),
    "nanosleep": (35, 101),
    "clock_nanosleep": (230, 115),
    "pause": (34, None),
    # Memory.
    "mmap": (9, 222),
    "munmap": (11, 215),
    "mprotect": (10, 226),
    "mremap": (25, 216),
    "brk": (12, 214),
    "madvise": (28, 233),
    "mincore": (27, 232),
    "futex": (202, 98),
    "set_robust_list": (273, 99),
    "rseq": (334, 293),
    "membarrier": (324, 283),
    # Time and use of resources.
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "gettimeofday": (96, 169),
    "time": (201, None),
    "times": (100, 153),
    "getrusage": (98, 165),
    "getitimer": (36, 102),
    "setitimer": (38, 103),
    "alarm": (37, None),
    # Its own signals.
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "rt_sigpending": (127, 136),
    "rt_sigtimedwait": (128, 137),
    "rt_sigsuspend": (130, 133),
    "sigaltstack": (131, 132),
    # Who and where it is.
    "getpid": (39, 172),
    "gettid": (186, 178),
    "getppid": (110, 173),
    "getuid": (102, 174),
    "geteuid": (107, 175),
    "getgid": (104, 176),
    "getegid": (108, 177),
    "getresuid": (118, 148),
    "getresgid": (120, 150),
    "getgroups": (115, 158),
    "getpgrp": (111, None),
    "getpgid": (121, 155),
    "getsid": (124, 156),
    "uname": (63, 160),
    "sysinfo": (99, 179),
    "getrandom": (318, 278),
    "sched_getaffinity": (204, 123),
    "sched_yield": (24, 124),
    "getcpu": (309, 168),
    "getrlimit": (97, 163),
    # The end.
    "exit": (60, 93),
    "exit_group": (231, 94),
    "restart_syscall": (219, 128),
    "wait4": (61, 260),
    "waitid": (247, 95),
}

_TO_ITSELF = Check(0, (OWN_PID,))
_OWN_LIMITS = Check(0, (0, OWN_PID))
# F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC. Without F_SETFL and F_SETOWN, descriptors
# cannot be made to send signals to other processes.
_HARMLESS_FCNTL = Check(1, (0, 1, 2, 3, 1030), spare_result=True)

_SPECIAL: dict[str, tuple[int, int | None, UsualRule]] = {
    "write": (1, 64, Spare(with_secret=True)),
    "writev": (20, 66, Spare()),
    "dup": (32, 23, Spare()),
    "dup2": (33, None, Spare()),
    "dup3": (292, 24, Spare()),
    "kill": (62, 129, _TO_ITSELF),
    "tgkill": (234, 131, _TO_ITSELF),
    "prlimit64": (302, 261, _OWN_LIMITS),
    "fcntl": (72, 25, _HARMLESS_FCNTL),
    # "Not a terminal" is the true answer to the only question Python asks by ioctl.
    "ioctl": (16, 29, errno.ENOTTY),
    # The C library then falls back to clone, which is refused like every call not named here.
    "clone3": (435, 435, errno.ENOSYS),
    # No honest program asks for these; ending it at once leaves no second try.
    "ptrace": (101, 117, KILL),
    "bpf": (321, 280, KILL),
    "keyctl": (250, 219, KILL),
    "add_key": (248, 217, KILL),
    "request_key": (249, 218, KILL),
    "userfaultfd": (323, 282, KILL),
    "perf_event_open": (298, 241, KILL),
    "process_vm_readv": (310, 270, KILL),
    "process_vm_writev": (311, 271, KILL),
}

# What glibc and musl pass for a thread: all that makes it part of this process, and nothing else.
_CLONE_THREAD = Check(0, (0x3D0F00, 0x7D0F00))
_CLOEXEC, _NONBLOCK = 0x80000, 0x800
# A pair of connected streams. With datagrams, sendto could name another program's socket.
_STREAM_PAIR = Check(
    1, tuple(1 | extra for extra in (0, _CLOEXEC, _NONBLOCK, _CLOEXEC | _NONBLOCK)), first=1
)
_FIONBIO = 0x5421

# Name of a profile -> what it allows on top.
_GRANTED: dict[str, dict[str, tuple[int | None, int | None, UsualRule]]] = {
    "threads": {"clone": (56, 220, _CLONE_THREAD)},
    "asyncio": {
        "socketpair": (53, 199, _STREAM_PAIR),
        "sendto": (44, 206, ALLOW),
        "recvfrom": (45, 207, ALLOW),
        "shutdown": (48, 210, ALLOW),
        "getsockname": (51, 204, ALLOW),
        "getsockopt": (55, 209, ALLOW),
        "ioctl": (16, 29, Check(1, (_FIONBIO,), spare_result=True, otherwise=errno.ENOTTY)),
    },
    # Landlock says where; chmod, utime and truncate by name it does not cover, or not everywhere.
    "scratch": {
        "mkdir": (83, None, ALLOW),
        "mkdirat": (258, 34, ALLOW),
        "rmdir": (84, None, ALLOW),
        "unlink": (87, None, ALLOW),
        "unlinkat": (263, 35, ALLOW),
        "rename": (82, None, ALLOW),
        "renameat": (264, 38, ALLOW),
        "renameat2": (316, 276, ALLOW),
        "ftruncate": (77, 46, ALLOW),
        "fsync": (74, 82, ALLOW),
        "fdatasync": (75, 83, ALLOW),
        "pwrite64": (18, 68, Spare()),
        "umask": (95, 166, ALLOW),
    },
}

# What a warm parent does beyond that, and a child while it shuts itself in. Name as in the tables
# above where it is there too, because a child gets that rule back.
_OF_PARENT: dict[str, tuple[int | None, int | None]] = {
    "clone": (56, 220),
    "fork": (57, None),
    "kill": (62, 129),
    "tgkill": (234, 131),
    "pidfd_open": (434, 434),
    "write": (1, 64),
    "dup2": (33, None),
    "dup3": (292, 24),
    "setsid": (112, 157),
    "prctl": (157, 167),
    "chdir": (80, 49),
    "prlimit64": (302, 261),
    "close_range": (436, 436),
    "io_uring_register": (427, 427),
    "sched_setaffinity": (203, 122),
    "landlock_restrict_self": (446, 446),
    # To restore a child.
    "ptrace": (101, None),
    "userfaultfd": (323, None),
    "pidfd_getfd": (438, None),
    "process_vm_writev": (311, None),
    "ioctl": (16, None),
}
_OF_PARENT_WITH_SCRATCH: dict[str, tuple[int | None, int | None]] = {
    "chmod": (90, None),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
}

# What a child that is restored may call as it likes: this changes nothing but registers, memory, the
# time that has passed, signals that are pending or blocked, and its pipes, all of which are put back.
_UNTOLD = (
    "read stat fstat lstat newfstatat statx access faccessat faccessat2 readlink readlinkat getcwd "
    "nanosleep clock_nanosleep select pselect6 poll ppoll sched_yield rt_sigtimedwait rt_sigpending "
    "clock_gettime clock_getres gettimeofday time times getrusage "
    "getitimer getrlimit getpid gettid getppid getuid geteuid getgid getegid getresuid getresgid "
    "getgroups getpgrp getpgid getsid uname sysinfo getrandom sched_getaffinity getcpu exit exit_group"
).split()
# These as any child may make them; to block a signal no longer; two timers, which each run sets anew;
# and what ends a run.
_UNTOLD_AS: dict[str, tuple[int, int | None, Rule]] = {
    "write": _SPECIAL["write"],
    "rt_sigprocmask": (14, 135, Check(0, (1,), otherwise=TELL)),
    "setitimer": (38, 103, Check(0, (0, 2), otherwise=TELL)),
    "prctl": (157, 167, Choice(4, ((0, ALLOW), (1, READY)))),
}
"""SIG_UNBLOCK; ITIMER_REAL and ITIMER_PROF; PR_SET_DUMPABLE."""


def architecture() -> int:
    """The AUDIT_ARCH constant of this machine.

    Raises:
        OSError: there are no tables for it.
    """
    return _machine()[1]


def rules(profiles: tuple[str, ...] = ()) -> dict[int, UsualRule]:
    """The answer for each system call number that is not simply refused.

    Args:
        profiles: what is granted, out of :data:`setting.PROFILES`.
    """
    column = _machine()[0]
    answers: dict[int, UsualRule] = {}
    granted = [special for name in profiles for special in _GRANTED[name].values()]
    for special in (*_SPECIAL.values(), *granted):
        number = special[:2][column]
        if number is not None:
            answers[number] = special[2]
    for row in _ALLOWED.values():
        number = row[column]
        if number is not None:
            answers[number] = ALLOW
    return answers


def of_parent(profiles: tuple[str, ...] = ()) -> set[int]:
    """The numbers that a warm parent's own filter leaves open.

    Args:
        profiles: what is granted, out of :data:`setting.PROFILES`.
    """
    rows = list(_OF_PARENT.values())
    if "scratch" in profiles:
        rows += _OF_PARENT_WITH_SCRATCH.values()
    column = _machine()[0]
    return {number for row in rows if (number := row[column]) is not None}


def of_restored() -> dict[int, Rule]:
    """The answers in a child that is restored from run to run, for each number whose answer is not TELL.

    Those of a warm parent hold in it as well.
    """
    column = _machine()[0]
    usual = rules()
    answers: dict[int, Rule] = {
        number: Told(usual.get(number, errno.EPERM)) for number in of_parent()
    }
    for name in _UNTOLD:
        number = _ALLOWED[name][column]
        if number is not None:
            answers[number] = ALLOW
    for special in _UNTOLD_AS.values():
        number = special[:2][column]
        if number is not None:
            answers[number] = special[2]
    return answers


def _machine() -> tuple[int, int]:
    name = os.uname().machine
    if name not in _ARCHITECTURES:
        raise OSError(f"no table of system calls for the architecture {name}")
    return _ARCHITECTURES[name]
