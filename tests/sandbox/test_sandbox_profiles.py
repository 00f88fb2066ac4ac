"""Profiles: what each one grants, and that it grants nothing else."""

from __future__ import annotations

import os
import signal
import time
from ast import literal_eval
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import LEVELS
from sandbox_values import text

from pytrace_mono.errors import SandboxError
from pytrace_mono.tracer import Limits
from pytrace_mono.tracer.sandbox import Program, Sandbox
from pytrace_mono.tracer.sandbox.setting import PROFILES

CONFINED = [level for level in dict.fromkeys([*LEVELS, "confined"]) if level != "guard"]
NEEDS_CONFINED = pytest.mark.skipif(len(LEVELS) == 1, reason="needs Landlock and seccomp")

THREADS = """\
import threading
from concurrent.futures import ThreadPoolExecutor
def added():
    found = []
    threads = [threading.Thread(target=found.append, args=(n,)) for n in range(5)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    with ThreadPoolExecutor(3) as pool:
        return sorted(found) + list(pool.map(abs, [-5]))
def left():
    threading.Thread(target=threading.Event().wait).start()
    return threading.active_count()
def many():
    count, end = 0, threading.Event()
    try:
        while True:
            threading.Thread(target=end.wait, daemon=True).start()
            count += 1
    except RuntimeError:
        return count
"""
LOOP = """\
import asyncio
async def wait(n):
    await asyncio.sleep(0.001 * n)
    return n
async def all_of_them():
    return await asyncio.gather(*map(wait, range(4)))
"""
FILES = """\
import os, pathlib, shutil, tempfile
def use():
    left = os.listdir()
    os.makedirs('a/b')
    pathlib.Path('a/b/c').write_text('text')
    os.rename('a/b/c', 'd')
    shutil.copyfile('d', 'e')
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile('w') as stream:
        stream.write('x')
        inside = os.path.dirname(folder) == os.getcwd()
    shutil.rmtree('a')
    return left, sorted(os.listdir()), open('e').read(), inside
"""
DENIED = """\
import ctypes, os, socket
def tried(what, *arguments):
    try:
        what(*arguments)
    except OSError:
        return False
    return True
def call(*arguments):
    if ctypes.CDLL(None, use_errno=True).syscall(*arguments) < 0:
        raise OSError
"""


@pytest.fixture(scope="module", params=LEVELS)
def granting(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """Everything granted, at the weakest and the strongest level."""
    with Sandbox(Limits(wall_seconds=5), request.param, 1, profiles=PROFILES) as made:
        yield made


@pytest.fixture(scope="module", params=CONFINED)
def shut(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    if len(LEVELS) == 1:
        pytest.skip("needs Landlock and seccomp, which this machine does not offer")
    with Sandbox(Limits(wall_seconds=5), request.param, 1, profiles=PROFILES) as made:
        yield made


def test_each_profile_lets_a_program_do_what_it_is_named_for(granting: Sandbox) -> None:
    assert text(granting, THREADS, "added()") == "[0, 1, 2, 3, 4, 5]"
    assert text(granting, LOOP, "asyncio.run(all_of_them())") == "[0, 1, 2, 3]"
    assert text(granting, FILES, "use()") == "([], ['d', 'e'], 'text', True)"


@NEEDS_CONFINED
@pytest.mark.parametrize(
    ("profile", "source", "call"),
    [
        ("threads", THREADS, "added()"),
        ("asyncio", LOOP, "asyncio.run(all_of_them())"),
        ("scratch", FILES, "use()"),
    ],
)
def test_without_its_profile_it_is_refused(profile: str, source: str, call: str) -> None:
    others = set(PROFILES) - {profile}
    with Sandbox(Limits(wall_seconds=5), "confined", 1, profiles=others) as sandbox:
        assert sandbox.run(source, call).kind == "raised"


def test_the_next_call_meets_neither_the_files_nor_the_threads_of_the_last(
    granting: Sandbox,
) -> None:
    calls = ("use()", "use()")
    values = [trace.outcome.value for trace in granting.map([Program(FILES, calls)] * 2)]
    assert {value.text for value in values if value} == {"([], ['d', 'e'], 'text', True)"}
    values = [trace.outcome.value for trace in granting.trace_all(THREADS, ["left()", "left()"])]
    assert [value.text for value in values if value] == ["2", "2"]


@pytest.mark.parametrize(
    "leave",
    [
        "os.mkdir('a')\nfor n in range(300):\n    os.mkdir('a/b'); os.rename('a', 'c'); os.mkdir('a')\n"
        "    os.rename('c', 'a/d')",
        "os.mkdir('a'); os.mkdir('a/b'); os.umask(0o777); os.mkdir('a/b/c'); os.mkdir('d', 0)",
        "open(b'\\xff\\n', 'w'); os.mkdir(b'\\xfe'); open(b'\\xfe/.1', 'w'); os.mkdir('.1')",
        "[open(str(n), 'w') for n in range(20)]\nos._exit(1)",
        "open('a', 'w').write('x')\nwhile True: pass",
    ],
    ids=["deep", "no permission", "odd names", "exit", "killed"],
)  # fmt: skip
def test_whatever_a_program_leaves_is_gone_before_the_next(granting: Sandbox, leave: str) -> None:
    with Sandbox(Limits(wall_seconds=0.5), granting.level, 1, profiles=["scratch"]) as sandbox:
        outcome = sandbox.run(f"import os\n{leave}\n")
        assert outcome.kind in ("returned", "crashed", "timed_out"), outcome
        assert text(sandbox, "import os", "os.listdir()") == "[]"


@pytest.mark.parametrize("level", LEVELS)
def test_the_folder_vanishes_with_its_sandbox(level: str) -> None:
    with Sandbox(isolation=level, workers=1, profiles=["scratch"]) as sandbox:
        folder = literal_eval(text(sandbox, "import os\nopen('x', 'w')", "os.getcwd()"))
        # A file system of its own is nowhere to be seen from here.
        assert os.path.isdir(folder) == (level != "isolated")
    assert not os.path.exists(folder)


@pytest.mark.parametrize(
    "what",
    [
        "os.fork",
        "call, 56 if os.uname().machine == 'x86_64' else 220, 17, 0, 0, 0, 0",
        "os.posix_spawn, '/bin/true', ['true'], {}",
        "socket.socket",
        "socket.socketpair, socket.AF_UNIX, socket.SOCK_DGRAM",
        "call, 53 if os.uname().machine == 'x86_64' else 199, 30, 1, 0, (ctypes.c_int * 2)()",
        "socket.socketpair()[0].sendmsg, [b'x']",
        "socket.socketpair()[0].bind, 'name'",
        "open, '/tmp/decoy-of-the-test', 'w'",
        "open, os.path.dirname(os.__file__) + '/decoy', 'w'",
        "os.mkdir, '/decoy'",
        "os.rename, os.__file__, 'os.py'",
        "os.rmdir, os.getcwd()",
        "os.link, os.__file__, 'os.py'",
        "os.symlink, '/etc/passwd', 'passwd'",
        "os.mkfifo, 'fifo'",
        "os.chmod, '.', 0o777",
        "os.utime, '.', (0, 0)",
        "os.truncate, os.__file__, 0",
        "os.chdir, '/'",
        "os.pwrite, 3, b'x', 0",
    ],
)
def test_what_looks_like_it_is_still_refused(shut: Sandbox, what: str) -> None:
    assert text(shut, DENIED, f"tried({what})") == "False"


def test_a_program_in_the_folder_cannot_be_executed(shut: Sandbox) -> None:
    source = f"{DENIED}open('x', 'w').write('#!/bin/sh')\nos.umask(0)\n"
    assert text(shut, source, "tried(os.execv, 'x', ['x'])") == "False"


@pytest.mark.skipif(LEVELS[-1] != "isolated", reason="needs namespaces")
def test_isolated_bounds_threads_and_files() -> None:
    with Sandbox(Limits(wall_seconds=5), "isolated", 1, profiles=PROFILES) as sandbox:
        assert 30 < int(text(sandbox, THREADS, "many()")) < 65
        source = (
            "def fill(count, size):\n    for n in range(count):\n"
            "        open(str(n), 'wb').write(b'x' * size)\n"
        )
        full = sandbox.run(source, "fill(17, 2 ** 20)")
        assert full.exception is not None and "No space left" in full.exception.message
        assert sandbox.run(source, "fill(15, 2 ** 20)").kind == "returned"
        full = sandbox.run(source, "fill(5000, 0)")
        assert full.exception is not None and "No space left" in full.exception.message


def test_options_that_cannot_be_are_refused() -> None:
    with pytest.raises(SandboxError, match="no profile 'network'; choose among: threads"):
        Sandbox(profiles=["threads", "network"])
    with pytest.raises(SandboxError, match="frozen_clock cannot go with"):
        Sandbox(profiles=["threads"], frozen_clock=True)


def test_a_thread_that_keeps_the_watch_busy_hides_nothing(shut: Sandbox) -> None:
    source = """\
import collections, gc, threading
end = threading.Event()
def keep_busy():
    while not end.is_set():
        collections.namedtuple('n', 'a')  # asks for a frame, as a library may
def attack():
    threading.Thread(target=keep_busy).start()
    for _ in range(200):
        sum(range(2000))
    gc.get_objects()
    end.set()
"""
    trace = shut.trace(source, "attack()")
    assert trace.status.state == "tampered" and "garbage collector" in str(trace.status.reason)


@pytest.mark.parametrize("level", ["guard", pytest.param("confined", marks=NEEDS_CONFINED)])
def test_the_folder_of_a_warm_parent_that_was_killed_does_not_stay(level: str) -> None:
    source = "import os, time\ndef leave():\n    os.makedirs('a/left')\n    time.sleep(1)\n"
    with (
        Sandbox(Limits(wall_seconds=5), level, 1, profiles=["scratch"]) as sandbox,
        ThreadPoolExecutor(1) as thread,
    ):
        parent, folder = literal_eval(text(sandbox, source, "(os.getppid(), os.getcwd())"))
        again = thread.submit(sandbox.run, source, "leave()")
        while not os.path.exists(f"{folder}/a/left"):
            time.sleep(0.01)
        os.kill(parent, signal.SIGKILL)
        assert again.result().kind == "returned"
        assert not os.path.exists(folder)
