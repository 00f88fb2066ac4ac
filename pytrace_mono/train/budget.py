"""What a run would take, before it begins: rows, steps, memory, operations, hours."""

from __future__ import annotations

import time
from typing import Any

import torch

from pytrace_mono.errors import TrainingError
from pytrace_mono.train.arguments import optimizer_of, processes
from pytrace_mono.train.compiling import backend_of, compiled_length, why_not
from pytrace_mono.train.config import LoraConfig, TrainConfig
from pytrace_mono.train.data import Data, Document, digests_of, load_data, read_all
from pytrace_mono.train.finetune import losses_of
from pytrace_mono.train.memory import memory_here, shape_of
from pytrace_mono.train.meter import Flops, device_found, peak_flops, peak_memory
from pytrace_mono.train.model import load_model, load_tokenizer, model_config
from pytrace_mono.train.rows import TASKS, Row
from pytrace_mono.train.rundir import RunDirectory
from pytrace_mono.train.steps import Steps

_USABLE = 0.95  # of a device: the rest goes to its context and to gaps between allocations
_ASSUMED_MFU = 0.40
_Saving = tuple[str, dict[str, Any]]  # a setting, as it is given and as fields


def require_fit(config: TrainConfig, description: Any) -> None:
    """Stop before anything is loaded where it cannot fit.

    Args:
        config: of the run.
        description: the model's configuration, as transformers has it.

    Raises:
        TrainingError: it does not fit; the message names the nearest setting that does.
    """
    device, has = device_found()

    def taken(savings: list[_Saving]) -> int:
        changes = {key: value for _, fields in savings for key, value in fields.items()}
        return sum(memory_here(config.model_copy(update=changes), description))

    needed, usable = taken([]), has * _USABLE
    if needed <= usable:
        return
    words = f"this run needs {needed / 1e9:.1f} GB, and {device} has {has / 1e9:.1f} GB."
    chosen: list[_Saving] = []
    for saving in _savings(config):
        chosen.append(saving)
        if taken(chosen) <= usable:
            break
    else:
        raise TrainingError(f"{words} No setting makes it fit; take a smaller model or more GPUs.")
    for saving in chosen[:-1]:  # what was tried on the way may not be needed
        fewer = [other for other in chosen if other is not saving]
        if taken(fewer) <= usable:
            chosen = fewer
    raise TrainingError(
        f"{words} The nearest setting that fits, with {taken(chosen) / 1e9:.1f} GB:\n  "
        + " ".join(f"--set {setting}" for setting, _ in chosen)
    )


def _savings(config: TrainConfig) -> list[_Saving]:
    """Changes that need less memory, the least harmful first."""
    lora = config.lora or LoraConfig.model_validate({})
    savings: list[_Saving] = [
        ("checkpointing=1.0", {"checkpointing": 1.0}),
        (f"pass_tokens={config.context}", {"pass_tokens": config.context}),
        ("precision=stochastic", {"precision": "stochastic"}),
        ("gradients=bf16", {"gradients": "bf16"}),
        ("moments=8-bit", {"moments": "8-bit"}),
        (f"lora.rank={lora.rank}", {"lora": lora}),
    ]
    if torch.cuda.is_available() and config.scratch is None:  # as the run would refuse it
        quantized = lora.model_copy(update={"quantize": True})
        savings.append(("lora.quantize=true", {"lora": quantized}))
    if config.sharded:  # shards have real masters
        del savings[2:5]
    return savings


def ready(config: TrainConfig, rows: list[Row]) -> tuple[Any, Data, Any]:
    """The tokenizer, the documents, and the model as transformers describes it, which fits.

    Raises:
        TrainingDataError: the rows cannot be trained on.
        TrainingError: the tokenizer or the model cannot be loaded, or it does not fit.
    """
    tokenizer = load_tokenizer(config, rows)
    data = load_data(config, tokenizer, rows)
    description = model_config(config, tokenizer)
    require_fit(config, description)
    return tokenizer, data, description


def worst_pass(config: TrainConfig) -> list[Document]:
    """A full pass of documents as long as the context, each token but the first with a label."""
    starts = range(0, config.pass_tokens, config.context)
    lengths = [min(config.context, config.pass_tokens - start) for start in starts]
    return [Document("plain", [0] * length, 1) for length in lengths if length > 1]


def worst_step(config: TrainConfig, model: Any, device: torch.device) -> tuple[float, int]:
    """Seconds of the worst pass, forward and back, and the peak memory, an optimizer's step included."""
    model.to(device).train()
    kind, options = optimizer_of(config)
    optimizer = kind([weight for weight in model.parameters() if weight.requires_grad], **options)
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
        TrainingError: the output holds something else; the model cannot be loaded, or does not fit.
    """
    rows = read_all(config)
    RunDirectory(config, digests_of(config))  # refused here, as it would be by the run
    tokenizer, data, description = ready(config, rows)
    device, has = device_found()
    memory = memory_here(config, description)
    flops = Flops.of(shape_of(config, description, description.num_hidden_layers))
    compiled = backend_of(config) is not None
    tokens = passes = filled = 0
    work = 0.0
    steps = Steps(data.train, config)
    for step in steps:
        tokens, passes = tokens + step.tokens, passes + len(step.rows)
        lengths = [sum(map(len, row)) for row in step.rows]
        filled += sum(compiled_length(n, config) if compiled else n for n in lengths)
        work += flops.of_step(step)
    lines = [
        *_rows_told(data),
        f"steps: {len(steps)} of {config.samples_per_step} samples ({config.epochs} epochs), "
        f"{tokens} tokens and {1 - tokens / filled:.1%} padding in {passes} passes",
        "memory on each device:",
        *(f"  {part:<12}{size / 1e9:8.2f} GB" for part, size in memory._asdict().items()),
        f"  {'at most':<12}{sum(memory) / 1e9:8.2f} GB; {device} has {has / 1e9:.1f} GB: fits",
        f"operations: {work / tokens / 1e9:.3g} GFLOP a token, {work:.3g} FLOP in all",
    ]
    if torch.cuda.is_available() and not compiled:
        lines.append(f"layers are not compiled: {why_not() or 'they are no plain ones'}; slower")
    hours = "not known, since the peak of this device is not in the table"
    if (peak := peak_flops(device)) is not None:
        took = work / (peak * processes() * _ASSUMED_MFU) / 3600
        hours = f"{took:.1f} at {_ASSUMED_MFU:.0%} MFU, which is assumed"
    lines.append(f"hours: {hours}")
    if torch.cuda.is_available() and processes() == 1:
        seconds, most = worst_step(config, load_model(config, tokenizer), torch.device("cuda"))
        lines.append(
            f"worst pass, run now: {config.pass_tokens / seconds:.0f} tokens/s, peak memory "
            f"{most / 1e9:.1f} GB; {passes * seconds / 3600:.1f} hours at that for all passes"
        )
    return "\n".join(lines)


def _rows_told(data: Data) -> list[str]:
    lines = [f"rows to learn from: {len(data.train)}, held out: {len(data.held_out)}"]
    for task in TASKS:
        if lengths := [len(document) for document in data.train if document.task == task]:
            lines.append(f"  {task}: {len(lengths)} rows, {sum(lengths)} tokens")
    dropped = sorted(data.dropped.items())
    return lines + [f"  left out: {count} {why} ({task})" for (task, why), count in dropped]
