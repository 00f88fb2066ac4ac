"""What a teacher's answers cost: between the teacher, its budget and the ledger."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from pytrace_mono.errors import PrerequisiteError
from pytrace_mono.synth.budget import Budget
from pytrace_mono.synth.ledger import Ledger
from pytrace_mono.synth.prices import Price, list_price
from pytrace_mono.synth.teacher import Completion, Message, Usage
from pytrace_mono.synth.tokens import TokenCounter


@dataclass
class Question:
    """One request, from the first attempt to the answer.

    Attributes:
        key: its key in the cache.
        row: the id of the row that it is asked for.
        messages: the chat.
        mismatch: what was wrong with the completion that it asks to put right; "" where there is none.
        attempts: how often it was sent so far.
        begun: when it was first sent, on the monotonic clock.
        seconds: how long the last attempt took.
        answer: what came.
    """

    key: bytes
    row: str
    messages: Sequence[Message]
    mismatch: str = ""
    attempts: int = 0
    begun: float = 0.0
    seconds: float = 0.0
    answer: Completion | None = field(default=None, repr=False)


class Meter:
    """Reserves before a request, and notes what became of it.

    Args:
        model, endpoint: who is asked; the price is looked up by them.
        price: dollars for a million tokens, instead of the table's.
        max_cost: dollars that a corpus may cost over all its runs.
        token_budget: tokens that it may cost.
        longest: tokens of the longest completion, where there is a bound.

    Attributes:
        price: dollars for a million tokens; None where it is not known.
        spent: dollars for the answers paid since it was made; None where the price is not known.
        counter: counts tokens where the endpoint does not.

    Raises:
        PrerequisiteError: ``max_cost`` without a known price.
    """

    def __init__(
        self,
        model: str,
        endpoint: str,
        price: Price | None,
        max_cost: float | None,
        token_budget: int | None,
        longest: int | None,
    ) -> None:
        self.price = price or list_price(model, endpoint)
        if max_cost is not None and self.price is None:
            raise PrerequisiteError(
                f"A budget in dollars needs a price, and none is known for {model} at {endpoint}.",
                "give --price PROMPT,COMPLETION in dollars per million tokens, or bound the tokens "
                "with --max-tokens",
            )
        self.spent = None if self.price is None else 0.0
        self.counter = TokenCounter(model)
        self._model = model
        self._budget = Budget(max_cost, token_budget, self.price, longest)
        self._reserved: list[Usage] = []
        self._ledger: Ledger | None = None

    def begin(self, ledger: Ledger) -> None:
        """Note everything in this ledger from now on; what it holds already counts as spent."""
        self._ledger = ledger
        totals = ledger.totals()
        spent = totals.usage.prompt_tokens + totals.usage.completion_tokens
        self._budget.start(totals.cost, spent)

    @contextmanager
    def attempt(self, question: Question) -> Iterator[None]:
        """Around one sending; ``question.answer`` is to be set inside when it succeeds.

        Raises:
            BudgetError: the budget does not cover it; nothing should be sent.
        """
        reserved = None
        if self._budget.bounded:
            reserved = self._budget.reserve(self.prompt_tokens(question.messages))
        question.attempts += 1
        started = time.monotonic()
        question.begun = question.begun or started
        spent = None
        try:
            yield
            question.seconds = time.monotonic() - started
            if question.answer is not None:
                spent = self._note(question, question.answer, paid=True)
        finally:
            self._budget.settle(reserved, spent)

    def reserve(self, question: Question) -> None:
        """Set aside what a request in a batch may cost, until :meth:`settle`.

        Raises:
            BudgetError: the budget does not cover it with all that is set aside.
        """
        if self._budget.bounded:
            self._reserved.append(self._budget.reserve(self.prompt_tokens(question.messages)))

    def settle(self) -> None:
        """Give back what was set aside for a batch; what was paid is noted one by one."""
        while self._reserved:
            self._budget.settle(self._reserved.pop(), None)

    def paid(self, question: Question, answer: Completion) -> None:
        """Note an answer that came out of a batch."""
        self._budget.settle(None, self._note(question, answer, paid=True))

    def replayed(self, question: Question, answer: Completion) -> None:
        """Note an answer that came from the cache."""
        if self._ledger is not None:
            self._note(question, answer, paid=False)

    def failed(self, question: Question, message: str) -> None:
        """Note that there will be no answer."""
        if self._ledger is not None:
            self._ledger.failed(question.row, question.attempts, message)

    def most_tokens(self, question: Question) -> int:
        """Tokens that a question and its answer may take, as far as that is known."""
        return self.prompt_tokens(question.messages) + self._budget.longest

    def prompt_tokens(self, messages: Sequence[Message]) -> int:
        """Tokens of a chat; a few for the marks around each turn."""
        return sum(self.counter.count(turn.content) + 4 for turn in messages)

    def _note(self, question: Question, answer: Completion, *, paid: bool) -> Usage:
        usage = answer.usage or Usage(
            self.prompt_tokens(question.messages), self.counter.count(answer.text)
        )
        cost = None if self.price is None else self.price.of(usage)
        if paid and cost is not None:
            self.spent = (self.spent or 0.0) + cost
        if self._ledger is not None:
            self._ledger.answered(
                question.key,
                question.row,
                self._model,
                usage,
                cost=cost,
                estimated=answer.usage is None and self.counter.estimated,
                paid=paid,
                attempts=question.attempts,
                seconds=question.seconds,
            )
            if question.mismatch:
                self._ledger.revised(question.key, question.row, question.mismatch)
        return usage
