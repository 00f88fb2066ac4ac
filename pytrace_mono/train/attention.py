"""Attention that keeps the documents of a packed row apart.

Registered with transformers under a name, so that a model of any architecture uses it. No mask is
made: a mask of a row of T tokens has T x T entries, and an all-ones ``attention_mask`` would let each
document see those before it, silently.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention import varlen
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

NAME = "packed"
_TAKES = frozenset(inspect.signature(varlen.varlen_attn).parameters)


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
    # The fused kernel takes half precision alone. On the meta device, where memory is counted, it
    # stands for the other way too: both keep the same.
    if query.is_meta or (query.is_cuda and query.dtype in (torch.bfloat16, torch.float16)):
        flat = [states[0].transpose(0, 1) for states in (query, key, value)]
        return _varlen(flat, boundaries, longest, scaling).unsqueeze(0), None
    # split, not slices: the gradient of a slice is as long as the whole row, once for each document.
    lengths: list[int] = boundaries.diff().tolist()
    grouped = query.shape[1] != key.shape[1]
    parts = [
        scaled_dot_product_attention(q, k, v, is_causal=True, scale=scaling, enable_gqa=grouped)
        for q, k, v in zip(*(torch.split(x, lengths, 2) for x in (query, key, value)), strict=True)
    ]
    return torch.cat(parts, dim=2).transpose(1, 2), None


def _varlen(
    states: list[Tensor], boundaries: Tensor, longest: int, scaling: float | None
) -> Tensor:
    query, key, value = states
    options: dict[str, Any] = {"scale": scaling}
    # torch 2.10 says is_causal; later ones a window: all that came before, nothing after.
    options |= {"is_causal": True} if "is_causal" in _TAKES else {"window_size": (-1, 0)}
    if query.shape[1] != key.shape[1]:
        if "enable_gqa" in _TAKES:
            options["enable_gqa"] = True
        else:
            repeats = query.shape[1] // key.shape[1]
            key, value = key.repeat_interleave(repeats, 1), value.repeat_interleave(repeats, 1)
    output = varlen.varlen_attn(
        query, key, value, boundaries, boundaries, longest, longest, **options
    )
    assert isinstance(output, Tensor)  # it gives more only when asked to
    return output


# No mask function is registered under the name: transformers then makes no mask.
AttentionInterface.register(NAME, packed_attention)
