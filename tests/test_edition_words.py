"""What the editor writes for one edition wins over the settings, in every language, and is frozen with the issue."""

from datetime import timedelta

import pytest

from digest.proof import open_bodies
from digest.store.editions import EditionWords, get_words, save_words
from digest.store.groups import make_variant_key
from digest.store.issues import list_variants
from digest.variants import Printing
from editions import MONDAY, NOW, add_reader, compose, make_article, open_workspace, publish, render_again, save_news

KEYS = (make_variant_key("", ()), make_variant_key("en", ()))


@pytest.fixture
def app(tmp_path):
    with open_workspace(tmp_path, 'intro = "늘 하는 인사"') as opened:
        save_news(opened, [make_article(n) for n in range(1, 6)])
        add_reader(opened, "kim")
        add_reader(opened, "grace", locale="en")
        yield opened


def write(app, **words):
    save_words(app.database, "weekly", MONDAY, EditionWords(**words), now=NOW)


def test_without_words_the_settings_count(app):
    assert get_words(app.database, "weekly", MONDAY) == EditionWords()
    for variant in Printing(compose(app), KEYS, app.workshop).variants():
        assert variant.rendering.subject.endswith(" · 주간 한빛")
        assert "늘 하는 인사" in variant.rendering.html
        assert "늘 하는 인사" in variant.rendering.text


def test_the_editors_subject_and_intro_go_into_every_variant(app):
    write(app, subject="봄이 온다", intro="이번 주는 **봄**입니다.")
    for variant in Printing(compose(app), KEYS, app.workshop).variants():
        assert variant.rendering.subject == "봄이 온다"
        assert ">봄</strong>" in variant.rendering.html
        assert "이번 주는" in variant.rendering.text
        assert "늘 하는 인사" not in variant.rendering.html + variant.rendering.text


def test_an_empty_intro_is_none_at_all(app):
    write(app, intro="")
    for variant in Printing(compose(app), KEYS, app.workshop).variants():
        assert "늘 하는 인사" not in variant.rendering.html


def test_other_editions_keep_their_own_words(app):
    write(app, subject="봄이 온다")
    assert get_words(app.database, "weekly", MONDAY + timedelta(days=7)) == EditionWords()


def test_a_frozen_issue_keeps_its_words_whatever_is_written_afterwards(app):
    write(app, subject="봄이 온다", intro="이번 주는 **봄**입니다.")
    issue = publish(app)
    write(app, subject="여름이 온다", intro="여름")
    for variant in list_variants(app.database, issue.id):
        again = render_again(app, issue, variant.key, variant.article_ids)
        assert again == open_bodies(app.database, issue).rendering(variant.key)
        assert again.subject == "봄이 온다"
