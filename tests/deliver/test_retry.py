"""When a deferred message is tried again: 20 minutes, doubling, 4 hours at most, and not all at once."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.deliver.retry import FIRST_DELAY, JITTER, MAX_DELAY, next_attempt

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def delays(attempts, count=500):
    random = Random(7)
    return [next_attempt(attempts, now=NOW, random=random) - NOW for _ in range(count)]


@pytest.mark.parametrize(("attempts", "minutes"), [(1, 20), (2, 40), (3, 80), (4, 160)])
def test_each_attempt_waits_twice_as_long_as_the_one_before_give_or_take_a_fifth(attempts, minutes):
    expected = timedelta(minutes=minutes)
    assert expected * (1 - JITTER) <= min(delays(attempts)) < expected * 0.85
    assert expected * 1.15 < max(delays(attempts)) <= expected * (1 + JITTER)


@given(st.integers(1, 10_000), st.integers())
def test_no_delay_is_longer_than_four_hours_or_shorter_than_sixteen_minutes(attempts, seed):
    delay = next_attempt(attempts, now=NOW, random=Random(seed)) - NOW
    assert FIRST_DELAY * (1 - JITTER) <= delay <= MAX_DELAY


def test_a_thousand_deferred_messages_do_not_come_back_in_one_second_even_at_the_longest_delay():
    assert len({int(delay.total_seconds()) for delay in delays(9, 1000)}) > 500


def test_the_same_seed_gives_the_same_moment():
    assert next_attempt(1, now=NOW, random=Random(1)) == next_attempt(1, now=NOW, random=Random(1))
