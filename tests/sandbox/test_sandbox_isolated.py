"""Level `isolated`: a program alone in the world, whoever started it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from ast import literal_eval
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytrace_mono.errors import IsolationUnavailableError
from pytrace_mono.tracer import Limits
from pytrace_mono.tracer.sandbox import Sandbox, levels, namespaces

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(
    namespaces.problem() is not None, reason=f"no namespaces here: {namespaces.problem()}"
)


@pytest.fixture(scope="module")
def isolated() -> Iterator[Sandbox]:
    with Sandbox(Limits(wall_seconds=5), "isolated", workers=1) as made:
        yield made


def value(box: Sandbox, source: str, call: str) -> object:
    outcome = box.run(source, call)
    assert outcome.value is not None, outcome
    return literal_eval(outcome.value.text)


def test_the_level_achieved_stands_in_the_trace(isolated: Sandbox) -> None:
    assert isolated.level == isolated.trace("x = 1\n").level == "isolated"


def test_a_program_cannot_even_see_that_a_file_exists(isolated: Sandbox, tmp_path: Path) -> None:
    secret = tmp_path / "decoy"
    secret.write_text("decoy")
    paths = [str(secret), "/etc/passwd", "/proc", "/sys", "/home", "/var"]
    source = "import os\n"
    assert value(isolated, source, f"[os.path.exists(p) for p in {paths!r}]") == [False] * 6


def test_there_is_no_other_process_user_or_host(isolated: Sandbox) -> None:
    me, parent, user = value(isolated, "import os\n", "(os.getpid(), os.getppid(), os.getuid())")  # type: ignore[misc]
    assert parent == 1 and me > 1
    assert user == 65534 or os.geteuid() != 0


def test_the_root_is_read_only_below_every_other_layer(isolated: Sandbox) -> None:
    source = (
        "import os\ndef f(p):\n    try: open(p, 'w')\n    except OSError as e: return e.errno\n"
    )
    for path in ("/x", os.path.dirname(os.__file__) + "/x"):
        assert value(isolated, source, f"f({path!r})") in (13, 30)


def test_python_itself_can_still_be_used(isolated: Sandbox) -> None:
    source = "import ctypes, sqlite3, ssl, zoneinfo, unittest.mock\n"
    source += "ctypes.CDLL('libm.so.6')\nzone = zoneinfo.ZoneInfo('Europe/Berlin').key\n"
    assert value(isolated, source, "zone") == "Europe/Berlin"


def test_auto_takes_it_and_by_name_it_is_refused_where_it_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert levels.choose("auto") == "isolated"
    monkeypatch.setattr(namespaces, "problem", lambda: "unshare: not today")
    assert levels.choose("auto") == "confined"
    with pytest.raises(IsolationUnavailableError, match="not today") as caught:
        levels.choose("isolated")
    assert "max_user_namespaces" in caught.value.fix


def test_an_ordinary_user_has_it_as_well(tmp_path: Path) -> None:
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    if os.geteuid() != 0 or python is None or shutil.which("setpriv") is None:
        pytest.skip("needs root, setpriv and a Python that every user can start")
    version = subprocess.run(
        [python, "-c", "import sys; print(sys.version_info[:2] >= (3, 10))"],
        capture_output=True,
        text=True,
        check=True,
    )
    if version.stdout != "True\n":
        pytest.skip(f"{python} is too old")
    package = Path("/tmp") / f"pytrace-mono-test-{os.getpid()}"
    shutil.copytree(ROOT / "pytrace_mono", package / "pytrace_mono")
    for path in [package, *package.rglob("*")]:
        path.chmod(0o755)
    script = (
        "import os, sys\nsys.path.insert(0, sys.argv[1])\n"
        "from pytrace_mono.tracer.sandbox import Sandbox\n"
        "with Sandbox(isolation='isolated') as box:\n"
        "    print(box.run('import os', '(os.getppid(), os.path.exists(\"/etc\"))').value.text)\n"
    )
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", python, "-c", script]
    try:
        done = subprocess.run([*command, str(package)], capture_output=True, text=True, cwd="/")
    finally:
        shutil.rmtree(package)
    assert done.stdout == "(1, True)\n", done.stderr


SLOW_ROOT = """
import time
from pytrace_mono.tracer.sandbox import namespaces
show, stay = namespaces._show, namespaces._stay_behind
namespaces._show = lambda *args: (time.sleep(0.4), show(*args))
namespaces._stay_behind = lambda *args: (time.sleep(0.2), stay(*args))
namespaces.enter([], -1)
"""


def test_who_stays_behind_needs_no_file_while_the_new_root_is_bare() -> None:
    """It shares the root that is being made, in which there is no /dev/null yet."""
    done = subprocess.run(
        [sys.executable, "-c", SLOW_ROOT], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
