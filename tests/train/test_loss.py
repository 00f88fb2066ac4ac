"""The loss in chunks, on labels alone, is the plain loss."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="needs the extra [train]")

from pytrace_mono.train.encode import IGNORED  # noqa: E402
from pytrace_mono.train.loss import label_losses  # noqa: E402


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 3), st.integers(2, 12), st.integers(1, 9), st.integers(0, 99))
def test_chunks_change_neither_the_loss_nor_a_gradient(
    batch: int, tokens: int, chunk: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(batch, tokens, 8, generator=generator).requires_grad_()
    head = torch.randn(11, 8, generator=generator).requires_grad_()
    labels = torch.randint(0, 11, (batch, tokens), generator=generator)
    labels[torch.rand(batch, tokens, generator=generator) < 0.4] = IGNORED
    labels[0, 1] = 3
    logits = (hidden @ head.T)[:, :-1]
    plain = torch.nn.functional.cross_entropy(
        logits.reshape(-1, 11), labels[:, 1:].reshape(-1), ignore_index=IGNORED
    )
    chunked = label_losses(hidden, head, labels, chunk).mean()
    torch.testing.assert_close(chunked, plain)
    for ours, theirs in zip(
        torch.autograd.grad(chunked, (hidden, head)),
        torch.autograd.grad(plain, (hidden, head)),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs)


def test_a_row_without_labels_has_no_losses() -> None:
    """Not a NaN: the mean of nothing is for the caller to avoid."""
    labels = torch.full((1, 4), IGNORED)
    assert label_losses(torch.zeros(1, 4, 2), torch.zeros(3, 2), labels).shape == (0,)
