"""Whoever is erased while an issue is sent gets none of it, unless it is on its way already; the rest goes on."""

import json

import pytest

from command_line import digest
from digest.app import open_app
from digest.store.database import FILE_NAME, open_database
from digest.store.erase import erase_subscriber
from digest.store.secrets import hash_address
from digest.testing import RecordingServer
from workspaces import add_readers, fill_with_news, reader_address, settings_text, smtp_settings

READERS = 40
ERASED = [reader_address(number) for number in range(20, 30)]


@pytest.mark.parametrize("connections", [1, 4])
def test_the_erased_get_nothing_and_the_others_get_theirs(tmp_path, connections):
    file = tmp_path / "digest.toml"
    erased_at = []

    def erase_at_the_first(message):
        if not erased_at:
            erased_at.append(message)
            with open_app(file) as app:
                for address in ERASED:
                    with app.database.transaction():
                        hashed = hash_address(app.key, address)
                        erase_subscriber(app.database, address, address_hash=hashed, now=app.clock.now())
        return "250 2.0.0 ok"

    with RecordingServer(answer=erase_at_the_first) as server:
        delivery = smtp_settings(server, connections=connections)
        file.write_text(settings_text({}, delivery=delivery), encoding="utf-8")
        with open_database(tmp_path / FILE_NAME, create=True) as database:
            fill_with_news(database)
            add_readers(database, range(READERS))
        sent = digest("send", "weekly", "--date", "2026-03-02", "--yes", "--force-unsafe", "--json", config=file)
        got = [address for message in server.messages for address in message.rcpt_tos]
    assert sent.code == 0, sent.err
    assert json.loads(sent.out)["state"] == "sent"
    assert sorted(got) == sorted({reader_address(number) for number in range(READERS)} - set(ERASED))
    shown = json.loads(digest("issues", "show", "2026-03-02", "--json", config=file).out)
    assert sum(shown["deliveries"].values()) == READERS
    assert shown["deliveries"]["sent"] == READERS - len(ERASED)
