"""Attacks on time, memory, disk and the reader of the result. Even a bomb here stops at a few dozen."""

from __future__ import annotations

from battery.attack import PROOF, Attack


def _endless(name: str, tries: str, source: str, call: str = "attack()") -> Attack:
    return Attack(name, tries, "late", source, call, hasty=True)


_TWO_FORKS = """
import os
def attack():
    for _ in range(2):
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
    return PROOF
"""
_TWO_THREADS = """
import threading
def attack():
    for _ in range(2):
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()
    return PROOF
"""
_A_LITTLE_MEMORY = "def attack():\n    return PROOF if bytearray(64 << 20) else None\n"
_A_SMALL_FILE = """
import os
def attack():
    with open({path}, 'wb') as file:
        for _ in range(32):
            file.write(bytes(1 << 20))
    return PROOF if os.stat({path}).st_size == 32 << 20 else None
"""
_A_LARGE_FILE = _A_SMALL_FILE.replace("range(32)", "range(64)").replace("32 << 20", "64 << 20")

ATTACKS = (
    _endless("loop", "loop for ever", "def attack():\n    while True: pass\n"),
    _endless(
        "loop-in-c",
        "loop for ever inside C code",
        "from itertools import repeat\ndef attack():\n    return sum(repeat(1))\n",
    ),
    _endless(
        "loop-in-regex",
        "backtrack for ever",
        "import re\ndef attack():\n    re.match('(a+)+$', 'a' * 50 + 'b')\n",
    ),
    _endless(
        "loop-in-arithmetic",
        "compute 9**9**9",
        "def attack():\n    return 9**9**9 % 7\n",
    ),
    _endless("loop-in-body", "loop before the Call", "while True: pass\n", "1"),
    _endless(
        "loop-that-swallows",
        "catch whatever would end it",
        """
def attack():
    while True:
        try:
            while True: pass
        except BaseException:
            pass
""",
    ),
    _endless(
        "loop-in-finally",
        "loop in the clean-up",
        """
def attack():
    try:
        1 / 0
    finally:
        while True: pass
""",
    ),
    _endless(
        "loop-in-repr",
        "loop where its value is shown",
        """
class Slow:
    def __repr__(self):
        while True: pass
def attack():
    return repr(Slow())
""",
    ),
    _endless("sleep", "wait for ever", "import time\ndef attack():\n    time.sleep(1000)\n"),
    _endless(
        "wait-for-input",
        "wait on a pipe that nobody writes to",
        "import os\ndef attack():\n    os.read(os.pipe()[0], 1)\n",
    ),
    Attack(
        "memory-at-once",
        "take a gigabyte at once",
        "proof",
        "def attack():\n    return PROOF if bytearray(1 << 30) else None\n",
        twin=_A_LITTLE_MEMORY,
    ),
    Attack(
        "memory-by-pieces",
        "take a gigabyte in pieces",
        "proof",
        """
def attack():
    kept = []
    for _ in range(1024):
        kept.append(bytearray(1 << 20))
    return PROOF
""",
        twin=_A_LITTLE_MEMORY,
    ),
    Attack(
        "memory-by-mmap",
        "take a gigabyte around Python's memory",
        "proof",
        "import mmap\ndef attack():\n    return PROOF if mmap.mmap(-1, 1 << 30) else None\n",
        twin=_A_LITTLE_MEMORY,
    ),
    Attack(
        "memory-without-bounds",
        "lift the limit, then take a gigabyte",
        "proof",
        """
import resource
def attack():
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return PROOF if bytearray(1 << 30) else None
""",
        twin=_A_LITTLE_MEMORY,
    ),
    Attack(
        "memory-file",
        "fill memory by a file that no folder shows",
        "proof",
        """
import os
def attack():
    fd = os.memfd_create('x')
    for _ in range(64):
        os.write(fd, bytes(1 << 20))
    return PROOF
""",
        twin=_A_LITTLE_MEMORY,
    ),
    Attack(
        "disk",
        "fill the disk",
        "proof",
        _A_LARGE_FILE.format(path="KEPT"),
        twin=_A_SMALL_FILE.format(path="KEPT"),
    ),
    Attack(
        "disk-in-memory",
        "fill /dev/shm",
        "proof",
        _A_LARGE_FILE.format(path="SHM"),
        twin=_A_SMALL_FILE.format(path="SHM"),
    ),
    Attack(
        "fork-bomb",
        "make processes without end (stops at 30)",
        "proof",
        """
import os, time
def attack():
    for _ in range(30):
        if os.fork() == 0:
            time.sleep(0.5)
            os._exit(0)
    return PROOF
""",
        twin=_TWO_FORKS,
    ),
    Attack(
        "thread-bomb",
        "start threads without end (stops at 30)",
        "proof",
        """
import threading, time
def attack():
    for _ in range(30):
        threading.Thread(target=time.sleep, args=(0.5,), daemon=True).start()
    return PROOF
""",
        twin=_TWO_THREADS,
    ),
    Attack(
        "descriptors",
        "open files without end",
        "proof",
        """
import os
def attack():
    for _ in range(200):
        os.open('/dev/null', os.O_RDONLY)
    return PROOF
""",
    ),
    Attack(
        "output-flood",
        "print without end",
        "oversized",
        "def attack():\n    while True:\n        print('x' * 100_000)\n",
        twin=f"def attack():\n    print('x' * (16 << 20))\n    return {PROOF!r}\n",
    ),
    Attack(
        "error-flood",
        "print errors without end",
        "oversized",
        "import sys\ndef attack():\n    while True:\n        sys.stderr.write('x' * 100_000)\n",
        twin="import sys\ndef attack():\n    sys.stderr.write('x' * (16 << 20))\n",
    ),
    Attack(
        "huge-value",
        "return more than anyone can read",
        "oversized",
        "def attack():\n    return 'x' * (16 << 20)\n",
    ),
    Attack(
        "huge-exception",
        "raise more than anyone can read",
        "oversized",
        "def attack():\n    raise ValueError('x' * (16 << 20))\n",
    ),
    Attack(
        "huge-list",
        "return many small things",
        "oversized",
        "def attack():\n    return ['xxxxxxxx'] * 1_500_000\n",
    ),
    Attack(
        "huge-recording",
        "have every line recorded without end",
        "oversized",
        "def attack():\n    i = 0\n    while True:\n        i += 1\n        s = 'x' * 1000 + str(i)\n",
        twin="def attack():\n    return 'x' * (16 << 20)\n",
    ),
    Attack(
        "deep-recursion",
        "overflow the C stack",
        "broken",
        """
import sys
def attack():
    sys.setrecursionlimit(10**9)
    class Deep:
        def __getattr__(self, name):
            return getattr(self, name)
    return Deep().x
""",
    ),
    Attack(
        "deep-value",
        "return a value nested too deeply to be written",
        "broken",
        """
import sys
def attack():
    value = []
    for _ in range(200_000):
        value = [value]
    return value
""",
        uncontrolled="repr refuses it by itself",
    ),
    Attack(
        "crash",
        "crash the interpreter",
        "broken",
        "import ctypes\ndef attack():\n    ctypes.string_at(0)\n",
    ),
    Attack(
        "leave", "leave without a result", "broken", "import os\ndef attack():\n    os._exit(0)\n"
    ),
    Attack("abort", "abort", "broken", "import os\ndef attack():\n    os.abort()\n"),
    Attack(
        "close-result",
        "close the way of the result",
        "broken",
        "import os\ndef attack():\n    os.closerange(0, 64)\n",
    ),
)
