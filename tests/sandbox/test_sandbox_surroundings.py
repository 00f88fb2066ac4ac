"""What a program finds around it, at every level: always the same, and nothing of the user's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sandbox_values import text

from pytrace_mono.tracer.sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[2]


def test_the_users_environment_is_not_there(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DECOY_TOKEN", "decoy")
    with Sandbox(isolation=sandbox.level) as fresh:
        shown = text(fresh, "import os\n", "sorted(os.environ)")
    assert "DECOY_TOKEN" not in shown and "PATH'" not in shown


def test_the_hash_seed_is_fixed_across_warm_parents_and_processes(sandbox: Sandbox) -> None:
    source = "import random, sys\n"
    call = "hash('pytrace'), random.random(), sys.flags.hash_randomization, {'a', 'b', 'c', 'd'}"
    here = text(sandbox, source, call)
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pytrace_mono.tracer.sandbox import Sandbox\n"
        "print(Sandbox(isolation=sys.argv[2]).run(sys.argv[3], sys.argv[4]).value.text)"
    )
    command = [sys.executable, "-c", script, str(ROOT), sandbox.level, source, call]
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    there = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert there.stdout.strip() == here


def test_equal_runs_have_equal_digests(sandbox: Sandbox) -> None:
    source = "import random\ndef f():\n    return [random.random(), {'x', 'y'}, object()]\n"
    assert sandbox.trace(source, "f()").digest() == sandbox.trace(source, "f()").digest()


def test_programs_cannot_import_from_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox
) -> None:
    (tmp_path / "decoy_module.py").write_text("found = True")
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong json')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with Sandbox(isolation=sandbox.level) as fresh:
        outcome = fresh.run("import json, decoy_module")
    assert outcome.exception is not None and outcome.exception.type == "ModuleNotFoundError"


def test_one_program_leaves_nothing_for_the_next(sandbox: Sandbox) -> None:
    sandbox.run("import builtins, os, sys\nbuiltins.left = 1\nos.environ['LEFT'] = '1'\n")
    call = "(hasattr(builtins, 'left'), os.environ.get('LEFT'))"
    assert text(sandbox, "import builtins, os\n", call) == "(False, None)"


def test_a_program_has_no_descriptors_but_its_streams_and_the_pipes_of_the_harness(
    sandbox: Sandbox,
) -> None:
    source = """\
import os
def open_descriptors():
    found = []
    for fd in range(32):
        try:
            os.fstat(fd)
        except OSError:
            continue
        found.append(fd)
    return found
"""
    # For its result, to tell that it has begun, and, where children are restored, for what to run.
    assert text(sandbox, source, "open_descriptors()") == "[0, 1, 2, 3, 30, 31]"


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system has no such notion")
def test_a_program_may_run_on_every_processor_that_the_main_process_may(sandbox: Sandbox) -> None:
    outcome = sandbox.run("import os", "sorted(os.sched_getaffinity(0))")
    assert outcome.value is not None
    assert outcome.value.text == repr(sorted(os.sched_getaffinity(0)))
