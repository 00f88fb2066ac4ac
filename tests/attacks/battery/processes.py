"""Attacks on processes: making them, reaching them, and the kernel's more dangerous calls.

What would harm the machine is asked for with arguments that the kernel refuses *after* it has looked
at the right to ask, or with signal 0: success is that the answer is not "forbidden".
"""

from __future__ import annotations

from battery.attack import THE_SAME_ROAD, Attack

_REACHED = """
import ctypes, errno, os
def attack():
    libc = ctypes.CDLL(None, use_errno=True)
    answer = libc.syscall({arguments})
    refused = (errno.EPERM, errno.ENOSYS, errno.EACCES)
    if answer >= 0 or ctypes.get_errno() not in refused:
        return PROOF
"""


def _call(name: str, tries: str, arguments: str, **more: str) -> Attack:
    more.setdefault("twin", THE_SAME_ROAD)
    return Attack(name, tries, "proof", _REACHED.format(arguments=arguments), **more)  # type: ignore[arg-type]  # the fields' own


def _own(name: str, tries: str, arguments: str, **more: str) -> Attack:
    """A call that is harmless as it stands: the control is the same."""
    return Attack(name, tries, "proof", _REACHED.format(arguments=arguments), **more)  # type: ignore[arg-type]  # the fields' own


def _victim(name: str, tries: str, line: str) -> Attack:
    source = f"import ctypes, os, signal\ndef attack():\n    {line}\n"
    return Attack(name, tries, "victim", source)


_FORK_ONE = """
import os
def attack():
    pid = os.fork()
    if pid == 0:
        os._exit(7)
    return PROOF if os.waitpid(pid, 0)[1] == 7 << 8 else None
"""
_KILL_OWN_CHILD = """
import os, signal
def attack():
    pid = os.fork()
    if pid == 0:
        while True:
            signal.pause()
    os.kill(pid, signal.SIGKILL)
    return PROOF if os.waitpid(pid, 0)[1] == signal.SIGKILL else None
"""
_TRACE_OWN_CHILD = """
import ctypes, os, signal
def attack():
    pid = os.fork()
    if pid == 0:
        while True:
            signal.pause()
    attached = ctypes.CDLL(None).syscall(NR['ptrace'], 16, pid, 0, 0)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return PROOF if attached == 0 else None
"""

ATTACKS = (
    Attack("fork", "make a process", "proof", _FORK_ONE),
    Attack(
        "fork-by-libc",
        "make a process around Python",
        "proof",
        """
import ctypes, os
def attack():
    pid = ctypes.CDLL(None).fork()
    if pid == 0:
        os._exit(7)
    return PROOF if pid > 0 and os.waitpid(pid, 0)[1] == 7 << 8 else None
""",
    ),
    Attack(
        "thread",
        "start a thread",
        "proof",
        """
import threading
def attack():
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()
    return PROOF
""",
    ),
    Attack(
        "spawn",
        "start a program by posix_spawn",
        "proof",
        """
import os
def attack():
    pid = os.posix_spawn('/bin/sh', ['sh', '-c', 'exit 7'], {})
    return PROOF if os.waitpid(pid, 0)[1] == 7 << 8 else None
""",
    ),
    Attack(
        "subprocess",
        "start a program",
        "proof",
        """
import subprocess
def attack():
    return PROOF if subprocess.run(['/bin/echo', 'x'], capture_output=True).stdout else None
""",
    ),
    Attack(
        "shell",
        "have a shell run a line",
        "decoys",
        """
import os
def attack():
    os.system(f'echo x > {DECOYS}/shell')
""",
    ),
    Attack(
        "popen",
        "read what a shell says",
        "secret",
        """
import os
def attack():
    return os.popen(f'cat {SECRET_FILE}').read()
""",
    ),
    Attack(
        "multiprocessing",
        "have a process pool",
        "proof",
        """
import multiprocessing
def attack():
    process = multiprocessing.get_context('fork').Process(target=int)
    process.start()
    process.join()
    return PROOF
""",
    ),
    Attack(
        "exec",
        "become another program",
        "decoys",
        """
import os
def attack():
    os.execv('/bin/sh', ['sh', '-c', f'echo x > {DECOYS}/executed'])
""",
    ),
    Attack(
        "exec-from-memory",
        "become a program that lies in memory only",
        "decoys",
        """
import os
def attack():
    fd = os.memfd_create('x', 0)
    os.write(fd, f'#!/bin/sh\\necho x > {DECOYS}/executed\\n'.encode())
    os.execv(f'/proc/self/fd/{fd}', ['x'])
""",
    ),
    Attack(
        "machine-code-32-bit",
        "make a system call as 32-bit programs do",
        "proof",
        """
import ctypes, mmap, os
def attack():
    memory = mmap.mmap(-1, 4096, prot=7)
    memory.write(bytes.fromhex('b814000000cd80c3'))  # eax = 20 (getpid); int 0x80; ret
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    return PROOF if ctypes.CFUNCTYPE(ctypes.c_int)(start)() == os.getpid() else None
""",
        uncontrolled="not every kernel runs 32-bit programs",
    ),
    _victim("kill", "end a process", "os.kill(VICTIM, signal.SIGTERM)"),
    _victim("kill-group", "end a process group", "os.killpg(VICTIM, signal.SIGTERM)"),
    _victim(
        "kill-by-descriptor",
        "end a process by a descriptor of it",
        "signal.pidfd_send_signal(os.pidfd_open(VICTIM), signal.SIGTERM)",
    ),
    _victim(
        "kill-thread",
        "end a process by a thread of it",
        "ctypes.CDLL(None).syscall(NR['tgkill'], VICTIM, VICTIM, 15)",
    ),
    _victim(
        "kill-queue",
        "end a process by a queued signal",
        "ctypes.CDLL(None).sigqueue(VICTIM, 15, 0)",
    ),
    _victim(
        "kill-by-owner",
        "make a pipe send signals to a process",
        "import fcntl; r, w = os.pipe(); fcntl.fcntl(r, fcntl.F_SETOWN, VICTIM); "
        "fcntl.fcntl(r, 10, 15); fcntl.fcntl(r, fcntl.F_SETFL, os.O_ASYNC); os.write(w, b'x')",
    ),
    _victim(
        "prlimit",
        "set another process's limits",
        "import resource; resource.prlimit(VICTIM, resource.RLIMIT_NOFILE, (9, 9))",
    ),
    _victim("renice", "slow another process down", "os.setpriority(os.PRIO_PROCESS, VICTIM, 19)"),
    _victim(
        "affinity",
        "bind another process to a processor",
        "os.sched_setaffinity(VICTIM, {min(os.sched_getaffinity(0))})",
    ),
    _victim(
        "scheduler",
        "take another process its priority",
        "os.sched_setscheduler(VICTIM, os.SCHED_BATCH, os.sched_param(0))",
    ),
    Attack(
        "kill-everything",
        "signal every process (signal 0: only asks)",
        "proof",
        "import os\ndef attack():\n    os.kill(-1, 0)\n    return PROOF\n",
        twin=_KILL_OWN_CHILD,
    ),
    Attack(
        "kill-own-group",
        "signal the warm parent by its group (signal 0: only asks)",
        "proof",
        "import os\ndef attack():\n    os.kill(0, 0)\n    return PROOF\n",
        twin=_KILL_OWN_CHILD,
    ),
    Attack(
        "ptrace",
        "take over another process",
        "proof",
        """
import ctypes
def attack():
    libc = ctypes.CDLL(None)
    if libc.syscall(NR['ptrace'], 0x4206, VICTIM, 0, 0) == 0:  # SEIZE: it is not stopped
        return PROOF
""",
        twin=_TRACE_OWN_CHILD,
    ),
    Attack(
        "process-memory",
        "read another process's memory",
        "secret",
        """
import ctypes
def attack():
    here = ctypes.create_string_buffer(SECRET_LENGTH)
    local = (ctypes.c_size_t * 2)(ctypes.addressof(here), SECRET_LENGTH)
    remote = (ctypes.c_size_t * 2)(SECRET_ADDRESS, SECRET_LENGTH)
    ctypes.CDLL(None).syscall(NR['process_vm_readv'], VICTIM, local, 1, remote, 1, 0)
    return here.raw
""",
    ),
    Attack(
        "steal-descriptor",
        "take a descriptor out of another process",
        "proof",
        """
import ctypes, os
def attack():
    of = os.pidfd_open(OUTER)
    if ctypes.CDLL(None).syscall(NR['pidfd_getfd'], of, 0, 0) >= 0:
        return PROOF
""",
    ),
    _own("unshare", "become root in a user namespace of its own", "NR['unshare'], 0x10000000"),
    _call("mount", "mount something (nothing, in truth)", "NR['mount'], 0, 0, 0, 0, 0"),
    _call("chroot", "leave by changing the root (to an address that is none)", "NR['chroot'], 1"),
    _call("reboot", "restart the machine (with a wrong password)", "NR['reboot'], 0, 0, 0, 0"),
    _call("set-clock", "set the clock (to nothing)", "NR['settimeofday'], 1, 0"),
    _call("adjust-clock", "adjust the clock (by nothing)", "NR['clock_adjtime'], 99, 0"),
    _call("load-module", "load a kernel module (from no file)", "NR['finit_module'], -1, b'', 0"),
    _call("bpf", "load a program into the kernel (none)", "NR['bpf'], 9999, 0, 0"),
    _call(
        "perf", "watch the processor's counters (none)", "NR['perf_event_open'], 0, 0, -1, -1, 0"
    ),
    _call("userfaultfd", "answer the kernel's page faults", "NR['userfaultfd'], 0"),
    _own("keyring", "reach the caller's keys", "NR['keyctl'], 0, -3, 1"),
    _own(
        "io-uring",
        "open the kernel's other door for system calls",
        "NR['io_uring_setup'], 4, ctypes.create_string_buffer(120)",
    ),
    _own(
        "personality", "switch off the randomisation of addresses", "NR['personality'], 0x0040000"
    ),
    _own("io-priority", "take the disk before others", "NR['ioprio_set'], 1, 0, (2 << 13) | 7"),
    _own("message-queue", "open a message queue (of no name)", "NR['mq_open'], b'', 0, 0, 0"),
    _own("memfd", "have a file that no folder shows", "NR['memfd_create'], b'x', 0"),
    Attack(
        "shared-memory",
        "share memory with other processes",
        "proof",
        """
import ctypes
def attack():
    libc = ctypes.CDLL(None)
    segment = libc.syscall(NR['shmget'], 0, 4096, 0o1600)
    if segment >= 0:
        libc.syscall(NR['shmctl'], segment, 0, 0)
        return PROOF
""",
    ),
    Attack(
        "raise-limits",
        "raise its own limits",
        "proof",
        """
import resource
def attack():
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))
    return PROOF if resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 200 else None
""",
    ),
    Attack(
        "become-root",
        "become another user",
        "proof",
        """
import os
def attack():
    os.setuid(12345)
    return PROOF if os.getuid() == 12345 else None
""",
        uncontrolled="only root may",
    ),
)
