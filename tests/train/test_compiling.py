"""Nothing is compiled where it cannot be, and the reason is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the extra [train]")

from pytrace_mono.train import compiling  # noqa: E402
from pytrace_mono.train.config import load_config  # noqa: E402


@pytest.fixture(autouse=True)
def asked_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("CC", "TORCH_COMPILE_DISABLE"):
        monkeypatch.delenv(name, raising=False)
    compiling.why_not.cache_clear()
    yield
    compiling.why_not.cache_clear()


def gpu_with(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """A machine with CUDA and triton, and the programs of a folder."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(compiling, "find_spec", lambda name: name)
    monkeypatch.setenv("PATH", str(path))


def test_a_gpu_without_a_c_compiler_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu_with(monkeypatch, tmp_path)
    assert compiling.why_not() == "there is no C compiler (install gcc)"


def test_plain_layers_are_compiled_where_all_is_there_and_others_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "clang").touch(mode=0o755)
    gpu_with(monkeypatch, tmp_path)
    given = ("data=d", "output=o")
    assert compiling.backend_of(load_config("lora", given)) == "inductor"
    assert compiling.backend_of(load_config("lora", (*given, "lora.quantize=true"))) is None
    monkeypatch.setenv("TORCH_COMPILE_DISABLE", "1")
    compiling.why_not.cache_clear()
    assert compiling.backend_of(load_config("lora", given)) is None
