"""How long to wait before a request is sent again."""

from __future__ import annotations

import email.utils
import random
import time
from collections.abc import Mapping

MAX_WAIT = 60.0
FIRST_WAIT = 0.5


def wait_before(attempt: int, headers: Mapping[str, str]) -> float:
    """Seconds until the next attempt: what the endpoint asks for, else full jitter."""
    asked = retry_after(headers)
    if asked is not None:
        return min(asked, MAX_WAIT)
    return random.uniform(0, min(MAX_WAIT, FIRST_WAIT * 2**attempt))


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
