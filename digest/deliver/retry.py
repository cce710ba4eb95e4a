"""When a deferred message is tried again, and when it is given up."""

from datetime import datetime, timedelta
from random import Random

FIRST_DELAY = timedelta(minutes=20)
MAX_DELAY = timedelta(hours=4)
JITTER = 0.2
"""Delays vary by so much either way, so that a thousand deferred messages do not come back in one second."""
MAX_ATTEMPTS = 12
"""After so many tries it has failed: at 20, 40, 80, 160 minutes and then every 4 hours that is a day and a half
(RFC 5321, 4.5.4.1 asks for four to five days of a mail server; the digest of last week is of no use then)."""
GIVE_BACKS = 3
"""How often a sender hands a message over again at once whose connection was lost before it had left: after that it
waits like a deferred one, or a message that makes a server hang up would come back for ever."""


def next_attempt(attempts: int, *, now: datetime, random: Random) -> datetime:
    """When to try again after so many attempts (the one just made included): 20 minutes, doubling, 4 hours at most."""
    doublings: int = 2 ** min(attempts - 1, 10)
    delay = min(FIRST_DELAY * doublings, MAX_DELAY / (1 + JITTER))
    return now + delay * random.uniform(1 - JITTER, 1 + JITTER)
