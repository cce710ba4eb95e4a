"""A workspace with one week of invented news and a few readers."""

import shutil

import pytest

from command_line import digest
from digest.workspace import create_workspace
from week_of_news import ARTICLES, EDITION, READERS, VIEWS
from workspaces import SENDER, settings_text


@pytest.fixture
def site(workspace):
    """An empty workspace."""
    return workspace(settings_text())


@pytest.fixture(scope="session")
def made_week(tmp_path_factory):
    """A workspace with a week of news and three readers, made once."""
    folder = tmp_path_factory.mktemp("week")
    site = create_workspace(folder / "site", name="한빛뉴스", sender=SENDER, timezone="Asia/Seoul", locale="ko")
    site.write_text(settings_text(), encoding="utf-8")
    for noun, name, content in (
        ("articles", "articles.csv", ARTICLES),
        ("views", "views.csv", VIEWS),
        ("subscribers", "readers.csv", READERS),
    ):
        (folder / name).write_text(content, encoding="utf-8")
        done = digest(noun, "import", folder / name, config=site)
        assert done.code == 0, done.err
    return site


@pytest.fixture
def week(made_week, tmp_path):
    """A workspace with a week of news and three readers."""
    shutil.copytree(made_week.parent, tmp_path / "site")
    return tmp_path / "site" / made_week.name


@pytest.fixture(scope="session")
def sent_week(made_week, tmp_path_factory):
    """The same with its issue sent, made once."""
    folder = tmp_path_factory.mktemp("sent") / "site"
    shutil.copytree(made_week.parent, folder)
    assert digest("send", "--date", EDITION, "--yes", config=folder / made_week.name).code == 0
    return folder / made_week.name


@pytest.fixture
def sent(sent_week, tmp_path):
    """An issue that was sent to three readers just now."""
    shutil.copytree(sent_week.parent, tmp_path / "site")
    return tmp_path / "site" / sent_week.name
