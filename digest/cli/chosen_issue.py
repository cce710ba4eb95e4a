"""What commands about one issue share: which one it is, how long it may still be sent, the Message-IDs it has."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import TYPE_CHECKING

import click

from digest.cli.workspace import IsoDate

if TYPE_CHECKING:
    from digest.app import App
    from digest.settings import NewsletterSettings
    from digest.store.issues import Issue

edition_argument = click.argument("edition", type=IsoDate(), metavar="EDITION")


def require_issue(app: "App", newsletter: "NewsletterSettings", edition: date) -> "Issue":
    """The issue of that date, or an error that says where to look."""
    from digest.errors import NotFoundError
    from digest.store.issues import get_issue

    issue = get_issue(app.database, newsletter.slug, edition)
    if issue is None:
        raise NotFoundError(
            f"{newsletter.slug} has no issue of {edition}; `digest issues list` shows those there are, "
            f"`digest preview --date {edition}` one that is not sent yet"
        )
    return issue


def catch_up(app: "App") -> timedelta:
    """How long an issue may be sent that goes on from now."""
    return timedelta(hours=app.settings.delivery.catch_up_hours)


def message_ids(app: "App", issue: "Issue") -> Callable[[int], str]:
    """From a subscriber's id to the Message-ID of that person's copy of a frozen issue."""
    from digest.mail.links import MessageIds
    from digest.settings import NewsletterSettings

    domain = NewsletterSettings.model_validate(issue.frozen["newsletter"]).mailbox.domain
    return MessageIds(app.key, issue.newsletter, issue.edition.isoformat(), domain).of
