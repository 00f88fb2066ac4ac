"""Weights in bf16 learn as fp32 ones do when they are rounded stochastically."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the extra [train]")

from pytrace_mono.train.optim import StochasticAdamW, round_stochastically  # noqa: E402

BF16 = torch.bfloat16


def test_rounding_keeps_the_mean_and_gives_a_neighbour() -> None:
    exact = torch.full((100_000,), 1.0 + 0.3 * 2**-7)
    rounded = round_stochastically(exact, torch.Generator().manual_seed(0)).float()
    assert set(rounded.tolist()) == {1.0, 1.0 + 2**-7}
    assert abs((rounded.mean() - 1).item() / 2**-7 - 0.3) < 0.01
    below = round_stochastically(-exact, torch.Generator().manual_seed(0)).float()
    assert torch.equal(below, -rounded)


def test_what_bf16_can_hold_and_what_is_no_number_stay_as_they_are() -> None:
    values = torch.tensor([0.0, -0.0, 1.5, -(2.0**100), float("inf"), -float("inf"), float("nan")])
    for seed in range(20):
        rounded = round_stochastically(values, torch.Generator().manual_seed(seed)).float()
        torch.testing.assert_close(rounded, values, rtol=0, atol=0, equal_nan=True)


def test_fp32_weights_move_as_with_torchs_adamw() -> None:
    def trained(make: Any) -> Any:
        torch.manual_seed(0)
        weight = torch.nn.Parameter(torch.randn(5, 3))
        optimizer = make([weight], lr=0.01, weight_decay=0.1)
        for _ in range(10):
            optimizer.zero_grad()
            (weight**3).sum().backward()
            optimizer.step()
        return weight.detach()

    torch.testing.assert_close(trained(StochasticAdamW), trained(torch.optim.AdamW))


def test_a_resumed_run_goes_on_exactly() -> None:
    def make() -> tuple[Any, Any]:
        weight = torch.nn.Parameter(torch.linspace(-1, 1, 64).to(BF16))
        return weight, StochasticAdamW([weight], lr=1e-4, seed=3)

    def steps(weight: Any, optimizer: Any, count: int) -> None:
        for _ in range(count):
            optimizer.zero_grad()
            (weight.float() ** 2).sum().backward()
            optimizer.step()

    straight, optimizer = make()
    steps(straight, optimizer, 6)
    weight, optimizer = make()
    steps(weight, optimizer, 3)
    saved = optimizer.state_dict()
    resumed, optimizer = make()
    resumed.data.copy_(weight.data)
    optimizer.load_state_dict(saved)
    assert optimizer.state[resumed]["exp_avg"].dtype == BF16
    steps(resumed, optimizer, 3)
    assert torch.equal(resumed, straight)


def fall_of_the_loss(optimizer: Any, dtype: Any) -> float:
    """How far the loss of a small network falls in 200 steps at a learning rate of 1e-5."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(256, 128, generator=generator)
    targets = torch.randn(256, 16, generator=generator)
    weights = [
        torch.nn.Parameter((torch.randn(*shape, generator=generator) * shape[0] ** -0.5).to(BF16))
        for shape in ((128, 256), (256, 16))
    ]
    weights = [torch.nn.Parameter(weight.detach().to(dtype)) for weight in weights]
    running = optimizer(weights, lr=1e-5, weight_decay=0.0)
    losses = []
    for _ in range(201):
        hidden = torch.tanh(inputs @ weights[0].float())
        loss = ((hidden @ weights[1].float() - targets) ** 2).mean()
        losses.append(loss.item())
        running.zero_grad()
        loss.backward()
        running.step()
    return losses[0] - losses[-1]


def test_at_a_small_learning_rate_the_loss_falls_as_in_fp32_where_plain_bf16_stands_still() -> None:
    exact = fall_of_the_loss(torch.optim.AdamW, torch.float32)
    stochastic = fall_of_the_loss(StochasticAdamW, BF16)
    nearest = fall_of_the_loss(torch.optim.AdamW, BF16)
    print(f"fall of the loss: fp32 {exact:.4f}, stochastic {stochastic:.4f}, nearest {nearest:.4f}")
    assert abs(stochastic / exact - 1) < 0.02
    assert nearest < 0.8 * exact
