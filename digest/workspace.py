"""A new workspace: its commented settings file and its empty database."""

from collections.abc import Mapping
from email.headerregistry import Address
from pathlib import Path

from tzlocal import get_localzone_name

from digest.errors import SettingsError
from digest.language import available_languages, load_language
from digest.settings import FILE_NAME as SETTINGS_FILE
from digest.settings import load_settings, parse_mailbox
from digest.store.database import FILE_NAME as DATABASE_FILE
from digest.store.database import open_database

_TEMPLATE_FILE = Path(__file__).with_name("digest.toml.template")


def create_workspace(folder: Path, *, name: str, sender: str, timezone: str, locale: str, heading: str = "") -> Path:
    """Write `digest.toml` and make the database; both or, where a value is wrong, neither.

    Args:
        folder: made where it is not there.
        name: the site's.
        sender: `Name <address>`.
        timezone: IANA name.
        locale: one that has a catalogue.
        heading: a comment on the first line.

    Returns:
        The settings file.

    Raises:
        SettingsError: there is one already, or a value is wrong.
    """
    file = folder / SETTINGS_FILE
    if file.exists():
        raise SettingsError(f"{file} is there already; nothing was changed")
    domain = _domain_of(sender)
    folder.mkdir(parents=True, exist_ok=True)
    title = load_language(locale).gettext("{name} Weekly").format(name=name)
    values = {"name": name, "title": title, "sender": sender, "timezone": timezone, "locale": locale, "domain": domain}
    text = _TEMPLATE_FILE.read_text(encoding="utf-8")
    for key, value in values.items():
        text = text.replace(f"@{key}@", _escape(value))
    file.write_text(heading + text, encoding="utf-8")
    try:
        load_settings(file, {})
        open_database(folder / DATABASE_FILE, create=True).close()
    except BaseException:
        file.unlink()
        raise
    return file


def guess_timezone() -> str:
    """This machine's timezone, or UTC."""
    return get_localzone_name() or "UTC"


def guess_locale(environment: Mapping[str, str]) -> str:
    """The locale of this machine's user where it has a catalogue, else English."""
    wanted = environment.get("LC_ALL") or environment.get("LANG") or ""
    return wanted[:2] if wanted[:2] in available_languages() else "en"


def _domain_of(sender: str) -> str:
    try:
        mailbox: Address = parse_mailbox(sender)
    except ValueError as error:
        raise SettingsError(f"--from {sender!r}: {error}") from error
    return mailbox.domain


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
