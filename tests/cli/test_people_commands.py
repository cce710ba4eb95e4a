"""Tags, histories, erasure, growth and keys, as the operator uses them."""

import json
from datetime import timedelta

import pytest

from command_line import digest, digest_on_terminal
from digest.app import open_app
from digest.mail.links import Purpose, SignedLink, sign_link
from digest.render.width import display_width
from digest.store.database import FILE_NAME, open_database
from digest.store.events import Event, EventKind, record_event
from digest.store.pauses import pause
from digest.store.secrets import list_link_keys
from digest.store.subscribers import get_subscriber
from workspaces import NOW, add_readers, fill_with_news, reader_address, settings_text

KIM = reader_address(1)


@pytest.fixture
def workspace(tmp_path):
    file = tmp_path / "digest.toml"
    file.write_text(settings_text({}, delivery={"transport": "maildir"}), encoding="utf-8")
    with open_database(tmp_path / FILE_NAME, create=True) as database:
        fill_with_news(database)
        add_readers(database, range(3))
    return file


def run(workspace, *words):
    answer = digest(*words, config=workspace)
    assert answer.code == 0, answer.err
    return answer.out


def test_tags_are_put_on_taken_off_and_counted(workspace):
    run(workspace, "subscribers", "tag", KIM, reader_address(2), "--add", "vip", "--add", " 열성  독자 ")
    assert run(workspace, "subscribers", "tag", KIM, "--remove", "vip") == "1 subscriber changed\n"
    told = run(workspace, "subscribers", "tag", "--filter", "state=active", "--remove", "no-such", "--add", "열성 독자")
    assert told == "1 subscriber changed, 2 had it so before\n"
    run(workspace, "subscribers", "tag", reader_address(0), "--remove", "열성 독자")
    assert json.loads(run(workspace, "subscribers", "tags", "--json")) == {"vip": 1, "열성 독자": 2}
    assert digest("subscribers", "tag", KIM, config=workspace).code == 2
    assert json.loads(run(workspace, "subscribers", "show", KIM, "--json"))["tags"] == ["열성 독자"]
    listed = json.loads(run(workspace, "subscribers", "list", "--json"))
    assert {row["address"]: row["tags"] for row in listed}[reader_address(2)] == ["vip", "열성 독자"]
    assert "tags            열성 독자\n" in run(workspace, "subscribers", "show", KIM)


def test_a_history_tells_events_and_mails_with_dates(workspace):
    run(workspace, "send", "weekly", "--date", "2026-03-02", "--yes", "--force-unsafe")
    run(workspace, "subscribers", "set", KIM, "--locale", "en")
    run(workspace, "subscribers", "remove", KIM)
    _, *told = run(workspace, "subscribers", "history", KIM).splitlines()
    # What happened within one second has no order between events and mails.
    assert sorted(line.split("  ", 1)[1].split(":")[0].strip() for line in told) == [
        "added",
        "unsubscribed",
        "was changed",
        "weekly 2026-03-02  sent",
    ]
    kinds = [entry["what"] for entry in json.loads(run(workspace, "subscribers", "history", KIM, "--json"))]
    assert sorted(kinds) == ["added", "changed", "mail", "unsubscribed"]


def test_a_history_tells_consent_and_pauses_in_the_sites_time_and_fits_a_terminal(workspace):
    asked = {
        "form": "form at https://hanbit.example/digest/subscribe",
        "client": "203.0.113.0/24",
        "wording": "ko-1a2b3c4d",
        "newsletters": ["weekly", "daily"],
    }
    with open_app(workspace) as app, app.database.transaction():
        happened = Event(kind=EventKind.ASKED, happened_at=NOW, facts=asked)
        record_event(app.database, 2, happened)
        pause(app.database, 2, until=NOW + timedelta(days=7, microseconds=5), now=NOW)
    told = run(workspace, "subscribers", "history", reader_address(1))
    assert (
        "2026-03-02 09:00              asked to subscribe: form at https://hanbit.example/digest/subscribe; "
        "from 203.0.113.0/24; wording ko-1a2b3c4d; for weekly, daily\n" in told
    )
    assert "2026-03-02 09:00              paused: until 2026-03-09 09:00\n" in told
    lines = digest_on_terminal("--config", workspace, "subscribers", "history", reader_address(1)).out.split("\n")
    assert max(map(display_width, (line for line in lines if "\x1b" not in line))) <= 80
    assert "paused_until    2026-03-09 09:00\n" in run(workspace, "subscribers", "show", reader_address(1))


def test_an_erased_person_is_in_no_table_and_no_byte_of_the_file(workspace):
    run(workspace, "send", "weekly", "--date", "2026-03-02", "--yes", "--force-unsafe")
    run(workspace, "subscribers", "tag", KIM, "--add", "vip")
    before = json.loads(run(workspace, "issues", "show", "2026-03-02", "--json"))["deliveries"]
    assert run(workspace, "subscribers", "erase", KIM, "--yes") == "erased, with 1 delivery\n"
    assert json.loads(run(workspace, "issues", "show", "2026-03-02", "--json"))["deliveries"] == before
    content = b"".join(file.read_bytes() for file in workspace.parent.glob(f"{FILE_NAME}*"))
    assert KIM.encode() not in content
    assert reader_address(2).encode() in content
    refused = digest("subscribers", "add", KIM, config=workspace)
    assert (refused.code, "suppressed (erased)" in refused.err) == (1, True)


def test_nobody_is_erased_without_a_yes(workspace):
    assert digest("subscribers", "erase", KIM, config=workspace).code == 1  # nobody answers
    with open_database(workspace.with_name(FILE_NAME)) as database:
        assert get_subscriber(database, KIM) is not None


def test_growth_is_shown_by_week(workspace):
    for name in ("a", "b"):
        run(workspace, "subscribers", "add", f"{name}@example.com")
    told = json.loads(run(workspace, "subscribers", "stats", "--weeks", "2", "--json"))
    assert [week["joins"] for week in told["weeks"]] == [0, 2]
    assert "█" in run(workspace, "subscribers", "stats")
    assert max(map(len, run(workspace, "subscribers", "stats").splitlines())) <= 80


def test_keys_rotate_and_young_ones_are_not_dropped(workspace):
    assert "first  with the workspace  signs" in run(workspace, "keys", "list")
    run(workspace, "keys", "rotate")
    run(workspace, "keys", "rotate")
    assert [(key["id"], key["signs"]) for key in json.loads(run(workspace, "keys", "list", "--json"))] == [
        (2, True),
        (1, False),
    ]
    refused = digest("keys", "drop", "1", config=workspace)
    assert (refused.code, "readers must be able to leave" in refused.err) == (1, True)
    run(workspace, "keys", "drop", "1", "--force")
    with open_database(workspace.with_name(FILE_NAME)) as database:
        assert [key.id for key in list_link_keys(database)] == [2]
    for name in ("7", "1", "x", "²"):
        unknown = digest("keys", "drop", name, config=workspace)
        assert (unknown.code, f"there is no key {name!r}" in unknown.err) == (1, True)


def read_links(workspace, tokens):
    with open_app(workspace) as app:
        return [app.keyring.read_link(token) is not None for token in tokens]


def sign(workspace):
    with open_app(workspace) as app:
        link = SignedLink(purpose=Purpose.UNSUBSCRIBE, subscriber_id=1, issue_id=0)
        return sign_link(app.keyring.signing, link)


def test_links_of_the_first_key_can_be_dropped_after_a_rotation_and_suppressions_stay(workspace):
    run(workspace, "subscribers", "remove", KIM, "--suppress")
    tokens = [sign(workspace)]
    alone = digest("keys", "drop", "first", "--force", config=workspace)
    assert (alone.code, "is the one that signs; `digest keys rotate`" in alone.err) == (1, True)
    run(workspace, "keys", "rotate")
    tokens.append(sign(workspace))
    young = digest("keys", "drop", "first", config=workspace)
    assert (young.code, "readers must be able to leave" in young.err) == (1, True)
    assert read_links(workspace, tokens) == [True, True]
    run(workspace, "keys", "drop", "first", "--force")
    assert read_links(workspace, tokens) == [False, True]
    assert "first  with the workspace  dropped" in run(workspace, "keys", "list")
    assert digest("keys", "drop", "1", "--force", config=workspace).code == 1  # the one that signs
    assert "suppressed" in digest("subscribers", "add", KIM, config=workspace).err


def test_groups_are_listed_counted_exported_and_tagged_by_a_filter(workspace, tmp_path):
    run(workspace, "subscribers", "tag", KIM, "--add", "vip")
    assert json.loads(run(workspace, "subscribers", "count", "tag=vip", "--json")) == {"total": 1, "active": 1}
    run(workspace, "subscribers", "filters", "save", "few", "tag=vip or name ~ 2")
    assert json.loads(run(workspace, "subscribers", "filters", "list", "--json")) == {"few": "tag=vip or name ~ 2"}
    listed = json.loads(run(workspace, "subscribers", "list", "--filter", "@few", "--json"))
    assert [person["address"] for person in listed] == [KIM, reader_address(2)]
    run(workspace, "subscribers", "export", tmp_path / "few.json", "--filter", "@few")
    assert len(json.loads((tmp_path / "few.json").read_text(encoding="utf-8"))) == 2
    run(workspace, "subscribers", "tag", "--filter", "not @few", "--add", "rest")
    assert json.loads(run(workspace, "subscribers", "tags", "--json")) == {"rest": 1, "vip": 1}
    refused = digest("subscribers", "list", "--filter", "local=ko", config=workspace)
    assert (refused.code, refused.err) == (1, "digest: column 1: 'local' is no field; did you mean locale?\n")
    run(workspace, "subscribers", "filters", "remove", "few")
    assert digest("subscribers", "filters", "remove", "few", config=workspace).code == 1


def test_an_issue_can_be_sent_to_some_alone(workspace):
    run(workspace, "subscribers", "tag", KIM, "--add", "vip")
    order = ("send", "weekly", "--date", "2026-03-02", "--yes", "--force-unsafe")
    assert digest(*order, "--to", "tagg=vip", config=workspace).code == 1
    nobody = digest(*order, "--to", "tag=none", config=workspace)
    assert (nobody.code, "finds no reader of weekly" in nobody.err) == (1, True)
    run(workspace, *order, "--to", "tag=vip")
    shown = json.loads(run(workspace, "issues", "show", "2026-03-02", "--json", "--addresses"))
    assert shown["deliveries"]["sent"] == 1
    late = digest("send", "weekly", "--date", "2026-03-02", "--yes", "--to", "tag=vip", config=workspace)
    assert (late.code, "queued already" in late.err) == (1, True)
    with open_database(workspace.with_name(FILE_NAME)) as database:
        frozen = json.loads(database.value("SELECT frozen FROM issue"))
    assert frozen["only"] == "tag=vip"
    assert "Readers     only those whom the filter finds: tag=vip\n" in run(workspace, "issues", "show", "2026-03-02")
