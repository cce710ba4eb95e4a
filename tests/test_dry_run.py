"""The figures of a dry run are those of the real send that follows: the same people, in as many variants."""

from random import Random
from threading import Event

import pytest

from digest.dry_run import count_recipients, rehearse
from digest.model import DeliveryState, IssueState, SubscriberState
from digest.proof import make_proof
from digest.schedule import occurrence_on
from digest.store.subscribers import take_out
from digest.tick import Observer, begin_edition
from editions import (
    MONDAY,
    NOW,
    add_reader,
    make_article,
    open_edition,
    open_workspace,
    publish,
    save_news,
    sent_before,
    use_template_without_tags,
)

READERS = 14
ARTICLES = 12


@pytest.fixture
def open_site(tmp_path):
    """A workspace whose newsletter has these lines, with articles of two sections and readers of all kinds."""

    def make(*lines):
        return open_workspace(tmp_path, "limit = 3", 'candidates = "viewed"', 'window = "7d"', *lines)

    return make


def fill(app, random):
    """Readers with wishes of their own, who were sent this and that before; some are left nothing."""
    save_news(app, [make_article(n, section="economy" if n % 2 else "society") for n in range(1, ARTICLES + 1)])
    for number in range(READERS):
        sections = random.choice([(), (), ("economy",), ("society",), ("sports",)])
        add_reader(app, f"reader{number}", locale=random.choice(["", "", "en"]), sections=sections)
    histories = [["1"], ["1", "3"], ["2", "5", "7"], [str(n) for n in range(1, ARTICLES + 1)]]
    for number in random.sample(range(READERS), READERS // 2):
        state = random.choice(["sent", "sent", "uncertain", "failed"])
        sent_before(app, f"reader{number}", *random.choice(histories), state=state, edition=f"2026-02-{10 + number}")


def begin(app):
    newsletter = app.settings.newsletter(None)
    occurrence = occurrence_on(newsletter.due, MONDAY, app.settings.timezone_of(newsletter))
    return begin_edition(app, newsletter, occurrence, origin="manual", stop=Event(), observer=Observer())


def rehearse_silently(app):
    return rehearse(app.database, open_edition(app), app.workshop, on_message=lambda: None)


def count(app):
    edition = open_edition(app)
    return count_recipients(app.database, edition, app.workshop, make_proof(app.database, edition, app.workshop))


def figures(rehearsal):
    return rehearsal.recipients, rehearsal.variants


def sent_figures(app, issue):
    """How many people the issue was sent to, and in how many variants."""
    row = app.database.row(
        "SELECT count(*), count(DISTINCT variant) FROM delivery WHERE issue_id = ? AND state = 'sent'", (issue.id,)
    )
    return tuple(row)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 4))])
@pytest.mark.parametrize("has_tags", [True, False], ids=["pages", "without tags"])
@pytest.mark.parametrize("skips", ["true", "false"])
def test_a_dry_run_tells_what_the_real_send_does(open_site, skips, has_tags, seed):
    with open_site(f"skip_received = {skips}", "no_repeat = 30") as app:
        fill(app, Random(seed))
        if not has_tags:
            use_template_without_tags(app)
        rehearsal, counted = rehearse_silently(app), count(app)
        report = begin(app)
        assert report.issue.state is IssueState.SENT
        assert figures(rehearsal) == sent_figures(app, report.issue)
        assert counted == rehearsal.recipients == report.counts[DeliveryState.SENT]
        assert rehearsal.recipients + rehearsal.without_articles == READERS
        sizes = [len(file.read_bytes()) for file in (app.settings.folder / "outbox" / "new").iterdir()]
        assert rehearsal.total_bytes == pytest.approx(sum(sizes), rel=0.02)
        assert rehearsal.largest_message == pytest.approx(max(sizes), rel=0.02)


def test_of_a_stopped_issue_those_count_that_are_still_to_be_sent(open_site):
    """Not who was sent it, is in doubt, has left meanwhile or came after it was frozen."""
    with open_site("skip_received = true") as app:
        fill(app, Random(1))
        everybody = rehearse_silently(app)
        issue = publish(app)
        assert figures(rehearse_silently(app)) == figures(everybody)
        rows = app.database.rows("SELECT id FROM delivery WHERE issue_id = ? ORDER BY id", (issue.id,))
        for row, state in zip(rows, ("sent", "uncertain", "failed", "deferred", "claimed"), strict=False):
            app.database.execute("UPDATE delivery SET state = ? WHERE id = ?", (state, row["id"]))
        last = app.database.value(
            "SELECT address FROM subscriber JOIN delivery ON subscriber_id = subscriber.id WHERE delivery.id = ?",
            (rows[-1]["id"],),
        )
        take_out(app.database, last, state=SubscriberState.UNSUBSCRIBED, now=NOW)
        add_reader(app, "late")
        stopped = rehearse_silently(app)
        assert stopped.recipients == everybody.recipients - 4 == count(app)
        assert stopped.without_articles == 0, "who is not in the queue may have come later"


def test_of_an_issue_that_was_sent_nobody_is_left(open_site):
    with open_site() as app:
        fill(app, Random(1))
        begin(app)
        done = rehearse_silently(app)
        assert (done.recipients, done.variants, done.total_bytes, count(app)) == (0, 0, 0, 0)
