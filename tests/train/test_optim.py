"""Weights in bf16 learn as fp32 ones do when they are rounded stochastically."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the extra [train]")

from pytrace_mono.train import blocks  # noqa: E402
from pytrace_mono.train.optim import StochasticAdamW, noise, round_stochastically  # noqa: E402

BF16 = torch.bfloat16
CPU = torch.device("cpu")
EIGHT_BITS = partial(StochasticAdamW, eight_bits=True)


def key(number: int) -> Any:
    return torch.tensor(number, dtype=torch.int32)


def test_noise_is_spread_evenly_and_another_key_gives_other_noise() -> None:
    first, second = noise(1 << 20, key(7)), noise(1 << 20, key(-8))  # -8 is ~7
    for bits in (first, second, first ^ second):
        for shift in (0, 16):
            counts = torch.bincount((bits >> shift & 0xFFFF) >> 8, minlength=256)
            assert (counts - 4096).abs().max() < 6 * 4096**0.5
        pairs = torch.stack([bits[:-1], bits[1:]]).double()
        assert abs(torch.corrcoef(pairs)[0, 1]) < 0.005


def test_rounding_keeps_the_mean_and_gives_a_neighbour() -> None:
    exact = torch.full((100_000,), 1.0 + 0.3 * 2**-7)
    rounded = round_stochastically(exact, noise(len(exact), key(0))).float()
    assert set(rounded.tolist()) == {1.0, 1.0 + 2**-7}
    assert abs((rounded.mean() - 1).item() / 2**-7 - 0.3) < 0.01
    below = round_stochastically(-exact, noise(len(exact), key(0))).float()
    assert torch.equal(below, -rounded)


def test_what_bf16_can_hold_and_what_is_no_number_stay_as_they_are() -> None:
    values = torch.tensor([0.0, -0.0, 1.5, -(2.0**100), float("inf"), -float("inf"), float("nan")])
    for seed in range(20):
        rounded = round_stochastically(values, noise(len(values), key(seed))).float()
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


@pytest.mark.parametrize("count", [1, 2])
def test_weights_of_other_strides_move_as_others_do(count: int) -> None:
    generator = torch.Generator().manual_seed(0)
    shown = [torch.randn(8, 6, generator=generator).t() for _ in range(count)]
    weights = [[torch.nn.Parameter(w) for w in shown]]
    weights.append([torch.nn.Parameter(w.detach().clone().contiguous()) for w in shown])
    assert not weights[0][0].is_contiguous()
    for optimizer, those in zip((StochasticAdamW, torch.optim.AdamW), weights, strict=True):
        running = optimizer(those, lr=0.01, weight_decay=0.0)
        for _ in range(5):
            running.zero_grad()
            sum((weight**3).sum() for weight in those).backward()
            running.step()
    torch.testing.assert_close(*weights)


def test_weights_that_have_no_gradient_in_some_steps_move_as_with_torchs_adamw() -> None:
    shapes = ((5,), (7, 3), (11,), (1025, 1024), ())  # the last but one is updated alone

    def trained(make: Any) -> Any:
        generator = torch.Generator().manual_seed(0)
        weights = [torch.nn.Parameter(torch.randn(s, generator=generator)) for s in shapes]
        groups = [{"params": weights[:2], "weight_decay": 0.1}, {"params": weights[2:], "lr": 0.02}]
        running = make(groups, lr=0.01, weight_decay=0.0)
        for step in range(12):
            for number, weight in enumerate(weights):
                gradient = torch.randn(weight.shape, generator=generator)
                weight.grad = gradient if (step * 7 + number * 3) % 4 else None
            running.step()
        return weights

    torch.testing.assert_close(trained(StochasticAdamW), trained(torch.optim.AdamW))


@pytest.mark.parametrize("signed", [True, False])
def test_a_byte_stands_for_the_values_of_dynamic_quantization(signed: bool) -> None:
    theirs = pytest.importorskip("bitsandbytes.functional").create_dynamic_map(signed=signed)
    ours = blocks.tables(CPU)[0 if signed else 1]
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-12)


def test_what_a_byte_can_hold_comes_back_and_zeros_stay_zeros() -> None:
    for table in blocks.tables(CPU):
        held = table.repeat(3)[:-100].clone() * 7
        held[-412:] = 0  # from the middle of a block on; the last block is not full
        for chance in (None, torch.rand(held.shape)):
            stored, scales = blocks.quantize(held, table, chance)
            assert (stored.dtype, stored.shape, scales.shape) == (torch.uint8, held.shape, (3,))
            back = blocks.dequantize(stored, scales, table)
            torch.testing.assert_close(back, held, rtol=1e-6, atol=1e-6 * 7)


def test_rounding_to_bytes_goes_to_the_nearest_or_keeps_the_mean() -> None:
    table, _ = blocks.tables(CPU)
    low, high = table[250:252]
    exact = torch.full((200 * 256,), float(low + 0.3 * (high - low)))
    exact[::256] = 1  # the scale of each block
    stored, scales = blocks.quantize(exact, table, None)
    assert set(blocks.dequantize(stored, scales, table).tolist()) == {1.0, float(low)}
    generator = torch.Generator().manual_seed(0)
    stored, scales = blocks.quantize(exact, table, torch.rand(exact.shape, generator=generator))
    back = blocks.dequantize(stored, scales, table)
    assert set(back.tolist()) == {1.0, float(low), float(high)}
    assert abs((back.mean() - exact.mean()) / (high - low)) < 0.01


@pytest.mark.parametrize("optimizer_of", [StochasticAdamW, EIGHT_BITS])
def test_a_resumed_run_goes_on_exactly(optimizer_of: Any) -> None:
    def make() -> tuple[Any, Any]:
        weight = torch.nn.Parameter(torch.linspace(-1, 1, 5000).to(BF16))
        return weight, optimizer_of([weight], lr=1e-4, seed=3)

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
    dtypes = {value.dtype for value in optimizer.state[resumed].values() if torch.is_tensor(value)}
    bytes_and_scales = {torch.uint8, torch.float32}
    assert dtypes == (bytes_and_scales if optimizer_of is EIGHT_BITS else {BF16})
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
    in_bytes = fall_of_the_loss(EIGHT_BITS, BF16)
    print(
        f"fall of the loss: fp32 {exact:.4f}, stochastic {stochastic:.4f}, nearest {nearest:.4f}, "
        f"stochastic with moments in 8 bits {in_bytes:.4f}"
    )
    assert abs(stochastic / exact - 1) < 0.02
    assert abs(in_bytes / exact - 1) < 0.02
    assert nearest < 0.8 * exact
