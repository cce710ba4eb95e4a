"""A workspace with one week of invented news and a few readers."""

import pytest

from command_line import digest
from week_of_news import ARTICLES, READERS, VIEWS
from workspaces import settings_text


@pytest.fixture
def site(workspace):
    """An empty workspace."""
    return workspace(settings_text())


@pytest.fixture
def week(site, write):
    """A workspace with a week of news and three readers."""
    for noun, name, content in (
        ("articles", "articles.csv", ARTICLES),
        ("views", "views.csv", VIEWS),
        ("subscribers", "readers.csv", READERS),
    ):
        done = digest(noun, "import", write(name, content), config=site)
        assert done.code == 0, done.err
    return site
