"""The content of `digest demo` keeps the shape and the story that the demo tells with it."""

import itertools
import json
import re
import struct
from collections import Counter
from importlib.resources import files
from typing import Any

import pytest

from digest.address import normalise_address

DATA = files("digest") / "demo_data"
ARTICLES: list[dict[str, Any]] = json.loads((DATA / "articles.json").read_text(encoding="utf-8"))
SUBSCRIBERS: list[dict[str, Any]] = json.loads((DATA / "subscribers.json").read_text(encoding="utf-8"))
IMAGES = {image.name: image for image in (DATA / "images").iterdir()}
SECTIONS = {
    "politics": "정치",
    "economy": "경제",
    "society": "사회",
    "culture": "문화",
    "tech": "기술",
    "world": "국제",
    "sports": "스포츠",
}
PLAIN_FIELDS = {
    *("id", "path", "title", "subheads", "excerpt", "section", "section_name", "author", "language"),
    *("days_before", "time", "image", "image_caption", "views"),
}

every_article = pytest.mark.parametrize("article", ARTICLES, ids=lambda article: article["id"])


def views_of_week(article: dict[str, Any]) -> int:
    """Views in the seven days before the edition."""
    return sum(article["views"][-7:])


def jpeg_size(content: bytes) -> tuple[int, int]:
    """Width and height from the frame header (ITU-T T.81, B.2.2)."""
    assert content[:2] == b"\xff\xd8"
    place = 2
    while content[place + 1] not in range(0xC0, 0xC4):
        place += 2 + struct.unpack_from(">H", content, place + 2)[0]
    height, width = struct.unpack_from(">HH", content, place + 5)
    return width, height


LATEST = sorted((a for a in ARTICLES if a["days_before"] <= 7), key=views_of_week, reverse=True)


@every_article
def test_an_article_has_every_field_and_no_other(article: dict[str, Any]) -> None:
    size = {"image_width", "image_height"} if article["image"] else set()
    assert article.keys() == PLAIN_FIELDS | size


@every_article
def test_an_article_is_placed_in_a_known_section(article: dict[str, Any]) -> None:
    assert article["section_name"] == SECTIONS[article["section"]]
    assert article["path"] == f"/{article['section']}/{article['id']}"


@every_article
def test_texts_have_the_length_of_a_news_page(article: dict[str, Any]) -> None:
    assert 120 <= len(article["excerpt"]) <= 300
    assert 8 <= len(article["title"]) <= 90
    assert len(article["subheads"]) <= 3
    assert all(article["subheads"])


@every_article
def test_the_author_is_written_as_the_language_writes_it(article: dict[str, Any]) -> None:
    pattern = {"ko": r"[가-힣]{3} 기자", "en": r"[A-Z][a-z]+ [A-Z][a-z]+"}[article["language"]]
    assert re.fullmatch(pattern, article["author"])


@every_article
def test_views_are_counted_for_every_day_since_publication(article: dict[str, Any]) -> None:
    assert 1 <= article["days_before"] <= 28
    assert len(article["views"]) == article["days_before"]
    assert all(type(views) is int and views >= 0 for views in article["views"])
    assert re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", article["time"])


@every_article
def test_an_image_and_its_caption_come_together(article: dict[str, Any]) -> None:
    assert bool(article["image"]) == bool(article["image_caption"])


def test_ids_are_unique_text_and_follow_the_order_of_publication() -> None:
    ids = [article["id"] for article in ARTICLES]
    assert ids == sorted(set(ids))
    published = [(-article["days_before"], article["time"]) for article in ARTICLES]
    assert published == sorted(published)


def test_the_newsroom_is_mostly_korean_with_some_english() -> None:
    assert Counter(article["language"] for article in ARTICLES) == {"ko": 42, "en": 20}


def test_every_week_can_fill_an_issue() -> None:
    weeks = Counter((article["days_before"] - 1) // 7 for article in ARTICLES)
    assert weeks.keys() == {0, 1, 2, 3}
    assert weeks[0] >= 20
    assert min(weeks.values()) >= 10


def test_every_section_appears_in_the_latest_week() -> None:
    assert {article["section"] for article in LATEST} == SECTIONS.keys()


def test_society_leads_so_that_a_limit_per_section_is_seen_to_work() -> None:
    assert sum(article["section"] == "society" for article in LATEST[:8]) >= 5


def test_the_lead_of_the_latest_week_shows_everything_an_article_can_have() -> None:
    lead = LATEST[0]
    assert lead["language"] == "ko"
    assert lead["image"]
    assert lead["image_caption"]
    assert lead["subheads"]
    assert views_of_week(lead) > views_of_week(LATEST[1])


def test_the_latest_week_holds_ties() -> None:
    totals = [views_of_week(article) for article in LATEST]
    assert any(first == second for first, second in itertools.pairwise(totals))


def test_one_older_article_comes_back_in_the_latest_week() -> None:
    older = [article for article in ARTICLES if 10 <= article["days_before"] <= 20]
    revived = [article for article in older if max(article["views"][-7:]) > max(article["views"][:-7])]
    assert len(revived) == 1
    assert views_of_week(revived[0]) > views_of_week(LATEST[11])


def test_some_texts_are_untidy() -> None:
    """Cleaning is seen at work: an entity, a headline in angle brackets, a no-break space."""
    titles = " ".join(article["title"] for article in ARTICLES)
    texts = " ".join(article["excerpt"] for article in ARTICLES)
    assert "&amp;" in titles
    assert "<기획>" in titles
    assert "\u00a0" in texts


def test_every_image_is_used_and_none_is_missing() -> None:
    assert {article["image"] for article in ARTICLES} - {""} == IMAGES.keys()


@pytest.mark.parametrize("name", sorted(IMAGES))
def test_an_image_has_the_stated_size_and_is_light(name: str) -> None:
    content = IMAGES[name].read_bytes()
    stated = {(a["image_width"], a["image_height"]) for a in ARTICLES if a["image"] == name}
    assert stated == {jpeg_size(content)} == {(1200, 675)}
    assert 15_000 <= len(content) <= 45_000


def test_subscribers_are_a_dozen_in_three_states() -> None:
    assert Counter(person["state"] for person in SUBSCRIBERS) == {"active": 10, "unsubscribed": 1, "bounced": 1}
    assert len({person["address"] for person in SUBSCRIBERS}) == 12


def test_two_subscribers_chose_sections() -> None:
    chosen = [person["sections"] for person in SUBSCRIBERS if person["sections"]]
    assert len(chosen) == 2
    assert all(set(sections) <= SECTIONS.keys() and len(sections) <= 2 for sections in chosen)


@pytest.mark.parametrize("person", SUBSCRIBERS, ids=lambda person: person["address"])
def test_a_subscriber_can_be_imported_and_never_be_a_real_person(person: dict[str, Any]) -> None:
    assert person.keys() == {"address", "name", "locale", "sections", "state"}
    assert normalise_address(person["address"]) == person["address"]
    assert person["address"].rpartition("@")[2] in {"example.com", "example.org", "example.net"}
    assert person["locale"] in {"ko", "en", ""}
