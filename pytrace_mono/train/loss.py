"""The loss where there is a label, a chunk at a time.

Logits are the largest activation of all (2048 tokens x 32,256 words in fp32 are 264 MB, and their
gradient as much again), and those of the prompt are never used. Here only labelled positions meet
the output layer, and only one chunk of logits exists at a time, in the backward pass too.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

CHUNK = 1024


def label_losses(states: Tensor, head: Tensor, labels: Tensor, chunk: int = CHUNK) -> Tensor:
    """The cross-entropy of each label, in fp32, in order; their mean is the plain loss.

    Args:
        states: (labels, width), what the last layer gives for the token before each label.
        head: (words, width), the output layer's weight.
        labels: (labels,).
        chunk: labels whose logits exist at the same time.
    """
    # Of no labels, split makes one part, so that there are no losses rather than an error.
    losses = [
        checkpoint(_losses, part, head, label, use_reentrant=False)
        for part, label in zip(torch.split(states, chunk), torch.split(labels, chunk), strict=True)
    ]
    return torch.cat(losses)


def _losses(states: Tensor, head: Tensor, labels: Tensor) -> Tensor:
    return functional.cross_entropy((states @ head.T).float(), labels, reduction="none")
