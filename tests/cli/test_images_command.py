"""`digest images`, and what imports do about pictures. This machine's own addresses are refused, so nothing is read."""

import socket
from datetime import UTC, datetime, timedelta

import pytest

from command_line import digest
from digest.store.database import open_database
from digest.store.images import StoredImage, save_image
from workspaces import NOW, settings_text

HEAD = "id,url,title,published_at,image,image_width,image_height\n"


@pytest.fixture
def silent():
    """A port of this machine on which nobody may be spoken to."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def pictures(silent, write):
    """An import file of yesterday's articles: a size that is stated, one to be read, plain http, an unknown host."""
    urls = {
        1: "https://img.hanbit.example/stated.jpg,640,480",
        2: f"https://127.0.0.1:{silent}/private.jpg,,",
        3: "http://img.hanbit.example/plain.jpg,640,480",
        4: "https://nobody.invalid/1.jpg,,",
        5: ",,",
    }
    lines = [f"{number},https://hanbit.example/{number},제목 {number},YESTERDAY,{url}" for number, url in urls.items()]
    return write("pictures.csv", HEAD + "\n".join(lines).replace("YESTERDAY", yesterday()))


def yesterday() -> str:
    """A moment that lies in the window of the next edition."""
    return (datetime.now(UTC) - timedelta(days=1)).isoformat(timespec="seconds")


@pytest.fixture
def daily(workspace):
    """A newsletter whose next edition always covers yesterday."""
    return workspace(settings_text({"schedule": "daily 00:00", "window": "since-last"}))


def listed(site):
    return {row["article"]: row for row in digest("images", "list", "--json", config=site).json}


def test_an_import_reads_pictures_at_its_end_and_a_network_that_is_away_is_one_line(daily, pictures):
    answer = digest("articles", "import", pictures, config=daily)
    assert answer.code == 0
    assert answer.out.endswith("1 picture of the next edition read, 1 of them broken: see `digest images list`\n")
    assert answer.err.count("\n") == 1
    assert answer.err.startswith("Note: pictures were not read: nobody.invalid cannot be looked up")
    assert answer.err.endswith("; `digest images read` tries again\n")


@pytest.mark.parametrize("option", ["--no-images", "--dry-run"])
def test_an_import_can_do_without(daily, pictures, option):
    answer = digest("articles", "import", pictures, option, config=daily)
    assert (answer.code, answer.err, answer.out.count("\n")) == (0, "", 1)


def test_an_import_with_json_prints_json_alone(daily, pictures):
    answer = digest("articles", "import", pictures, "--json", config=daily)
    assert answer.json[0]["added"] == 5


def test_views_change_what_is_shown_so_their_import_reads_pictures_too(daily, pictures, write):
    digest("articles", "import", pictures, "--no-images", config=daily)
    counts = write("views.csv", f"article_id,date,views\n2,{yesterday()[:10]},9\n")
    assert "1 picture of the next edition read" in digest("views", "import", counts, config=daily).out
    assert digest("views", "import", counts, "--no-images", config=daily).out.count("\n") == 1


def test_list_tells_the_size_of_each_picture_or_why_it_is_left_out(daily, pictures):
    digest("articles", "import", pictures, "--no-images", config=daily)
    rows = listed(daily)
    assert set(rows) == {"1", "2", "3", "4"}
    assert rows["1"] == {
        "newsletter": "weekly",
        "article": "1",
        "image": "https://img.hanbit.example/stated.jpg",
        "width": 640,
        "height": 480,
        "stated": True,
        "problem": "",
    }
    assert [rows[number]["problem"] for number in "234"] == [
        "not read yet",
        "it is not https, which mail clients block or warn of",
        "not read yet",
    ]
    assert (rows["3"]["width"], rows["3"]["height"]) == (None, None)
    printed = digest("images", "list", config=daily).out
    assert "640 × 480" in printed
    assert printed.count("not read yet") == 2


def test_read_says_what_is_broken_and_what_is_left(daily, pictures):
    digest("articles", "import", pictures, "--no-images", config=daily)
    answer = digest("images", "read", config=daily)
    assert answer.code == 0
    assert answer.out.splitlines() == [
        f"{listed(daily)['2']['image']}: 127.0.0.1 is no address of the public internet",
        "0 pictures measured, 1 broken, 1 left for the next time",
    ]
    assert "nobody.invalid" in answer.err
    again = digest("images", "read", config=daily)
    assert again.out == "0 pictures measured, 0 broken, 1 left for the next time\n"
    assert "0 pictures measured, 1 broken" in digest("images", "read", "--all", config=daily).out


def test_a_size_that_was_read_is_listed(daily, pictures):
    digest("articles", "import", pictures, "--no-images", config=daily)
    url = listed(daily)["4"]["image"]
    with open_database(daily.with_name("digest.db")) as database, database.transaction():
        save_image(database, StoredImage(url=url, width=1200, height=675, type="image/jpeg", read_at=NOW))
    row = listed(daily)["4"]
    assert (row["width"], row["height"], row["stated"], row["problem"]) == (1200, 675, False, "")


def test_one_newsletter_can_be_named(workspace, pictures):
    slugs = ({"slug": "one"}, {"slug": "two"})
    both = workspace(settings_text(*({**each, "schedule": "daily 00:00", "window": "since-last"} for each in slugs)))
    digest("articles", "import", pictures, "--no-images", config=both)
    rows = digest("images", "list", "--json", config=both).json
    assert {row["newsletter"] for row in rows} == {"one", "two"}
    rows = digest("images", "list", "two", "--json", config=both).json
    assert {row["newsletter"] for row in rows} == {"two"}
    assert digest("images", "read", "three", config=both).code == 1


def test_nothing_to_list_is_said(site):
    assert digest("images", "list", config=site).out == "No article of the next editions has a picture\n"
    assert digest("images", "list", "--json", config=site).json == []
