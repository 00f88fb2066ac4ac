"""The tokenizer and the model of a run, set up so that a forward pass gives the losses of the labels."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from types import MethodType
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    PreTrainedTokenizerFast,
)
from transformers.modeling_layers import GradientCheckpointingLayer

from pytrace_mono.errors import MissingExtraError, TrainingDataError, TrainingError
from pytrace_mono.train import attention
from pytrace_mono.train.compiling import backend_of
from pytrace_mono.train.config import LoraConfig, ScratchConfig, TrainConfig
from pytrace_mono.train.encode import Encoder
from pytrace_mono.train.loss import label_losses
from pytrace_mono.train.rows import Row


def load_tokenizer(config: TrainConfig, rows: list[Row]) -> Any:
    """The model's tokenizer, or for a model of random weights one made from the rows.

    Raises:
        TrainingError: it cannot be loaded.
        TrainingDataError: it loses part of the text, whichever class reads it.
    """
    if config.scratch is not None:
        texts = (text for row in rows for text in (row.prompt, row.completion))
        return _new_tokenizer(config.scratch, texts)
    return read_tokenizer(str(config.model), [row.completion for row in rows[:8]])


def read_tokenizer(name: str, sample: Iterable[str] = ()) -> Any:
    """The tokenizer of a model, by the first class that gives text back as it was.

    Raises:
        TrainingError: it cannot be loaded.
        TrainingDataError: it loses part of the text, whichever class reads it.
    """
    texts = [*sample, "def f(x):\n    if x:\n        return  1\n"]
    failures = []
    # Some versions of transformers read DeepSeek-Coder's as Llama's, which loses white space
    # (huggingface/transformers#46489); the general class takes tokenizer.json as it stands.
    for kind in (AutoTokenizer, PreTrainedTokenizerFast):
        try:
            tokenizer = kind.from_pretrained(name)
            Encoder(tokenizer, 1).require_round_trip(texts)
            return tokenizer
        except TrainingDataError as error:
            failures.append(error)
        except (OSError, ValueError) as error:
            raise _unloadable("tokenizer", name, error) from None
    raise failures[0]


def _new_tokenizer(scratch: ScratchConfig, texts: Iterable[str]) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    special = ["<s>", "</s>"]
    trainer = trainers.BpeTrainer(
        vocab_size=scratch.words,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    inner.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=inner, bos_token="<s>", eos_token="</s>")


def model_config(config: TrainConfig, tokenizer: Any) -> Any:
    """The architecture, as transformers describes it.

    Raises:
        TrainingError: it cannot be loaded.
    """
    scratch = config.scratch
    if scratch is not None:
        return LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=scratch.hidden,
            intermediate_size=4 * scratch.hidden,
            num_hidden_layers=scratch.layers,
            num_attention_heads=scratch.heads,
            max_position_embeddings=config.context,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
    try:
        return AutoConfig.from_pretrained(str(config.model))
    except (OSError, ValueError) as error:
        raise _unloadable("model", str(config.model), error) from None


def load_model(config: TrainConfig, tokenizer: Any) -> Any:
    """The model to train.

    Raises:
        TrainingError: it cannot be loaded, or its vocabulary is smaller than the tokenizer's.
        MissingExtraError: adapters were asked for and peft, or bitsandbytes, is not installed.
    """
    dtype = torch.bfloat16 if config.precision == "stochastic" else torch.float32
    description = model_config(config, tokenizer)
    options: dict[str, Any] = {"dtype": dtype, "attn_implementation": attention.NAME}
    torch.manual_seed(config.seed)
    if config.scratch is not None:
        model = AutoModelForCausalLM.from_config(description, **options)
    else:
        if config.lora is not None and config.lora.quantize:
            options |= _four_bits()
        try:
            model = AutoModelForCausalLM.from_pretrained(str(config.model), **options)
        except (OSError, ValueError) as error:
            raise _unloadable("model", str(config.model), error) from None
    if len(tokenizer) > model.get_input_embeddings().num_embeddings:
        raise TrainingError(
            f"{config.model}: the tokenizer has {len(tokenizer)} tokens, the model "
            f"{model.get_input_embeddings().num_embeddings}; they do not belong together."
        )
    return prepared(model, config, backend_of(config))


def prepared(model: Any, config: TrainConfig, backend: str | None) -> Any:
    """A causal language model as it is trained: losses for logits, adapters, checkpointed layers.

    Args:
        model: of transformers.
        config: of the run.
        backend: of :func:`torch.compile`, for each layer of the decoder; None: they are not compiled.
    """
    model.config.use_cache = False
    model.forward = MethodType(_forward_losses, model)
    if config.lora is not None:
        model = _with_adapters(model, config.lora)
    layers = [part for part in model.modules() if isinstance(part, GradientCheckpointingLayer)]
    for number, layer in enumerate(layers):
        if backend is not None:
            layer.forward = torch.compile(layer.forward, backend=backend)
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
    self: Any,
    input_ids: Tensor,
    labels: Tensor,
    position_ids: Tensor,
    boundaries: Tensor,
    longest: int,
    **_: Any,  # peft passes all that a forward pass could take, as None
) -> Tensor:
    """In place of the model's forward pass, since what wraps a model calls that."""
    output = self.get_decoder()(
        input_ids=input_ids,
        position_ids=position_ids,
        attention_mask=None,
        use_cache=False,
        boundaries=boundaries,
        longest=longest,
    )
    return label_losses(output.last_hidden_state, self.get_output_embeddings().weight, labels)


def _with_adapters(model: Any, lora: LoraConfig) -> Any:
    try:
        import peft
    except ImportError:
        raise MissingExtraError("training adapters (lora)", "peft", "train") from None
    description = peft.LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    # As the weights are: fp32 adapters would take their matrix products out of bf16.
    return peft.get_peft_model(model, description, autocast_adapter_dtype=False)


def _four_bits() -> dict[str, Any]:
    try:
        import bitsandbytes  # noqa: F401  # only whether it is there
    except ImportError:
        raise MissingExtraError("lora.quantize", "bitsandbytes", "qlora") from None
    from transformers import BitsAndBytesConfig

    if not torch.cuda.is_available():
        # bitsandbytes can run 4-bit weights on a CPU, but torch warns that one of its kernels there has
        # no gradient, and the loss does not fall.
        raise TrainingError("lora.quantize needs a CUDA GPU; leave it out to train in bf16.")
    return {
        "quantization_config": BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_compute_dtype=torch.bfloat16,
            bnb_4bit_use_double_quant=True,
        ),
        "device_map": {"": int(os.environ.get("LOCAL_RANK", "0"))},
    }


def merge_adapters(config: TrainConfig, tokenizer: Any, adapter: Path) -> Any:
    """The model with its adapters added to the weights, loaded anew: 4-bit ones cannot be added to."""
    import peft

    plain = config.model_copy(update={"lora": None, "checkpointing": 0.0})
    return peft.PeftModel.from_pretrained(load_model(plain, tokenizer), adapter).merge_and_unload()


def _unloadable(what: str, name: str, error: Exception) -> TrainingError:
    return TrainingError(
        f"{name}: its {what} cannot be loaded: {error}\n  Give a directory that holds one, or the name "
        "of one on the Hugging Face hub while it can be reached."
    )
