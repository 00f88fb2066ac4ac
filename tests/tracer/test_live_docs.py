"""What docs/tracer.md shows is run."""

from __future__ import annotations

import re
import sys
from pathlib import Path

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "tracer.md"


def test_the_code_in_the_document_runs(tmp_path: Path) -> None:
    """All blocks one after the other, as one program."""
    blocks = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    program = tmp_path / "document.py"
    program.write_text("\n".join(blocks))
    before = sys.gettrace()
    exec(compile(program.read_text(), str(program), "exec"), {"__name__": "document"})  # noqa: S102
    assert len(blocks) >= 4 and sys.gettrace() is before
