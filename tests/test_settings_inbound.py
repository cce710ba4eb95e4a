"""[inbound]: what it may say, and what is missing or too weak."""

import pytest

from digest.errors import SettingsError
from digest.settings import load_settings
from workspaces import settings_text


@pytest.fixture
def load(tmp_path):
    def loader(lines, **environment):
        file = tmp_path / "digest.toml"
        file.write_text(f"{settings_text()}\n[inbound]\n{lines}\n", encoding="utf-8")
        return load_settings(file, environment).inbound

    return loader


def test_without_the_table_there_is_no_mailbox_and_no_webhook(load):
    inbound = load("")
    assert (inbound.has_mailbox, inbound.sns_topics, inbound.webhook_token) == (False, (), "")
    assert not inbound.trust_addresses


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('type = "maildir"', "needs path"),
        ('type = "mbox"', "needs path"),
        ('type = "imap"\nhost = "x"', "needs host and user"),
        ('type = "imap"\nhost = "x"\nuser = "y"\nafter = "move"', "move_to"),
        ('type = "maildir"\npath = "x"\nafter = "move"\nmove_to = "y"', "move_to"),
        ('token_command = ["x"]', "needs user"),
        ('sns_topics = ["bounces"]', "arn:aws:sns:"),
        ('webhook_token = "short"', "too short to be a secret"),
        ("poll_minutes = 0", "poll_minutes"),
        ('typ = "imap"', "did you mean 'type'?"),
    ],
)
def test_what_cannot_work_is_refused_with_what_to_write(load, lines, words):
    with pytest.raises(SettingsError, match="inbound") as caught:
        load(lines)
    assert words in str(caught.value)
    assert "short'" not in str(caught.value)


def test_secrets_come_from_variables_and_files(load, tmp_path):
    (tmp_path / "secret").write_text("a-secret-of-some-length\n")
    inbound = load('webhook_token_file = "secret"', DIGEST_INBOUND_PASSWORD="hush")
    assert (inbound.webhook_token, inbound.password) == ("a-secret-of-some-length", "hush")


@pytest.mark.parametrize(("lines", "port"), [("", 993), ('security = "starttls"', 143), ("port = 1993", 1993)])
def test_the_port_goes_with_the_encryption(load, lines, port):
    assert load(lines).imap_port == port
