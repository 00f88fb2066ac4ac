"""What a run would take, before it begins: rows, steps, memory, operations, hours.

Memory is computed for the dimensions at hand: weights, gradients and moments by counting; activations
by one forward pass on the meta device, where tensors have shapes and no storage.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface, AutoModelForCausalLM

from pytrace_mono.errors import TrainingError
from pytrace_mono.train.blocks import BLOCK
from pytrace_mono.train.config import LoraConfig, TrainConfig
from pytrace_mono.train.data import Data, load_data, read_all
from pytrace_mono.train.encode import Document
from pytrace_mono.train.finetune import losses_of
from pytrace_mono.train.loss import CHUNK
from pytrace_mono.train.meter import Flops, peak_flops, peak_memory
from pytrace_mono.train.model import load_model, load_tokenizer, model_config, prepared
from pytrace_mono.train.optim import SMALL, StochasticAdamW
from pytrace_mono.train.pack import PackedRow, join
from pytrace_mono.train.steps import Steps

_USABLE = 0.95  # of a device: the rest goes to its context and to gaps between allocations
_ASSUMED_MFU = 0.40
_COMPARED_BATCH = 8
_WORKSPACE = {"": 8, "bf16": 28, "8-bit": 40}  # bytes for each number of the largest weight


@dataclass(frozen=True)
class Memory:
    """Bytes on each device.

    Attributes:
        weights: with their bf16 copies, where autocast keeps some.
        gradients: with those in flight between processes.
        moments: of AdamW.
        activations: of one pass, and the logits of one chunk of labels.
        workspace: of the optimizer, for the largest weight; activations are gone by then.
    """

    weights: int
    gradients: int
    moments: int
    activations: int
    workspace: int

    @property
    def total(self) -> int:
        """The most that is held at once."""
        held = self.weights + self.gradients + self.moments
        return held + max(self.activations, self.workspace)


class _ShapeAttention(torch.autograd.Function):
    """What fused attention keeps for the backward pass: its inputs, its output, a sum per row."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        output = torch.empty_like(query)
        ctx.save_for_backward(query, key, value, output, query.new_empty(query.shape[:3]).float())
        return output


def _shape_attention(
    module: Any, query: Tensor, key: Tensor, value: Tensor, mask: None, **_: Any
) -> tuple[Any, None]:
    return _ShapeAttention.apply(query, key, value).transpose(1, 2), None  # type: ignore[no-untyped-call]  # torch's


AttentionInterface.register("shape", _shape_attention)


def memory_of(config: TrainConfig, description: Any, world: int = 1) -> Memory:
    """The memory that training takes.

    Args:
        config: of the run.
        description: the model's configuration, as transformers has it.
        world: number of processes.
    """
    model = shape_of(config, description, description.num_hidden_layers)
    size = 2 if config.precision == "stochastic" else 4
    weights = gradients = moments = largest = 0
    quantized = config.lora is not None and config.lora.quantize
    for name, weight in model.named_parameters():
        count = weight.numel()
        packed = quantized and weight.ndim == 2 and "layers" in name and "lora_" not in name
        weights += count // 2 + count // 16 if packed else count * size  # a scale for 64 weights
        if config.precision == "mixed" and not config.fsdp and weight.ndim == 2:
            weights += count * 2
        if weight.requires_grad:
            wide = config.precision != "stochastic" or config.gradients == "fp32"
            gradients += count * (4 if wide else 2)
            in_bytes = config.moments == "8-bit" and count > SMALL
            moments += 2 * (count + 4 * -(-count // BLOCK)) if in_bytes else count * 2 * size
            largest = max(largest, count)
    if world > 1 and not config.fsdp:
        gradients *= 2  # one copy in the buckets that are exchanged
    shards = world if config.fsdp or config.deepspeed is not None else 1
    return Memory(
        weights // shards,
        gradients // shards,
        moments // shards,
        _activations(config, description),
        largest // shards * _WORKSPACE[config.moments if config.precision == "stochastic" else ""],
    )


def _activations(config: TrainConfig, description: Any) -> int:
    def kept(layers: int) -> int:
        model = shape_of(config.model_copy(update={"checkpointing": 0.0}), description, layers)
        own = {weight.untyped_storage()._cdata for weight in model.parameters()}
        seen: dict[int, Tensor] = {}

        def pack(tensor: Tensor) -> Tensor:
            if tensor.untyped_storage()._cdata not in own:
                seen[tensor.untyped_storage()._cdata] = tensor
            return tensor

        tokens = torch.zeros(1, config.pass_tokens, dtype=torch.long, device="meta")
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            model.get_decoder()(input_ids=tokens, position_ids=tokens, use_cache=False)
        return sum(int(tensor.untyped_storage().nbytes()) for tensor in seen.values())

    one, two = kept(1), kept(2)
    layer, around = two - one, 2 * one - two
    count = int(description.num_hidden_layers)
    again = int(count * config.checkpointing)
    narrow = 4 if config.precision == "fp32" else 2
    states = config.pass_tokens * int(description.hidden_size) * narrow
    inside = config.pass_tokens * int(description.intermediate_size) * narrow
    # logits in two dtypes, their gradient in two
    logits = min(CHUNK, config.pass_tokens) * int(description.vocab_size) * (8 + 2 * narrow)
    backward = 3 * inside  # gradients of the widest layer's parts that exist together
    return (
        around
        + layer * (count - again)
        + states * again
        + (layer if again else 0)
        + 2 * states  # those of the labels, and their gradient
        + max(logits, backward)
    )


def shape_of(config: TrainConfig, description: Any, layers: int) -> Any:
    """The model as it is trained, without storage."""
    description = type(description)(**{**description.to_dict(), "num_hidden_layers": layers})
    dtype = torch.float32 if config.precision == "fp32" else torch.bfloat16
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(
            description, dtype=dtype, attn_implementation="shape"
        )
    lora = config.lora and config.lora.model_copy(update={"quantize": False})
    return prepared(model, config.model_copy(update={"lora": lora}))


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
        torch.autograd.backward(losses_of(model, row, device).mean())
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
    world = int(os.environ.get("WORLD_SIZE", "1"))
    device, has = device_found()
    memory = memory_of(config, description, world)
    lines = [*_rows_told(config, data), "", *_memory_told(memory, device, has)]
    order = Steps(data.train, config).order
    tokens = sum(len(data.train[index]) for index in order)
    labels = tokens - sum(data.train[index].prompt_tokens for index in order)
    squares = sum(len(data.train[index]) ** 2 for index in order)
    flops = Flops.of(shape_of(config, description, description.num_hidden_layers))
    work = flops.of_step(tokens, labels, squares)
    lines += ["", f"operations: {work / tokens / 1e9:.3g} GFLOP a token, {work:.3g} FLOP in all"]
    peak = peak_flops(device)
    if peak is None:
        lines.append("hours: not known, since the peak of this device is not in the table")
    else:
        hours = work / (peak * world * _ASSUMED_MFU) / 3600
        lines.append(f"hours: {hours:.1f} at {_ASSUMED_MFU:.0%} MFU, which is assumed")
    require_fit(config, lambda c: memory_of(c, description, world).total, device, has)
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
        f"padding: none, documents are packed; batches of {_COMPARED_BATCH} padded to the longest "
        f"would be {1 - sum(lengths) / padded:.1%} padding",
        f"steps: {len(steps)} of {config.samples_per_step} samples ({config.epochs} epochs)",
    ]


def _memory_told(memory: Memory, device: str, has: int) -> list[str]:
    parts = ("weights", "gradients", "moments", "activations", "workspace")
    lines = [f"  {part:<12}{getattr(memory, part) / 1e9:8.2f} GB" for part in parts]
    verdict = "fits" if memory.total <= has * _USABLE else "does not fit"
    return [
        "memory on each device:",
        *lines,
        f"  {'at most':<12}{memory.total / 1e9:8.2f} GB; {device} has {has / 1e9:.1f} GB: {verdict}",
    ]
