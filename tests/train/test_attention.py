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

from pytrace_mono.train import finetune  # noqa: E402
from pytrace_mono.train.config import LoraConfig, TrainConfig  # noqa: E402
from pytrace_mono.train.data import Document  # noqa: E402
from pytrace_mono.train.finetune import losses_of  # noqa: E402
from pytrace_mono.train.memory import shape_of  # noqa: E402
from pytrace_mono.train.model import prepared  # noqa: E402
from pytrace_mono.train.pack import filled  # noqa: E402

CONFIG = TrainConfig(
    model="m", data=(Path("d"),), output=Path("o"), checkpointing=0.0, precision="fp32",
    context=24, pass_tokens=128,
)  # fmt: skip
CPU, META = torch.device("cpu"), torch.device("meta")


def tiny(checkpointing: float = 0.0, kv_heads: int = 2) -> Any:
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(
        transformers.LlamaConfig(
            vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=kv_heads,
        ),
        attn_implementation="packed",
    )  # fmt: skip
    config = CONFIG.model_copy(update={"checkpointing": checkpointing})
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
        losses = torch.cat([losses_of(MODEL, row, CONFIG, CPU) for row in rows])
        losses.sum().backward()
        return losses.detach(), [weight.grad.clone() for weight in MODEL.parameters()]

    separate, gradients_apart = run([[document] for document in documents])
    for packed in (documents, filled(documents, CONFIG.pass_tokens, CONFIG.context)):
        losses, gradients = run([packed])
        torch.testing.assert_close(losses, separate, rtol=0, atol=1e-6)
        for mine, theirs in zip(gradients, gradients_apart, strict=True):
            torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)


def test_positions_restart_and_each_first_token_is_masked() -> None:
    given: dict[str, Any] = {}
    row = [Document("nl", (1, 2, 3), 2), Document("plain", (4, 5), 1)]
    losses_of(lambda **all_of_it: given.update(all_of_it), row, CONFIG, CPU)
    inputs = given["inputs"]
    assert inputs["input_ids"].tolist() == [[1, 2, 3, 4, 5]]
    assert inputs["position_ids"].tolist() == [[0, 1, 2, 0, 1]]
    assert (inputs["boundaries"].tolist(), inputs["longest"]) == ([0, 3, 5], 3)
    assert (given["before"].tolist(), given["labels"].tolist()) == ([1, 3], [3, 5])


def test_the_losses_are_those_of_transformers_own_forward_pass() -> None:
    document = documents_of([17], 3)[0]
    plain = tiny()
    del plain.forward  # the class's own again
    plain.set_attn_implementation("eager")
    logits = plain(torch.tensor([document.tokens])).logits[0, :-1]
    expected = torch.nn.functional.cross_entropy(
        logits, torch.tensor(document.tokens[1:]), reduction="none"
    )[document.prompt_tokens - 1 :]
    torch.testing.assert_close(losses_of(tiny(), [document], CONFIG, CPU), expected)


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_computing_activations_again_changes_nothing(share: float) -> None:
    row = documents_of([9, 5], 1)
    kept, again = tiny(), tiny(checkpointing=share)
    again.load_state_dict(kept.state_dict())
    for model in (kept, again):
        losses_of(model.train(), row, CONFIG, CPU).sum().backward()
    for mine, theirs in zip(kept.parameters(), again.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad, rtol=0, atol=0)
    ours = [isinstance(layer.forward, partial) for layer in again.get_decoder().layers]
    assert ours == ([False, True] if share == 0.5 else [True, True])


@pytest.mark.parametrize("lora", [None, LoraConfig.model_validate({"rank": 2})])
@pytest.mark.parametrize("gradients", ["bf16", "fp32"])
def test_layers_are_compiled_for_two_lengths_whatever_documents_a_row_holds(
    lora: Any, gradients: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on CUDA, but on the meta device: what would run is found, and nothing runs."""
    from torch._dynamo.testing import CompileCounterWithBackend

    torch._dynamo.reset()  # of what other tests compiled
    monkeypatch.setattr(finetune, "backend_of", lambda config: "a backend")
    counter: Any = CompileCounterWithBackend("aot_eager")
    changes = {"lora": lora, "precision": "stochastic", "gradients": gradients}
    config = CONFIG.model_copy(update=changes)
    description = transformers.LlamaConfig(
        vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=3,
        num_attention_heads=4,
    )  # fmt: skip
    model = shape_of(config, description, 3, counter)
    finetune.compile_layers(model, config, META)
    # With adapters the first layer is another one: what it is given needs no gradient.
    expected = 2 if lora is None else 4
    assert counter.frame_count == expected
    for lengths in ([20, 3, 17], [24] * 5, [9], [2] * 60):
        losses_of(model, documents_of(lengths, 0), config, META).sum().backward()
        assert counter.frame_count == expected
    assert any(weight.grad is not None for weight in model.parameters())
