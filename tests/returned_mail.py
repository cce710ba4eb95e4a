"""Readers who were sent issues, and the mail that comes back from them: marked as ours, by Message-ID, or forged."""

from contextlib import contextmanager

from digest.mail.inbound.read import read_message
from digest.mail.links import Purpose, SignedLink, make_message_id, sign_bounce_token, sign_link
from digest.returns.act import act_on
from digest.store.database import FILE_NAME, open_database, to_seconds
from digest.store.events import list_events
from digest.store.secrets import hash_address
from digest.store.subscribers import get_subscriber, is_suppressed
from workspaces import SetClock, add_readers, open_at, reader_address, settings_text

READER, OTHER = reader_address(0), reader_address(1)
WORDS = {
    "hard": ("5.1.1", "550 5.1.1 User unknown"),
    "soft": ("4.2.2", "452 4.2.2 Mailbox full"),
    "blocked": ("5.7.1", "554 5.7.1 Your IP address is on a blocklist"),
}


def settings_with(inbound="", **tables):
    return settings_text(**tables) + f"\n[inbound]\n{inbound}\n"


def make_site(folder, inbound="", *, readers=2, newsletters=("weekly",), **tables):
    """A workspace with readers; its settings file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "digest.toml"
    file.write_text(settings_with(inbound, **tables), encoding="utf-8")
    with open_database(folder / FILE_NAME, create=True) as database:
        database.execute("PRAGMA synchronous=OFF")
        add_readers(database, range(readers), newsletters=newsletters)
    return file


@contextmanager
def open_site(folder, inbound="", *, clock=None, **options):
    """The same, opened."""
    with open_at(make_site(folder, inbound, **options), clock or SetClock()) as app:
        app.database.execute("PRAGMA synchronous=OFF")
        assert app.key  # made when it is first asked for
        yield app


def send_issue(app, *, edition=None, newsletter="weekly", state="sent"):
    """An issue of this moment that every reader was sent; its id."""
    now = app.clock.now()
    database = app.database
    issue = database.insert(
        """INSERT INTO issue (newsletter, edition, origin, state, scheduled_at, deadline, started_at, frozen_at)
        VALUES (?, ?, 'manual', 'sent', 0, 0, 0, 0)""",
        (newsletter, edition or now.date().isoformat()),
    )
    database.execute(
        """INSERT INTO delivery (issue_id, subscriber_id, variant, state, updated_at)
        SELECT ?, id, '', ?, ? FROM subscriber""",
        (issue, state, to_seconds(now)),
    )
    return issue


def mark_of(app, issue, address=READER):
    return sign_bounce_token(app.keyring.signing, subscriber_id=person(app, address).id, issue_id=issue)


def message_id_of(app, issue, address=READER):
    newsletter, edition = app.database.row("SELECT newsletter, edition FROM issue WHERE id = ?", (issue,))
    return make_message_id(app.key, newsletter, edition, person(app, address).id, "hanbit.example")


def leaving_token(app, issue, address=READER):
    link = SignedLink(purpose=Purpose.UNSUBSCRIBE, subscriber_id=person(app, address).id, issue_id=issue)
    return sign_link(app.keyring.signing, link)


def bounce(
    kind="hard",
    *,
    mark="",
    message_id="<1@elsewhere.example>",
    recipient=READER,
    number=1,
    to="news@hanbit.example",
    action="failed",
):
    """A status notification (RFC 3464) with the headers of what came back."""
    status, words = WORDS[kind]
    returned = f"X-Digest-Delivery: {mark}\n" if mark else ""
    return f"""From: MAILER-DAEMON@mx.example.com
To: {to}
Subject: Undelivered Mail Returned to Sender
Message-ID: <{number}@mx.example.com>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=x

--x

It could not be delivered.
--x
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com

Final-Recipient: rfc822; {recipient}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {words}

--x
Content-Type: text/rfc822-headers

From: news@hanbit.example
To: {recipient}
Message-ID: {message_id}
{returned}
--x--
""".encode()


def complaint(*, mark="", recipient=READER, feedback="abuse", number=1):
    """A report of an abuse desk (RFC 5965)."""
    returned = f"X-Digest-Delivery: {mark}\n" if mark else ""
    return f"""From: feedback@isp.example
To: news@hanbit.example
Subject: complaint
Message-ID: <{number}@isp.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary=x

--x

A complaint.
--x
Content-Type: message/feedback-report

Feedback-Type: {feedback}
User-Agent: Desk/1.0
Version: 1
Original-Rcpt-To: {recipient}

--x
Content-Type: message/rfc822

From: news@hanbit.example
To: {recipient}
Message-ID: <1@elsewhere.example>
{returned}
words
--x--
""".encode()


def leaving(*, sender=READER, subject="unsubscribe", number=1):
    return (
        f"From: {sender}\nTo: bye@hanbit.example\nSubject: {subject}\nMessage-ID: <{number}@example.com>\n\n\n"
    ).encode()


def vacation(*, mark, sender=READER, number=1):
    return (
        f"From: {sender}\nTo: news+{mark}@hanbit.example\nSubject: Out of office\nAuto-Submitted: auto-replied\n"
        f"Message-ID: <{number}@example.com>\n\nI am away.\n"
    ).encode()


def process(app, raw, **options):
    """What followed, as words; None for the same message again."""
    with app.database.transaction():
        acts = act_on(app, read_message(raw), **options)
    return acts if acts is None else [str(act.deed) for act in acts]


def person(app, address=READER):
    return get_subscriber(app.database, address)


def state_of(app, address=READER):
    return str(person(app, address).state)


def is_out(app, address=READER):
    return is_suppressed(app.database, hash_address(app.key, address))


def history(app, address=READER):
    return [str(event.kind) for event in list_events(app.database, person(app, address).id)]


def dump(app):
    """Every row of every table."""
    names = [r[0] for r in app.database.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")]
    return [[tuple(row) for row in app.database.rows(f'SELECT * FROM "{name}"')] for name in names]
