"""AdamW whose weights and moments are bf16, rounded stochastically; moments in 8 bits, if asked.

At a small learning rate a step is less than half the distance between two neighbouring bf16 numbers,
and rounding to the nearest throws it away. Rounding up with the probability of the remainder keeps
it on average (Zamirai et al., "Revisiting BFloat16 Training", arXiv 2010.06192), at 2 bytes a number
where fp32 masters and moments would take 12.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import torch
from torch import Tensor

from pytrace_mono.train.blocks import dequantize, quantize, tables
from pytrace_mono.train.compiling import why_not

BETAS = (0.9, 0.999)  # with EPS what AdamW is used with everywhere
EPS = 1e-8
SMALL = 4096  # weights of no more numbers keep moments of their own dtype
_TOGETHER = 1 << 20  # weights of no more numbers are updated together
_LOW = 0xFFFF  # fp32 has 16 bits of mantissa more than bf16
_FIRST, _ROOT = ("exp_avg", "exp_avg_scale"), ("root", "root_scale")


def noise(count: int, key: Tensor) -> Tensor:
    """So many int32 that look random, and are a function of their number and the key alone.

    Austin Appleby's ``fmix32`` (MurmurHash3, public domain). A generator would have a state to keep,
    and its numbers would have to be written and read; these are made where they are used.

    Args:
        count: how many.
        key: int32, of no dimension, on the device where they are wanted.
    """
    bits = torch.arange(count, dtype=torch.int32, device=key.device) ^ key
    # int32 wraps around; the mask makes a shift of it logical.
    bits = (bits ^ (bits >> 16 & _LOW)) * (0x85EBCA6B - 2**32)
    bits = (bits ^ (bits >> 13 & 0x7FFFF)) * (0xC2B2AE35 - 2**32)
    return bits ^ (bits >> 16 & _LOW)


def round_stochastically(value: Tensor, chance: Tensor) -> Tensor:
    """fp32 to bf16, up or down, with the probability that keeps the mean.

    Args:
        value: fp32; infinities and NaN stay what they are, and what bf16 can hold is not changed.
        chance: int32, evenly spread in their low 16 bits.
    """
    # The magnitude of a float grows with its bits, so a carry out of the low half is a step up.
    moved = (value.view(torch.int32) + (chance & _LOW)) & ~_LOW
    return torch.where(value.isfinite(), moved.view(torch.float32), value).to(torch.bfloat16)


class StochasticAdamW(torch.optim.Optimizer):
    """AdamW (Loshchilov and Hutter, arXiv 1711.05101), computed in fp32, stored as the weights are.

    Weights in bf16 get bf16 moments, and all three are rounded stochastically; weights in fp32 are
    treated as ``torch.optim.AdamW`` treats them. What chance decides depends on the seed and the
    number of the step alone, so that a resumed run goes on exactly. Compiled where that
    can be (:mod:`~pytrace_mono.train.compiling`): the update is one pass over the memory then.

    With moments in 8 bits (see :mod:`~pytrace_mono.train.blocks`) the first is rounded
    stochastically: to the nearest, the loss falls 2 % short. Of the second the root is kept, which
    has the range of the first, and to the nearest, since noise would add up over its long memory.

    Args:
        params: the weights, or groups of them.
        lr: learning rate.
        weight_decay: share of a weight taken off, times ``lr``.
        seed: of the rounding.
        eight_bits: keep the moments of all but small weights in 8 bits.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 5e-5,
        weight_decay: float = 0.0,
        seed: int = 0,
        eight_bits: bool = False,
    ) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})
        self._seed, self._eight_bits = seed, eight_bits

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """As torch does, but each tensor keeps its dtype: torch would make the weight's of them all."""
        super().load_state_dict(state_dict)
        weights = [weight for group in self.param_groups for weight in group["params"]]
        for number, saved in state_dict["state"].items():  # numbered in their order
            weight = weights[number]
            tensors = {key: value for key, value in saved.items() if isinstance(value, Tensor)}
            self.state[weight] |= {key: value.to(weight.device) for key, value in tensors.items()}

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # no closure
        """One update of every weight that has a gradient."""
        lots = ((group, lot) for group in self.param_groups for lot in self._lots(group["params"]))
        for number, (group, lot) in enumerate(lots):
            states, device = [self.state[weight] for weight in lot], lot[0].device
            (beta1, beta2), rate, step = BETAS, group["lr"], states[0]["step"]
            kept = 1 - rate * group["weight_decay"]
            numbers = (rate / (1 - beta1**step), 1 / math.sqrt(1 - beta2**step), kept)
            key = random.Random(f"{self._seed}:{step}:{number}").getrandbits(32) - 2**31
            names = [name for name in (*_FIRST, *_ROOT, "exp_avg_sq") if name in states[0]]
            # Not the weights themselves: their gradients may be of another dtype.
            stored = [[w.data for w in lot], *([state[name] for state in states] for name in names)]
            joined = [_joined(tensors) for tensors in stored]
            update = _compiled() if device.type == "cuda" and why_not() is None else _adamw
            update(
                joined[0],
                _joined([weight.grad for weight in lot]),
                joined[1:],
                # As tensors: a compiled function is made anew for each other number it is given. Filled
                # on the device: a copy to it would wait for all that it still computes.
                [torch.full((), number, device=device) for number in numbers],
                torch.full((), key, dtype=torch.int32, device=device),
                tables(device),
            )
            for tensors, whole in zip(stored, joined, strict=True):
                if whole.data_ptr() != tensors[0].data_ptr():  # a copy
                    parts = torch.split(whole, [tensor.numel() for tensor in tensors])
                    shaped = [p.view(t.shape) for p, t in zip(parts, tensors, strict=True)]
                    torch._foreach_copy_(tensors, shaped)

    def _lots(self, weights: list[Tensor]) -> Iterable[list[Tensor]]:
        """Those with a gradient, small ones alike together: hundreds of calls would cost a step 1 %."""
        lots: dict[Any, list[Tensor]] = {}
        for number, weight in enumerate(weights):
            if weight.grad is not None:
                state = self.state[weight] or self._begin(weight)
                state["step"] += 1
                alone = weight.numel() > _TOGETHER or _ROOT[0] in state
                like = (state["step"], weight.dtype, weight.grad.dtype, weight.device)
                lots.setdefault(number if alone else like, []).append(weight)
        return lots.values()

    def _begin(self, weight: Tensor) -> dict[str, Any]:
        state: dict[str, Any] = self.state[weight]
        state["step"] = 0
        if self._eight_bits and weight.numel() > SMALL:
            nothing = torch.zeros_like(weight, dtype=torch.float32)
            for names, table in zip((_FIRST, _ROOT), tables(weight.device), strict=True):
                state |= zip(names, quantize(nothing, table, None), strict=True)
        else:
            state["exp_avg"], state["exp_avg_sq"] = (torch.zeros_like(weight) for _ in range(2))
        return state


def _joined(tensors: list[Any]) -> Tensor:
    flat = [tensor.reshape(-1) for tensor in tensors]
    return flat[0] if len(flat) == 1 else torch.cat(flat)


@cache
def _compiled() -> Callable[..., None]:
    return torch.compile(_adamw, dynamic=True)


def _adamw(
    weight: Tensor,
    gradient: Tensor,
    moments: list[Tensor],
    numbers: list[Tensor],
    key: Tensor,
    known: tuple[Tensor, Tensor],
) -> None:
    (beta1, beta2), (rate, correction, kept) = BETAS, numbers
    in_bytes = len(moments) == 4
    if in_bytes:
        first = dequantize(moments[0], moments[1], known[0])
        second = dequantize(moments[2], moments[3], known[1]).square()
    else:
        first, second = moments[0].float(), moments[1].float()
    gradient = gradient.float()
    first = first.lerp(gradient, 1 - beta1)
    second = second * beta2 + gradient * gradient * (1 - beta2)
    value = weight.float() * kept - rate * first / (second.sqrt() * correction + EPS)
    chance = noise(len(weight), key)
    _store(weight, value, chance)
    if in_bytes:
        share = (chance >> 16 & _LOW).float() / 2**16
        stored = (*quantize(first, known[0], share), *quantize(second.sqrt(), known[1], None))
        for old, new in zip(moments, stored, strict=True):
            old.copy_(new)
    else:
        _store(moments[0], first, chance >> 16)
        _store(moments[1], second, noise(len(weight), ~key))


def _store(stored: Tensor, exact: Tensor, chance: Tensor) -> None:
    stored.copy_(round_stochastically(exact, chance) if stored.dtype == torch.bfloat16 else exact)
