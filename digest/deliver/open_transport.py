"""From the settings to the way out they name."""

from pathlib import Path

from digest.clock import Clock
from digest.deliver.maildir import MaildirTransport
from digest.deliver.smtp import SmtpTransport
from digest.deliver.transport import Transport
from digest.settings import DeliverySettings


def open_transport(settings: DeliverySettings, folder: Path, *, clock: Clock) -> Transport:
    """The transport of `[delivery]`; nothing is opened before its `connect`.

    Args:
        settings: the table, secrets filled in.
        folder: the workspace, from which relative paths count.
        clock: names the files of a Maildir.
    """
    if settings.transport == "maildir":
        return MaildirTransport(path=folder / settings.path, clock=clock)
    return SmtpTransport(
        host=settings.host,
        port=settings.port,
        security=settings.security,
        user=settings.user,
        password=settings.password,
        ca_file=folder / settings.ca_file if settings.ca_file else None,
        timeout=settings.timeout,
    )
