"""`digest subscribers`: who gets the newsletters."""

from typing import TYPE_CHECKING, Any

import click

from digest.cli.erase import erase
from digest.cli.filters import count, filter_option, filters
from digest.cli.growth import stats
from digest.cli.history import history
from digest.cli.inactive import inactive
from digest.cli.output import count_of, print_json, print_table
from digest.cli.subscribe_form import form
from digest.cli.subscriber_files import STATES, choose_newsletters, export, import_, make_filter
from digest.cli.tags import tag, tags
from digest.cli.workspace import WorkspaceCommand, json_option, limit_option, newsletter_filter, open_workspace

if TYPE_CHECKING:
    from digest.app import App
    from digest.model import Subscriber


def _profile_options(function: Any) -> Any:
    for option in reversed(
        (
            click.option("--name", help="How the person is called."),
            click.option("--locale", metavar="TAG", help='ko, en, …; "" for the newsletter\'s own.'),
            click.option("--timezone", metavar="NAME", help='IANA name; "" for the newsletter\'s own.'),
            click.option(
                *("--newsletter", "-n", "newsletters"),
                multiple=True,
                metavar="SLUG",
                help="Exactly these; may be repeated. A new person gets all by default.",
            ),
            click.option(
                *("--section", "sections"), multiple=True, metavar="KEY", help="Only these sections; may be repeated."
            ),
        )
    ):
        function = option(function)
    return function


@click.group()
def subscribers() -> None:
    """Add, import, change, list and export subscribers.

    \b
    Example:
      digest subscribers add kim@example.com --name 김지우
      digest subscribers import members.csv
      digest subscribers stats
    """


@subscribers.command(cls=WorkspaceCommand)
@click.argument("address")
@_profile_options
@click.option("--source", "consent_source", default="added by hand", show_default=True, help="Where they agreed.")
@click.option("--resubscribe", is_flag=True, help="Also when they left, bounced, complained or are suppressed.")
def add(
    address: str,
    name: str | None,
    locale: str | None,
    timezone: str | None,
    newsletters: tuple[str, ...],
    sections: tuple[str, ...],
    consent_source: str,
    resubscribe: bool,
) -> None:
    """Add a person who has agreed to be mailed.

    \b
    Example:
      digest subscribers add kim@example.com --name 김지우 --locale ko --section economy
    """
    from digest.audience import Wishes, add_newsletters, make_profile
    from digest.store.secrets import hash_address
    from digest.store.subscribers import save_profile

    with open_workspace() as app:
        wishes = Wishes(
            address=address,
            name=name,
            locale=locale,
            timezone=timezone,
            sections=sections or None,
            consent_source=consent_source,
            consent_at=app.clock.now(),
        )
        profile = make_profile(wishes, app.settings, locales=app.locales)
        chosen = choose_newsletters(app, newsletters) if newsletters else ()
        _note_unknown_sections(app, sections)
        with app.database.transaction():
            change = save_profile(
                app.database,
                add_newsletters(app.database, profile, chosen, default=choose_newsletters(app, ())),
                address_hash=hash_address(app.key, profile.address),
                resubscribe=resubscribe,
                now=app.clock.now(),
            )
        click.echo(f"{profile.address}: {change}")


def _note_unknown_sections(app: "App", sections: tuple[str, ...]) -> None:
    """Say which sections no article is of: mistyped perhaps, or of articles still to come."""
    from digest.store.articles import list_sections

    known = list_sections(app.database)
    for section in sections:
        if section not in known:
            keys = ", ".join(filter(None, known)) or "none yet"
            click.echo(f"Note: no article is of the section {section!r}; sections: {keys}", err=True)


@subscribers.command("list", cls=WorkspaceCommand)
@click.option("--state", type=click.Choice(STATES), help="Only people in this state.")
@newsletter_filter
@click.option("--locale", metavar="TAG", help="Only people with this locale.")
@click.option("--text", default="", help="Only addresses or names that contain this.")
@filter_option
@limit_option(50)
@json_option
def list_(
    state: str | None,
    newsletter: str | None,
    locale: str | None,
    text: str,
    expression: str,
    limit: int,
    as_json: bool,
) -> None:
    """List subscribers, in the order they came.

    \b
    Example:
      digest subscribers list --state active --newsletter weekly
      digest subscribers list --filter "domain=naver.com and added<30d"
    """
    from digest.audience import subscriber_to_json
    from digest.store.subscriber_search import list_subscribers
    from digest.store.tags import list_tags_of

    with open_workspace() as app:
        wanted = make_filter(app, state, newsletter, locale, text=text, expression=expression)
        found = list(list_subscribers(app.database, wanted, limit=limit))
        tags = list_tags_of(app.database, [subscriber.id for subscriber in found])
    if as_json:
        print_json([subscriber_to_json(subscriber, tags.get(subscriber.id, ())) for subscriber in found])
        return
    rows = [(s.address, s.name, s.state, s.locale, ", ".join(map(_subscription_words, s.subscriptions))) for s in found]
    if rows:
        print_table(("address", "name", "state", "locale", "newsletters"), rows)
        click.echo()
    more = f", the first {limit:,}; --limit shows more" if len(rows) == limit else ""
    click.echo(f"{count_of(len(rows), 'subscriber')}{more}")


def _subscription_words(subscription: Any) -> str:
    sections = f" ({'/'.join(subscription.sections)})" if subscription.sections else ""
    return f"{subscription.newsletter}{sections}"


@subscribers.command(cls=WorkspaceCommand)
@click.argument("address")
@json_option
def show(address: str, as_json: bool) -> None:
    """Show everything known about a person.

    \b
    Example:
      digest subscribers show kim@example.com
    """
    from digest.audience import subscriber_to_json
    from digest.store.tags import list_tags

    with open_workspace() as app:
        person = _require(app, address)
        values = subscriber_to_json(person, list_tags(app.database, person.id))
        moments = _moments_of(app, person)
    if as_json:
        print_json(values)
        return
    for name, value in (values | moments).items():
        click.echo(f"{name:<15} {', '.join(value) if isinstance(value, list) else value or ''}".rstrip())


def _moments_of(app: "App", person: "Subscriber") -> dict[str, str]:
    """The moments of a person as people read them: in the site's timezone."""
    from zoneinfo import ZoneInfo

    timezone = ZoneInfo(app.settings.site.timezone)
    names = ("consent_at", "created_at", "left_at", "paused_until")
    return {
        name: f"{moment.astimezone(timezone):%Y-%m-%d %H:%M}" for name in names if (moment := getattr(person, name))
    }


def _require(app: "App", address: str) -> "Subscriber":
    from digest.address import normalise_address
    from digest.store.subscribers import require_subscriber

    return require_subscriber(app.database, normalise_address(address))


@subscribers.command("set", cls=WorkspaceCommand)
@click.argument("address")
@_profile_options
@click.option("--all-sections", is_flag=True, help="Take back a choice of sections.")
@json_option
def set_(
    address: str,
    name: str | None,
    locale: str | None,
    timezone: str | None,
    newsletters: tuple[str, ...],
    sections: tuple[str, ...],
    all_sections: bool,
    as_json: bool,
) -> None:
    """Change what is known about a person.

    What is not named stays. --newsletter replaces the ones there were.

    \b
    Example:
      digest subscribers set kim@example.com --locale en --section economy --section tech
    """
    from digest.audience import Wishes, make_profile, subscriber_to_json
    from digest.store.subscribers import change_subscriber
    from digest.store.tags import list_tags

    with open_workspace() as app:
        wishes = Wishes(
            address=address,
            name=name,
            locale=locale,
            timezone=timezone,
            newsletters=newsletters or None,
            sections=() if all_sections else sections or None,
        )
        profile = make_profile(wishes, app.settings, locales=app.locales)
        _note_unknown_sections(app, sections)
        changed = change_subscriber(app.database, profile, now=app.clock.now())
        tags = list_tags(app.database, changed.id)
    if as_json:
        print_json(subscriber_to_json(changed, tags))
    else:
        click.echo(f"{changed.address}: changed")


@subscribers.command(cls=WorkspaceCommand)
@click.argument("address", required=False)
@click.option("--token", help="Instead of an address: the token of the person's unsubscribe link.")
@click.option("--suppress", is_flag=True, help="And never let an import or a form add the address again.")
def remove(address: str | None, token: str | None, suppress: bool) -> None:
    """Unsubscribe a person.

    They get nothing more, not even what is queued.

    \b
    Example:
      digest subscribers remove kim@example.com
    """
    from digest.model import SubscriberState
    from digest.store.secrets import hash_address
    from digest.store.subscribers import suppress as suppress_address
    from digest.store.subscribers import take_out

    if (address is None) == (token is None):
        raise click.UsageError("name an address, or a token with --token")
    with open_workspace() as app:
        found = _require(app, address) if address is not None else _require_by_token(app, str(token))
        now = app.clock.now()
        changed = take_out(app.database, found.address, state=SubscriberState.UNSUBSCRIBED, now=now)
        if suppress:
            suppress_address(app.database, hash_address(app.key, found.address), reason="by hand", now=now)
        click.echo(f"{found.address}: {'unsubscribed' if changed else 'was unsubscribed already'}")


def _require_by_token(app: "App", token: str) -> "Subscriber":
    from digest.errors import NotFoundError
    from digest.mail.links import Purpose
    from digest.store.subscribers import get_subscriber_by_id

    link = app.keyring.read_link(token)
    found = get_subscriber_by_id(app.database, link.subscriber_id) if link else None
    if link is None or found is None or link.purpose is not Purpose.UNSUBSCRIBE:
        raise NotFoundError("the token is of no unsubscribe link that this workspace has sent")
    return found


for command in (import_, export, form, count, filters, stats, tag, tags, history, inactive, erase):
    subscribers.add_command(command)
