"""What a corpus may cost: reserved before a request is sent, corrected when the answer is there."""

from __future__ import annotations

from pytrace_mono.errors import BudgetError
from pytrace_mono.synth.prices import Price
from pytrace_mono.synth.teacher import Usage

_FIRST_GUESS = 1_000  # tokens of a completion, before one was seen


class Budget:
    """Dollars and tokens that may still be spent.

    Args:
        max_cost: dollars; no bound where None.
        max_tokens: prompt and completion tokens together; no bound where None.
        price: what a token costs; must be known where there is a ``max_cost``.
        longest: tokens that a completion may have at most, where the endpoint is told so. Without
            it the longest seen so far is reserved, and the last requests may go over the bound.
    """

    def __init__(
        self,
        max_cost: float | None,
        max_tokens: int | None,
        price: Price | None,
        longest: int | None,
    ) -> None:
        assert max_cost is None or price is not None
        self.bounded = max_cost is not None or max_tokens is not None
        self._max_cost = max_cost
        self._max_tokens = max_tokens
        self._price = price or Price(0.0, 0.0)
        self._longest = longest
        self._seen = 0
        self._cost = 0.0
        self._tokens = 0

    def start(self, cost: float, tokens: int) -> None:
        """Begin with what earlier runs spent."""
        self._cost, self._tokens = cost, tokens

    @property
    def longest(self) -> int:
        """Tokens to reserve for a completion."""
        return self._longest or self._seen or _FIRST_GUESS

    def reserve(self, prompt_tokens: int) -> Usage:
        """Set aside what the next request may cost; give the result to :meth:`settle`.

        Raises:
            BudgetError: it could cost more than is left.
        """
        usage = Usage(prompt_tokens, self.longest)
        cost, tokens = self._price.of(usage), _total(usage)
        if self._max_cost is not None and self._cost + cost > self._max_cost:
            raise BudgetError(
                f"the budget of ${self._max_cost:g} does not cover the next request: "
                f"${self._cost:.4f} are spent or reserved and it may cost ${cost:.4f}; "
                "run the same command with a higher --max-cost to go on"
            )
        if self._max_tokens is not None and self._tokens + tokens > self._max_tokens:
            raise BudgetError(
                f"the budget of {self._max_tokens} tokens does not cover the next request: "
                f"{self._tokens} are spent or reserved and it may need {tokens}; "
                "run the same command with a higher --max-tokens to go on"
            )
        self._add(usage, 1)
        return usage

    def settle(self, reserved: Usage | None, spent: Usage | None) -> None:
        """Give back what was reserved, if anything was, less what was spent (None: nothing)."""
        if reserved is not None:
            self._add(reserved, -1)
        if spent is not None:
            self._add(spent, 1)
            self._seen = max(self._seen, spent.completion_tokens)

    def _add(self, usage: Usage, sign: int) -> None:
        self._cost += sign * self._price.of(usage)
        self._tokens += sign * _total(usage)


def _total(usage: Usage) -> int:
    return usage.prompt_tokens + usage.completion_tokens
