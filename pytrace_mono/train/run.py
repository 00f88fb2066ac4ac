"""A run from its configuration to a model: what ``pytrace-mono train`` does."""

from __future__ import annotations

import logging
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import transformers
import yaml
from huggingface_hub import ModelCardData

from pytrace_mono.train.budget import ready
from pytrace_mono.train.config import TrainConfig
from pytrace_mono.train.data import Data, digests_of, read_all
from pytrace_mono.train.finetune import FineTuner
from pytrace_mono.train.meter import Reporter, draw
from pytrace_mono.train.model import load_model, merge_adapters
from pytrace_mono.train.rundir import MODEL, PARTIAL, RunDirectory

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
    tokenizer, data, _ = ready(config, rows)
    trainer = FineTuner(load_model(config, tokenizer), tokenizer, data, directory)
    meet = trainer.accelerator.wait_for_everyone
    meet()  # all have looked at the directory before it is begun
    with directory.begun() if trainer.is_world_process_zero() else nullcontext():
        meet()  # what is half written is gone before one is looked for to go on from
        whole = directory.checkpoints()
        with closing(Reporter(directory, quiet)) as reporter:
            if trainer.is_world_process_zero():
                trainer.add_callback(reporter)
            trainer.train(resume_from_checkpoint=str(whole[-1]) if whole else None)
        with directory.writing(MODEL):
            _publish(directory, trainer, data)
    meet()  # a launcher may end all when the first has ended
    trainer.accelerator.end_training()
    return directory.path / MODEL


def _publish(directory: RunDirectory, trainer: FineTuner, data: Data) -> None:
    """Write the model with all it needs beside it, under another name until it is whole."""
    config, tokenizer = directory.config, trainer.processing_class
    partial = directory.path / PARTIAL
    weights = partial if config.lora is None else directory.path / "adapter"
    trainer.save_model(str(weights), _internal_call=True)
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
    (partial / "README.md").write_text(model_card(directory, data, history), encoding="utf-8")
    draw(history, directory.path)
    partial.rename(directory.path / MODEL)


def model_card(directory: RunDirectory, data: Data, log: list[dict[str, Any]]) -> str:
    """What the model was made from, and how, in Markdown.

    Args:
        directory: of the run, which knows the configuration, the digests and the versions.
        data: what it was trained on.
        log: what the run logged.
    """
    left_out = {f"{task}: {why}": n for (task, why), n in sorted(data.dropped.items())}
    made: dict[str, Any] = {"rows left out": left_out}
    sides = (("training", "loss", data.train), ("held out", "eval_loss", data.held_out))
    for words, key, documents in sides:
        losses = [line[key] for line in log if key in line]
        made[f"{words}: rows and tokens"] = [len(documents), sum(map(len, documents))]
        made[f"{words}: loss, first and last"] = losses[:1] + losses[-1:]
    # The metadata block is for the Hugging Face hub.
    front = ModelCardData(
        # The hub refuses a card with a path here; the configuration below names it.
        base_model=None if Path(directory.config.model or "").exists() else directory.config.model,
        library_name="transformers",
        pipeline_tag="text-generation",
    )
    written = yaml.safe_dump(made | directory.made_from, sort_keys=False)
    return (
        f"---\n{front}\n---\n\n# {directory.path.name}\n\n"
        "Fine-tuned on checked monologues of program runs with pytrace_mono. Ask it through "
        f"`pytrace_mono.tasks`, as it was trained.\n\n```yaml\n{written}```\n"
    )
