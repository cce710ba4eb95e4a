"""Words, numbers and dates of a locale; catalogues that are whole; a locale that is only a file."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import SettingsError
from digest.language import available_languages, direction_of, load_language

ROOT = Path(__file__).parents[1]
LOCALES = ROOT / "digest" / "locales"
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2)}
METHODS = {
    "digest": [("**.py", "python")],
    "templates": [("**.html", "jinja2.ext:babel_extract"), ("**.txt", "jinja2.ext:babel_extract")],
}
FRENCH = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=2; plural=(n > 1);\\n"

msgid "Unsubscribe"
msgstr "Se désabonner"

msgid "%(count)s article"
msgid_plural "%(count)s articles"
msgstr[0] "%(count)s article"
msgstr[1] "%(count)s articles"
"""


def write_catalogue(folder: Path, locale: str, content: str) -> Path:
    file = folder / locale / "LC_MESSAGES" / "digest.po"
    file.parent.mkdir(parents=True)
    file.write_text(content, encoding="utf-8")
    return folder


@pytest.fixture
def ko():
    return load_language("ko")


@pytest.fixture
def en():
    return load_language("en")


def test_korean_dates_and_numbers(ko):
    assert ko.number(184_220) == "184,220"
    assert ko.date(date(2019, 4, 8)) == "2019년 4월 8일"
    assert ko.date(date(2019, 4, 3), "short") == "4월 3일 (수)"


def test_english_dates_and_numbers(en):
    assert en.number(184_220) == "184,220"
    assert en.date(date(2019, 4, 8)) == "April 8, 2019"
    assert en.date(date(2019, 4, 3), "short") == "Wed, Apr 3"


@pytest.mark.parametrize(
    ("days", "korean", "english"),
    [
        (((2019, 4, 1), (2019, 4, 7)), "2019년 4월 1일 ~ 7일", "April 1 – 7, 2019"),
        (((2019, 4, 29), (2019, 5, 5)), "2019년 4월 29일 ~ 5월 5일", "April 29 – May 5, 2019"),
        (((2018, 12, 31), (2019, 1, 6)), "2018년 12월 31일 ~ 2019년 1월 6일", "December 31, 2018 – January 6, 2019"),
        (((2019, 4, 1), (2019, 4, 1)), "2019년 4월 1일", "April 1, 2019"),
        (((2019, 4, 1), (2020, 4, 1)), "2019년 4월 1일 ~ 2020년 4월 1일", "April 1, 2019 – April 1, 2020"),
    ],
)
def test_a_range_says_what_its_days_share_only_once(ko, en, days, korean, english):
    first, last = days
    assert ko.date_range(date(*first), date(*last)) == korean
    assert en.date_range(date(*first), date(*last)) == english


@given(st.dates(), st.dates(), st.sampled_from(["ko", "en", "en-GB", "ko-KR"]))
def test_a_range_names_both_years_where_they_differ_in_plain_spaces(first, last, code):
    first, last = sorted((first, last))
    words = load_language(code).date_range(first, last)
    assert {str(first.year), str(last.year)} <= set(re.findall(r"\d+", words))
    assert not re.search(r"[^\S ]|[\u2000-\u200a\u202f\xa0]", words)


def test_a_moment_has_its_time_but_midnight_is_a_day_without_one(ko, en):
    assert ko.moment(datetime(2019, 4, 3, 14, 20, tzinfo=UTC)) == "4월 3일 (수) 14:20"
    assert en.moment(datetime(2019, 4, 3, 14, 20, tzinfo=UTC)) == "Wed, Apr 3, 2:20 PM"
    assert ko.moment(datetime(2019, 4, 3, tzinfo=UTC)) == "4월 3일 (수)"
    assert ko.moment(datetime(2019, 4, 3, 0, 1, tzinfo=UTC)) == "4월 3일 (수) 00:01"


@pytest.mark.parametrize(("tag", "direction"), [("ko", "ltr"), ("ar", "rtl"), ("he-IL", "rtl"), ("", ""), ("?", "")])
def test_direction_follows_the_script(tag, direction):
    assert direction_of(tag) == direction


def test_plurals_follow_the_language(ko, en):
    forms = ("%(count)s article", "%(count)s articles")
    assert (en.ngettext(*forms, 1), en.ngettext(*forms, 2)) == forms
    assert ko.ngettext(*forms, 1) == ko.ngettext(*forms, 2) == "기사 %(count)s건"


@pytest.mark.parametrize(("code", "tag"), [("ko-KR", "ko-KR"), ("ko_KR", "ko-KR"), ("en-GB", "en-GB"), ("KO", "ko")])
def test_a_regional_locale_uses_the_catalogue_of_its_language(code, tag):
    assert load_language(code).code == tag


@pytest.mark.parametrize("code", ["fr", "", "klingon", "../ko", "ko/../en", "12"])
def test_an_unknown_locale_is_an_error_that_names_those_there_are(code):
    with pytest.raises(SettingsError, match="available: en, ko"):
        load_language(code)


def test_a_third_locale_is_a_file_and_nothing_else(tmp_path):
    extra = write_catalogue(tmp_path, "fr", FRENCH)
    assert available_languages(extra) == ("en", "fr", "ko")
    french = load_language("fr", extra)
    assert french.gettext("Unsubscribe") == "Se désabonner"
    assert french.gettext("Most read") == "Most read"
    assert french.ngettext("%(count)s article", "%(count)s articles", 0) == "%(count)s article"
    assert french.date_range(date(2019, 4, 1), date(2019, 4, 7)) == "1–7 avril 2019"
    assert french.moment(datetime(2019, 4, 3, 14, 20, tzinfo=UTC)) == "mer. 3 avr., 14:20"


def test_a_workspace_may_reword_single_messages(tmp_path):
    extra = write_catalogue(tmp_path, "ko", FRENCH.replace("Se désabonner", "구독 해지"))
    assert load_language("ko", extra).gettext("Unsubscribe") == "구독 해지"
    assert load_language("ko", extra).gettext("Most read") == "많이 읽은 기사"


def test_a_broken_catalogue_is_an_error_that_names_the_file(tmp_path):
    extra = write_catalogue(tmp_path, "fr", 'msgid "x"\nnonsense\n')
    with pytest.raises(SettingsError, match=r"fr.LC_MESSAGES.digest\.po"):
        load_language("fr", extra)


def extracted_messages() -> set[tuple[object, str | None]]:
    options = {pattern: {"extensions": "digest.render.marks.Tags"} for pattern in ("**.html", "**.txt")}
    return {
        (message, context)
        for folder, methods in METHODS.items()
        for _, _, message, _, context in extract_from_dir(str(ROOT / folder), methods, options, keywords=KEYWORDS)
    }


def catalogue_messages(locale: str):
    with (LOCALES / locale / "LC_MESSAGES" / "digest.po").open("rb") as file:
        return {(_as_extracted(m.id), m.context): m for m in read_po(file) if m.id}


def _as_extracted(message_id):
    return tuple(message_id) if isinstance(message_id, list | tuple) else message_id


@pytest.mark.parametrize("locale", ["ko", "en"])
def test_the_catalogue_has_every_message_and_no_stale_one(locale):
    assert catalogue_messages(locale).keys() == extracted_messages()


@pytest.mark.parametrize("locale", ["ko", "en"])
def test_every_translation_is_there_and_keeps_the_placeholders(locale):
    for (source, _), message in catalogue_messages(locale).items():
        translations = message.string if isinstance(message.string, tuple) else (message.string,)
        assert not message.fuzzy
        for words in translations:
            assert words.strip(), source
            sources = source if isinstance(source, tuple) else (source,)
            known = set(re.findall(r"%\(\w+\)s", " ".join(sources)))
            assert set(re.findall(r"%\(\w+\)s", words)) == known, source


def test_korean_is_written_in_hangul():
    for (source, context), message in catalogue_messages("ko").items():
        words = "".join(message.string if isinstance(message.string, tuple) else (message.string,))
        assert context or re.search("[가-힣]", words), source
