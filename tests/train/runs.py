"""Small runs for the tests: a model of a few thousand weights over rows made up here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pytrace_mono.train.config import TrainConfig, config_of


def write_rows(file: Path, count: int = 32) -> Path:
    """Monologues in PyX's columns, each of another call."""
    lines = []
    for number in range(count):
        ask = f"[PYTHON]\ndef f(x):  # [L1]\n    return x * 3\nassert f({number}) == ??\n[/PYTHON]"
        told = (
            f"[MONOLOGUE]\n- [L1] `x` starts as `{number}`.\n[/MONOLOGUE]\n"
            f"[ANSWER]\nassert f({number}) == {3 * number}\n[/ANSWER]"
        )
        column = "fwd_mnl" if number % 2 else "bwd_mnl"
        lines.append({"nl": "", "fwd_mnl": "", "bwd_mnl": "", "response": told} | {column: ask})
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


def config_for(tmp_path: Path, **changes: Any) -> TrainConfig:
    """Six steps of eight samples, in fp32, unless changed."""
    content = {
        "scratch": {"hidden": 32, "layers": 2, "heads": 2, "words": 400},
        "data": [str(write_rows(tmp_path / "rows.jsonl"))],
        "output": str(tmp_path / "run"),
        "context": 256,
        "pass_tokens": 512,
        "epochs": 2,
        "samples_per_step": 8,
        "learning_rate": 3e-3,
        "min_learning_rate": 3e-4,
        "held_out": 0.1,
        "evaluate_every": 3,
        "save_every": 2,
        "keep": 2,
        "precision": "fp32",
        "checkpointing": 0.0,
    }
    return config_of(content | changes, "test")


def losses_in(run: Path) -> list[tuple[int, float]]:
    """Each step and its loss, in the order of the log."""
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [(line["step"], line["loss"]) for line in lines if "loss" in line]


def weights_in(model: Path) -> dict[str, Any]:
    """The tensors of a saved model."""
    from safetensors.torch import load_file

    tensors: dict[str, Any] = load_file(model / "model.safetensors")
    return tensors
