"""How fast messages may go: over all, to each large mailbox provider, and on how many connections after a setback.

All of it is values on `now`, monotonic seconds that the caller reads; nothing here waits.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

LEEWAY_SECONDS = 0.1
"""How much of its rate a lane may make up for at once after it was late, so that an event loop that wakes a moment
late does not lower the rate. The burst is 1 + rate * LEEWAY_SECONDS messages."""
_ROUNDING_SECONDS = 1e-6
"""Above the error of sums of seconds: whoever has waited as long as was said is let through."""


@dataclass(frozen=True, kw_only=True)
class Provider:
    """A mailbox provider whose domains share one lane, as their mail goes to the same servers."""

    name: str
    domains: tuple[str, ...]
    """Its domains; the first names the lane."""
    brands: tuple[str, ...] = ()
    """Names that are its own under the endings of countries too: `hotmail` in `hotmail.co.kr`."""
    rate: float
    """Messages a second: a cautious starting point through a relay with an established reputation. No provider
    publishes such a figure, and each of them gives a sender it trusts more; docs/pacing.md says what is known."""


PROVIDERS = (
    Provider(name="Google", domains=("gmail.com", "googlemail.com"), rate=20),
    Provider(
        name="Microsoft",
        domains=("outlook.com", "hotmail.com", "live.com", "msn.com", "windowslive.com"),
        brands=("outlook", "hotmail", "live"),
        rate=10,
    ),
    Provider(name="Yahoo", domains=("yahoo.com", "ymail.com", "rocketmail.com", "aol.com"), brands=("yahoo",), rate=10),
    # Another company, with servers of its own.
    Provider(name="Yahoo Japan", domains=("yahoo.co.jp", "ybb.ne.jp"), rate=10),
    Provider(name="Naver", domains=("naver.com",), rate=20),
    Provider(name="Daum and Kakao", domains=("daum.net", "hanmail.net", "kakao.com"), rate=10),
    Provider(name="Nate", domains=("nate.com",), rate=5),
    Provider(name="Apple", domains=("icloud.com", "me.com", "mac.com"), rate=5),
)
DEFAULT_DOMAIN_RATES: Mapping[str, float] = {
    domain: provider.rate for provider in PROVIDERS for domain in provider.domains
}
"""Messages a second to the domains of the large providers, where the settings do not say otherwise."""

_LANES = {domain: provider.domains[0] for provider in PROVIDERS for domain in provider.domains}
_BRANDS = {brand: provider.domains[0] for provider in PROVIDERS for brand in provider.brands}
_COUNTRY_ENDING = re.compile(r"(?:com?\.)?[a-z]{2}")


def lane_of(domain: str) -> str:
    """The lane of a recipient's domain: the first domain of its provider, or the domain itself.

    >>> lane_of("hotmail.co.kr"), lane_of("yahoo.co.jp"), lane_of("Hanbit.example")
    ('outlook.com', 'yahoo.co.jp', 'hanbit.example')
    """
    domain = domain.lower()
    if domain in _LANES:
        return _LANES[domain]
    name, _, ending = domain.partition(".")
    return _BRANDS[name] if name in _BRANDS and _COUNTRY_ENDING.fullmatch(ending) else domain


def rates_by_lane(domain_rates: Mapping[str, float]) -> dict[str, float]:
    """The lanes that have a limit, and their messages a second: the built-in table under the settings' own rates.

    A rate for one domain of a provider is that of all of them, as they share a lane; of several the lowest counts.
    Zero lifts the limit.
    """
    chosen: dict[str, float] = {}
    for domain, rate in domain_rates.items():
        lane = lane_of(domain)
        chosen[lane] = min(rate or math.inf, chosen.get(lane, math.inf))
    built_in = {lane_of(domain): rate for domain, rate in DEFAULT_DOMAIN_RATES.items()}
    return {lane: rate for lane, rate in {**built_in, **chosen}.items() if rate < math.inf}


class Pacer:
    """Spaces messages evenly, over all and in each lane.

    In any T seconds at most rate * T + 1 + rate * LEEWAY_SECONDS messages are admitted; under full demand the rate is
    reached as long as the caller asks again at most LEEWAY_SECONDS later than it was told to.
    """

    def __init__(self, rate: float = 0, lanes: Mapping[str, float] | None = None) -> None:
        """Messages a second over all, 0 for no limit, and those of single lanes; see `rates_by_lane`."""
        overall = (_Spacing(rate),) if rate > 0 else ()
        self._others = overall
        self._lanes = {lane: (_Spacing(own), *overall) for lane, own in (lanes or {}).items() if own > 0}
        self.is_unlimited = not overall and not self._lanes
        """Whether everything may always go: then there is no need to ask."""

    def lane_of(self, domain: str) -> str:
        """The lane of a domain, or "" for the one of all domains without a limit of their own."""
        lane = lane_of(domain)
        return lane if lane in self._lanes else ""

    def admit(self, lane: str, now: float) -> float:
        """Let a message of a lane go, and count it; or tell in how many seconds one may.

        Returns:
            0.0 where it goes now.
        """
        seconds = self.delay(lane, now)
        if not seconds:
            for spacing in self._lanes.get(lane, self._others):
                spacing.count(now)
        return seconds

    def delay(self, lane: str, now: float) -> float:
        """In how many seconds a message of a lane may go, 0.0 for now; nothing is counted."""
        longest = 0.0
        for spacing in self._lanes.get(lane, self._others):
            longest = max(longest, spacing.delay(now))
        return longest


class _Spacing:
    """One rate, kept by the moment at which the next message would be due at even spacing (GCRA, ITU-T I.371)."""

    __slots__ = ("_interval", "_next_at")

    def __init__(self, rate: float) -> None:
        self._interval = 1 / rate
        self._next_at = -math.inf

    def delay(self, now: float) -> float:
        ahead = self._next_at - now - LEEWAY_SECONDS
        if ahead <= _ROUNDING_SECONDS:
            return 0.0
        if ahead > self._interval + _ROUNDING_SECONDS:  # only where the clock went back
            self._next_at, ahead = now + LEEWAY_SECONDS + self._interval, self._interval
        return ahead

    def count(self, now: float) -> None:
        self._next_at = max(self._next_at, now) + self._interval


GROWTH_SECONDS = 10.0
"""After so many seconds without a setback one more connection is tried."""
SAME_SETBACK_SECONDS = 1.0
"""Connections lost within so many seconds of one another were lost for one reason and count once, unless one was
opened after the wait that the first loss began."""
LONGEST_WAIT_SECONDS = 60.0
JITTER = 0.2
"""Waits vary by so much either way, so that senders that were cut off together do not come back together."""


class Throttle:
    """How many connections a server bears: halved at a setback, then one more at a time.

    A setback is a 421, a connection lost in mid-send, or one that could not be opened. After one a new connection
    waits 1, 2, 4 seconds and so on up to a minute, until a message has gone through or all was well for a while.
    """

    def __init__(self, connections: int, *, random: Random) -> None:
        self._most = connections
        self._allowed = connections
        self._random = random
        self._setbacks = 0
        self._last_setback_at = -math.inf
        self._waits_until = -math.inf
        self._grown_at = -math.inf

    @property
    def is_slowed(self) -> bool:
        """Whether fewer connections are allowed than configured, as far as `allowed` was asked."""
        return self._allowed < self._most

    def allowed(self, now: float) -> int:
        """How many connections may be open, at least one."""
        steps = int((now - self._grown_at) / GROWTH_SECONDS) if self.is_slowed else 0
        if steps > 0:
            self._allowed = min(self._allowed + steps, self._most)
            self._grown_at += steps * GROWTH_SECONDS
        return self._allowed

    def delay(self, now: float) -> float:
        """In how many seconds a new connection may be opened, 0.0 for now."""
        return max(0.0, self._waits_until - now)

    def set_back(self, now: float) -> None:
        """Note a setback: half the connections, and a longer wait before the next one."""
        if now - self._last_setback_at < SAME_SETBACK_SECONDS and now < self._waits_until:
            return
        if now - self._waits_until >= GROWTH_SECONDS:
            self._setbacks = 0
        self._setbacks += 1
        self._last_setback_at = now
        self._allowed = max(1, self.allowed(now) // 2)
        # Time that is only waited through proves nothing, so growth begins after it.
        self._waits_until = self._grown_at = now + self._next_wait()

    def note_success(self) -> None:
        """Note that a message has gone through: the next wait is the shortest again."""
        self._setbacks = 0

    def _next_wait(self) -> float:
        doubled: float = 2.0 ** min(self._setbacks - 1, 10)
        seconds = min(doubled, LONGEST_WAIT_SECONDS / (1 + JITTER))
        return seconds * self._random.uniform(1 - JITTER, 1 + JITTER)
