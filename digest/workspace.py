"""A new workspace: its commented settings file and its empty database."""

import re
from collections.abc import Mapping
from email.headerregistry import Address
from pathlib import Path
from zoneinfo import available_timezones

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
    if timezone not in available_timezones():
        raise SettingsError(f"--timezone {timezone!r}: no such timezone; expected an IANA name such as Asia/Seoul")
    if not name.strip():
        raise SettingsError("--name is empty; expected the site's name, as readers know it")
    title = load_language(locale).gettext("{name} Weekly").format(name=name)
    values = {"name": name, "title": title, "sender": sender, "timezone": timezone, "locale": locale}
    text = _fill_in(_TEMPLATE_FILE.read_text(encoding="utf-8"), {**values, "domain": _domain_of(sender)})
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(heading + text, encoding="utf-8")
    try:
        load_settings(file, {})
        open_database(folder / DATABASE_FILE, create=True).close()
    except BaseException:
        file.unlink()
        raise
    return file


def _fill_in(template: str, values: Mapping[str, str]) -> str:
    """The template with each `@name@` as the inside of a TOML string."""
    return re.sub(r"@(\w+)@", lambda slot: _escape(values[slot[1]]), template)


def guess_timezone() -> str:
    """This machine's timezone, or UTC."""
    return get_localzone_name() or "UTC"


def guess_locale(environment: Mapping[str, str]) -> str:
    """The locale of this machine's user where it has a catalogue, else English."""
    wanted = re.split(r"[_.@]", environment.get("LC_ALL") or environment.get("LANG") or "")[0]
    return wanted if wanted in available_languages() else "en"


def _domain_of(sender: str) -> str:
    try:
        mailbox: Address = parse_mailbox(sender)
    except ValueError as error:
        raise SettingsError(f"--from {sender!r}: {error}") from error
    return mailbox.domain


def _escape(value: str) -> str:
    """Inside a TOML basic string, control characters are escaped (TOML 1.0, Strings)."""
    value = value.replace("\\", "\\\\").replace('"', '\\"')
    return re.sub(r"[\x00-\x1f\x7f]", lambda sign: f"\\u{ord(sign[0]):04x}", value)
