"""Single mails to one person on their way: written like a message of an issue, handed over, and noted."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from digest.app import App
from digest.deliver.apart import send_apart
from digest.deliver.letters import Letterhead, Reader, split_body, write_message
from digest.deliver.press import address_letterhead, make_seal
from digest.deliver.transport import Outcome, Parcel
from digest.errors import DigestError, TransportError
from digest.language import Language
from digest.mail.links import Purpose, SignedLink, make_slot_nonce, sign_link
from digest.model import DeliveryState
from digest.render.notice import NoticeWords, render_notice
from digest.settings import NewsletterSettings
from digest.store.confirmations import get_confirmation
from digest.store.notices import (
    Notice,
    NoticeKind,
    NoticeResult,
    claim_notices,
    put_back_notices,
    record_notices,
)

logger = logging.getLogger("digest")

_AT_ONCE = 20
_VARIANT = "notice"
_FIRST_WAIT = timedelta(minutes=2)
_LONGEST_WAIT = timedelta(hours=2)
_GIVE_UP_AFTER = timedelta(hours=24)
"""Whoever waits for a confirmation a day has asked again, or lost interest."""


def send_due_notices(app: App) -> int:
    """Hand over the mails that are due, and tell how many were sent. What a server does about one is noted.

    Raises:
        DigestError: the database cannot be written; nothing more was handed over.
    """
    sent = 0
    while claimed := claim_notices(app.database, limit=_AT_ONCE, boot=app.clock.boot(), now=app.clock.now()):
        results = _hand_over(app, claimed)
        record_notices(app.database, results, now=app.clock.now())
        sent += sum(result.state is DeliveryState.SENT for result in results)
    return sent


def write_notice(app: App, notice: Notice) -> Parcel:
    """The message of a notice, signed.

    Raises:
        DigestError: it cannot be written: a template is wrong, its newsletter is gone.
    """
    newsletter = app.settings.newsletter(notice.newsletter)
    language = app.workshop.templates.language(notice.locale or app.settings.locale_of(newsletter))
    nonce = make_slot_nonce(app.key, newsletter.slug, f"notice {notice.id}")
    rendering = render_notice(
        _words(app, notice, newsletter, language),
        app.workshop.templates,
        site=app.settings.site,
        brand=app.settings.brand_of(newsletter),
        title=newsletter.title,
        language=language,
        nonce=nonce,
    )
    letterhead = Letterhead(
        site=app.settings.site,
        newsletter=newsletter,
        edition=notice.created_at.date(),
        issue_id=0,
        date=notice.created_at,
        key=app.key,
        bodies={_VARIANT: split_body(rendering.subject, rendering.html, rendering.text, nonce)},
        series=f"notice {notice.id}",
    )
    letterhead = address_letterhead(letterhead, app.settings.delivery, is_automatic=True, link_key=app.keyring.signing)
    # Whoever has the new address is not known to be the reader yet: nothing in this mail acts for them.
    owner = 0 if notice.kind is NoticeKind.ADDRESS else notice.subscriber_id
    reader = Reader(subscriber_id=owner, address=notice.address)
    return make_seal(app.settings, newsletter, app.clock)(write_message(letterhead, _VARIANT, reader))


def _hand_over(app: App, notices: Sequence[Notice]) -> list[NoticeResult]:
    """Write and send what can be written; what cannot ends by itself, and the others go on."""
    parcels: dict[int, Parcel] = {}
    outcomes: dict[int, Outcome] = {}
    for notice in notices:
        try:
            parcels[notice.id] = write_notice(app, notice)
        except DigestError as error:
            logger.error("a %s mail cannot be written: %s", notice.kind, error)  # noqa: TRY400 - its words say it
            outcomes[notice.id] = Outcome(state=DeliveryState.FAILED, reply=str(error))
    try:
        outcomes |= dict(zip(parcels, send_apart(app.transport, list(parcels.values())), strict=True))
    except TransportError as error:
        logger.warning("mails to single people wait: %s", error)
        until = app.clock.now() + _FIRST_WAIT
        put_back_notices(app.database, list(parcels), until=until, reply=str(error), now=app.clock.now())
    return [_judge(notice, outcomes[notice.id], app.clock.now()) for notice in notices if notice.id in outcomes]


def _judge(notice: Notice, outcome: Outcome, now: datetime) -> NoticeResult:
    wait = min(_FIRST_WAIT * 2**notice.attempts, _LONGEST_WAIT)
    state = outcome.state
    if state is DeliveryState.DEFERRED and now + wait > notice.created_at + _GIVE_UP_AFTER:
        state = DeliveryState.FAILED
    return NoticeResult(notice_id=notice.id, state=state, reply=outcome.reply, next_at=now + wait)


def _words(app: App, notice: Notice, newsletter: NewsletterSettings, language: Language) -> NoticeWords:
    link = _link(app, notice)
    days = app.settings.web_or_defaults.confirm_days
    site = app.settings.site.name
    if notice.kind is NoticeKind.CONFIRM:
        titles = _titles(app, notice) or newsletter.title
        subject = language.gettext("Confirm your subscription: {newsletters}").format(newsletters=titles)
        preheader = language.gettext("One click, and the next issue comes to you. Nothing is sent before that.")
        return NoticeWords(
            template="confirm",
            subject=subject,
            preheader=preheader,
            button=language.gettext("Confirm subscription"),
            link=link,
            values={"newsletters": titles, "days": days},
        )
    if notice.kind is NoticeKind.ADDRESS:
        return NoticeWords(
            template="address",
            subject=language.gettext("Confirm your new address for {site}").format(site=site),
            preheader=language.gettext("Your newsletters go to this address as soon as you confirm it."),
            button=language.gettext("Confirm address"),
            link=link,
            values={"days": days},
        )
    return NoticeWords(
        template="moved",
        subject=language.gettext("Your address at {site} was changed").format(site=site),
        preheader=language.gettext("From now on your newsletters go to another address."),
        button=language.gettext("Go to {site}").format(site=site),
        link=app.settings.site.url or app.settings.site.base_url(newsletter.mailbox.domain),
        values={},
    )


def _titles(app: App, notice: Notice) -> str:
    confirmation = get_confirmation(app.database, notice.confirmation_id)
    wanted = confirmation.wish.newsletters if confirmation else ()
    return ", ".join(each.title for each in app.settings.newsletters if each.slug in wanted)


def _link(app: App, notice: Notice) -> str:
    """The address that confirms, on readers' pages."""
    base = app.settings.site.base_url(app.settings.newsletters[0].mailbox.domain)
    signed = SignedLink(purpose=Purpose.CONFIRM, subscriber_id=notice.subscriber_id, issue_id=notice.confirmation_id)
    return f"{base}/confirm/{sign_link(app.keyring.signing, signed)}"
