"""How long to wait before a request is sent again."""

from __future__ import annotations

import email.utils
import random
import time
from collections.abc import Mapping

MAX_WAIT = 60.0
FIRST_WAIT = 0.25
_DOUBLINGS = 10  # by then MAX_WAIT is the bound, whatever the first wait was


def wait_before(attempt: int, headers: Mapping[str, str]) -> float:
    """Seconds until the next attempt: what the endpoint asks for, else full jitter.

    Full jitter is a random time between nothing and a bound that doubles with each attempt (Brooker,
    "Exponential Backoff and Jitter", AWS Architecture Blog, 2015). What the endpoint asks for is
    stretched by up to a tenth, so that not all come back at the same moment; an endpoint that asks
    for no time at all is not believed.
    """
    asked = retry_after(headers)
    if asked:
        return min(asked, MAX_WAIT) * random.uniform(1.0, 1.1)
    return random.uniform(0, min(MAX_WAIT, FIRST_WAIT * 2 ** min(attempt, _DOUBLINGS)))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The header, in seconds or as a date."""
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        date = email.utils.parsedate_tz(value)
        return None if date is None else max(0.0, email.utils.mktime_tz(date) - time.time())
