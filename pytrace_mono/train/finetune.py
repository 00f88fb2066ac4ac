"""Fine-tuning: transformers' Trainer over our steps, losses and optimizer."""

from __future__ import annotations

import math
import time
from functools import partial
from itertools import accumulate
from typing import Any

import torch
from accelerate.utils import DistributedType
from torch import Tensor
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer

from pytrace_mono.errors import TrainingError
from pytrace_mono.train.arguments import NOT_SHARDED, arguments_of, optimizer_of
from pytrace_mono.train.compiling import backend_of, compiled_length
from pytrace_mono.train.config import TrainConfig
from pytrace_mono.train.data import IGNORED, Data, Document
from pytrace_mono.train.meter import Flops, measured
from pytrace_mono.train.pack import filled
from pytrace_mono.train.rows import TASKS
from pytrace_mono.train.rundir import RunDirectory
from pytrace_mono.train.steps import NOTHING, Step, Steps, step_of


def losses_of(model: Any, row: list[Document], config: TrainConfig, device: torch.device) -> Tensor:
    """The loss of each label of Documents end to end, in order; there is no padding.

    The first token of each is masked, so that none predicts the next; positions begin anew in each.
    """
    compiled = backend_of(config) is not None
    longest = max(map(len, row))
    if compiled:
        longest = config.context
        row = filled(row, compiled_length(sum(map(len, row)), config), longest)
    boundaries = _sent([0, *accumulate(map(len, row))], device, torch.int32)
    if compiled:
        torch._dynamo.mark_dynamic(boundaries, 0)
    tokens = [token for document in row for token in document.tokens]
    positions = [position for document in row for position in range(len(document))]
    labels = [label for document in row for label in document.labels]
    labelled = [place for place, label in enumerate(labels) if label != IGNORED]
    losses: Tensor = model(
        inputs={
            "input_ids": _sent([tokens], device),
            "position_ids": _sent([positions], device),
            "boundaries": boundaries,
            "longest": longest,
        },
        before=_sent([place - 1 for place in labelled], device),
        labels=_sent([tokens[place] for place in labelled], device),
    )
    return losses


def compile_layers(model: Any, config: TrainConfig, device: torch.device) -> None:
    """Have layers compiled for both lengths of a pass, before any weight has a gradient.

    Where one has, of another dtype than its own, the compiler breaks a layer into many parts.
    """
    for tokens in (1, config.pass_tokens):
        losses_of(model, filled(NOTHING, tokens, config.context), config, device)


def _sent(numbers: list[Any], device: torch.device, dtype: torch.dtype = torch.long) -> Tensor:
    """Numbers on a device, without waiting there for what it still computes."""
    here = torch.tensor(numbers, dtype=dtype, pin_memory=device.type == "cuda")
    return here.to(device, non_blocking=True)


class FineTuner(Trainer):  # type: ignore[misc]  # transformers says nothing of its type
    """Trains a model on Steps.

    A Step is what the Trainer calls a batch; the passes through the model within it are ours, so that
    the loss is the mean over all labels of the step whatever passes and processes they fall to.

    Args:
        model: as :func:`~pytrace_mono.train.model.prepared` leaves it.
        tokenizer: saved beside it.
        data: documents to learn from, and to evaluate on.
        directory: of the run, which knows its configuration.

    Raises:
        TrainingError: weights were to be sharded, and nothing is here to shard them over.
        PrerequisiteError: DeepSpeed was asked for and is not installed.
    """

    def __init__(self, model: Any, tokenizer: Any, data: Data, directory: RunDirectory) -> None:
        config = directory.config
        self._config, self._directory = config, directory
        arguments = arguments_of(config, len(Steps(data.train, config)), bool(data.held_out))
        rank, world = arguments.process_index, arguments.world_size
        self._held_out = step_of(data.held_out, config.pass_tokens, "held out", rank, world)
        self._compiled = backend_of(config) is None
        self._flops = Flops.of(model)
        self._since = time.perf_counter()
        super().__init__(
            model=model,
            args=arguments,
            train_dataset=Steps(data.train, config, rank, world),
            eval_dataset=[self._held_out],
            processing_class=tokenizer,
            optimizer_cls_and_kwargs=optimizer_of(config),
        )
        self.remove_callback(PrinterCallback)
        if config.fsdp and self.accelerator.distributed_type is not DistributedType.FSDP:
            raise TrainingError(NOT_SHARDED)
        # Not by DDP, which takes gradients of the weights' dtype alone, and keeps a copy of them.
        prepare = self.accelerator.prepare_model
        self.accelerator.prepare_model = partial(prepare, evaluation_mode=True)

    def get_train_dataloader(self) -> Any:
        """Each process makes its own share of each Step: nothing is to be spread by accelerate."""
        return DataLoader(self.train_dataset, collate_fn=lambda steps: {"step": steps[0]})

    def training_step(self, model: Any, inputs: dict[str, Any], *_: Any, **__: Any) -> Tensor:
        """The gradient of one Step.

        Raises:
            TrainingError: the loss is not a finite number; the weights are as they were.
        """
        step: Step = inputs["step"]
        model.train()
        if not self._compiled:
            compile_layers(model, self._config, self.args.device)
            self._compiled = True
        passes = []
        for number, row in enumerate(step.rows, 1):
            self.accelerator.gradient_state._set_sync_gradients(number == len(step.rows))
            with self.compute_loss_context_manager():
                losses = losses_of(model, row, self._config, self.args.device)
                # Gradients are averaged over the processes; the loss is a mean over all labels.
                loss = losses.sum() * (self.args.world_size / step.labels)
            self.accelerator.backward(loss)
            passes.append(losses.detach())
        if self.args.world_size > 1 and not self._config.sharded:
            for weight in model.parameters():
                if weight.grad is not None:
                    weight.grad = self.accelerator.reduce(weight.grad, "mean")
        mean, per_task = self._means(step, passes)
        if not math.isfinite(mean):
            raise self._diverged(f"the loss is {mean}")
        self._last = step, per_task
        return torch.tensor(mean, device=self.args.device)

    def _clip_grad_norm(self, model: Any) -> Any:
        norm = super()._clip_grad_norm(model)
        if norm is not None and not math.isfinite(norm):
            raise self._diverged(f"the norm of the gradient is {float(norm)}")
        return norm

    def _diverged(self, what: str) -> TrainingError:
        masters = " or precision=mixed" if self._config.precision == "stochastic" else ""
        return TrainingError(
            f"step {self.state.global_step + 1}: {what}; stopped, and nothing of it was written; "
            f"{self._directory.kept}. A lower learning_rate, a longer warmup_steps{masters} may help."
        )

    @torch.no_grad()
    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """The losses on what was held out, per task and in all."""
        model = self.model_wrapped
        model.eval()
        with self.compute_loss_context_manager():
            passes = [
                losses_of(model, row, self._config, self.args.device) for row in self._held_out.rows
            ]
        mean, per_task = self._means(self._held_out, passes)
        metrics = {"eval_loss": mean, **{f"eval_{task}": loss for task, loss in per_task.items()}}
        self.log(metrics)
        self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _means(self, step: Step, passes: list[Tensor]) -> tuple[float, dict[str, float]]:
        """The mean of the labels' losses over all processes, and that of each task."""
        exact = torch.cat(passes).double()
        shown = [document for row in step.rows for document in row]
        tasks = [TASKS.index(one.task) for one in shown for _ in one.tokens[one.prompt_tokens :]]
        sums = torch.zeros(2, len(TASKS), dtype=exact.dtype, device=exact.device)
        sums.index_add_(1, _sent(tasks, exact.device), torch.stack([exact, torch.ones_like(exact)]))
        losses, labels = self.accelerator.reduce(sums).tolist()
        per_task = {
            f"loss_{task}": loss / count
            for task, loss, count in zip(TASKS, losses, labels, strict=True)
            if count
        }
        return sum(losses) / sum(labels), per_task

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """What the Trainer logs of a step, and what we measured; not its summary of the whole run."""
        if "loss" in logs:
            step, per_task = self._last
            seconds = time.perf_counter() - self._since
            speed = measured(self._flops, step, seconds, self.args.world_size)
            logs = {**logs, **per_task, **speed}
        if "train_loss" not in logs:
            super().log(logs, start_time)
        self._since = time.perf_counter()

    def floating_point_ops(self, inputs: Any) -> int:
        """Ours are counted by :class:`~pytrace_mono.train.meter.Flops`."""
        return 0

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        with self._directory.writing(f"checkpoint-{self.state.global_step}"):
            super()._save_checkpoint(model, trial)
            self.accelerator.wait_for_everyone()  # each writes its own state of chance
            if self.is_world_process_zero():
                self._directory.complete(self.state.global_step)
        self._since = time.perf_counter()  # what took place until now was no training
