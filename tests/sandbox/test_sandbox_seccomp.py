"""The compiled filter answers every system call as the tables say, on each architecture."""

from __future__ import annotations

import errno
import os
import struct
from types import SimpleNamespace

import pytest

from pytrace_mono.tracer.sandbox import syscalls
from pytrace_mono.tracer.sandbox.seccomp import (
    READY_DATA,
    TOLD_DATA,
    Filter,
    of_child,
    of_parent,
    of_restored,
)
from pytrace_mono.tracer.sandbox.setting import PROFILES

ALLOW, KILL, ERRNO, TRACE = 0x7FFF0000, 0x80000000, 0x00050000, 0x7FF00000
PID = 4242
SECRET = 0x1122334455667788


@pytest.fixture(params=["x86_64", "aarch64"])
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    uname = SimpleNamespace(machine=request.param)
    monkeypatch.setattr(os, "uname", lambda: uname)
    return str(request.param)


def one(code: bytes, number: int, arch: int, arguments: tuple[int, ...] = ()) -> int:
    """What the kernel's interpreter would return for one system call, from one filter."""
    words = [*arguments, 0, 0, 0, 0, 0, 0][:6]
    data = struct.pack("=IIQ6Q", number, arch, 0, *words)
    at = accumulator = 0
    while True:
        operation, if_true, if_false, k = struct.unpack_from("=HBBI", code, 8 * at)
        at += 1
        if operation == 0x20:
            (accumulator,) = struct.unpack_from("=I", data, k)
        elif operation == 0x05:
            at += k
        elif operation in (0x15, 0x35):
            true = accumulator == k if operation == 0x15 else accumulator >= k
            at += if_true if true else if_false
        else:
            assert operation == 0x06
            return int(k)


def filters(profiles: tuple[str, ...] = (), own: Filter | None = None) -> tuple[bytes, bytes]:
    """What a child is under: the filter that it inherits and its own."""
    own = own or of_child(profiles)
    own.set_pid(PID)
    own.set_secret(SECRET)
    return bytes(of_parent(profiles).code), bytes(own.code)


def answer(
    codes: tuple[bytes, bytes], number: int, arch: int, arguments: tuple[int, ...] = ()
) -> int:
    """What the kernel answers: the strictest, and of equal ones that of the filter installed last."""
    inherited, own = (one(code, number, arch, arguments) for code in codes)
    order = (KILL, ERRNO, TRACE, ALLOW)
    return min(own, inherited, key=lambda found: order.index(found & 0xFFFF0000))


@pytest.mark.parametrize("profiles", [(), PROFILES], ids=["none", "all"])
def test_every_number_gets_the_answer_of_its_rule(machine: str, profiles: tuple[str, ...]) -> None:
    code, arch = filters(profiles), syscalls.architecture()
    rules = syscalls.rules(profiles)
    assert all(len(each) // 8 < 4096 for each in code)
    for number in [*range(1000), 0x40000000, 0x40000001, 0xFFFFFFFF]:
        rule = rules.get(number, errno.EPERM)
        if isinstance(rule, int):
            wanted = {syscalls.ALLOW: ALLOW, syscalls.KILL: KILL}.get(rule, ERRNO | rule)
            assert answer(code, number, arch) == wanted, number


def test_checked_calls_are_allowed_by_the_value_of_their_argument(machine: str) -> None:
    code, arch = filters(), syscalls.architecture()
    column = syscalls._machine()[0]
    kill, fcntl = (syscalls._SPECIAL[name][:2][column] for name in ("kill", "fcntl"))
    assert answer(code, kill, arch, (PID, 9)) == ALLOW
    for other in (0, 1, PID + 1, 0xFFFFFFFF, syscalls.OWN_PID):
        assert answer(code, kill, arch, (other, 9)) == ERRNO | errno.EPERM
    assert answer(code, fcntl, arch, (0, 1)) == ALLOW
    assert answer(code, fcntl, arch, (0, 8)) == ERRNO | errno.EPERM


def test_a_thread_and_a_pair_of_streams_are_granted_as_such_alone(machine: str) -> None:
    code, arch = filters(PROFILES), syscalls.architecture()
    column = syscalls._machine()[0]
    granted = {name: row for rows in syscalls._GRANTED.values() for name, row in rows.items()}
    numbers = [granted[name][:2][column] for name in ("clone", "socketpair", "ioctl")]
    clone, pair, ioctl = (number or -1 for number in numbers)
    assert answer(code, clone, arch, (0x3D0F00,)) == ALLOW
    for flags in (17, 0x3C0F00, 0x3D0F00 | 0x10000000):
        assert answer(code, clone, arch, (flags,)) == ERRNO | errno.EPERM
    assert answer(code, pair, arch, (1, 1 | 0x80000)) == ALLOW
    for family, kind in ((1, 2), (1, 5), (2, 1), (16, 1), (30, 1)):
        assert answer(code, pair, arch, (family, kind)) == ERRNO | errno.EPERM
    assert answer(code, ioctl, arch, (5, 0x5421)) == ALLOW
    assert answer(code, ioctl, arch, (5, 0x5412)) == ERRNO | errno.ENOTTY
    assert answer(code, ioctl, arch, (3, 0x5421)) == ERRNO | errno.ENOTTY


def test_only_who_names_the_secret_may_write_to_the_result_pipe(machine: str) -> None:
    code, arch = filters(), syscalls.architecture()
    column = syscalls._machine()[0]
    write, writev, dup = (
        syscalls._SPECIAL[name][:2][column] for name in ("write", "writev", "dup")
    )
    assert answer(code, write, arch, (1, 0, 8, 0)) == ALLOW
    assert answer(code, write, arch, (3, 0, 8, SECRET)) == ALLOW
    for wrong in (0, SECRET + 1, SECRET ^ (1 << 40), SECRET & 0xFFFFFFFF, SECRET >> 32):
        assert answer(code, write, arch, (3, 0, 8, wrong)) == KILL
    for number in (writev, dup):
        assert answer(code, number, arch, (1,)) == ALLOW
        assert answer(code, number, arch, (3, 0, 0, SECRET)) == ERRNO | errno.EPERM


@pytest.mark.parametrize("profiles", [(), PROFILES], ids=["none", "all"])
def test_what_is_open_to_the_warm_parent_alone_is_shut_again(
    machine: str, profiles: tuple[str, ...]
) -> None:
    code, arch = filters(profiles), syscalls.architecture()
    column = syscalls._machine()[0]
    for name in ("fork", "setsid", "prctl", "chdir", "close_range", "pidfd_open", "chmod"):
        row = {**syscalls._OF_PARENT, **syscalls._OF_PARENT_WITH_SCRATCH}[name]
        if (number := row[column]) is not None:
            assert answer(code, number, arch, (0, 0, 0)) == ERRNO | errno.EPERM, name


def test_a_child_that_is_restored_makes_no_call_untold_but_those_named(machine: str) -> None:
    code, arch = filters(own=of_restored()), syscalls.architecture()
    column = syscalls._machine()[0]
    untold = {syscalls._ALLOWED[name][column] for name in syscalls._UNTOLD}
    usual = filters()
    for number in [*range(1000), 0x40000000, 0xFFFFFFFF]:
        for arguments in ((), (PID, 9), (1,), (0, 1)):
            wanted = answer(usual, number, arch, arguments)
            if wanted == ALLOW and number not in untold:
                wanted = TRACE | TOLD_DATA
            names = {row[column]: name for name, row in syscalls._UNTOLD_AS.items()}
            if number not in names:
                assert answer(code, number, arch, arguments) == wanted, number


def test_a_child_that_is_restored_ends_its_run_and_sets_its_timers_by_calls_of_their_own(
    machine: str,
) -> None:
    code, arch = filters(own=of_restored()), syscalls.architecture()
    column = syscalls._machine()[0]
    write, mask, timer, prctl = (row[column] or 0 for row in syscalls._UNTOLD_AS.values())
    assert answer(code, write, arch, (3, 0, 8, SECRET)) == ALLOW
    assert answer(code, write, arch, (3, 0, 8, 0)) == KILL
    block, unblock, set_all = (answer(code, mask, arch, (how,)) for how in range(3))
    assert (block, unblock, set_all) == (TRACE | TOLD_DATA, ALLOW, TRACE | TOLD_DATA)
    assert [answer(code, timer, arch, (which,)) & 0xFFFF0000 for which in range(3)] == [
        ALLOW,
        TRACE,
        ALLOW,
    ]
    assert answer(code, prctl, arch, (4, 0)) == ALLOW
    assert answer(code, prctl, arch, (4, 1)) == TRACE | READY_DATA
    for option, argument in ((4, 2), (22, 2), (0, 0), (1, 9)):
        assert answer(code, prctl, arch, (option, argument)) == ERRNO | errno.EPERM


def test_calls_of_another_architecture_end_the_program(machine: str) -> None:
    assert answer(filters(), 0, syscalls.architecture() ^ 1) == KILL


def test_a_machine_without_a_table_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(machine="s390x"))
    with pytest.raises(OSError, match="s390x"):
        of_parent()
    with pytest.raises(OSError, match="s390x"):
        of_child()


def test_no_call_is_both_allowed_and_special(machine: str) -> None:
    assert not syscalls._ALLOWED.keys() & syscalls._SPECIAL.keys()
