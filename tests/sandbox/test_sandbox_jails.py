"""External jails: the same interface, where the warm parent was started inside another program."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_sandbox_leaks import alive, children_of, eventually

from pytrace_mono.errors import IsolationUnavailableError
from pytrace_mono.tracer import Limits
from pytrace_mono.tracer.sandbox import Program, Sandbox, jails, layers
from pytrace_mono.tracer.sandbox.setting import PROFILES

ROOT = Path(__file__).resolve().parents[2]


def needs(tool: str) -> None:
    problem = jails.problem(tool)
    if problem is not None:
        pytest.skip(f"{tool}: {problem}")


@pytest.fixture(scope="module", params=sorted(jails.TOOLS))
def jailed(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    needs(request.param)
    with Sandbox(Limits(wall_seconds=5), request.param, 1, profiles=["scratch"]) as made:
        yield made


def test_a_program_runs_inside_as_it_does_elsewhere(jailed: Sandbox) -> None:
    assert jailed.level == "external"
    source = "def f(x):\n    y = x * 2\n    return y\n"
    (first, second), other = (
        jailed.trace_all(source, ["f(4)", "f('a')"]),
        next(jailed.map([Program("import json\n", ("json.loads('[1]')",))])),
    )
    assert [t.outcome.value.text for t in (first, second, other) if t.outcome.value] == [
        *("8", "'aa'", "[1]")
    ]
    assert first.level == "external" and first.complete and second.steps[-1].line == 3


@pytest.mark.parametrize(
    "attempt",
    [
        "os.fork()",
        "open('/root/x', 'w')",
        "open('/tmp/x', 'w')",
        "open('/etc/passwd')",
        "socket.socket()",
        "os.kill(os.getppid(), 9)",
        "open(f'/proc/{os.getppid()}/mem', 'rb').read(1)",
        "os.listdir('/home')",
    ],
)
def test_what_a_program_tries_is_refused(jailed: Sandbox, attempt: str) -> None:
    outcome = jailed.run("import os, socket\n", attempt)
    assert outcome.exception is not None, outcome
    kinds = ("PermissionError", "OSError", "FileNotFoundError", "ProcessLookupError")
    assert outcome.exception.type in kinds


def test_nothing_of_the_user_exists_inside(jailed: Sandbox, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("decoy")
    call = f"os.path.exists({str(secret)!r}), os.path.exists('/bin/sh'), sorted(os.environ)"
    value = jailed.run("import os\n", call).value
    assert value is not None and value.text.startswith("(False, ")
    assert "DOCKER" not in value.text and "USER" not in value.text


def test_its_folder_is_emptied_between_calls(jailed: Sandbox) -> None:
    source = "import os\nfound = os.listdir()\nopen('x', 'w').write('y')\n"
    values = [trace.outcome.value for trace in jailed.trace_all(source, ["found", "found"])]
    assert [value.text for value in values if value] == ["[]", "[]"]


def test_a_program_without_end_is_ended_and_the_next_one_runs(jailed: Sandbox) -> None:
    with Sandbox(Limits(wall_seconds=0.5), _tool_of(jailed), 1) as impatient:
        assert impatient.run("while True:\n    pass").kind == "timed_out"
        assert impatient.run("", "1").kind == "returned"


def _tool_of(sandbox: Sandbox) -> str:
    tool = sandbox._runner.setting.tool
    assert tool is not None
    return tool


@pytest.mark.parametrize("tool", ["bwrap", "runsc"])
def test_no_process_is_left_of_a_jail_whose_main_process_was_killed(
    tool: str, tmp_path: Path
) -> None:
    needs(tool)
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pytrace_mono.tracer.sandbox import Sandbox\n"
        "box = Sandbox(isolation=sys.argv[2], workers=1)\n"
        "box.run('')\n"
        "print('ready', flush=True)\n"
        "box.run('while True: pass')\n"
    )
    command = [sys.executable, "-c", script, str(ROOT), tool]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as main:
        assert main.stdout is not None and main.stdout.readline() == b"ready\n"
        everyone = [main.pid]
        for pid in everyone:
            everyone += children_of(pid)
        assert len(everyone) > 2
        main.send_signal(signal.SIGKILL)
        main.wait(10)
        assert eventually(lambda: not any(map(alive, everyone)))


@pytest.mark.parametrize("tool", ["bwrap", "runsc"])
def test_closing_leaves_no_process_and_no_file(
    tool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs(tool)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    children = children_of(os.getpid())
    with Sandbox(isolation=tool, workers=2, profiles=PROFILES) as sandbox:
        assert len(list(sandbox.map([("x = 1", "x")] * 20))) == 20
        # From here on the threads that started the warm parents are gone, and they are not.
        assert sandbox.run("", "1").kind == "returned"
        assert bool(os.listdir(tmp_path)) == (tool == "runsc")
    assert children_of(os.getpid()) == children
    assert os.listdir(tmp_path) == []


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    jails.problem.cache_clear()
    yield
    jails.problem.cache_clear()


@pytest.mark.parametrize("name", ["external", *jails.TOOLS])
def test_a_tool_that_is_missing_is_an_error_with_its_fix(
    nothing_installed: None, name: str
) -> None:
    with pytest.raises(IsolationUnavailableError, match="it is not installed") as caught:
        Sandbox(isolation=name)
    assert "install" in caught.value.fix and "isolated" in caught.value.fix


def test_a_tool_that_does_not_start_says_what_it_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho no jail today >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name: str(broken))
    jails.problem.cache_clear()
    try:
        with pytest.raises(IsolationUnavailableError, match="no jail today"):
            Sandbox(isolation="bwrap")
    finally:
        jails.problem.cache_clear()


def test_the_layers_tell_which_tools_can_be_asked_for() -> None:
    (told,) = [layer for layer in layers() if layer.name == "external jail"]
    for tool in jails.TOOLS:
        assert tool in told.detail
    assert not told.active  # not by `auto`
