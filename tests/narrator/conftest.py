from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytrace_mono.tracer import Sandbox


@pytest.fixture(scope="session")
def box() -> Iterator[Sandbox]:
    with Sandbox(workers=1) as sandbox:
        yield sandbox
