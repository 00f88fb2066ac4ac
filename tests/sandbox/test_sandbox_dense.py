"""What a warm parent does so that its children copy few pages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import pytrace_mono

# As a warm parent begins: see `worker._BOOTSTRAP`.
_BEGIN = """\
import sys
for name in ("pytrace_mono", "pytrace_mono.tracer", "pytrace_mono.tracer.sandbox"):
    sys.modules[name] = type(sys)(name)
    sys.modules[name].__path__ = [sys.argv[1] + "/" + name.replace(".", "/")]
from pytrace_mono.tracer.sandbox import dense
dense.import_others()
"""
_ROOT = str(Path(pytrace_mono.__file__).resolve().parent.parent)


def _run(code: str) -> str:
    command = [sys.executable, "-s", "-c", _BEGIN + code, _ROOT]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_harness_imports_nothing_more_of_the_standard_library() -> None:
    # Else it would lie among what is imported in between.
    more = _run(
        "before = set(sys.modules)\n"
        "from pytrace_mono.tracer.sandbox import zygote\n"
        "print(*sorted(set(sys.modules) - before))\n"
    ).split()
    assert "pytrace_mono.tracer.sandbox.zygote" in more
    assert [name for name in more if not name.startswith("pytrace_mono")] == []


@pytest.mark.skipif(
    sys.implementation.name != "cpython" or sys.version_info >= (3, 14),
    reason="the allocator is that of CPython 3.10 to 3.13",
)
@pytest.mark.parametrize("size", [48, 96, 160, 512])
def test_after_the_gaps_are_filled_small_objects_lie_side_by_side(size: int) -> None:
    code = (
        f"size, head = {size}, bytes.__basicsize__\n"
        "def together():\n"
        "    made = [bytes(size - head) for _ in range(20)]\n"
        "    return len({id(one) >> 12 for one in made})\n"
        "kept = [bytes(size - head) for _ in range(3000)]\n"
        "del kept[::9]\n"
        "before = together()\n"
        "dense.fill_gaps()\n"
        "print(before, together())\n"
    )
    before, after = map(int, _run(code).split())
    needed = 20 * size // 4096 + 2
    assert after <= needed, (before, after)
    assert before > after
