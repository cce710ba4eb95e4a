"""The real weeks: whoever imports them gets exactly the right lists, in order, of everything and of each section."""

import json
import resource
from datetime import datetime

import pytest

from command_line import digest

NAVER = ("naver_articles.csv.gz", "naver_views.csv.gz")


@pytest.fixture(scope="module")
def truth(data_folder):
    return json.loads((data_folder / "truth.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def module_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("truth")


def make_site(folder, name):
    site = folder / name
    options = ("--name", name, "--timezone", "Asia/Seoul", "--locale", "ko")
    assert digest("init", site, *options).code == 0
    return site


@pytest.fixture(scope="module")
def naver(data_folder, module_folder):
    """A workspace with both Naver files, imported in this process."""
    site = make_site(module_folder, "naver")
    for noun, name in zip(("articles", "views"), NAVER, strict=True):
        assert digest(noun, "import", data_folder / name, config=site).code == 0
    return site


@pytest.fixture(scope="module")
def mashable(data_folder, module_folder):
    """A workspace with nothing but the one file, whose `views` column is a running total."""
    site = make_site(module_folder, "mashable")
    assert digest("articles", "import", data_folder / "mashable_2013.csv.gz", config=site).code == 0
    return site


def top(site, day, *options):
    answer = digest("articles", "top", "--limit", "20", "--json", "--date", day, *options, config=site)
    assert answer.code == 0, answer.err
    return [
        (row["rank"], int(row["id"]), row["views"], datetime.fromisoformat(row["published_at"])) for row in answer.json
    ]


def expected(rows):
    return [(row["rank"], row["id"], row["views"], datetime.fromisoformat(row["published_at"])) for row in rows]


def cpu_of_children():
    """Seconds of processor time: elapsed time would depend on the tests that run beside this one."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.slow
def test_both_naver_files_are_imported_in_under_five_seconds(data_folder, tmp_path, run_digest):
    """On one core with nothing beside it: 2.5 s."""
    site = make_site(tmp_path, "naver")
    before = cpu_of_children()
    articles = run_digest("--config", site, "articles", "import", data_folder / NAVER[0])
    views = run_digest("--config", site, "views", "import", data_folder / NAVER[1])
    took = cpu_of_children() - before
    assert "40,055 articles added, 0 updated, 0 unchanged" in articles.stdout
    assert "43,735 counts added, 0 updated, 0 unchanged" in views.stdout
    assert took < 5


@pytest.mark.parametrize("number", [0, 1, 2])
def test_every_list_of_a_naver_week_is_right(naver, truth, number):
    week = truth["weeks"][number]
    day = week["end"][:10]
    assert top(naver, day, "--candidates", "viewed") == expected(week["all"])
    assert top(naver, day, "--candidates", "published") == expected(week["published_in_window"])
    for section, rows in week["sections"].items():
        assert top(naver, day, "--candidates", "viewed", "--section", section) == expected(rows), section
    for section, rows in week["sections_published_in_window"].items():
        assert top(naver, day, "--candidates", "published", "--section", section) == expected(rows), section


@pytest.mark.parametrize("number", [0, *(pytest.param(each, marks=pytest.mark.slow) for each in (1, 2))])
def test_every_list_of_a_mashable_week_is_right(mashable, truth, number):
    week = truth["mashable"]["weeks"][number]
    assert top(mashable, week["end"]) == expected(week["all"])
    assert "(none)" in week["sections"]
    for section, rows in week["sections"].items():
        assert top(mashable, week["end"], "--section", section) == expected(rows), section


def test_a_utc_site_would_be_wrong(naver, truth):
    """The lists depend on the newsletter's timezone: this shows that the test above can fail."""
    settings = naver / "digest.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("Asia/Seoul", "UTC"), encoding="utf-8")
    try:
        week = truth["weeks"][0]
        assert top(naver, week["end"][:10], "--candidates", "published") != expected(week["published_in_window"])
    finally:
        settings.write_text(text, encoding="utf-8")
