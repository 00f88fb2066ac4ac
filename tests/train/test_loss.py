"""The loss in chunks is the plain loss."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="needs the extra [train]")
pytest.importorskip("transformers", reason="needs the extra [train]")

from pytrace_mono.train.model import label_losses  # noqa: E402


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 30), st.integers(1, 9), st.integers(0, 99))
def test_chunks_change_neither_the_loss_nor_a_gradient(count: int, chunk: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    states = torch.randn(count, 8, generator=generator).requires_grad_()
    head = torch.randn(11, 8, generator=generator).requires_grad_()
    labels = torch.randint(0, 11, (count,), generator=generator)
    plain = torch.nn.functional.cross_entropy(states @ head.T, labels)
    chunked = label_losses(states, head, labels, chunk).mean()
    torch.testing.assert_close(chunked, plain)
    for ours, theirs in zip(
        torch.autograd.grad(chunked, (states, head)),
        torch.autograd.grad(plain, (states, head)),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs)


def test_a_row_without_labels_has_no_losses() -> None:
    """Not a NaN: the mean of nothing is for the caller to avoid."""
    none = torch.zeros(0, dtype=torch.long)
    assert label_losses(torch.zeros(0, 2), torch.zeros(3, 2), none).shape == (0,)
