"""Ask a model on this machine, as it was trained to be asked."""

from __future__ import annotations

from pathlib import Path

import torch
import transformers
from transformers import AutoModelForCausalLM

from pytrace_mono.train.model import loading, read_tokenizer
from pytrace_mono.train.rundir import require_model


def complete(model: str, prompt: str, most_tokens: int) -> str:
    """What a model says to a prompt, greedily.

    Args:
        model: a directory, or a name on the Hugging Face hub.
        prompt: as :mod:`pytrace_mono.tasks` renders it.
        most_tokens: stop there, if the model has not.

    Raises:
        TrainingError: the model cannot be loaded, or is a half-written checkpoint.
    """
    require_model(Path(model))
    transformers.utils.logging.disable_progress_bar()
    tokenizer = read_tokenizer(model, [prompt])
    device = "cuda" if torch.cuda.is_available() else "cpu"
    with loading("model", model):
        loaded = AutoModelForCausalLM.from_pretrained(model, dtype="auto").to(device).eval()
    # As in training: BOS, and the prompt tokenized apart from what follows.
    tokens = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    if tokenizer.bos_token_id is not None:
        tokens = [tokenizer.bos_token_id, *tokens]
    asked = torch.tensor([tokens], device=device)
    with torch.inference_mode():
        answered = loaded.generate(
            asked,
            attention_mask=torch.ones_like(asked),
            max_new_tokens=most_tokens,
            do_sample=False,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.eos_token_id,
        )
    return str(tokenizer.decode(answered[0, len(tokens) :], skip_special_tokens=True))
