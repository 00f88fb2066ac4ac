"""What docs/tracer.md shows is run, by each interpreter found here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from test_versions import INTERPRETERS, ROOT, VERSIONS, _run

DOCUMENT = ROOT / "docs" / "tracer.md"
ASYNC = """
import asyncio

@traced
async def wait(n):
    for i in range(n):
        await asyncio.sleep(0)
    return n

async def main():
    return await asyncio.gather(wait(1), wait(2))

assert asyncio.run(main()) == [1, 2]
assert [t.status.state for t in wait.traces] == ["complete"] * 2
"""


@pytest.mark.parametrize("version", VERSIONS)
def test_the_code_in_the_document_runs(version: str, tmp_path: Path) -> None:
    """All blocks one after the other, as one program; and a coroutine that has a twin."""
    executable = INTERPRETERS.get(version)
    if executable is None or _run(executable, "-c", "").returncode != 0:
        pytest.skip(f"no Python {version} next to this one or on PATH")
    blocks = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert len(blocks) >= 4
    program = tmp_path / "document.py"
    program.write_text("\n".join([*blocks, ASYNC, "print('fine')"]))
    done = _run(executable, str(program))
    assert done.stdout == "total 6\nfine\n", done.stderr  # the first from a block with output
