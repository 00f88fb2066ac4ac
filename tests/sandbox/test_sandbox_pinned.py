"""Pages that fork copies at once: which, how many faults that spares, and that it shares nothing."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from mmap import PAGESIZE
from pathlib import Path

import pytest

import pytrace_mono
from pytrace_mono.tracer import Sandbox
from pytrace_mono.tracer.sandbox import kernel, pinned
from pytrace_mono.tracer.sandbox.pinned import Pinned
from pytrace_mono.tracer.sandbox.written import Run

pytestmark = pytest.mark.skipif(not kernel.LINUX, reason="only Linux has it")

_ROOT = str(Path(pytrace_mono.__file__).resolve().parent.parent)
_PAGES = 64
# In a process of its own, because it forks, and what it pins stays pinned.
_BEGIN = f"""\
import ctypes, os, resource, sys
from mmap import MAP_ANONYMOUS, MAP_PRIVATE, PAGESIZE, mmap
sys.path.insert(0, {_ROOT!r})
from pytrace_mono.tracer.sandbox import kernel, pinned
from pytrace_mono.tracer.sandbox.pinned import Pinned
from pytrace_mono.tracer.sandbox.written import Memory, Run
pages = {_PAGES}
memory = mmap(-1, pages * PAGESIZE, MAP_PRIVATE | MAP_ANONYMOUS)
start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
def write(which, value=1):
    for page in which:
        memory[page * PAGESIZE] = value
write(range(pages))
"""


def _run(code: str) -> list[str]:
    command = [sys.executable, "-c", _BEGIN + code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def _tells() -> bool:
    """May a process look up here which pages are its own?"""
    return os.access("/proc/self/pagemap", os.R_OK)


needs_pagemap = pytest.mark.skipif(not _tells(), reason="no pagemap here")
needs_pins = pytest.mark.skipif(not Pinned().possible, reason="no io_uring here")


@needs_pagemap
def test_what_several_runs_write_to_is_found_and_nothing_else() -> None:
    code = (
        "found = Memory().written_by(lambda: write([3, 4, 9]), lambda: write([4, 5, 20]))\n"
        "for run in found:\n"
        "    if start <= run.start < start + pages * PAGESIZE:\n"
        "        print((run.start - start) // PAGESIZE, run.size // PAGESIZE, run.of_file)\n"
    )
    assert _run(code) == "3 3 False 9 1 False 20 1 False".split()


@needs_pagemap
def test_a_run_that_does_not_return_tells_nothing_and_the_others_do() -> None:
    code = (
        "fails, leaves = (lambda: write([3]) or 1 / 0), (lambda: write([4]) or os._exit(0))\n"
        "found = Memory().written_by(fails, leaves, lambda: write([9]))\n"
        "inside = [run for run in found if start <= run.start < start + pages * PAGESIZE]\n"
        "print([(run.start - start) // PAGESIZE for run in inside])\n"
    )
    assert _run(code) == ["[9]"]


@needs_pagemap
def test_huge_pages_are_left_alone() -> None:
    code = (
        "size = 8 << 20\n"
        "huge = mmap(-1, size, MAP_PRIVATE | MAP_ANONYMOUS)\n"
        "huge.madvise(14)\n"  # MADV_HUGEPAGE
        "huge[:] = bytes(size)\n"
        "there = ctypes.addressof(ctypes.c_char.from_buffer(huge))\n"
        "def touch():\n"
        "    huge[size // 2] = 1\n"
        "inside = any(there <= run.start < there + size for run in Memory().written_by(touch))\n"
        "smaps = open('/proc/self/smaps').read().split('AnonHugePages:')[1:]\n"
        "print(any(int(part.split()[0]) for part in smaps), inside)\n"
    )
    has_huge, found = _run(code)
    assert found == str(has_huge == "False")


@needs_pagemap
@needs_pins
def test_children_find_pinned_pages_copied_and_share_nothing() -> None:
    code = (
        "def faults():\n"
        "    reader, writer = os.pipe()\n"
        "    if os.fork() == 0:\n"
        "        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "        write(range(pages), 2)\n"
        "        after = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "        os._exit(os.write(writer, b'%d' % (after - before)) and 0)\n"
        "    os.wait()\n"
        "    assert memory[0] == memory[-PAGESIZE] == 1\n"
        "    return int(os.read(reader, 9))\n"
        "pinned, none = Pinned(), faults()\n"
        "pinned.set(Memory().written_by(lambda: write(range(pages))))\n"
        "some = faults()\n"
        "pinned.set([])\n"
        "print(none, some, faults())\n"
    )
    usual, pinned, again = map(int, _run(code))
    assert usual >= _PAGES
    assert pinned < _PAGES // 2  # The loop itself touches some pages of the interpreter.
    assert again >= _PAGES


def test_where_pages_of_files_are_refused_the_others_are_pinned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[list[tuple[int, int]]] = []

    def register(ring: int, buffers: list[tuple[int, int]]) -> None:
        asked.append(buffers)
        if (2 * PAGESIZE, PAGESIZE) in buffers:
            raise OSError(errno.EOPNOTSUPP, "a page of a file")

    monkeypatch.setattr(pinned, "_set_up", lambda: 99)
    monkeypatch.setattr(pinned, "_register_buffers", register)
    runs = [Run(0, PAGESIZE, False), Run(2 * PAGESIZE, PAGESIZE, True)]
    Pinned().set(runs)
    assert asked == [[(0, PAGESIZE), (2 * PAGESIZE, PAGESIZE)], [(0, PAGESIZE)]]


@needs_pagemap
@needs_pins
@pytest.mark.parametrize("traced", [False, True])
def test_children_of_a_warm_parent_have_few_page_faults(traced: bool) -> None:
    call = "__import__('resource').getrusage(0).ru_minflt"
    with Sandbox(isolation="guard") as box:  # At `isolated` they are not forked for each run.
        for traces in (traced, not traced, traced):
            value = (box.trace("", call).outcome if traces else box.run("", call)).value
            assert value is not None
    # Without pinned pages there are 200, and 330 when traced.
    assert int(value.text) < 150


_PROBE = """\
import ctypes
call = ctypes.CDLL(None).syscall
found = [fd for fd in range(64) if call(427, fd, 1, None, 0) == 0]  # Let go of a ring's buffers.
"""


@needs_pins
def test_programs_do_not_reach_the_ring(sandbox: Sandbox) -> None:
    control = "ring = Pinned()\nring.set([Run(start, PAGESIZE, False)])\n"
    assert _run(control + _PROBE + "print(len(found))\n") == ["1"]
    outcome = sandbox.run(_PROBE, "found")
    assert outcome.value is not None
    assert outcome.value.text == "[]"


def test_where_io_uring_is_refused_programs_run_all_the_same() -> None:
    code = (
        "import errno\n"
        "from pytrace_mono.tracer import Sandbox\n"
        "from pytrace_mono.tracer.sandbox import syscalls\n"
        "from pytrace_mono.tracer.sandbox.seccomp import Filter\n"
        "kernel.forbid_new_privileges()\n"
        "kernel.install_seccomp(Filter({425: errno.EPERM}, syscalls.ALLOW).code)\n"
        "assert not Pinned().possible\n"
        "with Sandbox() as box:\n"
        "    print(box.trace('x = 6', 'x * 7').outcome.value.text)\n"
        "    print(box.run('x = 6', 'x * 7').value.text)\n"
    )
    assert _run(code) == ["42", "42"]
