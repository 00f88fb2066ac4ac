"""The memory that a run takes, computed for the dimensions at hand, before anything is loaded.

Weights, gradients and moments are counted; activations come from a forward pass on the meta device,
where tensors have shapes and no storage.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM

from pytrace_mono.train.arguments import processes
from pytrace_mono.train.attention import NAME
from pytrace_mono.train.blocks import BLOCK
from pytrace_mono.train.compiling import backend_of
from pytrace_mono.train.config import TrainConfig
from pytrace_mono.train.model import CHUNK, prepared
from pytrace_mono.train.optim import SMALL

_known: dict[tuple[Any, ...], int] = {}


class Memory(NamedTuple):
    """Bytes on each device; their sum is the most that is held at once.

    Attributes:
        weights: with their bf16 copies, where autocast keeps some.
        gradients: of what is trained.
        moments: of AdamW.
        activations: of one pass, and the logits of one chunk of labels.
    """

    weights: int
    gradients: int
    moments: int
    activations: int


def memory_of(config: TrainConfig, description: Any, world: int, compiled: bool) -> Memory:
    """The memory that training takes.

    Args:
        config: of the run.
        description: the model's configuration, as transformers has it.
        world: number of processes.
        compiled: whether the layers are (see :mod:`~pytrace_mono.train.compiling`), which keeps less
            for the backward pass.
    """
    model = shape_of(config, description, description.num_hidden_layers)
    size = 2 if config.precision == "stochastic" else 4
    weights = gradients = moments = 0
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
    shards = world if config.sharded else 1
    activations = _activations(config, description, compiled)
    return Memory(weights // shards, gradients // shards, moments // shards, activations)


def _activations(config: TrainConfig, description: Any, compiled: bool) -> int:
    one, two = (_kept(config, description, layers, compiled) for layers in (1, 2))
    layer, around = two - one, 2 * one - two
    count = int(description.num_hidden_layers)
    again = int(count * config.checkpointing)
    narrow = 4 if config.precision == "fp32" else 2
    states = config.pass_tokens * int(description.hidden_size) * narrow
    # logits in two dtypes, their gradient in two
    logits = min(CHUNK, config.pass_tokens) * int(description.vocab_size) * (8 + 2 * narrow)
    # gradients of the widest layer's parts that exist together
    backward = 3 * config.pass_tokens * int(description.intermediate_size) * narrow
    kept = around + layer * (count - again) + states * again + (layer if again else 0)
    # The states of the labels, and their gradient, too.
    return kept + 2 * states + max(logits, backward)


def _kept(config: TrainConfig, description: Any, layers: int, compiled: bool) -> int:
    """Bytes that a decoder of so many layers keeps for the backward pass; counted once."""
    decides = (config.pass_tokens, config.precision, config.lora, description.to_json_string())
    key = (layers, compiled, *decides)
    if key in _known:
        return _known[key]
    plain = config.model_copy(update={"checkpointing": 0.0})
    # What is kept is decided before any code is made, which this backend leaves out.
    backend = "aot_eager_decomp_partition" if compiled else None
    model = shape_of(plain, description, layers, backend)
    own = {weight.untyped_storage()._cdata for weight in model.parameters()}
    seen: dict[int, Tensor] = {}

    def pack(tensor: Tensor) -> Tensor:
        if tensor.untyped_storage()._cdata not in own:
            seen[tensor.untyped_storage()._cdata] = tensor
        return tensor

    tokens = torch.zeros(1, config.pass_tokens, dtype=torch.long, device="meta")
    boundaries = torch.zeros(2, dtype=torch.int32, device="meta")
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        model.get_decoder()(
            input_ids=tokens, position_ids=tokens, attention_mask=None, use_cache=False,
            boundaries=boundaries, longest=config.pass_tokens,
        )  # fmt: skip
    if compiled:  # the layers that are trained are to be compiled as if there had been none before
        torch._dynamo.reset()
    _known[key] = sum(int(tensor.untyped_storage().nbytes()) for tensor in seen.values())
    return _known[key]


def shape_of(config: TrainConfig, description: Any, layers: int, backend: str | None = None) -> Any:
    """The model as it is trained, without storage; ``backend`` as for ``prepared``."""
    description = type(description)(**{**description.to_dict(), "num_hidden_layers": layers})
    dtype = torch.float32 if config.precision == "fp32" else torch.bfloat16
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(description, dtype=dtype, attn_implementation=NAME)
    return prepared(model, config, backend)


def memory_here(config: TrainConfig, description: Any) -> Memory:
    """That of a process on this machine, under torchrun of one of its processes."""
    return memory_of(config, description, processes(), backend_of(config) is not None)
