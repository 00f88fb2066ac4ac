"""What an endpoint allows in a minute: said by the user, or learned from its headers."""

from __future__ import annotations

import re
from collections.abc import Mapping

_MINUTE = 60.0
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


class Rate:
    """A bucket that fills again: so much may be taken at once, so much more every second.

    Args:
        kind: ``requests`` or ``tokens``, as in the headers ``x-ratelimit-limit-requests``.
        per_minute: the user's own bound; None leaves it to the endpoint.
        now: the clock's time, seconds.
    """

    def __init__(self, kind: str, per_minute: float | None, now: float) -> None:
        names = (f"x-ratelimit-{field}-{kind}" for field in ("limit", "remaining", "reset"))
        self._limit_header, self._remaining_header, self._reset_header = names
        self._own = per_minute
        self._capacity = per_minute or 0.0
        self._a_second = self._capacity / _MINUTE
        self._level = self._capacity
        self._filled = now

    @property
    def bounded(self) -> bool:
        """False while nobody named a limit."""
        return self._capacity > 0

    def take(self, amount: float, now: float) -> float:
        """Take from the bucket, which may leave a debt.

        Returns:
            seconds until the debt is paid: the taker has to wait so long.
        """
        if not self.bounded:
            return 0.0
        self._fill(now)
        # What is larger than the bucket would wait for ever.
        self._level -= min(amount, self._capacity)
        return max(0.0, -self._level / self._a_second)

    def give_back(self, amount: float, now: float) -> None:
        """Put back what was taken and not used; a negative amount takes more."""
        if self.bounded:
            self._fill(now)
            self._level = min(self._capacity, self._level + amount)

    def learn(self, headers: Mapping[str, str], now: float) -> None:
        """Follow what the endpoint says of its limit, which may change at any time.

        ``reset`` is the time until the bucket is full (OpenAI's reading), or until the window ends
        (others'): in both, what is missing divided by it is the speed at which it comes back. So a
        limit for a day is kept as well as one for a minute.
        """
        limit = _number(headers.get(self._limit_header))
        if limit is None or limit <= 0:
            return
        self._fill(now)
        if not self.bounded:
            self._level = limit
        self._capacity = limit if self._own is None else min(limit, self._own)
        self._a_second = self._capacity / _MINUTE
        remaining = _number(headers.get(self._remaining_header))
        if remaining is None:
            self._level = min(self._level, self._capacity)
            return
        # Ours is lower by what is on its way; theirs by what others use.
        self._level = min(self._level, self._capacity, remaining)
        reset = seconds(headers.get(self._reset_header))
        if reset and remaining < limit:
            self._a_second = min(self._a_second, (limit - remaining) / reset)

    def _fill(self, now: float) -> None:
        self._level = min(self._capacity, self._level + (now - self._filled) * self._a_second)
        self._filled = now


def seconds(text: str | None) -> float | None:
    """A duration as endpoints write it: ``6m0s``, ``12ms``, ``1.5``; None where it is none."""
    if text is None:
        return None
    number = _number(text)
    if number is not None:
        return number
    parts = _DURATION.findall(text)
    if not parts or "".join(value + unit for value, unit in parts) != text.strip():
        return None
    return sum(float(value) * _UNITS[unit] for value, unit in parts)


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text is not None else None
    except ValueError:
        return None
    return number if number is not None and 0 <= number < float("inf") else None
