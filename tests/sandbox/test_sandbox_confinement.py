"""What a confined program cannot reach. Each attempt is harmless where it would succeed."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from pytrace_mono.tracer.sandbox import Sandbox


def refused(sandbox: Sandbox, source: str) -> str:
    """Run a program that is stopped by an exception, and return the exception's class."""
    outcome = sandbox.run(source)
    assert outcome.kind == "raised", outcome
    assert outcome.exception is not None
    return outcome.exception.type


def test_a_secret_file_cannot_be_read(confined: Sandbox, tmp_path: Path) -> None:
    secret = tmp_path / "decoy"
    secret.write_text("decoy")
    assert refused(confined, f"open({str(secret)!r}).read()") == "PermissionError"


def test_a_file_cannot_be_written_made_moved_or_removed(confined: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("kept")
    path = str(file)
    for attempt in (
        f"open({path!r}, 'w')",
        f"open({path + '2'!r}, 'x')",
        f"import os; os.remove({path!r})",
        f"import os; os.rename({path!r}, {path + '2'!r})",
        f"import os; os.truncate({path!r}, 0)",
        f"import os; os.mkdir({path + '2'!r})",
        f"import os; os.symlink('x', {path + '2'!r})",
        f"import os; os.chmod({path!r}, 0o777)",
        f"import os; os.utime({path!r})",
    ):
        assert refused(confined, attempt) == "PermissionError", attempt
    assert file.read_text() == "kept" and os.listdir(tmp_path) == ["file"]


def test_a_folder_cannot_be_listed(confined: Sandbox, tmp_path: Path) -> None:
    assert refused(confined, f"import os; os.listdir({str(tmp_path)!r})") == "PermissionError"


def test_other_processes_cannot_be_seen_through_proc(confined: Sandbox) -> None:
    source = "import os; open(f'/proc/{os.getppid()}/environ', 'rb').read()"
    assert refused(confined, source) == "PermissionError"


def test_a_listener_on_loopback_cannot_be_reached(confined: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        port = listener.getsockname()[1]
        source = f"import socket; socket.create_connection(('127.0.0.1', {port}), 1)"
        assert refused(confined, source) == "PermissionError"
        with pytest.raises(TimeoutError):
            listener.accept()


@pytest.mark.parametrize(
    "attempt",
    [
        "import os; os.fork()",
        "import os; os.posix_spawn('/bin/true', ['true'], {})",
        "import subprocess; subprocess.run(['true'], executable='/bin/true')",
        "import os; os.execv('/bin/true', ['true'])",
        "import os; os.kill(os.getppid(), 0)",
        "import os; os.setsid()",
        "import os; os.nice(1)",
        "import socket; socket.socketpair()",
        "import os; os.memfd_create('x')",
        "import fcntl, os; fcntl.fcntl(0, fcntl.F_SETOWN, os.getppid())",
    ],
)
def test_other_processes_cannot_be_made_or_touched(confined: Sandbox, attempt: str) -> None:
    assert refused(confined, attempt) == "PermissionError"


def test_a_thread_cannot_be_started(confined: Sandbox) -> None:
    assert (
        refused(confined, "import _thread; _thread.start_new_thread(print, ())") == "RuntimeError"
    )


@pytest.mark.parametrize("name", ["ptrace", "bpf", "keyctl", "process_vm_readv"])
def test_the_most_dangerous_system_calls_end_the_program(confined: Sandbox, name: str) -> None:
    from pytrace_mono.tracer.sandbox import syscalls

    column = syscalls._machine()[0]
    number = syscalls._SPECIAL[name][column]
    source = f"import ctypes\nctypes.CDLL(None).syscall({number}, 0, 0, 0, 0)\n"
    trace = confined.trace(source)
    assert trace.outcome.kind == "crashed"
    assert trace.status.reason is not None and "(SIGSYS)" in trace.status.reason


def test_the_layers_cannot_be_taken_off_again(confined: Sandbox) -> None:
    source = """\
with open("/dev/null") as null:
    pass
import ctypes, resource
libc = ctypes.CDLL(None)
gained = [
    libc.prctl(4, 1, 0, 0, 0),  # dumpable again
    libc.prctl(1, 0, 0, 0, 0),  # outlive the parent
    libc.setuid(0),
]
try:
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    gained.append(0)
except (ValueError, OSError):
    gained.append(-1)
"""
    outcome = confined.run(source, "gained")
    assert outcome.value is not None and outcome.value.text == "[-1, -1, -1, -1]"


def test_root_has_no_powers_left(confined: Sandbox) -> None:
    source = """\
import ctypes
header = (ctypes.c_uint32 * 2)(0x20080522, 0)
sets = (ctypes.c_uint32 * 6)(1, 1, 1, 1, 1, 1)
done = ctypes.CDLL(None).capset(header, sets)
"""
    outcome = confined.run(source, "done")
    assert outcome.value is not None and outcome.value.text == "-1"


def test_python_itself_can_still_be_used(confined: Sandbox) -> None:
    source = """\
import ctypes, email.message, hashlib, json, sqlite3, ssl, xml.dom.minidom, zlib, zoneinfo
import os, time
time.sleep(0.001)
digest = hashlib.sha256(os.urandom(1)).hexdigest()
libm = ctypes.CDLL("libm.so.6")
"""
    assert confined.run(source).kind == "returned"
