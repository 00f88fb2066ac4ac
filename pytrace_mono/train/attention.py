"""Attention that keeps the documents of a packed row apart.

Registered with transformers under a name, so that a model of any architecture uses it. No mask is
made: a mask of a row of T tokens has T x T entries, and an all-ones ``attention_mask`` would let each
document see those before it, silently.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.attention.varlen import varlen_attn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

NAME = "packed"


def packed_attention(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: None,
    *,
    boundaries: Tensor,
    longest: int,
    scaling: float | None = None,
    dropout: float = 0.0,
    **_: Any,
) -> tuple[Tensor, None]:
    """Causal attention within each document, in the form of transformers' attention functions.

    Args:
        module: the attention layer.
        query: (1, heads, tokens, width of a head).
        key: the same, perhaps with fewer heads.
        value: as ``key``.
        attention_mask: none is made.
        boundaries: (documents + 1,) int32: where each document starts, then the number of tokens.
        longest: tokens of the longest document.
        scaling: of the products; 1 / sqrt(width) where None.
        dropout: must be 0.

    Returns:
        (1, tokens, heads, width), and no weights.
    """
    if dropout:
        raise ValueError("packed attention has no dropout; set attention_dropout to 0")
    if query.shape[1] != key.shape[1]:  # not every version of the kernel takes fewer heads
        repeats = query.shape[1] // key.shape[1]
        key, value = key.repeat_interleave(repeats, 1), value.repeat_interleave(repeats, 1)
    states = (query, key, value)
    # The fused kernel takes half precision alone. On the meta device, where memory is counted, it
    # stands for the other way too: both keep the same.
    if query.is_meta or (query.is_cuda and query.dtype in (torch.bfloat16, torch.float16)):
        q, k, v = (part[0].transpose(0, 1) for part in states)
        output = varlen_attn(
            q, k, v, boundaries, boundaries, longest, longest, scale=scaling, window_size=(-1, 0)
        )
        assert isinstance(output, Tensor)  # it gives more only when asked to
        return output.unsqueeze(0), None
    # split, not slices: the gradient of a slice is as long as the whole row, once for each document.
    lengths: list[int] = boundaries.diff().tolist()
    parts = [
        scaled_dot_product_attention(q, k, v, is_causal=True, scale=scaling)
        for q, k, v in zip(*(torch.split(part, lengths, 2) for part in states), strict=True)
    ]
    return torch.cat(parts, dim=2).transpose(1, 2), None


# No mask function is registered under the name: transformers then makes no mask.
AttentionInterface.register(NAME, packed_attention)
