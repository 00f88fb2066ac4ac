"""A configuration in the words of transformers' Trainer."""

from __future__ import annotations

import json
import logging
import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from transformers import TrainingArguments

from pytrace_mono.errors import PrerequisiteError, TrainingError
from pytrace_mono.train.config import TrainConfig
from pytrace_mono.train.optim import StochasticAdamW

NOT_SHARDED = (
    "fsdp shards over several GPUs, and there are none here to shard over; start the run with torchrun "
    "on a machine that has them, or leave fsdp out."
)
_GATHERED = "stage3_gather_16bit_weights_on_model_save"
_log = logging.getLogger(__name__)


def arguments_of(config: TrainConfig, steps: int, evaluates: bool) -> TrainingArguments:
    """The Trainer's arguments.

    Args:
        config: of the run.
        steps: of the optimizer.
        evaluates: whether anything was held out.

    Raises:
        PrerequisiteError: DeepSpeed was asked for and is not installed.
        TrainingError: its configuration cannot be read, or weights were to be sharded over one
            process.
    """
    if config.fsdp and processes() == 1:
        raise TrainingError(NOT_SHARDED)
    arguments = TrainingArguments(
        output_dir=str(config.output),
        max_steps=steps,
        per_device_train_batch_size=1,  # one Step, which is packed rows already
        learning_rate=config.learning_rate,
        lr_scheduler_type="cosine_with_min_lr",
        # Not "min_lr": that is looked for in the optimizer, which DeepSpeed wraps.
        lr_scheduler_kwargs={"min_lr_rate": config.min_learning_rate / config.learning_rate},
        warmup_steps=config.warmup_steps,
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_grad_norm,
        logging_steps=1,
        eval_strategy="steps" if evaluates else "no",
        eval_steps=config.evaluate_every,
        save_steps=config.save_every,
        seed=config.seed,
        bf16=config.precision == "mixed",
        use_cpu=not torch.cuda.is_available(),
        disable_tqdm=True,
        fsdp=config.fsdp or None,
        deepspeed=None if config.deepspeed is None else _read_deepspeed(config.deepspeed),
        # Last: nothing that could be refused logs in.
        report_to=_trackers() if os.environ.get("RANK", "0") == "0" else "none",
    )
    # A plain `python` on a machine with many GPUs uses one; torchrun uses them all.
    arguments._n_gpu = min(arguments.n_gpu, 1)
    return arguments


def processes() -> int:
    """How many take part in the run: as torchrun says, else one."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def optimizer_of(config: TrainConfig) -> tuple[type[torch.optim.Optimizer], dict[str, Any]]:
    """Stochastic rounding where the weights are bf16, torch's AdamW where they are fp32; its options."""
    options = {"lr": config.learning_rate}
    if config.precision == "stochastic":
        options |= {"seed": config.seed, "eight_bits": config.moments == "8-bit"}
        return StochasticAdamW, options
    # Its other way on a GPU takes 4 bytes a weight more.
    return torch.optim.AdamW, options | {"fused": torch.cuda.is_available()}


def _trackers() -> list[str]:
    """TensorBoard and wandb where they are installed, and wandb knows where to write."""
    found = [name for name in ("tensorboard", "wandb") if find_spec(name) is not None]
    if "wandb" in found:
        wandb = import_module("wandb")
        try:
            wandb.login(verify=False)
        except wandb.Error as error:  # it would stop the run
            _log.warning("wandb is left out: %s Or set WANDB_MODE=offline.", error)
            found.remove("wandb")
    return found


def _read_deepspeed(file: Path) -> dict[str, Any]:
    if find_spec("deepspeed") is None:
        raise PrerequisiteError("deepspeed is not installed.", "pip install deepspeed")
    try:
        settings: dict[str, Any] = json.loads(file.read_bytes())
        # Without it no model is written at the end.
        settings.setdefault("zero_optimization", {})[_GATHERED] = True
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise TrainingError(f"{file}: no configuration of DeepSpeed can be read: {error}") from None
    return settings
