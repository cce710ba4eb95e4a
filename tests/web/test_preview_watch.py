"""What a preview is made of has one stamp, and it changes with any of it."""

import os
import sqlite3
from contextlib import closing
from datetime import date

import pytest
from preview_site import make_site

from digest.app import open_app
from digest.store.articles import pin_article
from digest.store.database import FILE_NAME, open_database, read_version
from digest.web.preview.desk import Desk, Query
from digest.web.preview.watch import publisher_files, stamp
from workspaces import NOW, settings_text


def test_a_stamp_changes_with_a_file_made_changed_or_gone(tmp_path):
    folder, file = tmp_path / "templates", tmp_path / "digest.toml"
    seen = [stamp((file, folder))]

    def has_changed():
        seen.append(stamp((file, folder)))
        return seen[-1] not in seen[:-1]

    assert stamp((file, folder)) == seen[0]
    file.write_text("a")
    assert has_changed()
    os.utime(file, ns=(1, 1))
    assert has_changed()
    (folder / "weekly").mkdir(parents=True)
    (folder / "weekly" / "style.css").write_text("b")
    assert has_changed()
    file.unlink()
    assert has_changed()


def test_another_connections_writing_is_noticed_and_our_own_is_not(tmp_path):
    path = tmp_path / FILE_NAME
    with open_database(path, create=True) as ours, open_database(path) as theirs:
        before = read_version(ours)
        pin_article(ours, "weekly", "a", position=None, now=NOW)
        assert read_version(ours) == before
        pin_article(theirs, "weekly", "b", position=None, now=NOW)
        assert read_version(ours) != before


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return make_site(tmp_path_factory.mktemp("watch") / "site")


def test_the_revision_changes_with_settings_templates_catalogues_and_database(site):
    with open_app(site) as app, open_database(site.with_name(FILE_NAME)) as other:
        desk = Desk(app)
        seen = [desk.revision()]
        assert desk.revision() == seen[0]
        for change in (
            lambda: site.write_text(site.read_text("utf-8") + "\n# a comment\n", "utf-8"),
            lambda: _write(site.parent / "templates" / "weekly" / "style.css", "p {}"),
            lambda: _write(site.parent / "locales" / "ko" / "LC_MESSAGES" / "digest.po", ""),
            lambda: pin_article(other, "weekly", "1", position=None, now=NOW),
        ):
            change()
            seen.append(desk.revision())
            assert seen[-1] not in seen[:-1]


def _write(file, text):
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")


def test_the_publishers_database_is_watched_with_its_log(workspace, tmp_path):
    with open_app(workspace(settings_text())) as app:
        assert publisher_files(app.settings) == ()
    source = {"type": "sqlite", "path": "cms.db", "articles": "SELECT 1"}
    with open_app(workspace(settings_text(source=source), folder="other")) as app:
        assert [file.name for file in publisher_files(app.settings)] == ["cms.db", "cms.db-wal"]
        assert publisher_files(app.settings)[0].parent == app.settings.folder


def test_the_publishers_database_is_read_again_only_when_it_has_changed(workspace, tmp_path):
    cms = tmp_path / "cms.db"
    articles = "SELECT id, url, title, published_at, views FROM post"
    source = {"type": "sqlite", "path": str(cms), "articles": articles}
    with closing(sqlite3.connect(cms)) as publisher:
        publisher.execute("CREATE TABLE post (id, url, title, published_at, views)")
        _post(publisher, 1, "첫 소식", 100)
        with open_app(workspace(settings_text(source=source))) as app:
            desk, query = Desk(app), Query(edition=date(2026, 3, 2))
            assert [choice.article.title for choice in desk.take(query).proof.shown] == ["첫 소식"]
            revision, read_at = desk.revision(), app.last_reading()
            desk.take(query)
            assert (desk.revision(), app.last_reading()) == (revision, read_at)
            _post(publisher, 2, "둘째 소식", 900)
            assert desk.revision() != revision
            assert [choice.article.title for choice in desk.take(query).proof.shown] == ["둘째 소식", "첫 소식"]


def _post(publisher, number, title, views):
    row = (str(number), f"https://hanbit.example/{number}", title, "2026-02-26 09:00", views)
    publisher.execute("INSERT INTO post VALUES (?, ?, ?, ?, ?)", row)
    publisher.commit()
