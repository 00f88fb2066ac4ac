"""A tokenizer made on the spot, and one thread: training is tested without a network, anywhere."""

from __future__ import annotations

from typing import Any

import pytest

try:
    import torch
except ImportError:  # the tests that need it skip
    pass
else:
    torch.set_num_threads(1)

TEXTS = [
    "def total(xs):\n    result = 0\n    for x in xs:\n        result += x\n    return result\n",
    "[MONOLOGUE]\n- [L3] `total` starts as `0`.\n[/MONOLOGUE]\n[ANSWER]\nassert f(1) == 2\n[/ANSWER]",
]


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    """A byte-level BPE tokenizer with BOS and EOS; it can spell every text."""
    tokenizers = pytest.importorskip("tokenizers", reason="needs the extra [train]")
    transformers = pytest.importorskip("transformers", reason="needs the extra [train]")
    inner = tokenizers.Tokenizer(tokenizers.models.BPE())
    inner.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    inner.train_from_iterator(TEXTS, trainer)
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="<s>", eos_token="</s>"
    )
