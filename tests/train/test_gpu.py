"""What only a CUDA GPU can show: fused kernels compute what plain ones do, and a run goes through."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import Any

import pytest
from runs import config_for, losses_in
from test_attention import documents_of

torch = pytest.importorskip("torch", reason="needs the extra [train]")
transformers = pytest.importorskip("transformers", reason="needs the extra [train]")
if not torch.cuda.is_available():
    pytest.skip("needs a CUDA GPU", allow_module_level=True)

from pytrace_mono.train import budget, optim, run  # noqa: E402
from pytrace_mono.train.config import TrainConfig, config_of  # noqa: E402
from pytrace_mono.train.finetune import losses_of  # noqa: E402
from pytrace_mono.train.model import prepared  # noqa: E402
from pytrace_mono.train.optim import StochasticAdamW  # noqa: E402

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(300)]
CUDA = torch.device("cuda")
BF16 = torch.bfloat16
CONFIG = config_of(
    {"model": "m", "data": ["d"], "output": "o", "context": 320, "pass_tokens": 512}, "test"
)
WIDE = {"hidden": 128, "layers": 2, "heads": 4, "words": 400}


def bf16_model(backend: str | None, checkpointing: float, kv_heads: int = 2) -> Any:
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(
        transformers.LlamaConfig(
            vocab_size=64, hidden_size=128, intermediate_size=256, num_hidden_layers=3,
            num_attention_heads=4, num_key_value_heads=kv_heads,
        ),
        attn_implementation="packed", dtype=BF16,
    )  # fmt: skip
    config = CONFIG.model_copy(update={"checkpointing": checkpointing})
    return prepared(model.to(CUDA), config, backend)


def gradients_of(model: Any, rows: list[Any]) -> list[Any]:
    model.zero_grad()
    torch.cat([losses_of(model, row, CONFIG, CUDA) for row in rows]).mean().backward()
    return [weight.grad.float() for weight in model.parameters()]


def as_close(mine: list[Any], theirs: list[Any]) -> None:
    for one, other in zip(mine, theirs, strict=True):
        assert (one - other).norm() < 0.03 * other.norm()


@pytest.mark.parametrize(("kv_heads", "checkpointing"), [(4, 0.0), (2, 0.7)])
def test_compiled_layers_and_fused_attention_give_the_gradients_of_plain_ones(
    kv_heads: int, checkpointing: float
) -> None:
    """Packed and compiled in bf16, against documents one by one, in fp32, without either."""
    fast = bf16_model("inductor", checkpointing, kv_heads)
    plain = bf16_model(None, 0.0, kv_heads)
    plain.load_state_dict(fast.state_dict())
    plain = plain.float()
    for weight in plain.parameters():
        weight.grad_dtype = None
    for seed, lengths in enumerate(([37, 120, 5, 300], [200], [9, 8, 7])):
        documents = documents_of(lengths, seed)
        packed = gradients_of(fast, [documents])
        as_close(packed, gradients_of(plain, [[document] for document in documents]))


def test_neither_a_pass_nor_an_update_waits_for_the_device() -> None:
    """It has the next kernel before it has finished the last."""
    model = bf16_model("inductor", 0.5)
    optimizer = StochasticAdamW(model.parameters())
    row = documents_of([37, 120, 5, 200], 0)
    for mode in ("default", "default", "error"):
        torch.cuda.set_sync_debug_mode(mode)
        try:
            losses_of(model, row, CONFIG, CUDA).sum().backward()
            optimizer.step()
        finally:
            torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("eight_bits", [False, True])
def test_the_compiled_update_is_the_one_of_the_cpu(eight_bits: bool) -> None:
    shapes = ((300, 70), (5000,), (64,), (123, 77))

    def trained(device: Any) -> list[Any]:
        chance = torch.Generator().manual_seed(0)
        weights = [
            torch.nn.Parameter((torch.randn(shape, generator=chance) / 10).to(device, BF16))
            for shape in shapes
        ]
        optimizer = StochasticAdamW(weights, lr=1e-3, weight_decay=0.1, eight_bits=eight_bits)
        for _ in range(5):
            for weight in weights:
                weight.grad = (torch.randn(weight.shape, generator=chance) / 10).to(device, BF16)
            optimizer.step()
        return [weight.detach().cpu().float() for weight in weights]

    for mine, theirs in zip(trained(CUDA), trained("cpu"), strict=True):
        # Another order of roundings in fp32 turns a few of the last bits.
        assert (mine != theirs).float().mean() < 0.01
        torch.testing.assert_close(mine, theirs, rtol=0.02, atol=2e-4)
    assert optim._compiled.cache_info().currsize == 1


def small(tmp_path: Any, **changes: Any) -> TrainConfig:
    return config_for(tmp_path, scratch=WIDE, precision="stochastic", **changes)


def stopped_and_resumed(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    from test_run import stop_at

    with monkeypatch.context() as patch:
        stop_at(patch, 3)
        with pytest.raises(KeyboardInterrupt):
            run.train(config, quiet=True)
    run.train(config, quiet=True)


@pytest.mark.parametrize("lora", [None, {"rank": 4}])
def test_a_run_learns_and_goes_on_where_it_was_stopped(
    lora: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight = small(tmp_path, lora=lora, learning_rate=1e-2, checkpointing=0.5)
    run.train(straight, quiet=True)
    resumed = straight.model_copy(update={"output": tmp_path / "resumed"})
    stopped_and_resumed(resumed, monkeypatch)
    losses, again = losses_in(straight.output), losses_in(resumed.output)
    print("losses", losses, "resumed", again, "bit-exact", losses == again)
    assert losses[-1][1] < losses[0][1]
    # The fused kernel adds up its gradients in another order each time.
    assert again == [(step, pytest.approx(loss, rel=0.02)) for step, loss in losses]
    line = json.loads((straight.output / "log.jsonl").read_text().splitlines()[0])
    assert {"tokens_per_second", "peak_memory_gb"} <= set(line)


@pytest.mark.parametrize("precision", ["stochastic", "mixed"])
def test_a_dry_run_runs_the_worst_pass(precision: str, tmp_path: Any) -> None:
    config = small(tmp_path, held_out=0).model_copy(update={"precision": precision})
    told = budget.dry_run(config)
    print(told)
    assert "worst pass, run now:" in told


def test_adapters_on_four_bits_learn(tmp_path: Any) -> None:
    if find_spec("bitsandbytes") is None:
        pytest.skip("needs the extra [qlora]")
    base = small(tmp_path, epochs=4)
    model = run.train(base, quiet=True)
    config = base.model_copy(
        update={
            "output": tmp_path / "adapted",
            "scratch": None,
            "model": str(model),
            "lora": config_of(
                {"model": "m", "data": ["d"], "output": "o", "lora": {"quantize": True}}, "test"
            ).lora,
            "learning_rate": 1e-2,
        }
    )
    run.train(config, quiet=True)
    losses = [loss for _, loss in losses_in(config.output)]
    print("losses with adapters on four bits", losses)
    assert losses[-1] < losses[0]
