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
def tables(device: torch.device) -> tuple[Tensor, Tensor]:
    """What the 256 bytes stand for, in order, at most 1: of either sign, and from 0 on; fp32."""
    return _table(True).to(device), _table(False).to(device)


def _table(signed: bool) -> Tensor:
    found = [0.0, 1.0]
    for decade in range(7):
        edges = torch.linspace(0.1, 1, 2 ** (decade + 1 - signed) + 1, dtype=torch.float64)
        means = ((edges[1:] + edges[:-1]) / 2 * 10.0 ** (decade - 6)).tolist()
        found += [*means, *(-mean for mean in means)] if signed else means
    return torch.tensor(sorted(found), dtype=torch.float32)


def quantize(exact: Tensor, table: Tensor, chance: Tensor | None) -> tuple[Tensor, Tensor]:
    """fp32 to bytes of the same shape, and the fp32 scale of each block.

    Args:
        exact: the numbers.
        table: what a byte stands for, one of :func:`tables`.
        chance: of the same shape, evenly spread over [0, 1): rounds up or down with the probability
            that keeps the mean; None: to the nearest.
    """
    flat = _blocks(exact)
    scales = flat.abs().amax(1, keepdim=True)
    share = flat / scales.clamp_min(torch.finfo(torch.float32).tiny)
    above = torch.bucketize(share, table, out_int32=True).clamp(1, 255)
    low = table[above - 1]
    share = (share - low) / (table[above] - low)  # of the way up to the next
    above = above - (share <= (0.5 if chance is None else _blocks(chance))).int()
    return above.to(torch.uint8).flatten()[: exact.numel()].view(exact.shape), scales.flatten()


def _blocks(numbers: Tensor) -> Tensor:
    return functional.pad(numbers.flatten(), (0, -numbers.numel() % BLOCK)).view(-1, BLOCK)


def dequantize(stored: Tensor, scales: Tensor, table: Tensor) -> Tensor:
    """What :func:`quantize` made bytes of, in fp32."""
    numbers = table[stored.flatten().int()]
    # Not repeat_interleave: a compiler makes of it a search for each number.
    spread = scales[:, None].expand(-1, BLOCK).reshape(-1)[: len(numbers)]
    return (numbers * spread).view(stored.shape)
