"""Reasons as an editor reads them, in English and Korean, and as data."""

import json
import string
from datetime import date
from io import BytesIO
from itertools import pairwise

import pytest
from babel.messages.pofile import read_po
from ranking_samples import NOON, SEOUL, make_article

from digest.language import PACKAGED_LOCALES, load_language
from digest.model import Choice, CountKind, Reason, ReasonCode, ViewCount
from digest.rank.explain import choice_to_json, english_ordinal, explain_choice, explain_reason

ENGLISH, KOREAN = load_language("en"), load_language("ko")
RANK = Reason(code=ReasonCode.RANK, facts=(("rank", 3), ("views", 184_220), ("days", 7)))
SECTION_LIMIT = Reason(code=ReasonCode.SECTION_LIMIT, facts=(("section", "society"), ("place", 4), ("limit", 3)))


def make_choice(*reasons, position=None, kind=CountKind.EXACT):
    article = make_article("32")
    count = ViewCount(article_id="32", views=184_220, kind=kind)
    return Choice(article=article, count=count, rank=3, position=position, reasons=reasons)


def test_a_choice_says_its_place_and_why_it_is_not_shown():
    words = explain_choice(make_choice(RANK, SECTION_LIMIT), ENGLISH, SEOUL)
    assert words == "3rd by views (184,220 this week); not shown: 4th from society, the limit is 3"


def test_a_choice_says_the_same_in_korean_without_english_ordinals():
    korean = Reason(code=ReasonCode.SECTION_LIMIT, facts=(("section", "사회"), ("place", 4), ("limit", 3)))
    words = explain_choice(make_choice(RANK, korean), KOREAN, SEOUL)
    assert words == "조회순 3위 (한 주 동안 184,220회); 싣지 않음: 사회 분야 4번째 기사, 분야당 3건까지"


@pytest.mark.parametrize(
    ("code", "facts", "english", "korean"),
    [
        ("rank", {"rank": 1, "views": 0, "days": 7}, "1st by views (0 this week)", "조회순 1위 (한 주 동안 0회)"),
        ("rank", {"rank": 2, "views": 9, "days": 1}, "2nd by views (9 that day)", "조회순 2위 (그날 9회)"),
        ("rank", {"rank": 11, "views": 9, "days": 30}, "11th by views (9 in the window)", "조회순 11위 (기간 중 9회)"),
        ("rank", {"rank": 21, "views": 9, "days": 0}, "21st by views (9 in the window)", "조회순 21위 (기간 중 9회)"),
        ("pinned", {"position": 1}, "pinned by the editor to place 1", "편집자가 1번째로 고정"),
        ("excluded", {}, "not shown: taken out by the editor", "싣지 않음: 편집자가 뺌"),
        ("repeated", {"edition": "2019-04-01"}, "not shown: the issue of April 1, 2019 had it",
         "싣지 않음: 2019년 4월 1일 호에 이미 실림"),
        ("other_section", {"section": "Sport"}, "not shown: Sport is not one of the sections asked for",
         "싣지 않음: 받기로 한 분야가 아님: Sport"),
        ("other_section", {"section": ""}, "not shown: it has no section", "싣지 않음: 분야가 정해지지 않음"),
        ("below_limit", {"limit": 10}, "not shown: the issue shows 10 articles", "싣지 않음: 한 호에 10건까지 실음"),
        ("total_as_of", {"as_of": NOON.isoformat()}, "totals as of Wed, Apr 10, 9:00 PM",
         "4월 10일 (수) 21:00 기준 누적 조회"),
        ("counter_reset", {}, "its counter started again in the window", "기간 중 조회 수가 0부터 다시 집계됨"),
    ],
)  # fmt: skip
def test_every_reason_has_natural_words_in_both_languages(code, facts, english, korean):
    reason = Reason(code=ReasonCode(code), facts=tuple(facts.items()))
    assert explain_reason(reason, ENGLISH, SEOUL) == english
    assert explain_reason(reason, KOREAN, SEOUL) == korean


def test_names_with_braces_and_percent_signs_are_text():
    reason = Reason(code=ReasonCode.OTHER_SECTION, facts=(("section", "{why} %s {}"),))
    assert explain_reason(reason, ENGLISH, SEOUL) == "not shown: {why} %s {} is not one of the sections asked for"


def test_ordinals_follow_english_usage_up_to_thousands():
    assert [english_ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 22, 111, 113, 1001, 1012)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "22nd", "111th", "113th", "1,001st", "1,012th",
    ]  # fmt: skip


def test_a_choice_as_data_holds_its_words_and_its_facts_and_is_json():
    data = choice_to_json(make_choice(RANK, SECTION_LIMIT, kind=CountKind.NEW), ENGLISH, SEOUL)
    assert json.loads(json.dumps(data)) == {
        "position": None,
        "rank": 3,
        "id": "32",
        "title": "Title 32",
        "section": "society",
        "views": 184_220,
        "count": "new",
        "shown": False,
        "why": "3rd by views (184,220 this week); not shown: 4th from society, the limit is 3",
        "reasons": [
            {"code": "rank", "rank": 3, "views": 184_220, "days": 7},
            {"code": "section_limit", "section": "society", "place": 4, "limit": 3},
        ],
    }


def test_every_catalogue_has_every_reason_and_keeps_only_fields_that_the_reason_knows():
    """A catalogue may say `{rank}` for `{rank_ordinal}`, and nothing else."""
    catalogues = {
        file.parents[1].name: read_po(BytesIO(file.read_bytes()))
        for file in PACKAGED_LOCALES.glob("*/LC_MESSAGES/digest.po")
    }
    said = {message.id for message in catalogues["en"] if isinstance(message.id, str) and "{" in message.id}
    assert len(said) >= 9
    for first, second in pairwise(sorted(catalogues)):
        assert {message.id for message in catalogues[first]} == {message.id for message in catalogues[second]}
    for catalogue in catalogues.values():
        for message in (catalogue[message_id] for message_id in said):
            assert message.string
            assert _fields(message.string) <= _fields(message.id) | {
                f.removesuffix("_ordinal") for f in _fields(message.id)
            }


def _fields(pattern):
    return {name for _, name, _, _ in string.Formatter().parse(pattern) if name}


def test_a_date_without_a_year_is_never_all_that_is_said_of_an_issue():
    reason = Reason(code=ReasonCode.REPEATED, facts=(("edition", date(2019, 12, 30).isoformat()),))
    assert "2019" in explain_reason(reason, KOREAN, SEOUL)
