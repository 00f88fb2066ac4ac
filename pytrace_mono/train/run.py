"""A run from its configuration to a model: what ``pytrace-mono train`` does."""

from __future__ import annotations

import logging
import platform
import shutil
from contextlib import nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import Any

import transformers

import pytrace_mono
from pytrace_mono.train.budget import device_found, require_fit
from pytrace_mono.train.card import model_card
from pytrace_mono.train.config import TrainConfig
from pytrace_mono.train.data import Data, digests_of, load_data, read_all
from pytrace_mono.train.finetune import FineTuner
from pytrace_mono.train.memory import memory_here
from pytrace_mono.train.meter import draw
from pytrace_mono.train.model import load_model, load_tokenizer, merge_adapters, model_config
from pytrace_mono.train.rundir import MODEL, RunDirectory

_log = logging.getLogger(__name__)


def train(config: TrainConfig, quiet: bool = False) -> Path:
    """Begin a run, or go on where it was stopped.

    Args:
        config: of the run.
        quiet: show no bar.

    Returns:
        the directory of the model.

    Raises:
        TrainingDataError: the rows, or the tokenizer, cannot be trained on.
        TrainingError: the output holds something else, the model does not load or fit, or the loss is
            no longer a number.
    """
    transformers.utils.logging.disable_progress_bar()  # one bar is enough
    rows = read_all(config)
    directory = RunDirectory(config, digests_of(config))
    if directory.finished:
        _log.warning("%s: this run is finished; nothing is left to do.", directory.path)
        return directory.path / MODEL
    tokenizer = load_tokenizer(config, rows)
    data = load_data(config, tokenizer, rows)
    description = model_config(config, tokenizer)
    require_fit(config, lambda c: memory_here(c, description).total, *device_found())
    model = load_model(config, tokenizer)
    trainer = FineTuner(model, tokenizer, config, data.train, data.held_out, directory, quiet)
    trainer.accelerator.wait_for_everyone()  # all have looked at the directory before it is begun
    with directory.begun(versions()) if trainer.is_world_process_zero() else nullcontext():
        trainer.train(resume_from_checkpoint=_last_checkpoint(directory, trainer))
        with directory.writing(MODEL):
            _publish(config, directory, trainer, tokenizer, data)
    trainer.accelerator.wait_for_everyone()  # a launcher may end all when the first has ended
    trainer.accelerator.end_training()
    return directory.path / MODEL


def versions() -> dict[str, str]:
    """Of this package, Python and what a result depends on."""
    ours = {"pytrace_mono": pytrace_mono.__version__, "python": platform.python_version()}
    names = ("torch", "transformers", "accelerate", "peft", "tokenizers")
    return ours | {name: version(name) for name in names}


def _last_checkpoint(directory: RunDirectory, trainer: FineTuner) -> str | None:
    whole, half = directory.checkpoints()
    trainer.accelerator.wait_for_everyone()
    if trainer.is_world_process_zero():
        for checkpoint in half:
            _log.warning("%s: half written, removed", checkpoint)
            shutil.rmtree(checkpoint)
        if whole:
            _log.warning("going on from %s", whole[-1])
    trainer.accelerator.wait_for_everyone()
    return str(whole[-1]) if whole else None


def _publish(
    config: TrainConfig, directory: RunDirectory, trainer: FineTuner, tokenizer: Any, data: Data
) -> None:
    """Write the model with all it needs beside it, under another name until it is whole."""
    partial = directory.path / f".{MODEL}.partial"
    if trainer.is_world_process_zero():
        shutil.rmtree(partial, ignore_errors=True)
    trainer.accelerator.wait_for_everyone()
    weights = partial if config.lora is None else directory.path / "adapter"
    trainer.save_model(str(weights), _internal_call=True)
    trainer.accelerator.wait_for_everyone()
    if not trainer.is_world_process_zero():
        return
    (weights / "training_args.bin").unlink(missing_ok=True)
    if config.lora is not None:
        merge_adapters(config, tokenizer, weights).save_pretrained(partial)
        tokenizer.save_pretrained(partial)
    transformers.GenerationConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.eos_token_id,
        do_sample=False,
    ).save_pretrained(partial)
    history = trainer.state.log_history
    card = model_card(config, data, directory.digests, versions(), history)
    (partial / "README.md").write_text(card, encoding="utf-8")
    draw([line for line in history if "train_loss" not in line], directory.path)
    partial.rename(directory.path / MODEL)
