"""The tokenizer and the model of a run, set up so that a forward pass gives the losses of the labels."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import MethodType
from typing import Any

import peft
import torch
import transformers
from torch import Tensor
from torch.distributed.tensor import DTensor
from torch.nn import functional
from torch.utils.checkpoint import checkpoint
from transformers.modeling_layers import GradientCheckpointingLayer

from pytrace_mono.errors import MissingExtraError, TrainingError
from pytrace_mono.train import attention
from pytrace_mono.train.compiling import backend_of
from pytrace_mono.train.config import TrainConfig
from pytrace_mono.train.data import Encoder
from pytrace_mono.train.rows import Row

CHUNK = 1024  # labels whose logits exist at the same time


def load_tokenizer(config: TrainConfig, rows: list[Row]) -> Any:
    """The model's tokenizer, or for a model of random weights one made from the rows.

    Raises:
        TrainingError: it cannot be loaded.
        TrainingDataError: it loses part of the text.
    """
    if config.scratch is not None:
        texts = (text for row in rows for text in (row.prompt, row.completion))
        # Byte-level BPE.
        empty = transformers.GPT2Tokenizer(bos_token="<s>", eos_token="</s>", unk_token=None)
        return empty.train_new_from_iterator(texts, config.scratch.words, show_progress=False)
    return read_tokenizer(str(config.model), [row.completion for row in rows[:8]])


def read_tokenizer(name: str, sample: Iterable[str] = ()) -> Any:
    """The tokenizer of a model.

    Raises:
        TrainingError: it cannot be loaded.
        TrainingDataError: it loses part of the text.
    """
    # Not AutoTokenizer: some versions of transformers read DeepSeek-Coder's as Llama's, which loses
    # white space (huggingface/transformers#46489). This class takes tokenizer.json as it stands.
    with loading("tokenizer", name):
        tokenizer = transformers.PreTrainedTokenizerFast.from_pretrained(name)
    Encoder(tokenizer, 1).require_round_trip([*sample, "def f(x):\n    if x:\n        return  1\n"])
    return tokenizer


def model_config(config: TrainConfig, tokenizer: Any) -> Any:
    """The architecture, as transformers describes it.

    Raises:
        TrainingError: it cannot be loaded.
    """
    scratch = config.scratch
    if scratch is not None:
        return transformers.LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=scratch.hidden,
            intermediate_size=4 * scratch.hidden,
            num_hidden_layers=scratch.layers,
            num_attention_heads=scratch.heads,
            max_position_embeddings=config.context,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
    with loading("model", str(config.model)):
        return transformers.AutoConfig.from_pretrained(config.model)


def load_model(config: TrainConfig, tokenizer: Any) -> Any:
    """The model to train.

    Raises:
        TrainingError: it cannot be loaded, or its vocabulary is smaller than the tokenizer's.
        MissingExtraError: 4-bit weights were asked for and bitsandbytes is not installed.
    """
    dtype = torch.bfloat16 if config.precision == "stochastic" else torch.float32
    options: dict[str, Any] = {"dtype": dtype, "attn_implementation": attention.NAME}
    torch.manual_seed(config.seed)
    if config.scratch is not None:
        description = model_config(config, tokenizer)
        model = transformers.AutoModelForCausalLM.from_config(description, **options)
    else:
        if config.lora is not None and config.lora.quantize:
            options |= _four_bits()
        with loading("model", str(config.model)):
            model = transformers.AutoModelForCausalLM.from_pretrained(config.model, **options)
    known = model.get_input_embeddings().num_embeddings
    if len(tokenizer) > known:
        raise TrainingError(
            f"{config.model}: the tokenizer has {len(tokenizer)} tokens, the model {known}; they do "
            "not belong together."
        )
    return prepared(model, config, backend_of(config))


def prepared(model: Any, config: TrainConfig, backend: str | None) -> Any:
    """A causal language model as it is trained: losses for logits, adapters, checkpointed layers.

    Args:
        model: of transformers.
        config: of the run.
        backend: of :func:`torch.compile`, for each layer of the decoder; None: they are not compiled.
    """
    model.forward = MethodType(_forward_losses, model)
    if config.lora is not None:
        adapters = peft.LoraConfig(
            r=config.lora.rank,
            lora_alpha=config.lora.alpha,
            target_modules="all-linear",
            task_type="CAUSAL_LM",
        )
        # As the weights are: fp32 adapters would take their matrix products out of bf16.
        model = peft.get_peft_model(model, adapters, autocast_adapter_dtype=False)
        # By which the Trainer goes on from a checkpoint.
        model.load_adapter = partial(model.load_adapter, autocast_adapter_dtype=False)
    layers = [part for part in model.modules() if isinstance(part, GradientCheckpointingLayer)]
    for number, layer in enumerate(layers):
        if backend is not None:
            layer.forward = torch.compile(layer.forward, backend=backend, dynamic=False)
        # Spread evenly: where half are checkpointed, every second one. Not by transformers' flags,
        # which in some versions would be a part of what is compiled.
        if int((number + 1) * config.checkpointing) > int(number * config.checkpointing):
            layer.forward = partial(checkpoint, layer.forward, use_reentrant=False)
    if config.precision == "stochastic" and config.gradients == "fp32":
        for weight in model.parameters():
            if weight.requires_grad:
                weight.grad_dtype = torch.float32
    return model


def _forward_losses(
    self: Any, inputs: dict[str, Any], before: Tensor, labels: Tensor, **_: Any
) -> Tensor:
    """In place of the model's forward pass, since what wraps a model calls that.

    Args:
        self: the model.
        inputs: of the decoder.
        before: of each label, the place of the token before it.
        labels: those to be predicted.
        _: all else that a forward pass could take, which peft passes as None.
    """
    output = self.get_decoder()(**inputs, attention_mask=None, use_cache=False)
    head = self.get_output_embeddings().weight
    # Where adapters wrap the model, FSDP gathers it for its own layer only.
    if isinstance(head, DTensor):
        head = head.full_tensor()
    return label_losses(output.last_hidden_state[0].index_select(0, before), head, labels)


def label_losses(states: Tensor, head: Tensor, labels: Tensor, chunk: int = CHUNK) -> Tensor:
    """The cross-entropy of each label, in fp32, in order; their mean is the plain loss.

    Logits are the largest activation of all (2048 tokens x 32,256 words in fp32 are 264 MB, and their
    gradient as much again), and those of the prompt are never used. Here only labelled positions meet
    the output layer, and only one chunk of logits exists at a time, in the backward pass too.

    Args:
        states: (labels, width), what the last layer gives for the token before each label.
        head: (words, width), the output layer's weight.
        labels: (labels,).
        chunk: labels whose logits exist at the same time.
    """
    # Of no labels, split makes one part, so that there are no losses rather than an error.
    losses = [
        checkpoint(_losses, part, head, label, use_reentrant=False)
        for part, label in zip(torch.split(states, chunk), torch.split(labels, chunk), strict=True)
    ]
    return torch.cat(losses)


def _losses(states: Tensor, head: Tensor, labels: Tensor) -> Tensor:
    return functional.cross_entropy((states @ head.T).float(), labels, reduction="none")


def _four_bits() -> dict[str, Any]:
    if find_spec("bitsandbytes") is None:
        raise MissingExtraError("lora.quantize", "bitsandbytes", "qlora")
    if not torch.cuda.is_available():
        # bitsandbytes can run 4-bit weights on a CPU, but torch warns that one of its kernels there has
        # no gradient, and the loss does not fall.
        raise TrainingError("lora.quantize needs a CUDA GPU; leave it out to train in bf16.")
    return {
        "quantization_config": transformers.BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_compute_dtype=torch.bfloat16,
            bnb_4bit_use_double_quant=True,
        ),
        "device_map": {"": int(os.environ.get("LOCAL_RANK", "0"))},
    }


def merge_adapters(config: TrainConfig, tokenizer: Any, adapter: Path) -> Any:
    """The model with its adapters added to the weights, loaded anew: 4-bit ones cannot be added to."""
    plain = config.model_copy(update={"lora": None, "checkpointing": 0.0})
    return peft.PeftModel.from_pretrained(load_model(plain, tokenizer), adapter).merge_and_unload()


@contextmanager
def loading(what: str, name: str) -> Iterator[None]:
    """Tell what could not be loaded, and what to give instead."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise TrainingError(
            f"{name}: its {what} cannot be loaded: {error}\n  Give a directory that holds one, or the "
            "name of one on the Hugging Face hub while it can be reached."
        ) from None
