"""How many tokens a text has: counted where a vocabulary is at hand, else estimated."""

from __future__ import annotations

import os
from typing import Any

_CHARACTERS_PER_TOKEN = 4.2  # of English and code, with the vocabularies in use


class TokenCounter:
    """Counts tokens for one model.

    ``tiktoken`` fetches its vocabulary over the network unless it lies in ``TIKTOKEN_CACHE_DIR``, so
    it is only used where that is set.

    Args:
        model: its vocabulary is used, or the newest of OpenAI's for a model that is not known.

    Attributes:
        estimated: no vocabulary was found; every number is an estimate.
    """

    def __init__(self, model: str) -> None:
        self._encoding = _encoding(model)
        self.estimated = self._encoding is None

    def count(self, text: str) -> int:
        """Tokens of a text, never below 1."""
        if self._encoding is None:
            return max(1, round(len(text) / _CHARACTERS_PER_TOKEN))
        return max(1, len(self._encoding.encode_ordinary(text)))


def _encoding(model: str) -> Any:
    if not os.environ.get("TIKTOKEN_CACHE_DIR"):
        return None
    try:
        import tiktoken

        try:
            return tiktoken.encoding_for_model(model)
        except KeyError:
            return tiktoken.get_encoding("o200k_base")
    except Exception:  # no network, a damaged file, an unwritable directory: each its own error
        return None
