"""Allow at most `limit` requests within any `window` seconds: given the times of the requests
in rising order, return the times of the ones that are allowed (`allowed_times`). Keep the times
of the allowed requests that still count in a queue; a request no longer counts `window` seconds
after it."""

from collections import deque


class RateLimiter:
    def __init__(self, limit, window):
        self.limit = limit
        self.window = window
        self.recent = deque()

    def allow(self, now):
        while self.recent and self.recent[0] <= now - self.window:
            self.recent.popleft()
        if len(self.recent) >= self.limit:
            return False
        self.recent.append(now)
        return True


def allowed_times(times, *, limit, window):
    limiter = RateLimiter(limit, window)
    allowed = []
    for now in times:
        if limiter.allow(now):
            allowed.append(now)
    return allowed


if __name__ == "__main__":
    assert allowed_times([1, 2, 3, 11], limit=2, window=10) == [1, 2, 11]
    assert allowed_times([0, 4, 5, 9], limit=1, window=5) == [0, 5]
    assert allowed_times([3, 3, 3], limit=3, window=1) == [3, 3, 3]
    limiter = RateLimiter(limit=1, window=60)
    first = limiter.allow(30)
    limiter.allow(90)
