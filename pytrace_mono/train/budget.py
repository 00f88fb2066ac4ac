"""What a run would take, before it begins: rows, steps, memory, operations, hours."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import torch

from pytrace_mono.errors import TrainingError
from pytrace_mono.train.arguments import processes
from pytrace_mono.train.compiling import backend_of, why_not
from pytrace_mono.train.config import LoraConfig, TrainConfig
from pytrace_mono.train.data import Data, load_data, read_all
from pytrace_mono.train.encode import Document
from pytrace_mono.train.finetune import losses_of
from pytrace_mono.train.memory import Memory, memory_here, shape_of
from pytrace_mono.train.meter import Flops, peak_flops, peak_memory
from pytrace_mono.train.model import load_model, load_tokenizer, model_config
from pytrace_mono.train.optim import StochasticAdamW
from pytrace_mono.train.pack import PackedRow, join, pack
from pytrace_mono.train.steps import Steps

_USABLE = 0.95  # of a device: the rest goes to its context and to gaps between allocations
_ASSUMED_MFU = 0.40
_COMPARED_BATCH = 8


def device_found() -> tuple[str, int]:
    """The name and the memory, in bytes, of what training would run on here."""
    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        return properties.name, properties.total_memory
    return "CPU", os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def require_fit(
    config: TrainConfig, need: Callable[[TrainConfig], int], device: str, has: int
) -> None:
    """Stop before anything is loaded where it cannot fit.

    Args:
        config: of the run.
        need: total bytes for a configuration.
        device: its name.
        has: its bytes.

    Raises:
        TrainingError: it does not fit; the message names the nearest setting that does.
    """
    needed = need(config)
    if needed <= has * _USABLE:
        return
    words = f"needs {needed / 1e9:.1f} GB, and {device} has {has / 1e9:.1f} GB."
    changes: list[tuple[str, dict[str, Any]]] = []
    for change in _savings(config):
        changes.append(change)
        if need(_changed(config, changes)) <= has * _USABLE:
            break
    else:
        raise TrainingError(
            f"this run {words} No setting makes it fit; take a smaller model or more GPUs."
        )
    for change in changes[:-1]:  # what was tried on the way may not be needed
        fewer = [other for other in changes if other is not change]
        if need(_changed(config, fewer)) <= has * _USABLE:
            changes = fewer
    fits = need(_changed(config, changes)) / 1e9
    raise TrainingError(
        f"this run {words} The nearest setting that fits, with {fits:.1f} GB:\n  "
        + " ".join(f"--set {setting}" for setting, _ in changes)
    )


def _savings(config: TrainConfig) -> list[tuple[str, dict[str, Any]]]:
    """Changes that need less memory, the least harmful first, as settings and as fields."""
    lora = config.lora or LoraConfig.model_validate({})
    savings: list[tuple[str, dict[str, Any]]] = [
        ("checkpointing=1.0", {"checkpointing": 1.0}),
        (f"pass_tokens={config.context}", {"pass_tokens": config.context}),
        ("precision=stochastic", {"precision": "stochastic"}),
        ("gradients=bf16", {"gradients": "bf16"}),
        ("moments=8-bit", {"moments": "8-bit"}),
        (f"lora.rank={lora.rank}", {"lora": lora}),
        ("lora.quantize=true", {"lora": lora.model_copy(update={"quantize": True})}),
    ]
    if config.fsdp or config.deepspeed is not None:  # shards have real masters
        del savings[2:5]
    return [
        (setting, fields)
        for setting, fields in savings
        if any(getattr(config, key) != value for key, value in fields.items())
    ]


def _changed(config: TrainConfig, changes: list[tuple[str, dict[str, Any]]]) -> TrainConfig:
    for _, fields in changes:
        config = config.model_copy(update=fields)
    return config


def worst_pass(config: TrainConfig) -> PackedRow:
    """A full pass of documents as long as the context, each token but the first with a label."""
    lengths = [config.context] * (config.pass_tokens // config.context)
    rest = config.pass_tokens % config.context
    return join([Document("plain", [0] * n, 1) for n in [*lengths, *([rest] if rest > 1 else [])]])


def worst_step(config: TrainConfig, model: Any, device: torch.device) -> tuple[float, int]:
    """Seconds of the worst pass, forward and back, and the peak memory, an optimizer's step included."""
    model.to(device).train()
    optimizer = StochasticAdamW(
        [w for w in model.parameters() if w.requires_grad], eight_bits=config.moments == "8-bit"
    )
    row, seconds = worst_pass(config), 0.0
    for _ in range(2):  # the first pass also warms up
        start = time.perf_counter()
        with torch.autocast(device.type, torch.bfloat16, enabled=config.precision == "mixed"):
            loss = losses_of(model, row, config, device).mean()
        torch.autograd.backward(loss)
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds = time.perf_counter() - start
    optimizer.step()
    return seconds, peak_memory()


def dry_run(config: TrainConfig) -> str:
    """What ``--dry-run`` prints.

    Raises:
        TrainingDataError: the rows cannot be trained on.
        TrainingError: the model cannot be loaded, or does not fit.
    """
    rows = read_all(config)
    tokenizer = load_tokenizer(config, rows)
    data = load_data(config, tokenizer, rows)
    description = model_config(config, tokenizer)
    world = processes()
    device, has = device_found()
    memory = memory_here(config, description)
    lines = [*_rows_told(config, data), "", *_memory_told(memory, device, has)]
    order = Steps(data.train, config).order
    tokens = sum(len(data.train[index]) for index in order)
    labels = tokens - sum(data.train[index].prompt_tokens for index in order)
    squares = sum(len(data.train[index]) ** 2 for index in order)
    flops = Flops.of(shape_of(config, description, description.num_hidden_layers))
    work = flops.of_step(tokens, labels, squares)
    if backend_of(config) is None and torch.cuda.is_available():
        lines.append(f"layers are not compiled: {why_not() or 'they are no plain ones'}; slower")
    lines += ["", f"operations: {work / tokens / 1e9:.3g} GFLOP a token, {work:.3g} FLOP in all"]
    peak = peak_flops(device)
    if peak is None:
        lines.append("hours: not known, since the peak of this device is not in the table")
    else:
        hours = work / (peak * world * _ASSUMED_MFU) / 3600
        lines.append(f"hours: {hours:.1f} at {_ASSUMED_MFU:.0%} MFU, which is assumed")
    require_fit(config, lambda c: memory_here(c, description).total, device, has)
    if torch.cuda.is_available() and world == 1:
        seconds, most = worst_step(config, load_model(config, tokenizer), torch.device("cuda"))
        size = config.pass_tokens
        one = flops.of_step(size, size, size * config.context)
        lines.append(
            f"worst pass, run now: {size / seconds:.0f} tokens/s, peak memory {most / 1e9:.1f} GB"
            + ("" if peak is None else f", MFU {one / seconds / peak:.1%}, hours at that: ")
            + ("" if peak is None else f"{work / one * seconds / 3600:.1f}")
        )
    return "\n".join(lines)


def _rows_told(config: TrainConfig, data: Data) -> list[str]:
    kept, tokens = Counter[str](), Counter[str]()
    for document in data.train:
        kept[document.task] += 1
        tokens[document.task] += len(document)
    steps = Steps(data.train, config)
    lengths = [len(document) for document in data.train]
    batches = [lengths[at : at + _COMPARED_BATCH] for at in range(0, len(lengths), _COMPARED_BATCH)]
    padded = sum(max(batch) * len(batch) for batch in batches)
    lines = [f"rows to learn from: {len(data.train)}, held out: {len(data.held_out)}"]
    lines += [f"  {task}: {kept[task]} rows, {tokens[task]} tokens" for task in sorted(kept)]
    lines += [f"  left out: {n} {why} ({task})" for (task, why), n in sorted(data.dropped.items())]
    return [
        *lines,
        f"padding: {_padding(config, steps, data):.1%}, since documents are packed; batches of "
        f"{_COMPARED_BATCH} padded to the longest would be {1 - sum(lengths) / padded:.1%} padding",
        f"steps: {len(steps)} of {config.samples_per_step} samples ({config.epochs} epochs)",
    ]


def _padding(config: TrainConfig, steps: Steps, data: Data) -> float:
    """The share of what goes through the model; none where passes are as long as what is in them."""
    if backend_of(config) is None:
        return 0.0
    lengths, size = [len(data.train[index]) for index in steps.order], config.samples_per_step
    parts = [lengths[at : at + size] for at in range(0, len(lengths), size)]
    passes = sum(len(pack(part, config.pass_tokens, "")) for part in parts)
    return 1 - sum(lengths) / (passes * config.pass_tokens)


def _memory_told(memory: Memory, device: str, has: int) -> list[str]:
    parts = ("weights", "gradients", "moments", "activations")
    lines = [f"  {part:<12}{getattr(memory, part) / 1e9:8.2f} GB" for part in parts]
    verdict = "fits" if memory.total <= has * _USABLE else "does not fit"
    return [
        "memory on each device:",
        *lines,
        f"  {'at most':<12}{memory.total / 1e9:8.2f} GB; {device} has {has / 1e9:.1f} GB: {verdict}",
    ]
