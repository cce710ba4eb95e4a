"""Lists of readers as other systems write them: recognised by their columns, and read as what they mean.

The headers are those of real exports; the people are invented.
"""

import csv
import io
import zipfile
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.address import normalise_address
from digest.audience import SHAPES, Confirmed, CsvForm, SubscriberImport, import_subscribers, list_people
from digest.audience.exporting import export_archive
from digest.audience.roster import RosterOptions, list_rosters, open_roster
from digest.audience.shape import LeftOut
from digest.audience.stibee import AD_CONSENT
from digest.cli.subscriber_files import SHAPE_NAMES
from digest.errors import SourceError
from digest.model import SubscriberState
from digest.settings import load_settings
from digest.source.clean import clean_line
from digest.source.files import FileOptions
from digest.store.database import open_database
from digest.store.subscriber_search import SubscriberFilter, list_subscribers
from digest.store.subscribers import Profile, get_subscriber, save_profile
from digest.store.tags import add_tags
from workspaces import NOW, settings_text

SEOUL = ZoneInfo("Asia/Seoul")
FILES = FileOptions(timezone=SEOUL, read_at=NOW)
MAILCHIMP = (
    "Email Address,First Name,Last Name,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,LATITUDE,LONGITUDE,"
    "GMTOFF,DSTOFF,TIMEZONE,CC,REGION,LAST_CHANGED,LEID,EUID,NOTES,TAGS"
)
MAILCHIMP_LEFT = MAILCHIMP.replace("LAST_CHANGED", "UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,UNSUB_CAMPAIGN_ID,UNSUB_REASON")
MAILCHIMP_CLEANED = MAILCHIMP.replace("LAST_CHANGED", "CLEAN_TIME,CLEAN_CAMPAIGN_TITLE,CLEAN_CAMPAIGN_ID")
SUBSTACK = "email,active_subscription,expiry,plan,email_disabled,created_at,first_payment_at"
SUBSTACK_PAGE = (
    "Email,Name,Stripe plan,Cancel date,Start date,Paid upgrade date,Activity,Type,Subscription source (free)"
)
GHOST = (
    "id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,created_at,deleted_at,labels,tiers"
)
LISTMONK = "uuid,email,name,attributes,status,created_at,updated_at"
STIBEE = "이메일 주소,이름,구독 상태,추가 경로,그룹,광고성 정보 수신 동의,구독일,마지막 업데이트일,구독 해지 사유"


def table(header, **cells):
    """A file of one row; columns that are not named are empty."""
    columns = header.split(",")
    assert cells.keys() <= set(columns)
    file = io.StringIO()
    writer = csv.DictWriter(file, columns, restval="")
    writer.writeheader()
    writer.writerow(cells)
    return file.getvalue()


def read(path, **options):
    """The shape of a file, and what its only row says."""
    with open_roster(path, RosterOptions(files=FILES, **options), within=path) as roster:
        (row,) = roster.rows
        return roster.shape.name, roster.shape.read(row, roster.sheet)


def test_the_command_line_knows_every_shape():
    assert tuple(SHAPES) == SHAPE_NAMES


@pytest.mark.parametrize(
    ("header", "shape"),
    [
        (MAILCHIMP, "mailchimp"),
        (MAILCHIMP_LEFT, "mailchimp"),
        (MAILCHIMP_CLEANED, "mailchimp"),
        ("Email Address,Name,ZIP code,MEMBER_RATING,OPTIN_TIME,LEID,EUID,NOTES", "mailchimp"),
        (SUBSTACK, "substack"),
        (SUBSTACK_PAGE, "substack"),
        ("email,active_subscription,expiry,email_disabled,prefer_digests,created_at", "substack"),
        (GHOST, "ghost"),
        (f"{GHOST},gift_id", "ghost"),
        (GHOST.replace("tiers", "products"), "ghost"),
        (LISTMONK, "listmonk"),
        ("email,name,attributes", "listmonk"),
        (STIBEE, "stibee"),
        ("이메일 주소,추가 경로,그룹,광고성 정보 수신 동의,구독일", "stibee"),
        ("email,name", "digest"),
        ("Email Address,First Name,Last Name", "digest"),
        ("이메일,이름", "digest"),
        ("address,name,locale,timezone,state,newsletters,sections,tags,consent_source,consent_at", "digest"),
    ],
)
def test_a_system_is_recognised_by_its_columns(write, header, shape):
    path = write("list.csv", f"{header}\n")
    with open_roster(path, RosterOptions(files=FILES), within=path) as roster:
        assert roster.shape.name == shape


def test_a_row_of_mailchimp(write):
    row = {"Email Address": "kim@example.com", "First Name": "지우", "Last Name": "김", "TAGS": '"vip","서울, 강남"'}
    moments = {"OPTIN_TIME": "2024-05-01 09:00:00", "CONFIRM_TIME": "2024-05-01 09:05:00"}
    path = write("subscribed_email_audience_export_0a1b2c.csv", table(MAILCHIMP, **row, **moments))
    shape, wishes = read(path)
    assert (shape, wishes.address, wishes.name, wishes.state) == ("mailchimp", "kim@example.com", "김지우", "active")
    assert wishes.tags == ("vip", "서울, 강남")
    assert wishes.consent_at == datetime(2024, 5, 1, 9, 5, tzinfo=UTC)
    assert wishes.consent_source == f"import of {path.name} (Mailchimp)"


@pytest.mark.parametrize(
    ("name", "header", "cells", "state"),
    [
        ("unsubscribed_members_export_1.csv", MAILCHIMP_LEFT, {}, "unsubscribed"),
        ("renamed.csv", MAILCHIMP_LEFT, {}, "unsubscribed"),
        ("renamed.csv", MAILCHIMP_LEFT, {"UNSUB_REASON": "N/A (Abuse)"}, "complained"),
        ("cleaned_email_audience_export_1.csv", MAILCHIMP_CLEANED, {}, "bounced"),
        ("renamed.csv", MAILCHIMP_CLEANED, {}, "bounced"),
        ("renamed.csv", MAILCHIMP, {"CONFIRM_TIME": "2024-05-01 09:05:00"}, "active"),
        ("renamed.csv", MAILCHIMP, {}, None),
        ("nonsubscribed_email_audience_export_1.csv", MAILCHIMP, {"CONFIRM_TIME": "2024-05-01 09:05:00"}, None),
        ("archived_1.csv", MAILCHIMP, {}, None),
    ],
)
def test_mailchimp_has_a_file_for_each_state_and_who_never_agreed_is_left_out(write, name, header, cells, state):
    _, wishes = read(write(name, table(header, **{"Email Address": "kim@example.com"}, **cells)))
    assert isinstance(wishes, LeftOut) if state is None else wishes.state == state


def test_rows_of_substack(write):
    cells = {"email": "a@example.com", "active_subscription": "false", "created_at": "2024-05-01T00:00:00.000Z"}
    _, free = read(write("a.csv", table(SUBSTACK, **cells, email_disabled="false")))
    assert (free.address, free.state, free.consent_at) == ("a@example.com", "active", datetime(2024, 5, 1, tzinfo=UTC))
    _, disabled = read(write("b.csv", table(SUBSTACK, **cells, email_disabled="true")))
    assert (disabled.state, disabled.status) == ("unsubscribed", "email disabled")


def test_who_has_ended_a_paid_subscription_to_a_substack_is_a_free_reader_still(write):
    cells = {"Email": "a@example.com", "Name": "Ana", "Start date": "2024-05-01", "Cancel date": "2025-01-01"}
    shape, wishes = read(write("a.csv", table(SUBSTACK_PAGE, **cells)))
    assert (shape, wishes.name, wishes.state) == ("substack", "Ana", "active")


@pytest.mark.parametrize(
    ("answer", "deleted_at", "state"),
    [("true", "", "active"), ("false", "", "unsubscribed"), ("", "", None), ("true", "2025-01-01", None)],
)
def test_not_every_member_of_ghost_gets_mail(write, answer, deleted_at, state):
    cells = {"email": "a@example.com", "subscribed_to_emails": answer, "deleted_at": deleted_at, "labels": "vip,서울"}
    _, wishes = read(write("members.csv", table(GHOST, **cells)))
    if state is None:
        assert isinstance(wishes, LeftOut)
    else:
        assert (wishes.state, wishes.tags) == (state, ("vip", "서울"))


@pytest.mark.parametrize(
    ("status", "state"), [("enabled", "active"), ("disabled", "unsubscribed"), ("blocklisted", "unsubscribed")]
)
def test_a_row_of_listmonk(write, status, state):
    cells = {
        "email": "a@example.com",
        "attributes": '{"city": "서울", "tags": ["vip", 7], "locale": "Klingon"}',
        "created_at": "2024-05-01 09:00:00.123456 +0900 KST",
    }
    shape, wishes = read(write("subscribers.csv", table(LISTMONK, status=status, **cells)))
    assert (shape, wishes.state, wishes.status, wishes.tags) == ("listmonk", state, status, ("vip",))
    assert wishes.locale is None, "attributes of their own mean nothing to us"
    assert wishes.consent_at == datetime(2024, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "state"),
    [("구독 중", "active"), ("구독중", "active"), ("수신거부", "unsubscribed"), ("자동삭제", "bounced")],
)
def test_a_row_of_stibee(write, status, state):
    cells = {"이메일 주소": "a@example.com", "이름": "김지우", "그룹": "서울, 부산", AD_CONSENT: "동의"}
    path = write(
        "구독자 목록.csv", table(STIBEE, **cells, **{"구독 상태": status, "구독일": "2024. 5. 1. 오후 3:00:00"})
    )
    shape, wishes = read(path)
    assert (shape, wishes.name, wishes.state) == ("stibee", "김지우", state)
    assert wishes.tags == ("서울", "부산", AD_CONSENT)
    assert wishes.consent_at == datetime(2024, 5, 1, 6, tzinfo=UTC)


def test_a_file_of_stibee_without_states_is_taken_only_as_what_the_operator_says(write):
    path = write("a.csv", table("이메일 주소,추가 경로,구독일", **{"이메일 주소": "a@example.com"}))
    with pytest.raises(SourceError, match="--state active for 구독 중"):
        read(path)
    assert read(path, state="unsubscribed")[1].state == "unsubscribed"


@pytest.mark.parametrize("word", ["subscribed", "Subscribed", "active", "구독 중"])
def test_plain_lists_may_say_states_in_the_words_of_any_system(write, word):
    _, wishes = read(write("a.csv", table("email,status", email="a@example.com", status=word)))
    assert wishes.state is SubscriberState.ACTIVE


def test_a_word_that_is_no_state_costs_its_row(write):
    with pytest.raises(SourceError, match="column status: 'vip' is not a state; expected one of pending, active"):
        read(write("a.csv", table("email,status", email="a@example.com", status="vip")))


def test_a_column_that_only_later_rows_of_json_have_is_read(write):
    """Who left must not be taken for a reader because the first hundred had nothing to say."""
    lines = [f'{{"email": "a{n}@example.com"}}' for n in range(150)] + [
        '{"email": "x@example.com", "state": "bounced"}'
    ]
    path = write("a.ndjson", "\n".join(lines))
    with open_roster(path, RosterOptions(files=FILES), within=path) as roster:
        assert [roster.shape.read(row, roster.sheet).state for row in roster.rows][-1] == "bounced"


def test_a_shape_can_be_named_against_the_columns(write):
    path = write("a.csv", table(GHOST, email="a@example.com", subscribed_to_emails="false"))
    assert read(path, shape="digest")[1].state == "active"
    plain = write("b.csv", "email,labels\na@example.com,vip\n")
    assert read(plain)[1].tags == ()
    assert read(plain, shape="ghost")[1].tags == ("vip",)


def test_columns_that_are_called_like_ours_but_mean_something_else_are_not_read(write):
    """A column of Mailchimp's that an audience calls State is a province."""
    cells = {"Email Address": "a@example.com", "CONFIRM_TIME": "2024-05-01 09:05:00", "state": "California"}
    assert read(write("a.csv", table(f"{MAILCHIMP},state", **cells)))[1].state == "active"


def archive(path, **files):
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return path


def names_in(path):
    with list_rosters(path, RosterOptions(files=FILES)) as found:
        return [file.name for file in found]


def test_of_an_archive_only_lists_of_readers_are_taken(tmp_path):
    """An archive of Substack says for each post who was sent it and who opened it."""
    files = {
        "email_list.hanbit.csv": table(SUBSTACK, email="a@example.com"),
        "posts.csv": "post_id,title\n1,x\n",
        "posts/1.opens.csv": "post_id,timestamp,email\n1,2024-05-01,stranger@example.com\n",
        "__MACOSX/._email_list.hanbit.csv": "\0",
        "posts/1.html": "<p>",
    }
    assert names_in(archive(tmp_path / "a.zip", **files)) == ["email_list.hanbit.csv"]
    assert names_in(archive(tmp_path / "b.zip", **{"members.csv": "email\na@example.com\n"})) == ["members.csv"]
    with pytest.raises(SourceError, match=r"found a\.csv, b\.csv"):
        names_in(archive(tmp_path / "c.zip", **{"a.csv": "email\n", "b.csv": "email\n"}))


def test_an_archive_that_cannot_be_read_is_said_in_words(tmp_path, write):
    whole = archive(tmp_path / "a.zip", **{"subscribed_1.csv": table(MAILCHIMP)}).read_bytes()
    with pytest.raises(SourceError, match=r"cut\.zip: it is no zip archive"):
        names_in(write("cut.zip", whole[:-30]))
    with pytest.raises(SourceError, match=r"none\.zip: it cannot be read"):
        names_in(tmp_path / "none.zip")
    spoilt = bytearray(whole)
    spoilt[60] ^= 0xFF
    with pytest.raises(SourceError, match=r"spoilt\.zip"):
        names_in(write("spoilt.zip", bytes(spoilt)))


SAFE = st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters='",;|[]{}&')
NAME = st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters="&")
WORDS = st.lists(st.text(SAFE, min_size=1, max_size=8), unique_by=str.lower, max_size=3).map(tuple)
PEOPLE = st.lists(
    st.tuples(
        st.builds(
            Profile,
            address=st.from_regex(r"[a-z]{1,8}\+?[a-z]{1,3}@[a-z]{1,8}\.co\.kr", fullmatch=True),
            name=st.text(NAME, max_size=9).map(clean_line),
            locale=st.sampled_from(["", "ko", "en"]),
            timezone=st.sampled_from(["", "Asia/Seoul"]),
            newsletters=st.sampled_from([("weekly",), ("daily", "weekly")]),
            sections=st.sampled_from([(), ("economy",), ("IT, 과학", "economy")]),
            state=st.sampled_from(SubscriberState),
            consent_source=st.just("form"),
            consent_at=st.datetimes(datetime(2010, 1, 1), datetime(2026, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
                lambda moment: moment.replace(microsecond=0)
            ),
        ),
        WORDS,
    ),
    unique_by=lambda person: person[0].address,
    max_size=4,
)
CARRIED = {
    "digest": ("locale", "timezone", "subscriptions", "consent_source"),
    "listmonk": ("locale", "timezone", "subscriptions"),
}
"""What a shape carries beside the name, the state, and when the person agreed."""
TAGLESS = ("substack",)
STATES = {
    "substack": {"bounced": "unsubscribed", "complained": "unsubscribed"},
    "ghost": {"bounced": "unsubscribed", "complained": "unsubscribed"},
    "stibee": {"complained": "unsubscribed"},
}
"""What becomes of states that a system has no word for."""


@pytest.fixture(scope="module")
def here_and_there(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lists")
    toml = folder / "digest.toml"
    toml.write_text(settings_text({}, {"slug": "daily", "title": "매일"}), encoding="utf-8")
    with (
        open_database(folder / "here.db", create=True) as here,
        open_database(folder / "there.db", create=True) as there,
    ):
        yield folder, load_settings(toml), here, there


def empty(database):
    with database.transaction():
        database.execute("DELETE FROM subscriber")


def write_out(here, shape, folder):
    people = Confirmed(list_people(here, list_subscribers(here, SubscriberFilter())))
    form = CsvForm(shape=SHAPES[shape], timezone=SEOUL)
    if shape == "mailchimp":
        export_archive(people, folder / "list.zip", form)
        return folder / "list.zip"
    path = folder / "list.csv"
    with path.open("w", encoding=form.encoding, newline="") as file:
        form.write(people, file)
    return path


def told(subscriber, tags, shape):
    carried = {name: getattr(subscriber, name) for name in CARRIED.get(shape, ())}
    state = STATES.get(shape, {}).get(subscriber.state, subscriber.state)
    kept_tags = () if shape in TAGLESS else tuple(sorted(tags))
    return subscriber.address, subscriber.name, str(state), subscriber.consent_at, kept_tags, carried


def everybody(database, shape):
    found = list_people(database, list_subscribers(database, SubscriberFilter()))
    return sorted(told(person.subscriber, person.tags, shape) for person in found)


@pytest.mark.parametrize("shape", SHAPES)
@settings(max_examples=30, deadline=None)
@given(people=PEOPLE)
def test_who_is_exported_in_a_shape_is_imported_elsewhere_as_they_were(here_and_there, shape, people):
    folder, site, here, there = here_and_there
    empty(here)
    empty(there)
    with here.transaction():
        for profile, tags in people:
            if profile.state is not SubscriberState.PENDING:
                save_profile(here, profile, address_hash=b"", resubscribe=False, now=NOW)
                add_tags(here, get_subscriber(here, profile.address).id, tags)
    order = SubscriberImport(
        path=write_out(here, shape, folder),
        options=FILES,
        settings=site,
        locales=folder,
        key=b"k" * 32,
        newsletters=(),
        default_newsletters=("weekly",),
    )
    report = import_subscribers(there, order, now=NOW)
    assert report.refused == ()
    assert everybody(there, shape) == everybody(here, shape)


def test_who_has_not_confirmed_goes_to_no_other_system(here_and_there):
    folder, _, here, _ = here_and_there
    empty(here)
    with here.transaction():
        for state in SubscriberState:
            profile = Profile(address=normalise_address(f"{state}@example.com"), newsletters=("weekly",), state=state)
            save_profile(here, profile, address_hash=b"", resubscribe=False, now=NOW)
    for shape in SHAPES.keys() - {"digest", "mailchimp"}:
        assert "pending@" not in write_out(here, shape, folder).read_text(encoding="utf-8")
