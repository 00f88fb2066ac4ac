"""Fine-tuning: transformers' Trainer over our steps, losses and optimizer."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import DistributedType
from torch import Tensor
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainingArguments

from pytrace_mono.errors import PrerequisiteError, TrainingError
from pytrace_mono.train.compiling import backend_of
from pytrace_mono.train.config import TrainConfig
from pytrace_mono.train.encode import Document
from pytrace_mono.train.meter import Flops, Meter, Reporter
from pytrace_mono.train.optim import StochasticAdamW
from pytrace_mono.train.pack import PackedRow
from pytrace_mono.train.rows import TASKS
from pytrace_mono.train.rundir import RunDirectory
from pytrace_mono.train.steps import Step, Steps, step_of

_log = logging.getLogger(__name__)
_NOT_SHARDED = (
    "fsdp shards over several GPUs, and there are none here to shard over; start the run with torchrun "
    "on a machine that has them, or leave fsdp out."
)


def losses_of(model: Any, row: PackedRow, config: TrainConfig, device: torch.device) -> Tensor:
    """The loss of each label of a packed row, in order."""
    compiled = backend_of(config) is not None
    if compiled:  # for one length alone
        row = row.filled(config.pass_tokens, config.context)
    inputs = {"input_ids": row.tokens, "labels": row.labels, "position_ids": row.positions}
    boundaries = torch.tensor(row.boundaries, dtype=torch.int32, device=device)
    if compiled:
        torch._dynamo.mark_dynamic(boundaries, 0)
    losses: Tensor = model(
        **{name: torch.tensor([values], device=device) for name, values in inputs.items()},
        boundaries=boundaries,
        longest=row.longest,
    )
    return losses


def arguments_of(config: TrainConfig, steps: int) -> TrainingArguments:
    """The configuration in the Trainer's words.

    Raises:
        PrerequisiteError: DeepSpeed was asked for and is not installed.
        TrainingError: its configuration cannot be read, or would leave no model behind.
    """
    if config.deepspeed is not None:
        _require_deepspeed(config.deepspeed)
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
        logging_nan_inf_filter=False,
        eval_strategy="steps" if config.held_out else "no",
        eval_steps=config.evaluate_every,
        save_strategy="steps",
        save_steps=config.save_every,
        seed=config.seed,
        bf16=config.precision == "mixed",
        use_cpu=not torch.cuda.is_available(),
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        fsdp=config.fsdp or None,
        fsdp_config={"version": 2} if config.fsdp else None,
        deepspeed=None if config.deepspeed is None else str(config.deepspeed),
    )
    # A plain `python` on a machine with many GPUs uses one; torchrun uses them all.
    arguments._n_gpu = min(arguments.n_gpu, 1)
    if arguments.process_index == 0:
        arguments.report_to = _trackers()
    return arguments


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


def _require_deepspeed(file: Path) -> None:
    if find_spec("deepspeed") is None:
        raise PrerequisiteError("deepspeed is not installed.", "pip install deepspeed")
    try:
        zero = json.loads(file.read_bytes()).get("zero_optimization", {})
        gathers = zero.get("stage") != 3 or zero.get("stage3_gather_16bit_weights_on_model_save")
    except (OSError, ValueError, AttributeError) as error:
        raise TrainingError(f"{file}: no configuration of DeepSpeed can be read: {error}") from None
    if not gathers:
        raise TrainingError(
            f"{file}: set stage3_gather_16bit_weights_on_model_save to true in zero_optimization; "
            "without it no model is written at the end."
        )


class FineTuner(Trainer):  # type: ignore[misc]  # transformers says nothing of its type
    """Trains a model on Steps.

    A Step is what the Trainer calls a batch; the passes through the model within it are ours, so that
    the loss is the mean over all labels of the step whatever passes and processes they fall to.

    Args:
        model: as :func:`~pytrace_mono.train.model.prepared` leaves it.
        tokenizer: saved beside it.
        config: of the run.
        train: documents to learn from.
        held_out: documents to evaluate on.
        directory: of the run.
        quiet: show no bar.

    Raises:
        TrainingError: weights were to be sharded, and nothing is here to shard them over.
        PrerequisiteError: DeepSpeed was asked for and is not installed.
    """

    optimizer: Any  # the Trainer's
    control: Any

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        config: TrainConfig,
        train: Sequence[Document],
        held_out: Sequence[Document],
        directory: RunDirectory,
        quiet: bool = False,
    ) -> None:
        count = len(Steps(train, config))
        arguments = arguments_of(config, count)
        if config.fsdp and arguments.world_size == 1:
            raise TrainingError(_NOT_SHARDED)
        self._config, self._directory = config, directory
        rank, world = arguments.process_index, arguments.world_size
        self._steps = Steps(train, config, rank, world)
        evaluated = step_of(held_out, config.pass_tokens, "held out", rank, world)
        self._held_out = evaluated if held_out else None
        if not held_out:
            arguments.eval_strategy = "no"
        self._task_losses: dict[str, float] = {}
        self._meter = Meter(Flops.of(model), world)
        super().__init__(
            model=model,
            args=arguments,
            train_dataset=self._steps,
            eval_dataset=[evaluated] if held_out else None,
            processing_class=tokenizer,
            callbacks=[Reporter(directory.path, quiet)],
        )
        self.remove_callback(PrinterCallback)
        if self._replicated:
            # Not by DDP, which takes gradients of the weights' dtype alone, and keeps a copy of them.
            prepare = self.accelerator.prepare_model
            self.accelerator.prepare_model = partial(prepare, evaluation_mode=True)
        if config.fsdp and self.accelerator.distributed_type is not DistributedType.FSDP:
            raise TrainingError(_NOT_SHARDED)

    def get_train_dataloader(self) -> Any:
        """Each process makes its own share of each Step: nothing is to be spread by accelerate."""
        # A sequence is all that a DataLoader needs; its type asks for more.
        steps: Any = self._steps
        return DataLoader(steps, batch_size=1, collate_fn=lambda steps: {"step": steps[0]})

    def create_optimizer(self, model: Any = None) -> Any:
        """Stochastic rounding where the weights are bf16; torch's AdamW where they are fp32."""
        if self.optimizer is None:
            model = self.model if model is None else model
            decayed = set(self.get_decay_parameter_names(model))
            trained = [(n, w) for n, w in model.named_parameters() if w.requires_grad]
            groups: list[dict[str, Any]] = [
                {
                    "params": [w for n, w in trained if (n in decayed) is decays],
                    "weight_decay": rate,
                }
                for decays, rate in ((True, self._config.weight_decay), (False, 0.0))
            ]
            groups = [group for group in groups if group["params"]]
            rate = self._config.learning_rate
            if self._config.precision == "stochastic":
                self.optimizer = StochasticAdamW(
                    groups,
                    lr=rate,
                    seed=self._config.seed,
                    eight_bits=self._config.moments == "8-bit",
                )
            else:
                fused = torch.cuda.is_available()  # its other way there takes 4 bytes a weight more
                self.optimizer = torch.optim.AdamW(groups, lr=rate, weight_decay=0.0, fused=fused)
        return self.optimizer

    def training_step(
        self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None
    ) -> Tensor:
        """The gradient of one Step.

        Raises:
            TrainingError: the loss is not a finite number; the weights are as they were.
        """
        step: Step = inputs["step"]
        model.train()
        sums = self._zeros()
        for number, row in enumerate(step.rows, 1):
            self.accelerator.gradient_state._set_sync_gradients(number == len(step.rows))
            with self.compute_loss_context_manager():
                losses = losses_of(model, row, self._config, self.args.device)
                # Gradients are averaged over the processes; the loss is a mean over all labels.
                loss = losses.sum() * (self.args.world_size / step.labels)
            self.accelerator.backward(loss)
            self._add(sums, losses, row)
        if self._replicated:
            for weight in model.parameters():
                if weight.grad is not None:
                    weight.grad = self.accelerator.reduce(weight.grad, "mean")
        mean, self._task_losses = self._means(sums)
        if not math.isfinite(mean):
            raise self._diverged(f"the loss is {mean}")
        self._meter.add(step)
        return torch.tensor(mean, device=self.args.device)

    def _clip_grad_norm(self, model: Any) -> Any:
        norm = super()._clip_grad_norm(model)
        if norm is not None and not math.isfinite(norm):
            raise self._diverged(f"the norm of the gradient is {float(norm)}")
        return norm

    def _diverged(self, what: str) -> TrainingError:
        whole = self._directory.checkpoints()[0]
        kept = f"the last checkpoint is {whole[-1]}" if whole else "there is no checkpoint yet"
        return TrainingError(
            f"step {self.state.global_step + 1}: {what}; stopped, and nothing of it was written; "
            f"{kept}. A lower learning_rate, a longer warmup_steps or precision=mixed may help."
        )

    @property
    def _replicated(self) -> bool:
        return self.accelerator.distributed_type in (
            DistributedType.MULTI_GPU,
            DistributedType.MULTI_CPU,
        )

    @torch.no_grad()
    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """The losses on what was held out, per task and in all."""
        assert self._held_out is not None
        model = self.model_wrapped
        model.eval()
        sums = self._zeros()
        for row in self._held_out.rows:
            with self.compute_loss_context_manager():
                self._add(sums, losses_of(model, row, self._config, self.args.device), row)
        mean, per_task = self._means(sums)
        metrics = {"eval_loss": mean, **{f"eval_{task}": loss for task, loss in per_task.items()}}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        self._meter.restart()
        return metrics

    def _zeros(self) -> Tensor:
        return torch.zeros(2, len(TASKS), dtype=torch.float64, device=self.args.device)

    @staticmethod
    def _add(sums: Tensor, losses: Tensor, row: PackedRow) -> None:
        tasks = torch.tensor(row.label_tasks, dtype=torch.long, device=losses.device)
        sums[0].index_add_(0, tasks, losses.detach().double())
        sums[1].index_add_(0, tasks, torch.ones_like(tasks, dtype=torch.float64))

    def _means(self, sums: Tensor) -> tuple[float, dict[str, float]]:
        """Over all labels of all processes, and per task."""
        losses, labels = self.accelerator.reduce(sums).tolist()
        per_task = {
            f"loss_{task}": loss / count
            for task, loss, count in zip(TASKS, losses, labels, strict=True)
            if count
        }
        return sum(losses) / sum(labels), per_task

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """What the Trainer logs of a step, and what we measured."""
        if "loss" in logs:
            logs = {**logs, **self._task_losses, **self._meter.look()}
        super().log(logs, start_time)

    def floating_point_ops(self, inputs: Any) -> int:
        """Ours are counted by the Meter."""
        return 0

    def _load_from_checkpoint(self, checkpoint: str, model: Any = None) -> None:
        if self._config.lora is None:
            super()._load_from_checkpoint(checkpoint, model)
            return
        # The Trainer's way would make bf16 adapters fp32 ones.
        from peft import load_peft_weights, set_peft_model_state_dict

        model = self.model if model is None else model
        set_peft_model_state_dict(model, load_peft_weights(checkpoint, device="cpu"))

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        super()._save_checkpoint(model, trial)
        self.accelerator.wait_for_everyone()
        if self.is_world_process_zero():
            self._directory.complete(self.state.global_step, self._config.keep)
        self.accelerator.wait_for_everyone()
        self._meter.restart()
