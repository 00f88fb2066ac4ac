"""The few Linux calls that Python's standard library does not offer, by ctypes.

Each function raises :class:`OSError` when the kernel refuses; nothing is ignored here. On other
systems importing this works and every call raises.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import struct
import sys
from typing import NoReturn

LINUX = sys.platform == "linux"

_SIGKILL = int(signal.SIGKILL)
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_SECCOMP = 22
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_PR_GET_NO_NEW_PRIVS = 39
_SECCOMP_MODE_FILTER = 2

# These numbers are the same on every architecture.
_SYS_MOUNT_SETATTR = 442
_SYS_LANDLOCK_CREATE_RULESET = 444
_SYS_LANDLOCK_ADD_RULE = 445
_SYS_IO_URING_SETUP = 425
_SYS_IO_URING_REGISTER = 427
_IORING_REGISTER_BUFFERS, _IORING_UNREGISTER_BUFFERS = 0, 1
_IO_URING_PARAMS_BYTES = 120

_SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_AT_FDCWD = -100
_AT_RECURSIVE = 0x8000

_CAPABILITY_VERSION_3 = 0x20080522
LAST_FD = 0x7FFFFFFF
"""The highest descriptor there can be."""

# What every child calls goes by one function with one signature: setting up another costs a freshly
# forked process more than the call does. Each number is that of x86-64, then the generic one.
_GENERIC = not LINUX or os.uname().machine != "x86_64"
_SYS_WRITE = (1, 64)[_GENERIC]
_SYS_PRCTL = (157, 167)[_GENERIC]
_SYS_KILL = (62, 129)[_GENERIC]
_SYS_WAIT4 = (61, 260)[_GENERIC]
_SYS_EXIT_GROUP = (231, 94)[_GENERIC]
_SYS_GETCPU = (309, 168)[_GENERIC]
_SYS_SCHED_SETAFFINITY = (203, 122)[_GENERIC]
_SYS_SCHED_GETAFFINITY = (204, 123)[_GENERIC]
_NUMBERS = {
    "setsid": (112, 157)[_GENERIC],
    "prctl": _SYS_PRCTL,
    "dup3": (292, 24)[_GENERIC],
    "chdir": (80, 49)[_GENERIC],
    "prlimit64": (302, 261)[_GENERIC],
    "close_range": 436,
    "landlock_restrict_self": 446,
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


def _call(name: str, *arguments: object) -> int:
    if _libc is None:
        raise OSError(f"{name}: only Linux has this call")
    result = int(getattr(_libc, name)(*arguments))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result


def _child_call(name: str, number: int, *arguments: int) -> int:
    if _libc is None:
        raise OSError(f"{name}: only Linux has this call")
    result = int(_raw(number, *(*arguments, 0, 0, 0, 0)[:5]))
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")
    return result


def _prctl(option: int, *arguments: int) -> int:
    return _child_call("prctl", _SYS_PRCTL, option, *arguments)


def _syscall(number: int, *arguments: object) -> int:
    # Plain ints would be passed as 32-bit words; the kernel reads whole registers.
    words = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return _call("syscall", ctypes.c_long(number), *words)


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
    _call("capset", ctypes.byref(header), ctypes.byref(nothing))


def knows_close_range() -> bool:
    """True when the kernel can close all descriptors from one on (Linux 5.9)."""
    try:
        # The highest alone, which is not open.
        _child_call("close_range", _NUMBERS["close_range"], LAST_FD, LAST_FD)
    except OSError:
        return False
    return True


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
            arguments: up to five; for a ``bytearray`` its address, and what it holds when the call is
                made counts.
        """
        words = [_NUMBERS[name]]
        for argument in arguments:
            if isinstance(argument, bytearray):
                place = (ctypes.c_char * len(argument)).from_buffer(argument)
                self._memory.append(place)
                words.append(ctypes.addressof(place))
            else:
                words.append(argument)
        self._names.append(name)
        words += [0] * (6 - len(words))
        self._calls.append(tuple(self._words.setdefault(word, _word(word)) for word in words))

    def add_die_with_parent(self) -> None:
        self.add("prctl", _PR_SET_PDEATHSIG, _SIGKILL)

    def add_forbid_inspection(self) -> None:
        self.add("prctl", _PR_SET_DUMPABLE, 0)

    def add_close_from(self, lowest: int) -> None:
        self.add("close_range", lowest, LAST_FD)

    def add_seccomp(self, program: bytearray) -> None:
        """See :func:`install_seccomp`."""
        self.add("prctl", _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, _fprog(program, self._memory))

    def make(self) -> None:
        """Make them.

        Raises:
            OSError: the kernel refused one; those after it were not made.
        """
        for call in self._calls:
            if _raw_words(*call) < 0:
                error = ctypes.get_errno()
                name = self._names[self._calls.index(call)]
                raise OSError(error, f"{name}: {os.strerror(error)}")


def _fprog(program: bytearray, memory: list[object]) -> bytearray:
    """A ``struct sock_fprog`` for a program; what it points to is added to ``memory``."""
    code = (ctypes.c_char * len(program)).from_buffer(program)
    memory.append(code)
    return bytearray(struct.pack("@HP", len(program) // 8, ctypes.addressof(code)))


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
    return _syscall(_SYS_LANDLOCK_CREATE_RULESET, attribute, size, flags)


def landlock_add_rule(ruleset: int, kind: int, rule: bytes) -> None:
    _syscall(_SYS_LANDLOCK_ADD_RULE, ruleset, kind, rule, 0)


def io_uring_setup() -> int:
    """The descriptor of a new io_uring with room for one entry."""
    return _syscall(_SYS_IO_URING_SETUP, 1, ctypes.create_string_buffer(_IO_URING_PARAMS_BYTES))


def io_uring_register_buffers(ring: int, buffers: list[tuple[int, int]]) -> None:
    """Pin memory for this ring.

    Args:
        ring: its descriptor, which has no buffers yet.
        buffers: address and length of each, in bytes; whole pages, private and writable.
    """
    vector = struct.pack(f"@{2 * len(buffers)}P", *(word for one in buffers for word in one))
    _syscall(_SYS_IO_URING_REGISTER, ring, _IORING_REGISTER_BUFFERS, vector, len(buffers))


def io_uring_unregister_buffers(ring: int) -> None:
    """Let go of all of them."""
    _syscall(_SYS_IO_URING_REGISTER, ring, _IORING_UNREGISTER_BUFFERS, None, 0)


def unshare(flags: int) -> None:
    """Leave some of the namespaces that this process is in for new ones."""
    _call("unshare", ctypes.c_int(flags))


def mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    words = [None if text is None else os.fsencode(text) for text in (source, target, kind)]
    _call("mount", *words, ctypes.c_ulong(flags), os.fsencode(options) or None)


def umount(target: str, flags: int) -> None:
    _call("umount2", os.fsencode(target), ctypes.c_int(flags))


def pivot_root(new: str, old: str) -> None:
    """Make ``new`` the root of this mount namespace and put the old one at ``old``."""
    number = _SYS_PIVOT_ROOT.get(os.uname().machine)
    if number is None:
        raise OSError(f"pivot_root: its number on {os.uname().machine} is not known")
    _syscall(number, os.fsencode(new), os.fsencode(old))


def set_mount_read_only(target: str) -> None:
    """Everything mounted at and below ``target``: no writing, no set-user-id, no devices."""
    attributes = struct.pack("=QQQQ", 0x1 | 0x2 | 0x4, 0, 0, 0)
    _syscall(
        _SYS_MOUNT_SETATTR,
        _AT_FDCWD,
        os.fsencode(target),
        _AT_RECURSIVE,
        attributes,
        len(attributes),
    )
