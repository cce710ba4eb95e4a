"""digest.toml: what it may say, what it says by default, and errors that name file, key, find and cure."""

import re
from datetime import time
from email import policy
from email.parser import Parser
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import SettingsError
from digest.settings import (
    DeliverySettings,
    NewsletterSettings,
    SiteSettings,
    SourceSettings,
    find_settings_file,
    load_settings,
    parse_mailbox,
)
from digest.workspace import create_workspace

SITE = '[site]\nname = "한빛뉴스"\n'
NEWSLETTER = '[[newsletter]]\nslug = "weekly"\ntitle = "주간 한빛"\nfrom = "한빛뉴스 <news@hanbit.example>"\n'
SECOND = NEWSLETTER.replace('"weekly"', '"daily"')


@pytest.fixture
def load(tmp_path):
    """Loads settings from text or bytes; `environment` as the process would have it."""

    def loader(text, **environment):
        file = tmp_path / "digest.toml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_settings(file, environment)

    return loader


@pytest.fixture
def refusal(load, tmp_path):
    """The message with which a text is refused, the file's path shortened to F."""

    def refused(text, **environment):
        with pytest.raises(SettingsError) as caught:
            load(text, **environment)
        return str(caught.value).replace(str(tmp_path / "digest.toml"), "F")

    return refused


def site(line):
    return f"{SITE}{line}\n{NEWSLETTER}"


def newsletter(line):
    return f"{SITE}{NEWSLETTER}{line}\n"


def test_three_lines_are_enough_and_the_rest_has_defaults(load, tmp_path):
    settings = load(SITE + NEWSLETTER)
    weekly = settings.newsletter(None)
    assert (weekly.due.at, weekly.due.weekdays) == (time(8), {0})
    assert (weekly.window_days, weekly.candidates, weekly.limit, weekly.max_per_section) == (7, "published", 10, None)
    assert (weekly.min_articles, weekly.no_repeat, weekly.template, weekly.sections) == (3, 4, "weekly", ())
    assert (settings.timezone_of(weekly), settings.locale_of(weekly)) == (ZoneInfo("UTC"), "en")
    assert (settings.source.type, settings.delivery.transport, settings.delivery.catch_up_hours) == (
        "import",
        "maildir",
        36,
    )
    assert (settings.file, settings.folder) == (tmp_path / "digest.toml", tmp_path)


def test_a_newsletters_own_timezone_and_locale_win_over_the_sites(load):
    text = site('timezone = "Asia/Seoul"\nlocale = "ko"') + SECOND + 'timezone = "America/New_York"\nlocale = "en-GB"\n'
    settings = load(text)
    weekly, daily = settings.newsletter("weekly"), settings.newsletter("daily")
    assert (settings.timezone_of(weekly).key, settings.locale_of(weekly)) == ("Asia/Seoul", "ko")
    assert (settings.timezone_of(daily).key, settings.locale_of(daily)) == ("America/New_York", "en-GB")


@pytest.mark.parametrize("greeting", ["", "auto", "Hello {name},", "{name} 님, 안녕하세요."])
def test_a_greeting_is_none_a_pattern_with_the_name_or_that_of_each_language(load, greeting):
    assert load(newsletter(f'greeting = "{greeting}"')).newsletter(None).greeting == greeting
    assert load(SITE + NEWSLETTER).newsletter(None).greeting == ""


def test_of_several_newsletters_one_must_be_named(load):
    settings = load(SITE + NEWSLETTER + SECOND)
    assert settings.newsletter("daily").slug == "daily"
    with pytest.raises(SettingsError, match="has 2 newsletters; say which: weekly, daily"):
        settings.newsletter(None)
    with pytest.raises(SettingsError, match=r"has no newsletter 'weekyl'; did you mean 'weekly'\?"):
        settings.newsletter("weekyl")


def test_two_newsletters_of_one_slug_are_refused(refusal):
    assert refusal(SITE + NEWSLETTER * 2) == "F: two newsletters have the slug 'weekly'; each needs its own"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (newsletter("limmit = 3"), "F: newsletter[1].limmit is not a known setting; did you mean 'limit'?"),
        (newsletter('sender = "a@b.kr"'), "F: newsletter[1].sender is not a known setting"),
        (site('nmae = "x"'), "F: site.nmae is not a known setting; did you mean 'name'?"),
        (newsletter("[delivry]"), "F: delivry is not a known setting; did you mean 'delivery'?"),
        (newsletter('[delivery]\npasword = "hush"'), "did you mean 'password'?"),
        ('file = "x"\n' + SITE + NEWSLETTER, "F: file is not a known setting; allowed here: site, brand, source, "),
        (site("qqq = 1"), "F: site.qqq is not a known setting; allowed here: name, url, timezone, locale"),
    ],
)
def test_an_unknown_key_is_an_error_that_suggests_the_nearest_known_one(refusal, text, message):
    assert message in refusal(text)
    assert "hush" not in refusal(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "F: site is missing; it is required\nF: newsletter is missing; it is required"),
        (SITE, "F: newsletter is missing; it is required"),
        (SITE + "[[newsletter]]", "F: newsletter[1].slug is missing; it is required"),
        (NEWSLETTER, "F: site is missing; it is required"),
        ('site = "x"\n' + NEWSLETTER, "F: site: found 'x'; expected a table with keys of its own"),
        (SITE + NEWSLETTER.replace("[[", "[").replace("]]", "]"), "F: newsletter: expected [[newsletter]], in double"),
        (site("").replace("한빛뉴스", "", 1), "F: site.name: found ''; expected some text"),
        (site("locale = 7"), "F: site.locale: found 7; expected text in quotes"),
        (site('timezone = "Asia/Seul"'), "found 'Asia/Seul'; no such IANA timezone; did you mean 'Asia/Seoul'?"),
        (site('locale = "xx"'), "F: site.locale: found 'xx'; there is no locale 'xx'; available: en, ko"),
        (newsletter('locale = "fr"'), "F: newsletter[1].locale: found 'fr'; there is no locale 'fr'"),
        (site('url = "www.hanbit.example"'), "found 'www.hanbit.example'; expected an address that begins with https://"),
        (site('public_url = "http://hanbit.example"'), "expected an address that begins with https:// (RFC 8058"),
        (site('public_url = "https://user@hanbit.example"'), "F: site.public_url: found"),
        (site('unsubscribe_url = "https://hanbit.example/bye"'), "expected {token} once"),
        (site('unsubscribe_url = "https://a..b/{token}"'), "site.unsubscribe_url"),
        (site('public_url = "https://hanbit.example:99999"'), "site.public_url"),
        (site('url = "https://a..b"'), "site.url"),
        (site('unsubscribe_mailto = "Bye <bye@hanbit.example>"'), "expected an address alone, such as unsub"),
        (newsletter('timezone = "KST"'), "F: newsletter[1].timezone: found 'KST'; no such IANA timezone"),
        (newsletter('schedule = "monday"'), "found 'monday'; expected a time HH:MM at the end"),
        (newsletter('schedule = "29th 08:00"'), 'expected "mon 08:00", "mon,thu 08:00", "daily 08:00"'),
        (newsletter('window = "1w"'), 'found \'1w\'; expected "7d" (whole days, 1 to 999) or "since-last"'),
        (newsletter('candidates = "all"'), "found 'all'; input should be 'published' or 'viewed'"),
        (newsletter('sections = "society"'), "F: newsletter[1].sections: found 'society'; expected a list such as"),
        (newsletter("sections = [1]"), "F: newsletter[1].sections[1]: found 1; expected text in quotes"),
        (newsletter("limit = 0"), "F: newsletter[1].limit: found 0; input should be greater than or equal to 1"),
        (newsletter("limit = 51"), "F: newsletter[1].limit: found 51; input should be less than or equal to 50"),
        (newsletter("max_per_section = 0"), "F: newsletter[1].max_per_section: found 0"),
        (newsletter('template = "../../etc"'), "F: newsletter[1].template: found '../../etc'; expected the name of a"),
        (newsletter('subject = "{headline}"'), "{headline} is not known here; allowed: {newsletter}, {site}, {date}"),
        (newsletter('subject = "{site.url}"'), "{site.url} is not known here"),
        (newsletter('preheader = "{count!r}"'), "{count} is not known here"),
        (newsletter('subject = "{count"'), "F: newsletter[1].subject: found '{count'; expected '}'"),
        *(
            (newsletter(f'greeting = "{wrong}"'), f"F: newsletter[1].greeting: found '{wrong}'; expected {{name}} once")
            for wrong in ("Hello", " ", "Auto", "{name} {name}", "{first} {name}", "{{name}}", "{name!r}", "{name")
        ),
        (SITE + NEWSLETTER.replace("weekly", "The Weekly"), "F: newsletter[1].slug: found 'The Weekly'"),
        (SITE + NEWSLETTER + SECOND + "limit = 99", "F: newsletter[2].limit: found 99"),
        (newsletter('[source]\ntype = "mysql"'), "F: source.type: found 'mysql'; input should be 'import' or 'sqlite'"),
        (newsletter('[source]\ntype = "sqlite"'), 'F: source: type = "sqlite" needs path'),
        (newsletter('[source]\ntype = "sqlite"\npath = "a.db"'), 'F: source: type = "sqlite" needs articles, a SELECT'),
        (newsletter("[delivery]\nport = 70000"), "F: delivery.port: found 70000; input should be less"),
        (newsletter('[delivery]\nsecurity = "ssl"'), "F: delivery.security: found 'ssl'; input should be 'starttls',"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_with_file_key_find_and_what_is_allowed(refusal, text, message):
    assert message in refusal(text)
    assert all(line.startswith("F: ") for line in refusal(text).splitlines())


def test_all_problems_are_told_at_once_a_line_each(refusal):
    lines = refusal(newsletter('limit = 0\nschedule = "x"\n[delivery]\nport = 0')).splitlines()
    assert [line.split(":")[1].strip() for line in lines] == [
        "newsletter[1].schedule",
        "newsletter[1].limit",
        "delivery.port",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[site\nname = 1", "F cannot be read: Expected ']' at the end of a table declaration (at line 1"),
        (SITE + SITE, "F cannot be read: Cannot declare ('site',) twice (at line 3"),
        ("name = 한빛", "F cannot be read: Invalid value (at line 1, column 8)"),
        (SITE.encode("cp949"), "F cannot be read: 'utf-8' codec can't decode"),
        (SITE.encode("utf-16"), "F cannot be read: 'utf-8' codec can't decode"),
    ],
)
def test_a_file_that_is_not_toml_in_utf_8_is_refused_with_the_place(refusal, content, message):
    assert message in refusal(content)


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(load):
    settings = load(b"\xef\xbb\xbf" + (SITE + NEWSLETTER).replace("\n", "\r\n").encode())
    assert settings.site.name == "한빛뉴스"


def test_a_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(SettingsError, match=re.escape(f"{tmp_path / 'digest.toml'} cannot be read: ")):
        load_settings(tmp_path / "digest.toml", {})


@pytest.mark.parametrize(("table", "key"), [("delivery", "password"), ("site", "secret_key")])
def test_secrets_come_from_the_environment_or_a_file_or_the_settings_in_this_order(load, tmp_path, table, key):
    def secret(lines, **environment):
        head = site(lines) if table == "site" else newsletter(f"[delivery]\n{lines}")
        return getattr(getattr(load(head, **environment), table), key)

    (tmp_path / "secret.txt").write_text("from the file\n", encoding="utf-8")
    own, file, variable = f'{key} = "own"', f'{key}_file = "secret.txt"', f"DIGEST_{table}_{key}".upper()
    assert secret("") == ""
    assert secret(own) == "own"
    assert secret(file) == "from the file"
    assert secret(file, **{variable: "from the environment"}) == "from the environment"
    assert secret(own, **{variable: "from the environment"}) == "from the environment"
    assert secret(own, **{variable: ""}) == "own"


def test_a_password_from_the_environment_needs_no_delivery_table(load):
    assert load(SITE + NEWSLETTER, DIGEST_DELIVERY_PASSWORD="hush").delivery.password == "hush"


def test_a_secret_file_that_cannot_be_read_is_named(refusal, tmp_path):
    message = refusal(newsletter('[delivery]\npassword_file = "nowhere"'))
    assert message.startswith(f"F: delivery.password_file: {tmp_path / 'nowhere'} cannot be read")


def test_secrets_are_never_part_of_a_message(refusal, tmp_path):
    (tmp_path / "secret.txt").write_text("hush-file", encoding="utf-8")
    broken = newsletter('limit = 0\n[delivery]\nport = 0\npassword = 4711\npassword_file = "secret.txt"')
    assert "limit" in refusal(broken)
    for text in (broken, broken.replace('password_file = "secret.txt"', ""), site("secret_key = 4711")):
        message = refusal(text, DIGEST_SITE_SECRET_KEY="" if "secret_key" in text else "hush-env")
        assert "hush" not in message
        assert "4711" not in message


def test_a_secret_of_the_wrong_type_is_still_refused(refusal):
    assert refusal(site("secret_key = 4711")) == "F: site.secret_key: expected text in quotes"


def test_settings_cannot_be_changed(load):
    with pytest.raises(ValueError, match="frozen"):
        load(SITE + NEWSLETTER).site.name = "other"


def test_every_setting_says_what_it_is_for():
    for table in (SiteSettings, SourceSettings, NewsletterSettings, DeliverySettings):
        for name, field in table.model_fields.items():
            assert field.description, f"{table.__name__}.{name}"


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("news@hanbit.example", "", "news@hanbit.example"),
        ("<news@hanbit.example>", "", "news@hanbit.example"),
        ("한빛뉴스 <news@hanbit.example>", "한빛뉴스", "news@hanbit.example"),
        ("(주)한빛뉴스, 편집국 <news@hanbit.example>", "(주)한빛뉴스, 편집국", "news@hanbit.example"),
        ('"Kim, Lee & Co." <news@hanbit.example>', "Kim, Lee & Co.", "news@hanbit.example"),
        (r'"The \"Daily\"" <d.a-y+x@hanbit.example>', 'The "Daily"', "d.a-y+x@hanbit.example"),
        ("  A   <a@b.kr>  ", "A", "a@b.kr"),
    ],
)
def test_a_sender_is_a_name_and_an_address_in_brackets(text, name, address):
    mailbox = parse_mailbox(text)
    assert (mailbox.display_name, f"{mailbox.username}@{mailbox.domain}") == (name, address)


@pytest.mark.parametrize(
    "text",
    [
        "", "한빛뉴스", "a@b", "a@b.", "@b.kr", "a..b@b.kr", ".a@b.kr", "a.@b.kr", "a@-b.kr", "a@b_c.kr", "a b@c.kr",
        "뉴스@b.kr", "a@한빛.kr", "A <a@b.kr", "A <a@b.kr> B", "A <a@b.kr>, B <c@d.kr>", "a@b.kr, c@d.kr", "a@b@c.kr",
        "A\r\nBcc: x@y.kr <a@b.kr>", "A\x00 <a@b.kr>", "A\x85B <a@b.kr>", "<a@b.kr\n>", "A <<a@b.kr>>", "a@[1.2.3.4]",
    ],
)  # fmt: skip
def test_anything_but_one_usable_address_is_no_sender(refusal, text):
    with pytest.raises(ValueError, match=r"Name <name@example.com>|control character"):
        parse_mailbox(text)
    escaped = "".join(f"\\u{ord(c):04x}" for c in text)
    assert "F: newsletter[1].from: found" in refusal(
        SITE + NEWSLETTER.replace("한빛뉴스 <news@hanbit.example>", escaped)
    )


@given(st.text(max_size=30).map(lambda name: f"{name} <a@b.kr>") | st.text(max_size=40))
def test_whatever_is_taken_for_a_sender_has_one_plain_address_and_no_line_end(text):
    try:
        mailbox = parse_mailbox(text)
    except ValueError:
        return
    assert not re.search(r"[\x00-\x1f\x7f-\x9f<>]", mailbox.display_name)
    parsed = Parser(policy=policy.default).parsestr(f"From: {mailbox.username}@{mailbox.domain}\n\n")["From"]
    assert (parsed.addresses[0].username, parsed.addresses[0].domain) == (mailbox.username, mailbox.domain)
    assert not parsed.defects


@pytest.mark.parametrize(
    ("line", "base"),
    [
        ("", "https://mail.hanbit.example/digest"),
        ('url = "https://www.hanbit.example/ko/"', "https://www.hanbit.example/digest"),
        ('url = "http://www.hanbit.example:8080"', "https://www.hanbit.example:8080/digest"),
        ('public_url = "https://letters.hanbit.example/n/"', "https://letters.hanbit.example/n"),
    ],
)
def test_readers_pages_are_https_at_the_public_url_or_below_the_site_or_the_senders_domain(load, line, base):
    assert load(site(line)).site.base_url("mail.hanbit.example") == base


def test_a_workspaces_own_catalogue_makes_its_locale_known(load, refusal, tmp_path):
    text = site('locale = "fr"')
    assert "there is no locale 'fr'" in refusal(text)
    folder = tmp_path / "locales" / "fr" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "digest.po").write_text('msgid "Unsubscribe"\nmsgstr "Se désabonner"\n', encoding="utf-8")
    # What a folder holds is read once in a process, so the workspace is opened from its other spelling.
    other = tmp_path / "again" / "digest.toml"
    other.parent.mkdir()
    (other.parent / "locales").symlink_to(tmp_path / "locales")
    other.write_text(text, encoding="utf-8")
    assert load_settings(other, {}).site.locale == "fr"


def make(folder, text=SITE + NEWSLETTER):
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "digest.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_settings_file_is_the_named_one_then_the_variables_then_one_upward(tmp_path):
    above, named, from_variable = make(tmp_path), make(tmp_path / "named"), make(tmp_path / "variable")
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    environment = {"DIGEST_CONFIG": str(from_variable)}
    assert find_settings_file(deep, environment, named) == named
    assert find_settings_file(deep, environment) == from_variable
    assert find_settings_file(deep, {"DIGEST_CONFIG": ""}) == above
    assert find_settings_file(deep, {}) == above
    assert find_settings_file(deep, {}, named.parent) == named


def test_a_settings_file_that_is_not_there_is_said_with_where_it_was_looked_for(tmp_path):
    with pytest.raises(SettingsError, match="nowhere is not there; `digest init` makes a workspace"):
        find_settings_file(tmp_path, {}, tmp_path / "nowhere")
    with pytest.raises(SettingsError, match="nowhere is not there"):
        find_settings_file(tmp_path, {"DIGEST_CONFIG": str(tmp_path / "nowhere")})
    with pytest.raises(SettingsError, match=re.escape(f"no digest.toml in {tmp_path} or above it; make a workspace")):
        find_settings_file(tmp_path, {})


@pytest.mark.parametrize(
    ("locale", "title"), [("ko", '주간 (주)한빛 "뉴스" \\ 오늘'), ("en", '(주)한빛 "뉴스" \\ 오늘 Weekly')]
)
def test_a_new_workspaces_settings_hold_every_value_given_and_nothing_but_defaults_besides(tmp_path, locale, title):
    name = '(주)한빛 "뉴스" \\ 오늘'
    file = create_workspace(
        tmp_path / "new", name=name, sender='"한빛, 뉴스" <news@hanbit.example>', timezone="Asia/Seoul", locale=locale
    )
    settings = load_settings(file, {})
    weekly = settings.newsletter(None)
    assert (settings.site.name, settings.site.timezone, settings.site.locale) == (name, "Asia/Seoul", locale)
    assert (weekly.title, weekly.mailbox.display_name, weekly.sender_address) == (
        title,
        "한빛, 뉴스",
        "news@hanbit.example",
    )
    assert settings.source == SourceSettings()
    assert settings.delivery == DeliverySettings()
    plain = NewsletterSettings(slug="weekly", title=weekly.title, sender=weekly.sender)
    assert weekly == plain


def test_every_line_of_the_new_settings_that_is_commented_out_would_be_accepted(tmp_path, load):
    file = create_workspace(tmp_path / "new", name="A", sender="a@b.kr", timezone="UTC", locale="en")
    (tmp_path / "smtp-password").write_text("hush", encoding="utf-8")
    text = re.sub(r"^# (?=\w+ = |\[)", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    # Of two values for one key of a table, the last: it stands at the place of the first.
    tables = [
        {line.partition(" = ")[0]: line for line in table.splitlines()} for table in re.split(r"(?m)^(?=\[)", text)
    ]
    settings = load("\n".join(line for table in tables for line in table.values()))
    assert (settings.source.type, settings.delivery.transport, settings.delivery.password) == ("sqlite", "smtp", "hush")
    assert settings.newsletter(None).max_per_section == 3
    assert settings.site.unsubscribe_mailto == "unsubscribe@b.kr"


def test_paths_in_the_settings_are_paths(load):
    delivery = load(newsletter('[delivery]\npath = "out/box"\nca_file = "/etc/ca.pem"')).delivery
    assert (delivery.path, delivery.ca_file) == (Path("out/box"), Path("/etc/ca.pem"))
