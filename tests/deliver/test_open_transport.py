"""From the settings to the way out they name."""

from pathlib import Path

import pytest

from digest.clock import Clock
from digest.deliver.files import FilesTransport
from digest.deliver.maildir import MaildirTransport
from digest.deliver.open_transport import open_transport
from digest.deliver.sendmail import SendmailTransport
from digest.deliver.ses import SesTransport
from digest.deliver.smtp import SmtpTransport
from digest.settings import DeliverySettings

FOLDER = Path("/srv/news")
CLOCK = Clock()


def opened(**settings):
    return open_transport(DeliverySettings.model_validate(settings), FOLDER, clock=CLOCK)


@pytest.mark.parametrize(("name", "kind"), [("maildir", MaildirTransport), ("files", FilesTransport)])
def test_a_folder_lies_beside_the_settings_unless_it_is_absolute(name, kind):
    assert opened(transport=name) == kind(path=FOLDER / "outbox", clock=CLOCK)
    assert opened(transport=name, path="/var/mail") == kind(path=Path("/var/mail"), clock=CLOCK)


def test_a_program_with_its_options_and_its_time_limit():
    assert opened(transport="sendmail", timeout=60) == SendmailTransport(
        command=("/usr/sbin/sendmail", "-i"), timeout=60
    )
    assert opened(transport="sendmail", sendmail=["msmtp", "-i"]).command == ("msmtp", "-i")


def test_amazon_ses_with_its_region_and_configuration_set():
    transport = opened(transport="ses", region="ap-northeast-2", configuration_set="digest")
    assert transport == SesTransport(region="ap-northeast-2", configuration_set="digest")


def test_a_mail_server_keeps_its_password_to_itself():
    transport = opened(transport="smtp", host="smtp.example.com", port=465, security="tls", user="u", password="p4ss")
    assert isinstance(transport, SmtpTransport)
    assert (transport.host, transport.port, transport.security, transport.password) == (
        "smtp.example.com",
        465,
        "tls",
        "p4ss",
    )
    assert "p4ss" not in repr(transport)
