"""Pictures and their sizes: which are read, when again, and what an issue shows of them."""

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from email import policy
from email.parser import BytesParser
from mailbox import Maildir

import pytest

from command_line import environment
from digest.compose import select_for
from digest.frozen import choice_from_json
from digest.gather import IMAGES_FORGOTTEN_AFTER, articles_of_next_edition, gather_images
from digest.illustrate import BROKEN_FOR, GOOD_FOR, illustrate, read_images, urls_to_read
from digest.model import Choice, Selection, ViewCount
from digest.source.fetch import fetch
from digest.store.articles import exclude_article, pin_article
from digest.store.images import StoredImage, get_image_content, get_images, save_image
from digest.store.issues import list_choices
from editions import NOW, add_reader, compose, make_article, open_workspace, publish, save_news
from web_servers import Page, drip, picture, serve

URL = "https://img.hanbit.example/1.jpg"
GOOD = StoredImage(url=URL, width=1200, height=675, type="image/jpeg", read_at=NOW)
BROKEN = StoredImage(url=URL, problem="the server answered 404", read_at=NOW)
SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serve({}, tmp_path_factory.mktemp("web")) as running:
        yield running


@pytest.fixture
def app(tmp_path):
    with open_workspace(tmp_path, "limit = 2") as opened:
        yield opened


def with_picture(number, image=URL, **changes):
    return make_article(number, image=image, image_caption="보행로", **changes)


def shown(article, known):
    """The article as an issue shows it."""
    choice = Choice(article=article, count=ViewCount(article_id=article.id, views=1), rank=1, position=1, reasons=())
    selection = illustrate(Selection(shown=(choice,), passed_over=(choice,), candidates=1, views_total=1), known)
    assert selection.shown == selection.passed_over
    return selection.shown[0].article


def picture_of(article):
    return article.image, article.image_width, article.image_height


# What an issue shows


def test_a_size_that_was_read_stands_beside_the_picture():
    assert picture_of(shown(with_picture(1), {URL: GOOD})) == (URL, 1200, 675)


@pytest.mark.parametrize("known", [{}, {URL: GOOD}, {URL: BROKEN}])
def test_what_the_publisher_states_counts_first(known):
    article = with_picture(1, image_width=640, image_height=480)
    assert shown(article, known) == article


@pytest.mark.parametrize("stated", [{"image_width": 640}, {"image_height": 480}, {"image_width": 0, "image_height": 0}])
def test_half_a_size_is_none(stated):
    assert picture_of(shown(with_picture(1, **stated), {URL: GOOD})) == (URL, 1200, 675)
    assert picture_of(shown(with_picture(1, **stated), {})) == ("", None, None)


@pytest.mark.parametrize("known", [{}, {URL: BROKEN}])
def test_an_unknown_or_broken_picture_is_taken_away_and_nothing_else(known):
    article = with_picture(1)
    assert shown(article, known) == replace(article, image="")


def test_a_picture_over_http_is_taken_away_even_with_a_size():
    url = "http://img.hanbit.example/1.jpg"
    article = with_picture(1, url, image_width=640, image_height=480)
    assert picture_of(shown(article, {url: replace(GOOD, url=url)})) == ("", None, None)


def test_an_article_without_a_picture_stays_as_it_is():
    assert shown(make_article(1), {URL: GOOD}) == make_article(1)


def test_every_group_of_readers_and_the_runners_up_get_the_sizes(app):
    save_news(app, [with_picture(n, section="economy" if n == 4 else "society") for n in range(1, 7)])
    with app.database.transaction():
        save_image(app.database, GOOD)
    draft = compose(app)
    choices = (*draft.selection.shown, *draft.selection.passed_over, *select_for(draft, ("economy",)).shown)
    assert len(choices) == 7
    assert {picture_of(choice.article) for choice in choices} == {(URL, 1200, 675)}


def test_pinned_articles_from_outside_the_window_get_the_sizes_too(app):
    old = with_picture(9, published_at=NOW - timedelta(days=90))
    save_news(app, [make_article(1), old])
    pin_article(app.database, "weekly", "9", position=None, now=NOW)
    with app.database.transaction():
        save_image(app.database, GOOD)
    assert picture_of(compose(app).selection.shown[0].article) == (URL, 1200, 675)


def test_a_frozen_issue_holds_the_sizes_whatever_is_read_later(app):
    add_reader(app, "kim")
    save_news(app, [with_picture(1), with_picture(2, URL + "?unknown")])
    with app.database.transaction():
        save_image(app.database, GOOD)
    issue = publish(app)
    with app.database.transaction():
        save_image(app.database, BROKEN)
        save_image(app.database, replace(GOOD, url=URL + "?unknown"))
    frozen = [choice_from_json(dict(choice.choice)).article for choice in list_choices(app.database, issue.id)]
    assert [picture_of(article) for article in frozen] == [(URL, 1200, 675), ("", None, None)]


# What is read


def test_pictures_without_a_size_are_read_once_each_in_order():
    articles = [
        with_picture(1, URL + "?b"),
        with_picture(2, URL + "?a"),
        with_picture(3, URL + "?b"),
        with_picture(4, "http://img.hanbit.example/plain.jpg"),
        with_picture(5, image_width=640, image_height=480),
        make_article(6),
    ]
    assert urls_to_read(articles, {}, now=NOW) == (URL + "?b", URL + "?a")


@pytest.mark.parametrize(("known", "rest"), [(GOOD, GOOD_FOR), (BROKEN, BROKEN_FOR)])
def test_a_picture_is_read_again_after_its_time(known, rest):
    assert urls_to_read([with_picture(1)], {URL: known}, now=NOW + rest - SECOND) == ()
    assert urls_to_read([with_picture(1)], {URL: known}, now=NOW + rest) == (URL,)


def read(app, server, *paths, seconds=60.0, **options):
    urls = [path if "://" in path else server.url(path) for path in paths]
    return read_images(app.database, urls, now=NOW, fetch=server.fetch, seconds=seconds, **options)


def test_what_was_read_is_kept_good_or_broken(app, server):
    server.pages["/good.png"] = Page(body=picture(64, 48, kind="PNG"))
    report = read(app, server, "/good.png", "/gone.png")
    good, broken = report.read
    assert (good.width, good.height, good.type, good.read_at) == (64, 48, "image/png", NOW)
    assert (broken.problem, report.broken) == ("the server answered 404", (broken,))
    assert get_images(app.database, [good.url, broken.url]) == {good.url: good, broken.url: broken}
    assert get_image_content(app.database, good.url) == picture(64, 48, kind="PNG")
    assert (report.unreachable, report.left) == ({}, ())


def test_a_host_that_cannot_be_reached_is_tried_once_and_says_nothing_of_its_pictures(app, server):
    """Without a network every picture would be broken for a day otherwise."""
    server.pages["/good.png"] = Page(body=picture(64, 48, kind="PNG"))
    away = [f"https://nobody.invalid/{number}.jpg" for number in range(3)]
    counted = []
    report = read(app, server, *away, "/good.png", on_progress=counted.append)
    assert [image.url for image in report.read] == [server.url("/good.png")]
    assert list(report.unreachable) == ["nobody.invalid"]
    assert report.left == tuple(away)
    assert get_images(app.database, away) == {}


def test_pictures_at_private_addresses_are_broken(app, server):
    server.pages["/good.png"] = Page(body=picture(64, 48, kind="PNG"))
    before = len(server.requests)
    report = read_images(app.database, [server.url("/good.png")], now=NOW, fetch=fetch, seconds=60)
    assert report.broken[0].problem == "127.0.0.1 is no address of the public internet"
    assert len(server.requests) == before


def test_no_picture_is_begun_when_the_time_is_over_or_a_stop_is_asked_for(app, server):
    def hasty(url, *, timeout, **limits):
        return server.fetch(url, timeout=0.2, **limits)

    server.pages["/slow"] = Page(write=drip)
    server.pages["/good.png"] = Page(body=picture(64, 48, kind="PNG"))
    urls = [server.url("/slow"), server.url("/good.png")]
    report = read_images(app.database, urls, now=NOW, fetch=hasty, seconds=0.1)
    assert [image.problem for image in report.read] == ["no whole answer within 0.2 s"]
    assert report.left == (urls[1],)
    answers = iter([False, True, True])
    report = read(app, server, "/good.png", "/a", "/b", is_stopped=lambda: next(answers))
    assert (len(report.read), len(report.left)) == (1, 2)


# For the next edition


def gather(app, server, *, now=NOW, **options):
    newsletters = app.settings.newsletters
    return gather_images(app.database, app.settings, newsletters, now=now, fetch=server.fetch, seconds=60, **options)


def test_the_pictures_of_what_any_group_is_shown_and_of_runners_up_are_read(app, server):
    """Not those of articles that the editor keeps out."""
    add_reader(app, "economist", sections=("economy",))
    add_reader(app, "kim")
    save_news(app, [
        with_picture(n, server.url(f"/{n}"), section="economy" if n == 20 else "society") for n in range(1, 21)
    ])  # fmt: skip
    exclude_article(app.database, "weekly", "4", now=NOW)
    report = gather(app, server)
    numbers = [int(image.url.rpartition("/")[2]) for image in report.read]
    assert numbers[:3] == [1, 2, 20]
    assert set(numbers) >= {3, 5, 6, 7}
    assert 4 not in numbers


def test_known_pictures_are_read_again_only_when_asked(app, server):
    server.pages["/1"] = Page(body=picture(64, 48))
    save_news(app, [with_picture(1, server.url("/1"))])
    assert len(gather(app, server).read) == 1
    assert len(gather(app, server).read) == 0
    assert len(gather(app, server, known_too=True).read) == 1


def test_a_newsletter_without_pictures_reads_none(tmp_path, server):
    with open_workspace(tmp_path, "images = false") as app:
        save_news(app, [with_picture(1, server.url("/1"))])
        assert gather(app, server).read == ()


def test_pictures_are_forgotten_long_after_they_were_read(app, server):
    with app.database.transaction():
        save_image(app.database, GOOD)
    gather(app, server, now=NOW + IMAGES_FORGOTTEN_AFTER)
    assert get_images(app.database, [URL])
    gather(app, server, now=NOW + IMAGES_FORGOTTEN_AFTER + SECOND)
    assert not get_images(app.database, [URL])


def test_once_an_edition_is_published_the_next_one_counts(app):
    """A daily one at eight has all day to read what tomorrow shows."""
    add_reader(app, "kim")
    save_news(app, [make_article(1)])
    later = make_article(2, published_at=NOW + timedelta(hours=1))
    newsletter = app.settings.newsletter(None)

    def of_next_edition():
        articles = articles_of_next_edition(app.database, app.settings, newsletter, now=NOW)
        return [article.id for article in articles]

    assert of_next_edition() == ["1"]
    publish(app)
    save_news(app, [later])
    assert of_next_edition() == ["2"]


# Sending

WITHOUT_NETWORK = f"""
import sys
from datetime import datetime
from digest.clock import Clock
Clock.now = lambda self: datetime.fromisoformat("{NOW.isoformat()}")
def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        raise SystemExit(f"{{event}}{{arguments}}")
sys.addaudithook(refuse)
from digest.cli.main import main
main()
"""


def test_sending_reads_nothing_from_the_web(tmp_path, server):
    """Neither a name is looked up nor a connection made, although pictures of the issue were never read."""
    server.pages["/known"] = Page(body=picture(640, 480))
    with open_workspace(tmp_path) as app:
        add_reader(app, "kim")
        save_news(app, [with_picture(1, server.url("/known")), with_picture(2, server.url("/unknown"))])
        read_images(app.database, [server.url("/known")], now=NOW, fetch=server.fetch, seconds=60)
    before = len(server.requests)

    def run(*words):
        command = [sys.executable, "-c", WITHOUT_NETWORK, "--config", str(tmp_path / "digest.toml"), *words]
        return subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)

    assert "socket.getaddrinfo('127.0.0.1'" in run("images", "read").stderr
    done = run("send", "--date", "2026-03-02", "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(server.requests) == before
    (message,) = Maildir(tmp_path / "outbox", create=False)
    html = BytesParser(policy=policy.default).parsebytes(message.as_bytes()).get_body(("html",)).get_content()
    assert server.url("/known") in html
    assert server.url("/unknown") not in html
