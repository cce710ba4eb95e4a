"""The editor's changes: pins come first, nothing is lost, and every step can be taken back, but no more than that."""

import doctest
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.errors import IssueError
from digest.store.articles import Decisions, exclude_article, list_decisions, pin_article
from digest.store.editions import EditionWords, get_words, save_words
from digest.web.preview import edits
from digest.web.preview.edits import Edit, EditKind, History, decide, edit_decisions, edit_words, move

NOW = datetime(2026, 3, 2, tzinfo=UTC)
MONDAY = date(2026, 3, 2)
IDS = "abcdefgh"
KINDS = [kind for kind in EditKind if kind not in (EditKind.SUBJECT, EditKind.INTRO)]


def by_views(pinned, excluded=()):
    """What an issue of five shows: pins first, then the rest by views (alphabetical here)."""
    rest = [article for article in IDS if article not in pinned and article not in excluded]
    return tuple([*pinned, *rest][:5])


def edit(kind, article="c"):
    return Edit(kind=kind, article=article)


def test_the_examples_hold():
    assert doctest.testmod(edits).failed == 0


@given(
    pinned=st.lists(st.sampled_from(IDS), unique=True, max_size=4),
    article=st.sampled_from(IDS),
    up=st.booleans(),
)
def test_a_move_swaps_two_neighbours_and_nothing_else(pinned, article, up):
    shown = by_views(pinned)
    moved = by_views(move(pinned, shown, article, up=up))
    expected = list(shown)
    place = expected.index(article) if article in expected else None
    other = None if place is None else place + (-1 if up else 1)
    if place is not None and 0 <= other < len(expected):
        expected[place], expected[other] = expected[other], expected[place]
    assert moved == tuple(expected)


@given(
    pinned=st.lists(st.sampled_from(IDS), unique=True, max_size=4),
    excluded=st.sets(st.sampled_from(IDS), max_size=3),
    kind=st.sampled_from(KINDS),
    article=st.sampled_from(IDS),
)
def test_no_article_is_ever_pinned_and_excluded_or_pinned_twice(pinned, excluded, kind, article):
    before = Decisions(pinned=tuple(p for p in pinned if p not in excluded), excluded=frozenset(excluded))
    after = decide(before, edit(kind, article), by_views(before.pinned, before.excluded))
    assert len(set(after.pinned)) == len(after.pinned)
    assert not set(after.pinned) & after.excluded
    assert set(before.pinned) - {article} <= set(after.pinned)
    assert before.excluded - {article} <= after.excluded


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (EditKind.PIN, Decisions(pinned=("a", "c"))),
        (EditKind.EXCLUDE, Decisions(pinned=("a",), excluded=frozenset("c"))),
        (EditKind.UP, Decisions(pinned=("a", "c"))),
        (EditKind.DOWN, Decisions(pinned=("a", "b", "d"))),
        (EditKind.UNPIN, Decisions(pinned=("a",))),
        (EditKind.INCLUDE, Decisions(pinned=("a",))),
    ],
)
def test_each_kind_of_edit_is_written_in_one_transaction_and_undone(database, kind, expected):
    pin_article(database, "weekly", "a", position=None, now=NOW)
    before = list_decisions(database, "weekly")
    history = History()
    history.record(edit_decisions(database, "weekly", edit(kind), shown=tuple("abcde"), now=NOW))
    assert list_decisions(database, "weekly") == expected
    if expected != before:
        history.undo(database, "weekly", now=NOW)
    assert list_decisions(database, "weekly") == before
    assert history.steps("weekly") == () or not history.steps("weekly")


def test_a_step_that_changed_nothing_is_not_remembered(database):
    history = History()
    history.record(edit_decisions(database, "weekly", edit(EditKind.UNPIN), shown=(), now=NOW))
    with pytest.raises(IssueError, match="nothing to undo"):
        history.undo(database, "weekly", now=NOW)


@settings(max_examples=20, deadline=None)  # each writes to a disk some sixty times
@given(steps=st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from(IDS)), min_size=50, max_size=70))
def test_all_steps_can_be_undone_one_after_the_other(tmp_path_factory, steps):
    from digest.store.database import open_database

    with open_database(tmp_path_factory.mktemp("undo") / "digest.db", create=True) as database:
        history, states = History(), [list_decisions(database, "weekly")]
        for kind, article in steps:
            shown = by_views(states[-1].pinned, states[-1].excluded)
            history.record(edit_decisions(database, "weekly", edit(kind, article), shown=shown, now=NOW))
            if list_decisions(database, "weekly") != states[-1]:
                states.append(list_decisions(database, "weekly"))
        while len(states) > 1:
            assert list_decisions(database, "weekly") == states.pop()
            history.undo(database, "weekly", now=NOW)
        assert list_decisions(database, "weekly") == Decisions()


def test_what_others_decided_since_is_not_undone(database):
    history = History()
    history.record(edit_decisions(database, "weekly", edit(EditKind.PIN), shown=(), now=NOW))
    exclude_article(database, "weekly", "x", now=NOW)
    with pytest.raises(IssueError, match="changed elsewhere since"):
        history.undo(database, "weekly", now=NOW)
    assert list_decisions(database, "weekly") == Decisions(pinned=("c",), excluded=frozenset("x"))
    with pytest.raises(IssueError, match="nothing to undo"):
        history.undo(database, "weekly", now=NOW)


def test_newsletters_are_undone_each_for_itself(database):
    history = History()
    for slug in ("weekly", "daily"):
        history.record(edit_decisions(database, slug, edit(EditKind.PIN), shown=(), now=NOW))
    history.undo(database, "weekly", now=NOW)
    assert list_decisions(database, "weekly") == Decisions()
    assert list_decisions(database, "daily") == Decisions(pinned=("c",))


def test_words_are_kept_for_their_edition_and_undone(database):
    history = History()
    for kind, words in ((EditKind.SUBJECT, "제목"), (EditKind.INTRO, ""), (EditKind.SUBJECT, None)):
        history.record(edit_words(database, "weekly", MONDAY, Edit(kind=kind, words=words), now=NOW))
    assert get_words(database, "weekly", MONDAY) == EditionWords(intro="")
    history.undo(database, "weekly", now=NOW)
    assert get_words(database, "weekly", MONDAY) == EditionWords(subject="제목", intro="")
    history.undo(database, "weekly", now=NOW)
    assert get_words(database, "weekly", MONDAY) == EditionWords(subject="제목")
    save_words(database, "weekly", MONDAY, EditionWords(subject="남의 제목"), now=NOW)
    with pytest.raises(IssueError, match="changed elsewhere since"):
        history.undo(database, "weekly", now=NOW)
    assert get_words(database, "weekly", MONDAY) == EditionWords(subject="남의 제목")


def test_an_empty_subject_is_the_pattern_again(database):
    edit_words(database, "weekly", MONDAY, Edit(kind=EditKind.SUBJECT, words=""), now=NOW)
    assert get_words(database, "weekly", MONDAY) == EditionWords()
