"""Documents of one packed row do not see each other."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="needs the extra [train]")
transformers = pytest.importorskip("transformers", reason="needs the extra [train]")

from pytrace_mono.train.config import TrainConfig  # noqa: E402
from pytrace_mono.train.encode import Document  # noqa: E402
from pytrace_mono.train.finetune import losses_of  # noqa: E402
from pytrace_mono.train.model import prepared  # noqa: E402
from pytrace_mono.train.pack import join  # noqa: E402


def tiny(checkpointing: float = 0.0, kv_heads: int = 2) -> Any:
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(
        transformers.LlamaConfig(
            vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=kv_heads,
        ),
        attn_implementation="packed",
    )  # fmt: skip
    config = TrainConfig(
        model="m",
        data=(Path("d"),),
        output=Path("o"),
        checkpointing=checkpointing,
        precision="fp32",
    )
    return prepared(model, config, None)


MODEL = tiny()
lengths = st.lists(st.integers(2, 20), min_size=1, max_size=5)


def documents_of(lengths: list[int], seed: int) -> list[Document]:
    generator = torch.Generator().manual_seed(seed)
    return [
        Document("plain", torch.randint(0, 64, (n,), generator=generator).tolist(), 1 + n // 3)
        for n in lengths
    ]


@settings(deadline=None, max_examples=20)
@given(lengths, st.integers(0, 99))
def test_packed_gives_the_losses_and_gradients_of_separate(lengths: list[int], seed: int) -> None:
    documents = documents_of(lengths, seed)

    def run(rows: list[list[Document]]) -> tuple[Any, Any]:
        MODEL.zero_grad()
        losses = torch.cat([losses_of(MODEL, join(row)) for row in rows])
        losses.sum().backward()
        return losses.detach(), [weight.grad.clone() for weight in MODEL.parameters()]

    packed, gradients = run([documents])
    separate, gradients_apart = run([[document] for document in documents])
    torch.testing.assert_close(packed, separate, rtol=0, atol=1e-6)
    for mine, theirs in zip(gradients, gradients_apart, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)


def test_the_losses_are_those_of_transformers_own_forward_pass() -> None:
    document = documents_of([17], 3)[0]
    plain = tiny()
    del plain.forward  # the class's own again
    plain.set_attn_implementation("eager")
    logits = plain(torch.tensor([document.tokens])).logits[0, :-1]
    expected = torch.nn.functional.cross_entropy(
        logits, torch.tensor(document.tokens[1:]), reduction="none"
    )[document.prompt_tokens - 1 :]
    torch.testing.assert_close(losses_of(tiny(), join([document])), expected)


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_computing_activations_again_changes_nothing(share: float) -> None:
    row = join(documents_of([9, 5], 1))
    kept, again = tiny(), tiny(checkpointing=share)
    again.load_state_dict(kept.state_dict())
    for model in (kept, again):
        losses_of(model.train(), row).sum().backward()
    for mine, theirs in zip(kept.parameters(), again.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad, rtol=0, atol=0)
    ours = [isinstance(layer.forward, partial) for layer in again.get_decoder().layers]
    assert ours == ([False, True] if share == 0.5 else [True, True])
