"""What a run measures while it goes on: tokens per second, MFU, memory; a log, a bar, two pictures."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tqdm.auto import tqdm
from transformers import TrainerCallback

from pytrace_mono.train.rundir import RunDirectory
from pytrace_mono.train.steps import Step

LOG = "log.jsonl"
# Dense bf16 TFLOP/s of the vendors' data sheets, without sparsity. The first name that is part of the
# device's counts.
_PEAK_TFLOPS = (
    ("H100 PCIe", 756.0), ("H100", 989.4), ("H200", 989.4), ("B200", 2250.0),
    ("A100", 312.0), ("L40S", 362.0), ("L40", 181.0), ("A10G", 70.0), ("L4", 121.0), ("RTX 4090", 165.2),
)  # fmt: skip


def peak_flops(device: str) -> float | None:
    """Dense bf16 FLOP/s of a GPU by its name; None for one that is not in the table, and for CPUs."""
    return next((peak * 1e12 for name, peak in _PEAK_TFLOPS if name in device), None)


@dataclass(frozen=True)
class Flops:
    """What training needs in floating-point operations, by the model's dimensions.

    ``6 N tokens + 6 H labels + 6 L d sum(n^2)``: two for a multiply and an add, three times, for the
    forward pass and for both factors' gradients; causal attention within documents of n tokens; the
    output layer where there is a label. With adapters the frozen weights have no gradient: 4 for 6 in
    the first two. What is computed again in checkpointing is not counted, nor is padding.

    Attributes:
        matrices: N, weights of the decoder's matrices.
        head: H, weights of the output layer.
        attention: L d, layers times the width of all heads.
        per_weight: 6, or 4 with adapters.
    """

    matrices: int
    head: int
    attention: int
    per_weight: int

    @classmethod
    def of(cls, model: Any) -> Flops:
        """For a model, from its modules and configuration."""
        config = model.config
        heads = config.num_attention_heads
        output = model.get_output_embeddings()
        frozen = any("lora_" in name for name, _ in model.named_parameters())
        width = getattr(config, "head_dim", None) or config.hidden_size // heads
        # By what a layer takes and gives: 4-bit weights are stored in another shape.
        matrices = sum(
            part.in_features * part.out_features
            for name, part in model.get_decoder().named_modules()
            if isinstance(part, torch.nn.Linear) and "lora_" not in name
        )
        return cls(
            matrices,
            output.in_features * output.out_features,
            config.num_hidden_layers * heads * width,
            4 if frozen else 6,
        )

    def of_step(self, step: Step) -> float:
        """For the documents of a step."""
        of_weights = self.per_weight * (self.matrices * step.tokens + self.head * step.labels)
        return float(of_weights + 6 * self.attention * step.squares)


def measured(flops: Flops, step: Step, seconds: float, devices: int) -> dict[str, float]:
    """Tokens per second, MFU where the device's peak is known, peak memory.

    Args:
        flops: of the model.
        step: what was done.
        seconds: that it took.
        devices: how many shared the work.
    """
    seen = {"tokens_per_second": step.tokens / seconds}
    peak = peak_flops(device_found()[0])
    if peak is not None:
        seen["mfu"] = flops.of_step(step) / seconds / (peak * devices)
    return seen | {"peak_memory_gb": peak_memory() / 1e9}


def device_found() -> tuple[str, int]:
    """The name and the memory, in bytes, of what training would run on here."""
    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        return properties.name, properties.total_memory
    return "CPU", os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def peak_memory() -> int:
    """Most bytes held so far: by CUDA's allocator, else by this process."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    # Linux keeps the maximum of getrusage() over exec: it would be that of whoever started us.
    status = Path("/proc/self/status")
    if status.exists():
        most = next(row for row in status.read_text().splitlines() if row.startswith("VmHWM:"))
        return int(most.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS


class Reporter(TrainerCallback):  # type: ignore[misc]  # transformers says nothing of its type
    """The bar and ``log.jsonl``, for the first process alone.

    Args:
        directory: of the run.
        quiet: show no bar.
    """

    def __init__(self, directory: RunDirectory, quiet: bool) -> None:
        self._directory, self._quiet = directory, quiet
        self._bar = tqdm(disable=True)

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        # What a killed run logged after its last checkpoint will be logged again.
        self._write("w", state.log_history)
        self._bar = tqdm(
            total=state.max_steps,
            initial=state.global_step,
            unit="step",
            disable=self._quiet,
            # In a file each drawing is a line of its own.
            mininterval=0.1 if sys.stderr.isatty() else 10,
        )

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> None:
        self._write("a", state.log_history[-1:])
        if "loss" in logs:
            shown = {"loss": f"{logs['loss']:.4f}", "tokens/s": f"{logs['tokens_per_second']:.0f}"}
            if "mfu" in logs:
                shown["MFU"] = f"{logs['mfu']:.1%}"
            self._bar.set_postfix(shown, refresh=False)
            self._bar.update(state.global_step - self._bar.n)

    def close(self) -> None:
        """However the run ends, what is said then stands below the bar."""
        self._bar.close()

    def _write(self, mode: str, logged: list[dict[str, float]]) -> None:
        file = self._directory.path / LOG
        with self._directory.writing(LOG), file.open(mode, encoding="utf-8") as stream:
            for values in logged:
                # The Trainer's epoch is the whole run.
                line = {key: value for key, value in values.items() if key != "epoch"}
                stream.write(json.dumps(line) + "\n")


def draw(lines: list[dict[str, Any]], directory: Path) -> None:
    """``loss.png`` and ``throughput.png`` from what a run logged."""
    from matplotlib.figure import Figure

    for name, label, prefix in (
        ("loss.png", "loss per label, in nats", "loss"),
        ("throughput.png", "tokens per second", "tokens_per_second"),
    ):
        figure = Figure(figsize=(8, 4.5), layout="constrained")
        axes = figure.add_subplot(xlabel="step", ylabel=label)
        for key in dict.fromkeys(key for line in lines for key in line if prefix in key):
            points = [(line["step"], line[key]) for line in lines if key in line]
            words = key.replace("eval_", "held out: ").replace("_", " ")
            marker = "o" if key.startswith("eval_") or len(points) == 1 else None
            axes.plot(*zip(*points, strict=True), marker=marker, label=words)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        figure.legend(loc="outside right upper")  # a line for each task leaves no room within
        figure.savefig(directory / name, dpi=120)
