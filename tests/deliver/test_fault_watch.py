"""When an issue pauses because servers refuse it for the sender's sake: most of the newest 50 replies, 20 at least."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from digest.deliver.fault_watch import ENOUGH, WINDOW, FaultWatch
from digest.deliver.transport import Outcome
from digest.model import DeliveryState
from digest.replies.kinds import CONSEQUENCES, ReplyKind

TAKEN = (ReplyKind.DELIVERED, Outcome(state=DeliveryState.SENT, code=250, reply="2.0.0 Ok"))
BLOCKED = (ReplyKind.BLOCKED, Outcome(state=DeliveryState.FAILED, code=550, reply="5.7.1 Access denied"))
SPAM = (ReplyKind.SPAM, Outcome(state=DeliveryState.FAILED, code=554, reply="5.7.1 spam"))
UNKNOWN = (ReplyKind.RECIPIENT_UNKNOWN, Outcome(state=DeliveryState.FAILED, code=550, reply="5.1.1 no such user"))
LATER = (ReplyKind.THROTTLED, Outcome(state=DeliveryState.DEFERRED, code=451, reply="4.7.0 later"))


def watch(*replies, domains=("a.example",)):
    """A watch that was fed; addresses of the domains take turns."""
    fed = FaultWatch()
    for number, (kind, outcome) in enumerate(replies):
        fed.note(kind, outcome, f"reader{number}@{domains[number % len(domains)]}")
    return fed


def test_most_of_the_last_replies_blame_the_sender():
    verdict = watch(*[TAKEN] * 30, *[SPAM] * 8, *[TAKEN] * 12, *[BLOCKED] * 30).verdict()
    assert (
        verdict
        == "38 of the last 50 replies blame the sender: 30 blocked (550 5.7.1 Access denied), 8 spam (554 5.7.1 spam)"
    )


def test_too_few_replies_say_nothing():
    assert watch(*[BLOCKED] * (ENOUGH - 1)).verdict() is None
    assert watch(*[BLOCKED] * ENOUGH).verdict()


def test_half_is_not_most():
    half = [each for _ in range(WINDOW // 2) for each in (BLOCKED, TAKEN)]
    assert watch(*half).verdict() is None
    assert watch(*half, BLOCKED, BLOCKED).verdict()


def test_readers_who_are_gone_and_servers_that_are_busy_are_not_the_senders_fault():
    assert watch(*[UNKNOWN] * 100, *[LATER] * 100).verdict() is None


def test_what_is_long_ago_is_forgotten():
    assert watch(*[BLOCKED] * WINDOW, *[TAKEN] * WINDOW).verdict() is None


def test_a_domain_that_refuses_everything_is_seen_among_others_that_take_it():
    """One server in five is not most of them; its readers would all be refused all the same."""
    replies = [BLOCKED if number % 5 == 0 else TAKEN for number in range(5 * ENOUGH)]
    domains = ("big.example", "b.example", "c.example", "d.example", "e.example")
    assert watch(*replies[: -5 * 2], domains=domains).verdict() is None
    verdict = watch(*replies, domains=domains).verdict()
    assert verdict == "20 of the last 20 replies of big.example blame the sender: 20 blocked (550 5.7.1 Access denied)"


def test_small_domains_that_refuse_pause_nothing_while_most_take_it():
    domains = tuple(f"{number}.example" for number in range(100))
    replies = [BLOCKED if number % 3 == 0 else TAKEN for number in range(1000)]
    assert watch(*replies, domains=domains).verdict() is None


def test_the_verdict_is_short_and_holds_no_address():
    """It is kept with the issue, logged and mailed."""
    reply = f"5.7.1 <kim@example.com>: refused for news@hanbit.example, {'see this ' * 50}"
    outcome = Outcome(state=DeliveryState.FAILED, code=550, reply=reply)
    verdict = watch(*[(ReplyKind.POLICY, outcome)] * ENOUGH).verdict()
    assert "kim@" not in verdict
    assert "news@" not in verdict
    assert "k***@example.com" in verdict
    assert len(verdict) < 250


def test_domains_that_never_blamed_the_sender_are_not_kept():
    fed = watch(*[TAKEN] * 5000, domains=tuple(f"{number}.example" for number in range(5000)))
    assert not fed._domains


KINDS = st.sampled_from(ReplyKind)


@given(st.lists(st.tuples(KINDS, st.sampled_from("abc")), max_size=200))
def test_the_whole_is_judged_by_its_newest_replies(replies):
    fed = FaultWatch()
    for kind, domain in replies:
        fed.note(kind, Outcome(state=DeliveryState.FAILED, code=550, reply="no"), f"kim@{domain}.example")
    newest = Counter(CONSEQUENCES[kind].counts_against_sender for kind, _ in replies[-WINDOW:])
    verdict = fed.verdict()
    if newest.total() >= ENOUGH and newest[True] > newest[False]:
        assert verdict is not None
        assert verdict.startswith(f"{newest[True]} of the last {newest.total()} replies blame the sender: ")
    else:
        assert verdict is None or " of the last " in verdict.partition(" blame")[0].partition(" replies of ")[0]


@given(st.lists(st.sampled_from([kind for kind in ReplyKind if not CONSEQUENCES[kind].counts_against_sender])))
def test_without_a_fault_there_is_no_verdict(kinds):
    fed = watch(*[(kind, Outcome(state=DeliveryState.FAILED, reply="x")) for kind in kinds])
    assert fed.verdict() is None
