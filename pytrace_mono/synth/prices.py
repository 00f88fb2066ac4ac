"""What tokens cost, from the table of ``genai-prices`` or as the user says."""

from __future__ import annotations

from dataclasses import dataclass

from pytrace_mono.synth.teacher import Usage


@dataclass(frozen=True)
class Price:
    """Dollars for a million tokens.

    Attributes:
        prompt: of what is sent.
        completion: of what comes back.
    """

    prompt: float
    completion: float

    def of(self, usage: Usage) -> float:
        """Dollars for so many tokens."""
        return (usage.prompt_tokens * self.prompt + usage.completion_tokens * self.completion) / 1e6


def list_price(model: str, endpoint: str) -> Price | None:
    """The price in the table that is installed; None where it knows no such model there.

    The table works without a network and knows hosted endpoints by their address. A model's first
    tier is taken where long prompts cost more.
    """
    try:
        from genai_prices import Usage as Counted
        from genai_prices import calc_price
    except ImportError:
        return None
    million = 1_000_000
    try:
        found = [
            calc_price(Counted(**{kind: 1_000}), model, provider_api_url=endpoint).total_price
            for kind in ("input_tokens", "output_tokens")
        ]
    except LookupError:
        return None
    prompt, completion = (float(price) * million / 1_000 for price in found)
    return Price(prompt, completion)
