"""When a deferred message is tried again."""

from datetime import datetime, timedelta
from random import Random

FIRST_DELAY = timedelta(minutes=20)
MAX_DELAY = timedelta(hours=4)
JITTER = 0.2
"""Delays vary by so much either way, so that a thousand deferred messages do not come back in one second."""


def next_attempt(attempts: int, *, now: datetime, random: Random) -> datetime:
    """When to try again after so many attempts (the one just made included): 20 minutes, doubling, 4 hours at most."""
    doublings: int = 2 ** min(attempts - 1, 10)
    delay = min(FIRST_DELAY * doublings, MAX_DELAY / (1 + JITTER))
    return now + delay * random.uniform(1 - JITTER, 1 + JITTER)
