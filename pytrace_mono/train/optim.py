"""AdamW whose weights and moments are bf16, rounded stochastically; moments in 8 bits, if asked.

At a small learning rate a step is less than half the distance between two neighbouring bf16 numbers,
and rounding to the nearest throws it away. Rounding up with the probability of the remainder keeps
it on average (Zamirai et al., "Revisiting BFloat16 Training", arXiv 2010.06192), at 2 bytes a number
where fp32 masters and moments would take 12.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from pytrace_mono.train.blocks import dequantize, quantize

SMALL = 4096  # weights of no more numbers keep moments of their own dtype
_DROPPED_BITS = 16  # fp32 has 16 bits of mantissa more than bf16
_SEED_STRIDE = 2**32


def round_stochastically(value: Tensor, generator: torch.Generator) -> Tensor:
    """fp32 to bf16, up or down, with the probability that keeps the mean.

    Args:
        value: fp32; infinities and NaN stay what they are, and what bf16 can hold is not changed.
        generator: the source of chance, on the same device.
    """
    noise = torch.randint(
        0, 1 << _DROPPED_BITS, value.shape,
        dtype=torch.int32, device=value.device, generator=generator,
    )  # fmt: skip
    # The magnitude of a float grows with its bits, so a carry out of the low half is a step up.
    noise += value.view(torch.int32)
    noise &= -(1 << _DROPPED_BITS)
    return torch.where(value.isfinite(), noise.view(torch.float32), value).to(torch.bfloat16)


class StochasticAdamW(torch.optim.Optimizer):
    """AdamW (Loshchilov and Hutter, arXiv 1711.05101), computed in fp32, stored as the weights are.

    Weights in bf16 get bf16 moments, and all three are rounded stochastically; weights in fp32 are
    treated as ``torch.optim.AdamW`` treats them. What chance decides depends on the seed and the
    number of the step alone, so that a resumed run goes on exactly.

    With moments in 8 bits (see :mod:`~pytrace_mono.train.blocks`) the first is rounded
    stochastically: to the nearest, the loss falls 2 % short. Of the second the root is kept, which
    has the range of the first, and to the nearest, since noise would add up over its long memory.

    Args:
        params: the weights, or groups of them.
        lr: learning rate.
        betas: decay of the two moments.
        eps: added to the root of the second moment.
        weight_decay: share of a weight taken off, times ``lr``.
        seed: of the rounding.
        eight_bits: keep the moments of all but small weights in 8 bits.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 5e-5,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        seed: int = 0,
        eight_bits: bool = False,
    ) -> None:
        super().__init__(
            params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        )
        self._seed, self._eight_bits = seed, eight_bits

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """As torch does, but each tensor keeps its dtype: torch would make the weight's of them all."""
        super().load_state_dict(state_dict)
        weights = [weight for group in self.param_groups for weight in group["params"]]
        numbers = [number for group in state_dict["param_groups"] for number in group["params"]]
        for weight, number in zip(weights, numbers, strict=True):
            for key, saved in state_dict["state"].get(number, {}).items():
                if isinstance(saved, Tensor):
                    self.state[weight][key] = saved.to(weight.device)

    # torch overloads step(); one signature with an optional closure covers both.
    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One update of every weight that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        generators: dict[torch.device, torch.Generator] = {}
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["step"] = 0
                    if self._eight_bits and weight.numel() > SMALL:
                        _keep(state, torch.zeros_like(weight), torch.zeros_like(weight), None)
                    else:
                        state["exp_avg"] = torch.zeros_like(weight)
                        state["exp_avg_sq"] = torch.zeros_like(weight)
                state["step"] += 1
                if weight.device not in generators:
                    generator = torch.Generator(weight.device)
                    generator.manual_seed(self._seed * _SEED_STRIDE + state["step"])
                    generators[weight.device] = generator
                _update(weight, state, group, generators[weight.device])
        return loss


def _update(
    weight: Tensor, state: dict[str, Any], group: dict[str, Any], generator: torch.Generator
) -> None:
    beta1, beta2 = group["betas"]
    # step() skips weights without a gradient.
    gradient = weight.grad.float()  # type: ignore[union-attr]
    if "root" in state:
        first = dequantize(state["exp_avg"], state["exp_avg_scale"], signed=True)
        second = dequantize(state["root"], state["root_scale"], signed=False).square_()
    else:
        first, second = state["exp_avg"].float(), state["exp_avg_sq"].float()
    first.lerp_(gradient, 1 - beta1)
    second.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
    corrected = math.sqrt(1 - beta2 ** state["step"])
    denominator = (second.sqrt() / corrected).add_(group["eps"])
    value = weight.float().mul_(1 - group["lr"] * group["weight_decay"])
    value.addcdiv_(first, denominator, value=-group["lr"] / (1 - beta1 ** state["step"]))
    _store(weight, value, generator)
    if "root" in state:
        _keep(state, first, second, generator)
    else:
        _store(state["exp_avg"], first, generator)
        _store(state["exp_avg_sq"], second, generator)


def _store(stored: Tensor, exact: Tensor, generator: torch.Generator) -> None:
    if stored.dtype == torch.bfloat16:
        exact = round_stochastically(exact, generator)
    stored.copy_(exact)


def _keep(
    state: dict[str, Any], first: Tensor, second: Tensor, generator: torch.Generator | None
) -> None:
    state["exp_avg"], state["exp_avg_scale"] = quantize(first.float(), True, generator)
    state["root"], state["root_scale"] = quantize(second.float().sqrt(), False, None)
