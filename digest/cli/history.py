"""`digest subscribers history`: everything that happened with a person, with dates."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from digest.cli.output import print_json, print_table
from digest.cli.workspace import WorkspaceCommand, json_option, open_workspace

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from digest.app import App
    from digest.model import Subscriber

_WORDS: Mapping[str, str] = {
    "added": "added",
    "asked": "asked to subscribe",
    "consented": "confirmed by the link in the mail",
    "confirmed": "became a reader",
    "revived": "came back",
    "changed": "was changed",
    "subscribed": "subscribed",
    "left": "left",
    "paused": "paused",
    "resumed": "gets mail again",
    "address-changed": "changed the address",
    "data-read": "took their data",
    "unsubscribed": "unsubscribed",
    "bounced": "the mailbox refuses mail for good",
    "complained": "complained",
    "soft-bounce": "a mail came back",
    "blocked": "a mail was refused for our sake",
    "auto-reply": "a program answered",
}
_READINGS: Mapping[str, str] = {
    "opened": "was opened",
    "prefetched": "had its pictures loaded, perhaps by a program",
    "clicked": "had a link followed",
    "scanned": "had links followed by a program",
}
_NOTICES: Mapping[str, str] = {
    "confirm": "mail to confirm the subscription",
    "address": "mail to confirm a new address",
    "moved": "mail to the old address",
}
_FACTS: Mapping[str, str] = {
    "client": "from {}",
    "newsletters": "for {}",
    "state": "as {}",
    "wording": "wording {}",
    "words": "“{}”",
}
"""How a fact is told; the others stand by themselves."""
_TOLD_BEFORE = frozenset(("at", "what", "newsletter", "edition"))


@click.command(cls=WorkspaceCommand)
@click.argument("address")
@json_option
def history(address: str, as_json: bool) -> None:
    """Tell everything that happened with a person, with dates.

    Dates are those of the site's timezone.

    \b
    Example:
      digest subscribers history kim@example.com
    """
    from digest.address import normalise_address
    from digest.store.subscribers import require_subscriber

    with open_workspace() as app:
        entries = _entries(app, require_subscriber(app.database, normalise_address(address)))
    if as_json:
        print_json(entries)
        return
    print_table(
        ("when", "newsletter", "what"), [(_minute(entry["at"]), _about(entry), _sentence(entry)) for entry in entries]
    )


def _entries(app: "App", person: "Subscriber") -> list[dict[str, Any]]:
    """Events, mails and readings, in the order they happened."""
    from zoneinfo import ZoneInfo

    from digest.store.confirmations import get_wording
    from digest.store.events import list_events
    from digest.store.ledger import list_deliveries_to
    from digest.store.notices import list_notices_to
    from digest.store.readings import list_readings

    timezone = ZoneInfo(app.settings.site.timezone)
    entries = [
        {
            "at": event.happened_at.astimezone(timezone).isoformat(),
            "what": str(event.kind),
            "newsletter": event.newsletter,
            **{name: _in(timezone, name, value) for name, value in event.facts.items()},
        }
        for event in list_events(app.database, person.id)
    ]
    for entry in entries:
        if words := get_wording(app.database, str(entry.get("wording", ""))):
            entry["words"] = words
    entries += [
        {
            "at": mail.updated_at.astimezone(timezone).isoformat(),
            "what": "mail",
            "newsletter": mail.newsletter,
            "edition": mail.edition,
            "state": str(mail.state),
            "answer": mail.reply,
        }
        for mail in list_deliveries_to(app.database, person.id)
    ]
    entries += [
        {
            "at": mail.updated_at.astimezone(timezone).isoformat(),
            "what": "single-mail",
            "newsletter": mail.newsletter,
            "kind": str(mail.kind),
            "to": mail.address,
            "state": str(mail.state),
            "answer": mail.reply,
        }
        for mail in list_notices_to(app.database, person.id)
    ]
    entries += [
        {
            "at": moment.astimezone(timezone).isoformat(),
            "what": what,
            "newsletter": reading.newsletter,
            "edition": reading.edition,
        }
        for reading in list_readings(app.database, person.id)
        for what, moment in reading.moments
    ]
    return sorted(entries, key=lambda entry: datetime.fromisoformat(entry["at"]))


def _in(timezone: "ZoneInfo", name: str, value: Any) -> Any:
    return datetime.fromisoformat(value).astimezone(timezone).isoformat() if name == "until" else value


def _minute(moment: str) -> str:
    return f"{datetime.fromisoformat(moment):%Y-%m-%d %H:%M}"


def _about(entry: Mapping[str, Any]) -> str:
    """The newsletter and the edition, "" where it was about all of them."""
    return f"{entry['newsletter']} {entry.get('edition', '')}".strip()


def _sentence(entry: Mapping[str, Any]) -> str:
    what = entry["what"]
    if what in ("mail", "single-mail"):
        words = " ".join(filter(None, (_NOTICES.get(entry.get("kind", "")), entry["state"])))
        return ": ".join(filter(None, (words, entry["answer"])))
    facts = [_fact(name, value) for name, value in entry.items() if name not in _TOLD_BEFORE]
    words = _READINGS.get(what) or _WORDS.get(what, what)
    return f"{words}{': ' if facts else ''}{'; '.join(facts)}"


def _fact(name: str, value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    if name == "until":
        return f"until {_minute(text)}"
    return _FACTS.get(name, "{}").format(text)
