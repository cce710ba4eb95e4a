"""Articles in the store, and what the editor decided about them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.errors import StoreError
from digest.model import Article
from digest.store.articles import (
    Changes,
    Decisions,
    exclude_article,
    forget_decision,
    get_article,
    get_articles,
    get_last_reading,
    list_articles,
    list_decisions,
    list_sections,
    pin_article,
    save_articles,
    use_up_pins,
)
from digest.store.database import open_database
from workspaces import NOW, make_article

WHOLE = make_article(
    7,
    id="007",
    subheads=("첫 줄", '"둘째" & <셋째>'),
    image="https://img.example/7.jpg",
    image_caption="새벽의 다리",
    image_width=1200,
    image_height=800,
    author="이도담 기자",
    source="한빛신문",
    language="ko",
)


def save(database, *articles, read_at=NOW) -> Changes:
    with database.transaction():
        return save_articles(database, articles, read_at=read_at)


def test_an_article_comes_back_as_it_was(database):
    """An id "007" stays "007"; lists, numbers, moments and empty values keep their kind."""
    plain = make_article(8, section="", section_name="", excerpt="")
    save(database, WHOLE, plain)
    assert get_article(database, "007") == WHOLE
    assert get_articles(database, ["007", "8", "9"]) == {"007": WHOLE, "8": plain}
    assert get_article(database, "7") is None


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
WORDS = TEXT.filter(str.isprintable).filter(bool)
MOMENTS = st.integers(-(10**10), 10**11).map(
    lambda seconds: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
TEXTS = ("url", "excerpt", "image", "image_caption", "section", "section_name", "author", "source", "language")
ARTICLES = st.builds(
    Article,
    id=WORDS,
    title=WORDS,
    published_at=MOMENTS,
    subheads=st.lists(TEXT, max_size=3).map(tuple),
    image_width=st.one_of(st.none(), st.integers(0, 2**63 - 1)),
    **dict.fromkeys(TEXTS, TEXT),
)


@settings(max_examples=60, deadline=None)
@given(article=ARTICLES)
def test_any_text_number_and_moment_comes_back_as_it_was(tmp_path_factory, article):
    with open_database(tmp_path_factory.mktemp("articles") / "digest.db", create=True) as database:
        save(database, article)
        assert get_article(database, article.id) == article
        assert save(database, article) == Changes(unchanged=1)


def test_a_moment_without_a_timezone_is_refused(database):
    with pytest.raises(StoreError, match="has no timezone; only aware moments can be kept"):
        save(database, replace(WHOLE, published_at=datetime(2026, 3, 1)))  # noqa: DTZ001 - that is the point
    assert get_article(database, "007") is None


def test_the_same_articles_again_change_nothing(database):
    articles = [make_article(number) for number in range(1200)]
    assert save(database, *articles) == Changes(added=1200)
    before = [tuple(row) for row in database.rows("SELECT * FROM article ORDER BY id")]
    assert save(database, *articles) == Changes(unchanged=1200)
    assert [tuple(row) for row in database.rows("SELECT * FROM article ORDER BY id")] == before


@pytest.mark.parametrize(
    "change",
    [
        {"title": "고친 제목"},
        {"subheads": ("새 줄",)},
        {"section": "economy"},
        {"image_width": None},
        {"published_at": NOW - timedelta(days=9)},
        {"excerpt": ""},
    ],
)
def test_a_changed_article_is_updated_and_its_neighbours_are_not(database, change):
    save(database, WHOLE, make_article(8))
    changed = replace(WHOLE, **change)
    assert save(database, changed, make_article(8)) == Changes(updated=1, unchanged=1)
    assert get_article(database, "007") == changed


def test_of_two_rows_of_one_article_the_later_one_stands(database):
    second = replace(WHOLE, title="나중 제목")
    assert save(database, WHOLE, second) == Changes(added=1, updated=1)
    assert get_article(database, "007") == second


def test_a_reading_marks_what_it_contained_even_where_nothing_changed(database):
    """Articles that the publisher's database no longer has are told by the moment of the last reading."""
    save(database, make_article(1), make_article(2))
    later = NOW + timedelta(hours=1)
    save(database, make_article(1), read_at=later)
    assert [article.id for article in list_articles(database, read_since=later)] == ["1"]
    assert len(list_articles(database)) == 2
    assert get_last_reading(database) == later


def test_a_list_is_cut_by_time_section_and_words(database):
    day = timedelta(days=1)
    save(
        database,
        make_article(1, published_at=NOW - 2 * day, title="강을 건너는 100% 방법", section="life", section_name="생활"),
        make_article(2, published_at=NOW - day, section="", section_name=""),
        make_article(3, published_at=NOW),
    )

    def ids(**wanted):
        return [article.id for article in list_articles(database, **wanted)]

    assert ids() == ["3", "2", "1"]
    assert ids(start=NOW - day, end=NOW) == ["2"]
    assert ids(section="") == ["2"]
    assert ids(section="life") == ["1"]
    assert ids(text="100%") == ["1"]
    assert ids(text="_") == []
    assert ids(limit=2) == ["3", "2"]
    assert list_sections(database) == {"": "", "life": "생활", "society": "사회"}


def test_pins_keep_their_order_and_may_be_moved(database):
    for article_id in ("a", "b", "c"):
        pin_article(database, "weekly", article_id, position=None, now=NOW)
    assert list_decisions(database, "weekly").pinned == ("a", "b", "c")
    pin_article(database, "weekly", "c", position=1, now=NOW)
    assert list_decisions(database, "weekly").pinned == ("c", "a", "b")
    pin_article(database, "weekly", "d", position=2, now=NOW)
    assert list_decisions(database, "weekly").pinned == ("c", "d", "a", "b")
    pin_article(database, "weekly", "c", position=99, now=NOW)
    assert list_decisions(database, "weekly").pinned == ("d", "a", "b", "c")
    pin_article(database, "weekly", "a", position=None, now=NOW)
    assert list_decisions(database, "weekly").pinned == ("d", "b", "c", "a")


def test_an_article_is_pinned_or_excluded_and_never_both(database):
    pin_article(database, "weekly", "a", position=None, now=NOW)
    pin_article(database, "weekly", "b", position=None, now=NOW)
    exclude_article(database, "weekly", "a", now=NOW)
    assert list_decisions(database, "weekly") == Decisions(pinned=("b",), excluded=frozenset("a"))
    pin_article(database, "weekly", "a", position=1, now=NOW)
    assert list_decisions(database, "weekly") == Decisions(pinned=("a", "b"))


def test_decisions_belong_to_one_newsletter_and_can_be_undone_once(database):
    pin_article(database, "weekly", "a", position=None, now=NOW)
    exclude_article(database, "weekly", "b", now=NOW)
    assert list_decisions(database, "daily") == Decisions()
    assert not forget_decision(database, "weekly", "a", "exclude")
    assert forget_decision(database, "weekly", "a", "pin")
    assert not forget_decision(database, "weekly", "a", "pin")
    assert list_decisions(database, "weekly") == Decisions(excluded=frozenset("b"))


def test_an_issue_uses_up_the_pins_it_showed_and_no_exclusion(database):
    for article_id in ("a", "b", "c"):
        pin_article(database, "weekly", article_id, position=None, now=NOW)
    exclude_article(database, "weekly", "d", now=NOW)
    with database.transaction():
        use_up_pins(database, "weekly", ["a", "c", "d"])
    assert list_decisions(database, "weekly") == Decisions(pinned=("b",), excluded=frozenset("d"))
