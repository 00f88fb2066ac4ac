"""The few Linux calls that Python's standard library does not offer, by ctypes.

Each function raises :class:`OSError` when the kernel refuses; nothing is ignored here. On other
systems importing this works and every call raises.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import signal
import struct
import sys
from mmap import mmap
from typing import NoReturn

LINUX = sys.platform == "linux"

_SIGKILL, _SIGSTOP = int(signal.SIGKILL), int(signal.SIGSTOP)
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_SECCOMP = 22
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_PR_GET_NO_NEW_PRIVS = 39
_SECCOMP_MODE_FILTER = 2

# These numbers are the same on every architecture.
_SYS_LANDLOCK_CREATE_RULESET = 444
_SYS_LANDLOCK_ADD_RULE = 445
_SIGSET_BYTES = 128

_CAPABILITY_VERSION_3 = 0x20080522
LAST_FD = 0x7FFFFFFF
"""The highest descriptor there can be."""

# What every child calls goes by one function with one signature: setting up another costs a freshly
# forked process more than the call does. Each number is that of x86-64, then the generic one.
_GENERIC = not LINUX or os.uname().machine != "x86_64"
_SYS_WRITE = (1, 64)[_GENERIC]
_SYS_KILL = (62, 129)[_GENERIC]
_SYS_WAIT4 = (61, 260)[_GENERIC]
_SYS_EXIT_GROUP = (231, 94)[_GENERIC]
_SYS_GETCPU = (309, 168)[_GENERIC]
_SYS_SCHED_SETAFFINITY = (203, 122)[_GENERIC]
_SYS_SCHED_GETAFFINITY = (204, 123)[_GENERIC]
_NUMBERS = {
    "setsid": (112, 157)[_GENERIC],
    "prctl": (157, 167)[_GENERIC],
    "kill": _SYS_KILL,
    "dup3": (292, 24)[_GENERIC],
    "chdir": (80, 49)[_GENERIC],
    "prlimit64": (302, 261)[_GENERIC],
    "close_range": 436,
    "landlock_restrict_self": 446,
    "ioctl": (16, 29)[_GENERIC],
    "ptrace": (101, 117)[_GENERIC],
    "process_vm_writev": (311, 271)[_GENERIC],
    "userfaultfd": (323, 282)[_GENERIC],
    "pidfd_getfd": 438,
}

_libc = ctypes.CDLL(None, use_errno=True) if LINUX else None
_raw = ctypes.PyDLL(None, use_errno=True).syscall
_raw.argtypes = (*(ctypes.c_long,) * 4, *(ctypes.c_ulong,) * 2)
_raw.restype = ctypes.c_long
_BYTES_AT = bytes.__basicsize__ - 1  # In CPython's object, the last of which is a terminating zero.
# The same for arguments that are C words already. To convert them takes as long as the call does.
_raw_words = ctypes.PyDLL(None, use_errno=True)["syscall"]
_raw_words.restype = ctypes.c_long
_word = ctypes.c_ulong
_WRITE, _EXIT_GROUP, _ZERO = map(_word, (_SYS_WRITE, _SYS_EXIT_GROUP, 0))
# Without letting go of the interpreter's lock.
_fork = ctypes.PyDLL(None, use_errno=True).fork
_processor = ctypes.c_uint()
# Processors, a bit each: those that this process may run on, and the one that it is on.
_MASK_BYTES = 1024
_allowed, _here = bytearray(_MASK_BYTES), bytearray(_MASK_BYTES)
_allowed_at, _here_at = (
    ctypes.addressof((ctypes.c_char * _MASK_BYTES).from_buffer(mask)) for mask in (_allowed, _here)
)


def call(name: str, *arguments: object) -> int:
    """Call a function of the C library that sets ``errno``.

    Raises:
        OSError: it failed.
    """
    if _libc is None:
        raise OSError(f"{name}: only Linux has this call")
    result = int(getattr(_libc, name)(*arguments))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result


def system_call(name: str, *arguments: int) -> int:
    """Make one of ``_NUMBERS``, with up to six arguments."""
    if _libc is None:
        raise OSError(f"{name}: only Linux has this call")
    number = _NUMBERS[name]
    first = (*arguments, 0, 0, 0, 0, 0)[:5]
    result = int(_raw(number, *first, *map(_word, arguments[5:])))
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")
    return result


def _prctl(option: int, *arguments: int) -> int:
    return system_call("prctl", option, *arguments)


def syscall(number: int, *arguments: object) -> int:
    """Make a system call that the C library has no function for; raises what :func:`call` does."""
    # Plain ints would be passed as 32-bit words; the kernel reads whole registers.
    words = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return call("syscall", ctypes.c_long(number), *words)


def write_with_secret(fd: int, data: bytes, secret: int) -> None:
    """Write everything; on Linux with ``secret`` as a fourth argument, which only seccomp looks at.

    Raises:
        OSError: the reader is gone.
    """
    done, size = 0, len(data)
    address = id(data) + _BYTES_AT
    while done < size:
        if _libc is None:
            done += os.write(fd, data[done:])
            continue
        written = _raw_words(
            _WRITE, _word(fd), _word(address + done), _word(size - done), _word(secret), _ZERO
        )
        if written >= 0:
            done += written
        elif ctypes.get_errno() != errno.EINTR:
            raise OSError(ctypes.get_errno(), "the result could not be written")


def leave(status: int) -> NoReturn:
    """End this process at once, as ``os._exit`` does.

    That one the dynamic linker would look up first, in every child anew.
    """
    if _libc is not None:
        _raw_words(_EXIT_GROUP, _word(status), _ZERO, _ZERO, _ZERO, _ZERO)
    os._exit(status)


def fork() -> int:
    """Fork this process, which must have one thread: 0 in the child, its process id in the parent.

    The C library's fork: what the interpreter does for itself after its own concerns threads, and
    costs the child more than all of the rest. The child begins on this processor, in whose cache lies
    what it needs.

    Raises:
        OSError: no process can be made.
    """
    if _libc is None:
        return os.fork()
    stays = _stay()
    pid = int(_fork())
    if stays:
        _raw(_SYS_SCHED_SETAFFINITY, 0, _MASK_BYTES, _allowed_at, 0, 0)
    if pid < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return pid


def _stay() -> bool:
    """Keep to the processor that this process is on; True where that has to be taken back."""
    if (
        _raw(_SYS_SCHED_GETAFFINITY, 0, _MASK_BYTES, _allowed_at, 0, 0) < 0
        or _raw(_SYS_GETCPU, ctypes.addressof(_processor), 0, 0, 0, 0) < 0
    ):
        return False
    byte, bit = divmod(_processor.value, 8)
    _here[byte] = 1 << bit
    stays = _raw(_SYS_SCHED_SETAFFINITY, 0, _MASK_BYTES, _here_at, 0, 0) == 0
    _here[byte] = 0
    return bool(stays)


def kill(pid: int) -> bool:
    """Send SIGKILL to a process, or to the group of this number with a minus; False where it cannot be.

    ``os.kill`` would ask the audit hooks first, which in a warm parent costs more than the call.
    """
    if _libc is not None:
        return int(_raw(_SYS_KILL, pid, _SIGKILL, 0, 0, 0)) == 0
    try:
        os.kill(pid, _SIGKILL)
    except OSError:
        return False
    return True


def stop() -> None:
    """Stop this process, until another one lets it go on."""
    system_call("kill", os.getpid(), _SIGSTOP)


def reap() -> int:
    """Take leave of a child that has ended: its number; 0 where none has, -1 where there is none."""
    if _libc is not None:
        return int(_raw(_SYS_WAIT4, -1, 0, os.WNOHANG, 0, 0))
    try:
        return os.waitpid(-1, os.WNOHANG)[0]
    except ChildProcessError:
        return -1


def die_with_parent() -> None:
    """Have the kernel send SIGKILL when the thread that forked this process ends."""
    _prctl(_PR_SET_PDEATHSIG, _SIGKILL)


def adopt_orphans() -> None:
    """Make this process the parent of descendants whose own parent ended."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def forbid_inspection() -> None:
    """Not dumpable: no core file, and other processes of this user cannot attach to it."""
    _prctl(_PR_SET_DUMPABLE, 0)


def permit_inspection() -> None:
    """Take back :func:`forbid_inspection`, or a change of user, which does the same."""
    _prctl(_PR_SET_DUMPABLE, 1)


def forbid_new_privileges() -> None:
    """Set-user-id programs lose their power; Landlock and seccomp demand this first."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def has_no_new_privileges() -> bool:
    """True when this kernel knows ``no_new_privs``."""
    try:
        return _prctl(_PR_GET_NO_NEW_PRIVS) >= 0
    except OSError:
        return False


def drop_capabilities() -> None:
    """Give up root's powers for good; with ``no_new_privs`` nothing can bring them back."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    call("capset", ctypes.byref(header), ctypes.byref(nothing))


def knows_close_range() -> bool:
    """True when the kernel can close all descriptors from one on (Linux 5.9)."""
    try:
        # The highest alone, which is not open.
        system_call("close_range", LAST_FD, LAST_FD)
    except OSError:
        return False
    return True


def address(memory: bytearray | memoryview | mmap) -> int:
    """Where this lies, as long as it lives and is not resized."""
    return ctypes.addressof(ctypes.c_char.from_buffer(memory))


class Calls:
    """System calls made ready beforehand, and then made one after another.

    A freshly forked process pays for each function, module and object that it touches first, with a
    page fault or more, so that what it calls are numbers in one list.
    """

    def __init__(self) -> None:
        self._names: list[str] = []
        self._calls: list[tuple[ctypes.c_ulong, ...]] = []
        self._words: dict[int, ctypes.c_ulong] = {}
        self._memory: list[object] = []

    def add(self, name: str, *arguments: int | bytearray) -> None:
        """Add one.

        Args:
            name: of the call, one of ``_NUMBERS``.
            arguments: up to six; for a ``bytearray`` its address, and what it holds when the call is
                made counts.
        """
        words = [_NUMBERS[name]]
        for argument in arguments:
            if isinstance(argument, bytearray):
                self.keep(argument)
                words.append(address(argument))
            else:
                words.append(argument)
        self._names.append(name)
        words += [0] * (7 - len(words))
        self._calls.append(tuple(self._words.setdefault(word, _word(word)) for word in words))

    def keep(self, memory: bytearray) -> None:
        """Let what a call reads, or writes to, live as long as this does, and keep its place."""
        self._memory.append((ctypes.c_char * len(memory)).from_buffer(memory))

    def add_die_with_parent(self) -> None:
        self.add("prctl", _PR_SET_PDEATHSIG, _SIGKILL)

    def add_forbid_inspection(self) -> None:
        self.add("prctl", _PR_SET_DUMPABLE, 0)

    def add_seccomp(self, program: bytearray) -> None:
        """See :func:`install_seccomp`."""
        self.add("prctl", _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, _fprog(program, self._memory))

    def make(self) -> int:
        """Make them, and return the sum of what they returned.

        Raises:
            OSError: the kernel refused one; those after it were not made.
        """
        returned = 0
        for call in self._calls:
            result = _raw_words(*call)
            if result < 0:
                error = ctypes.get_errno()
                name = self._names[self._calls.index(call)]
                raise OSError(error, f"{name}: {os.strerror(error)}")
            returned += result
        return returned


def _fprog(program: bytearray, memory: list[object]) -> bytearray:
    """A ``struct sock_fprog`` for a program; what it points to is added to ``memory``."""
    memory.append((ctypes.c_char * len(program)).from_buffer(program))
    return bytearray(struct.pack("@HP", len(program) // 8, address(program)))


def install_seccomp(program: bytearray) -> None:
    """Install a BPF program, eight bytes per instruction, for this process and its future."""
    calls = Calls()
    calls.add_seccomp(program)
    calls.make()


def knows_seccomp() -> bool:
    """True when filters can be installed; asked with a null filter, which changes nothing."""
    try:
        _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, 0)
    except OSError as error:
        return error.errno == 14  # EFAULT: it went as far as reading the filter.
    return False


def landlock_create_ruleset(attribute: bytes | None, flags: int = 0) -> int:
    """The new ruleset's descriptor; with ``None`` and flag 1 the version of the interface."""
    size = 0 if attribute is None else len(attribute)
    return syscall(_SYS_LANDLOCK_CREATE_RULESET, attribute, size, flags)


def landlock_add_rule(ruleset: int, kind: int, rule: bytes) -> None:
    syscall(_SYS_LANDLOCK_ADD_RULE, ruleset, kind, rule, 0)


def pidfd_getfd(pidfd: int, fd: int) -> int:
    """A descriptor here for what another process has at the number ``fd``."""
    return system_call("pidfd_getfd", pidfd, fd, 0)


def signalfd(*signals: int) -> int:
    """A descriptor that can be read when one of these signals is pending; they have to be blocked."""
    mask = sum(1 << number - 1 for number in signals).to_bytes(_SIGSET_BYTES, sys.byteorder)
    return call("signalfd", -1, mask, os.O_NONBLOCK | os.O_CLOEXEC)


def limit_processor(pid: int, soft: int, hard: int) -> None:
    """Have the kernel end a process that has used so many processor seconds since it began.

    Args:
        pid: the process, of the same user.
        soft: the limit in force, in seconds.
        hard: up to which that process could raise it.
    """
    bounds = ctypes.create_string_buffer(struct.pack("=QQ", soft, hard))
    system_call("prlimit64", pid, resource.RLIMIT_CPU, ctypes.addressof(bounds), 0)
