"""How fast messages go: evenly spaced at their rate, one lane for each provider, fewer connections after a setback."""

import re
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.deliver.pace import (
    DEFAULT_DOMAIN_RATES,
    GROWTH_SECONDS,
    JITTER,
    LEEWAY_SECONDS,
    LONGEST_WAIT_SECONDS,
    PROVIDERS,
    SAME_SETBACK_SECONDS,
    Pacer,
    Throttle,
    lane_of,
    rates_by_lane,
)

PAGE = Path(__file__).parents[2] / "docs" / "pacing.md"
RATES = st.sampled_from([0.1, 0.3, 1.0, 7.0, 20.0, 50.0, 333.0, 1000.0])
SLACK = 0.01
"""Messages; above the rounding of the clock's seconds."""


def require_rate(moments, rate):
    """In any span of time at most rate * seconds + 1 + rate * LEEWAY_SECONDS of these messages went."""
    fewest_ahead = float("inf")
    for count, moment in enumerate(moments):
        ahead = count - rate * moment
        fewest_ahead = min(fewest_ahead, ahead)
        assert ahead - fewest_ahead <= rate * LEEWAY_SECONDS + SLACK


def drive(pacer, lane, seconds, *, random, latest=LEEWAY_SECONDS, start=1_000_000.0):
    """A sender with something to send at any time, which wakes up to so many seconds late; when messages went."""
    now, went = start, []
    while now < start + seconds:
        wait = pacer.admit(lane, now)
        if wait:
            now += wait + random.uniform(0, latest)
        else:
            went.append(now - start)
    return went


# The rate


@given(
    rate=RATES,
    steps=st.lists(st.floats(0, 3) | st.sampled_from([0.0, 1e-9, 600.0]), max_size=200),
    start=st.sampled_from([0.0, 12.5, 3e7]),
)
@settings(deadline=None)
def test_in_no_span_of_time_do_more_messages_go_than_the_rate_and_the_burst_allow(rate, steps, start):
    pacer, now, went = Pacer(rate), start, []
    for step in steps:
        now += step
        while not pacer.admit("", now):
            went.append(now - start)
    require_rate(went, rate)


@given(rate=RATES, seed=st.integers())
@settings(deadline=None)
def test_under_full_demand_the_rate_is_reached_by_a_sender_that_wakes_late(rate, seed):
    seconds = 200 / rate
    went = drive(Pacer(rate), "", seconds, random=Random(seed))
    assert 200 * 0.98 <= len(went) <= 200 + 1 + rate * LEEWAY_SECONDS + SLACK
    require_rate(went, rate)


def test_messages_are_spaced_evenly_once_the_burst_is_used_up():
    went = drive(Pacer(50), "", 2, random=Random(1), latest=0)
    assert [moment for moment in went if moment == 0] == [0] * 6
    gaps = [later - earlier for earlier, later in pairwise(went[5:])]
    assert min(gaps) == pytest.approx(0.02, abs=1e-5)
    assert max(gaps) == pytest.approx(0.02, abs=1e-5)


def test_a_rate_of_a_tenth_is_one_message_every_ten_seconds_and_none_is_saved_up():
    pacer = Pacer(0.1)
    assert pacer.admit("", 100.0) == 0
    assert pacer.admit("", 100.0) == pytest.approx(10, abs=LEEWAY_SECONDS)
    assert pacer.admit("", 500.0) == 0
    assert pacer.admit("", 500.0) > 9


@given(
    rate=RATES,
    lane_rate=RATES,
    now=st.floats(0, 1e8),
    asked=st.lists(st.sampled_from(["", "gmail.com"]), min_size=1, max_size=50),
)
def test_whoever_waited_as_long_as_was_said_is_let_through(rate, lane_rate, now, asked):
    pacer = Pacer(rate, {"gmail.com": lane_rate})
    for lane in asked:
        while wait := pacer.admit(lane, now):
            now += wait
            assert pacer.delay(lane, now) == 0


@given(rate=RATES, steps=st.lists(st.floats(-1e6, 1e6), max_size=50))
def test_a_clock_that_jumps_never_makes_anybody_wait_longer_than_one_message_takes(rate, steps):
    pacer, now = Pacer(rate), 1e6
    for step in steps:
        now += step
        assert 0 <= pacer.admit("", now) <= 1 / rate + 1e-5


def test_asking_for_the_delay_counts_nothing():
    pacer = Pacer(1)
    assert [pacer.delay("", 5.0) for _ in range(10)] == [0.0] * 10
    assert pacer.admit("", 5.0) == 0
    assert pacer.delay("", 5.0) == pacer.admit("", 5.0) > 0


# Lanes


def test_without_a_rate_nothing_is_limited_and_there_is_no_need_to_ask():
    for pacer in (Pacer(), Pacer(0, {}), Pacer(0, {"gmail.com": 0})):
        assert pacer.is_unlimited
        assert {pacer.admit("gmail.com", 1.0) for _ in range(1000)} == {0.0}
    assert not Pacer(1).is_unlimited
    assert not Pacer(0, {"gmail.com": 1}).is_unlimited


@given(
    overall=RATES,
    lanes=st.fixed_dictionaries({"gmail.com": RATES, "naver.com": RATES}),
    asked=st.lists(
        st.tuples(st.sampled_from(["gmail.com", "naver.com", "example.org", ""]), st.floats(0, 0.5)), max_size=200
    ),
)
def test_both_the_rate_over_all_and_that_of_the_lane_are_kept(overall, lanes, asked):
    pacer, now, went = Pacer(overall, lanes), 0.0, []
    for lane, step in asked:
        now += step
        if not pacer.admit(lane, now):
            went.append((lane, now))
    require_rate([moment for _, moment in went], overall)
    for lane, rate in lanes.items():
        require_rate([moment for name, moment in went if name == lane], rate)


def test_a_lane_that_has_to_wait_uses_nothing_up_of_the_rate_over_all():
    pacer = Pacer(100, {"gmail.com": 1})
    assert pacer.admit("gmail.com", 0.0) == 0
    assert all(pacer.admit("gmail.com", 0.0) for _ in range(1000))
    assert [bool(pacer.admit("naver.com", 0.0)) for _ in range(11)] == [False] * 10 + [True]


@pytest.mark.parametrize(
    ("domain", "lane"),
    [
        ("gmail.com", "gmail.com"), ("googlemail.com", "gmail.com"), ("GMail.Com", "gmail.com"),
        ("outlook.com", "outlook.com"), ("outlook.kr", "outlook.com"), ("hotmail.co.kr", "outlook.com"),
        ("hotmail.com.br", "outlook.com"), ("live.co.uk", "outlook.com"), ("msn.com", "outlook.com"),
        ("yahoo.com", "yahoo.com"), ("ymail.com", "yahoo.com"), ("yahoo.co.uk", "yahoo.com"),
        ("yahoo.com.tw", "yahoo.com"), ("yahoo.co.jp", "yahoo.co.jp"), ("naver.com", "naver.com"),
        ("hanmail.net", "daum.net"), ("kakao.com", "daum.net"), ("me.com", "icloud.com"),
        ("example.com", "example.com"), ("live.example.com", "live.example.com"), ("outlook.news", "outlook.news"),
        ("notgmail.com", "notgmail.com"), ("gmail.co.kr", "gmail.co.kr"), ("yahoo", "yahoo"), ("", ""),
    ],
)  # fmt: skip
def test_domains_of_one_provider_share_a_lane_and_every_other_has_its_own(domain, lane):
    assert lane_of(domain) == lane


@given(st.text(max_size=30))
def test_the_lane_of_a_lane_is_the_lane_itself(domain):
    assert lane_of(lane_of(domain)) == lane_of(domain)


def test_the_settings_override_the_table_for_all_domains_of_a_provider():
    rates = rates_by_lane({"googlemail.com": 3, "kakao.com": 0, "example.org": 0.5, "example.net": 0})
    built_in = {provider.domains[0]: provider.rate for provider in PROVIDERS}
    del built_in["daum.net"]
    assert rates == built_in | {"gmail.com": 3, "example.org": 0.5}
    assert rates_by_lane({}) == {provider.domains[0]: provider.rate for provider in PROVIDERS}


@pytest.mark.parametrize("rates", [{"hotmail.com": 0, "msn.com": 7}, {"msn.com": 7, "live.com": 9, "outlook.kr": 0}])
def test_of_several_rates_for_one_provider_the_lowest_counts(rates):
    assert rates_by_lane(rates)["outlook.com"] == 7


def test_domains_without_a_limit_of_their_own_are_one_lane():
    """A queue then has a handful of lanes to look through, however many domains the readers have."""
    pacer = Pacer(0, rates_by_lane({"naver.com": 0}))
    domains = ["hotmail.co.kr", "naver.com", "example.com"]
    assert [pacer.lane_of(domain) for domain in domains] == ["outlook.com", "", ""]


def table_rows(heading):
    section = PAGE.read_text("utf-8").partition(f"{heading}\n")[2]
    table = re.search(r"(?:^\|.*\n)+", section, re.MULTILINE)[0]
    return [[cell.strip() for cell in line.strip("|\n").split("|")] for line in table.splitlines()[2:]]


def test_the_page_shows_the_built_in_rates():
    shown = []
    for name, domains, rate in table_rows("### The built-in rates"):
        own, _, brands = re.sub(r" \(.*\)", "", domains).partition(";")
        code = re.compile("`(.+?)`")
        shown.append((name, tuple(code.findall(own)), tuple(code.findall(brands)), float(rate)))
    assert shown == [(each.name, each.domains, each.brands, each.rate) for each in PROVIDERS]
    assert {domain: rate for _, domains, _, rate in shown for domain in domains} == DEFAULT_DOMAIN_RATES


# Connections after a setback


def throttle(connections=8, seed=1):
    return Throttle(connections, random=Random(seed))


def test_a_setback_halves_the_connections_down_to_one():
    slowed, allowed = throttle(20), []
    for second in range(0, 14, 2):
        slowed.set_back(float(second))
        allowed.append(slowed.allowed(float(second)))
    assert allowed == [10, 5, 2, 1, 1, 1, 1]
    assert slowed.is_slowed


def test_connections_lost_together_are_one_setback():
    slowed = throttle(16)
    for part in range(8):
        slowed.set_back(part * SAME_SETBACK_SECONDS / 10)
    assert slowed.allowed(1.0) == 8
    slowed.set_back(SAME_SETBACK_SECONDS)
    assert slowed.allowed(1.0) == 4


@pytest.mark.parametrize("seed", range(20))
def test_a_connection_that_fails_right_after_the_wait_is_a_setback_of_its_own(seed):
    """A wait can be shorter than a second: without this rule the next attempts would follow one another at once."""
    slowed = throttle(16, seed)
    slowed.set_back(0.0)
    end = slowed.delay(0.0)
    slowed.set_back(end)
    assert slowed.delay(end) > 1
    assert slowed.allowed(end) == 4


def test_after_the_wait_one_more_connection_is_tried_at_a_time_up_to_what_is_configured():
    slowed = throttle(6)
    slowed.set_back(100.0)
    begin = 100.0 + slowed.delay(100.0)
    grown = [slowed.allowed(begin + GROWTH_SECONDS * steps + 0.001) for steps in range(6)]
    assert grown == [3, 4, 5, 6, 6, 6]
    assert not slowed.is_slowed
    slowed.set_back(begin + 500)
    assert slowed.allowed(begin + 500) == 3


def test_time_that_is_only_waited_through_lets_nothing_grow():
    """A server that is down is not mailed on more connections the longer it is down."""
    slowed, now = throttle(4), 0.0
    for _ in range(20):
        slowed.set_back(now)
        now += slowed.delay(now)
        assert slowed.allowed(now) <= 2
    assert slowed.allowed(now) == 1


def test_waits_double_up_to_a_minute_give_or_take_a_fifth():
    slowed, now, waits = throttle(), 0.0, []
    for _ in range(10):
        slowed.set_back(now)
        waits.append(slowed.delay(now))
        now += max(waits[-1], SAME_SETBACK_SECONDS)
    for wait, nominal in zip(waits, [1, 2, 4, 8, 16, 32, 50, 50, 50, 50], strict=True):
        assert nominal * (1 - JITTER) <= wait <= nominal * (1 + JITTER)
    assert max(waits) <= LONGEST_WAIT_SECONDS
    assert len(set(waits)) == 10


def test_a_message_that_went_through_makes_the_next_wait_the_shortest_again():
    slowed, now = throttle(), 0.0
    for _ in range(5):
        slowed.set_back(now)
        now += slowed.delay(now) + 1
    slowed.note_success()
    slowed.set_back(now)
    assert slowed.delay(now) <= 1 + JITTER


@pytest.mark.parametrize("connections", [1, 8])
def test_so_does_a_time_without_setbacks(connections):
    slowed, now = throttle(connections), 0.0
    for _ in range(5):
        slowed.set_back(now)
        now += slowed.delay(now) + 1
    slowed.set_back(now + GROWTH_SECONDS)
    assert slowed.delay(now + GROWTH_SECONDS) <= 1 + JITTER


def test_the_same_seed_gives_the_same_waits_and_another_one_others():
    def first_wait(seed):
        slowed = throttle(seed=seed)
        slowed.set_back(0.0)
        return slowed.delay(0.0)

    assert first_wait(3) == first_wait(3) != first_wait(4)


@given(
    connections=st.integers(1, 200),
    events=st.lists(st.tuples(st.sampled_from(["set back", "success", "look"]), st.floats(-5, 120)), max_size=60),
    seed=st.integers(),
)
def test_whatever_happens_there_is_a_connection_and_never_more_than_configured(connections, events, seed):
    slowed, now = throttle(connections, seed), 0.0
    for event, seconds in events:
        now += seconds
        if event == "set back":
            slowed.set_back(now)
        elif event == "success":
            slowed.note_success()
        assert 1 <= slowed.allowed(now) <= connections
        assert slowed.delay(now) >= 0
