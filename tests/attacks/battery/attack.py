"""The form of an attack: a program, what it tries, and by what its success is seen from outside."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

PROOF = "it-worked"
"""What an attack returns that can tell by itself, and only then, that it got what it wanted."""

SECRET = "fake-secret-5f3a91c07e"
"""Stands in every decoy that is to be read, and in no program."""

FORGED = "'forged'"
"""The text of the value that a forger claims; the true value is another one."""

Sign = Literal[
    "proof",  # the Call returned PROOF
    "secret",  # SECRET came out
    "decoys",  # a decoy was made, changed or removed
    "contact",  # a listener heard something
    "victim",  # a process of the test's was ended or changed
    "survivor",  # a process is left that runs
    "late",  # it ran on after its time
    "broken",  # no result at all
    "oversized",  # the result is larger than was asked for
    "forged",  # the result claims FORGED and to be complete
    "hidden",  # the recording claims to be complete and does not show the function `hidden`
    "poisoned",  # the next program finds something changed
]


@dataclass(frozen=True)
class Attack:
    """One attack.

    Attributes:
        name: unique.
        tries: what it is after, in words.
        sign: by what its success is seen.
        source: defines ``attack``; finds the names of :func:`battery.scene.Scene.prelude` defined.
        call: the Call.
        twin: the harmless program that is run as the control instead of it; None for the same.
        uncontrolled: why there is no control; "" where there is one.
        hasty: it never ends by itself, so that its time is short.
    """

    name: str
    tries: str
    sign: Sign
    source: str
    call: str = "attack()"
    twin: str | None = None
    uncontrolled: str = ""
    hasty: bool = False

    @property
    def control(self) -> str:
        return self.source if self.twin is None else self.twin


_NUMBERS = {
    # name: (x86-64, aarch64)
    "getppid": (110, 173),
    "mount": (165, 40),
    "reboot": (169, 142),
    "settimeofday": (164, 170),
    "clock_adjtime": (305, 266),
    "finit_module": (313, 273),
    "bpf": (321, 280),
    "keyctl": (250, 219),
    "io_uring_setup": (425, 425),
    "shmget": (29, 194),
    "shmctl": (31, 195),
    "unshare": (272, 97),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "personality": (135, 92),
    "pidfd_getfd": (438, 438),
    "rt_sigqueueinfo": (129, 138),
    "tgkill": (234, 131),
    "ioprio_set": (251, 30),
    "chroot": (161, 51),
    "memfd_create": (319, 279),
    "socket": (41, 198),
    "mq_open": (240, 180),
    "name_to_handle_at": (303, 264),
}


def numbers() -> dict[str, int]:
    """The numbers of the system calls that attacks make by number, on this machine."""
    column = {"x86_64": 0, "aarch64": 1}[os.uname().machine]
    return {name: row[column] for name, row in _NUMBERS.items()}


THE_SAME_ROAD = """
import ctypes, os
def attack():
    if ctypes.CDLL(None).syscall(NR['getppid']) == os.getppid():
        return PROOF
"""
"""Twin of what no control may do: a system call by its number that does nothing."""
