"""Whether layers and optimizer are compiled (on CUDA, where what that needs is there), and for what."""

from __future__ import annotations

import os
import shutil
from functools import cache
from importlib.util import find_spec

import torch

from pytrace_mono.train.config import TrainConfig


@cache
def why_not() -> str | None:
    """What :func:`torch.compile` lacks on this machine; None where it can make code for its GPU."""
    if not torch.cuda.is_available():
        return "there is no CUDA GPU"
    if os.environ.get("TORCH_COMPILE_DISABLE") == "1":
        return "TORCH_COMPILE_DISABLE is set"
    if find_spec("triton") is None:
        return "triton is not installed (pip install triton)"
    # As triton looks for one.
    if not (os.environ.get("CC") or any(map(shutil.which, ("gcc", "clang", "cc")))):
        return "there is no C compiler (install gcc)"
    return None


def backend_of(config: TrainConfig) -> str | None:
    """What compiles the decoder's layers; nothing where they are no plain ones: 4-bit weights, and
    what DeepSpeed wraps."""
    plain = config.deepspeed is None and not (config.lora is not None and config.lora.quantize)
    return "inductor" if plain and why_not() is None else None


def compiled_length(tokens: int, config: TrainConfig) -> int:
    """Tokens that a pass of so many is filled up to: layers are compiled for half and full passes."""
    half = -(-config.pass_tokens // 2)
    return half if tokens <= half else config.pass_tokens
