"""The link checker: HEAD first, never into the publisher's own network, never a link that acts for a reader."""

import pytest

from digest.source.fetch import fetch
from digest.web.preview import link_check
from digest.web.preview.link_check import LinkState, check_link, urls_to_check
from digest.web.preview.links import Link, LinkKind
from web_servers import Page, drip, serve


def link(url, kind=LinkKind.ARTICLE):
    return Link(url=url, text="", element=1, line=1, kind=kind)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    pages = {
        "/good": Page(body=b"x" * 1000),
        "/gone": Page(status=410),
        "/broken": Page(status=500),
        "/moved": Page(status=301, headers={"Location": "/good"}),
        "/lost": Page(status=302, headers={"Location": "/nowhere"}),
        "/slow": Page(raw=None, write=drip),
        "/garbage": Page(raw=b"not HTTP at all\r\n\r\n"),
    }
    with serve(pages, tmp_path_factory.mktemp("tls")) as running:
        yield running


@pytest.mark.parametrize(
    ("path", "state", "status"),
    [
        ("/good", LinkState.GOOD, 200),
        ("/gone", LinkState.BROKEN, 410),
        ("/broken", LinkState.BROKEN, 500),
        ("/nowhere", LinkState.BROKEN, 404),
        ("/moved", LinkState.MOVED, 200),
        ("/lost", LinkState.BROKEN, 404),
        ("/garbage", LinkState.REFUSED, None),
    ],
)
def test_an_answer_becomes_a_state(server, path, state, status):
    found = check_link(server.url(path), server.fetch)
    assert (found.state, found.status) == (state, status)


def test_nothing_but_head_is_asked_where_head_is_known(server):
    server.requests.clear()
    check_link(server.url("/good"), server.fetch)
    assert [method for method, *_ in server.requests] == ["HEAD"]


@pytest.mark.parametrize("status", [405, 501])
def test_get_is_asked_where_head_is_not_known(server, status):
    server.pages["/no-head"] = Page(status=status)
    server.requests.clear()
    found = check_link(server.url("/no-head"), server.fetch)
    assert [method for method, *_ in server.requests] == ["HEAD", "GET"]
    assert found.state is LinkState.BROKEN


def test_a_moved_link_tells_where_it_leads(server):
    assert check_link(server.url("/moved"), server.fetch).detail == server.url("/good")


def test_private_addresses_are_refused(server):
    for url in (
        server.url("/good"),
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://10.0.0.1/",
        "http://169.254.169.254/",
    ):
        found = check_link(url, fetch)
        assert found.state in (LinkState.REFUSED, LinkState.UNREACHABLE)
        assert found.detail
    server.requests.clear()
    check_link(server.url("/good"), fetch)
    assert server.requests == []


def test_a_slow_server_is_given_up(server, monkeypatch):
    monkeypatch.setattr(link_check, "SECONDS_A_LINK", 0.5)
    server.pages["/slow-head"] = Page(raw=None, write=drip, status=405)
    found = check_link(server.url("/slow-head"), server.fetch)
    assert found.state in (LinkState.BROKEN, LinkState.REFUSED)


def test_links_that_act_for_a_reader_are_never_asked():
    links = [
        link("https://hanbit.example/1"),
        link("https://hanbit.example/1"),
        link("https://hanbit.example/u/abc", LinkKind.UNSUBSCRIBE),
        link("https://hanbit.example/p/abc", LinkKind.PREFERENCES),
        link("mailto:news@hanbit.example", LinkKind.OTHER),
        link("https://other.example/", LinkKind.OTHER),
    ]
    assert urls_to_check(links) == ("https://hanbit.example/1", "https://other.example/")
