"""Numbers in 8 bits: blocks of 256, each with the largest of its magnitudes as its scale.

The data type is the dynamic one of Dettmers et al., "8-bit Optimizers via Block-wise Quantization"
(arXiv 2110.02861): seven decades, the finer the larger the number, 2^i or 2^(i+1) values a decade.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

BLOCK = 256


@cache
def values(signed: bool, device: torch.device) -> Tensor:
    """The 256 numbers that a byte stands for, in order, at most 1; fp32."""
    found = [0.0, 1.0]
    for decade in range(7):
        edges = torch.linspace(0.1, 1, 2 ** (decade + 1 - signed) + 1, dtype=torch.float64)
        means = ((edges[1:] + edges[:-1]) / 2 * 10.0 ** (decade - 6)).tolist()
        found += [*means, *(-mean for mean in means)] if signed else means
    return torch.tensor(sorted(found), dtype=torch.float32, device=device)


def quantize(
    exact: Tensor, signed: bool, generator: torch.Generator | None
) -> tuple[Tensor, Tensor]:
    """fp32 to bytes of the same shape, and the fp32 scale of each block.

    Args:
        exact: the numbers; none below 0 where not ``signed``.
        signed: which data type.
        generator: rounds up or down with the probability that keeps the mean; None: to the nearest.
    """
    known = values(signed, exact.device)
    flat = functional.pad(exact.flatten(), (0, -exact.numel() % BLOCK)).view(-1, BLOCK)
    scales = flat.abs().amax(1, keepdim=True)
    share = flat / scales.clamp_min(torch.finfo(torch.float32).tiny)
    above = torch.bucketize(share, known, out_int32=True).clamp_(1, 255)
    low = known[above - 1]
    share.sub_(low).div_(known[above].sub_(low))  # of the way up to the next
    if generator is None:
        above -= (share <= 0.5).int()
    else:
        above -= (share <= torch.rand(share.shape, generator=generator, device=share.device)).int()
    return above.to(torch.uint8).flatten()[: exact.numel()].view(exact.shape), scales.flatten()


def dequantize(stored: Tensor, scales: Tensor, signed: bool) -> Tensor:
    """What :func:`quantize` made bytes of, in fp32."""
    numbers = values(signed, stored.device)[stored.flatten().int()]
    return numbers.mul_(scales.repeat_interleave(BLOCK)[: len(numbers)]).view(stored.shape)
