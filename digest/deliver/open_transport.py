"""From the settings to the way out they name."""

from pathlib import Path

from digest.clock import Clock
from digest.deliver.files import FilesTransport
from digest.deliver.maildir import MaildirTransport
from digest.deliver.sendmail import SendmailTransport
from digest.deliver.ses import SesTransport
from digest.deliver.smtp import SmtpTransport
from digest.deliver.transport import Transport
from digest.settings import DeliverySettings


def open_transport(settings: DeliverySettings, folder: Path, *, clock: Clock) -> Transport:
    """The transport of `[delivery]`; nothing is opened before its `connect`.

    Args:
        settings: the table, secrets filled in.
        folder: the workspace, from which relative paths count.
        clock: names the files of a folder.
    """
    match settings.transport:
        case "maildir":
            return MaildirTransport(path=folder / settings.path, clock=clock)
        case "files":
            return FilesTransport(path=folder / settings.path, clock=clock)
        case "sendmail":
            return SendmailTransport(command=settings.sendmail, timeout=settings.timeout)
        case "ses":
            return SesTransport(region=settings.region, configuration_set=settings.configuration_set)
        case "smtp":
            return _open_smtp(settings, folder)


def _open_smtp(settings: DeliverySettings, folder: Path) -> Transport:
    return SmtpTransport(
        host=settings.host,
        port=settings.port,
        security=settings.security,
        user=settings.user,
        password=settings.password,
        token_command=settings.token_command,
        ca_file=folder / settings.ca_file if settings.ca_file else None,
        timeout=settings.timeout,
        local_hostname=settings.helo,
        source_address=settings.source_address,
        messages_per_connection=settings.messages_per_connection,
    )
