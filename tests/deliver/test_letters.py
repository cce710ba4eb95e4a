"""From a rendering with slots to one reader's message: their own links, their own headers, and no one else's."""

import re
from datetime import UTC, date, datetime
from email import message_from_bytes, policy

import pytest

from digest.check.contract import check_mail
from digest.deliver.letters import Letterhead, Reader, split_body, write_message
from digest.errors import RenderError
from digest.mail.links import Purpose, SignedLink, read_link
from digest.settings import NewsletterSettings, SiteSettings

KEY, NONCE = b"k" * 32, "0123456789abcdef"
HTML = (
    "<!DOCTYPE html>\n<p>주간 한빛</p>\n"
    f'<a href="https://{NONCE}.invalid/preferences_url/">설정</a> '
    f'<a href="https://{NONCE}.invalid/unsubscribe_url/">수신거부</a> https://{NONCE}.invalid/address/\n'
)
TEXT = f"주간 한빛\n\n수신거부: https://{NONCE}.invalid/unsubscribe_url/\nhttps://{NONCE}.invalid/address/\n"
READER = Reader(subscriber_id=7, address="kim@example.com", name="김하늘")


def make_letterhead(*, issue_id=3, site=None, newsletter=None):
    return Letterhead(
        site=SiteSettings(**{"name": "한빛", "url": "https://hanbit.example", **(site or {})}),
        newsletter=NewsletterSettings(
            **{"slug": "weekly", "title": "주간 한빛", "from": "한빛 <news@hanbit.example>", **(newsletter or {})}
        ),
        edition=date(2026, 3, 2),
        issue_id=issue_id,
        date=datetime(2026, 3, 2, tzinfo=UTC),
        key=KEY,
        bodies={"all": split_body("다리 위의 새벽", HTML, TEXT, NONCE)},
    )


def write(reader=READER, **letterhead):
    return write_message(make_letterhead(**letterhead), "all", reader)


def read(message):
    return message_from_bytes(message.content, policy=policy.default)


def body_of(message, kind):
    (part,) = [part for part in read(message).iter_parts() if part.get_content_type() == kind]
    return part.get_content()


def unsubscribe_url(message):
    return re.match(r"<(https://[^>]+)>", read(message)["List-Unsubscribe"])[1]


def test_a_message_is_for_its_reader_and_from_the_newsletter():
    message = write()
    assert (message.envelope.sender, message.envelope.recipient) == ("news@hanbit.example", "kim@example.com")
    headers = read(message)
    assert [(a.display_name, a.addr_spec) for a in headers["To"].addresses] == [("김하늘", "kim@example.com")]
    assert [(a.display_name, a.addr_spec) for a in headers["From"].addresses] == [("한빛", "news@hanbit.example")]
    assert str(headers["Subject"]) == "다리 위의 새벽"
    assert headers["List-Id"].endswith("<weekly.hanbit.example>")
    assert not [finding for finding in check_mail(message.content) if finding.rule.startswith("MSG-")]


def test_header_html_and_text_have_the_same_unsubscribe_link_signed_for_this_reader_and_issue():
    message = write()
    url = unsubscribe_url(message)
    assert url in body_of(message, "text/html")
    assert url in body_of(message, "text/plain")
    link = read_link(KEY, url.rpartition("/")[2])
    assert link == SignedLink(purpose=Purpose.UNSUBSCRIBE, subscriber_id=7, issue_id=3)


def test_two_readers_share_neither_links_nor_message_id_nor_address():
    first, second = write(), write(Reader(subscriber_id=8, address="lee@example.com"))
    assert unsubscribe_url(first) != unsubscribe_url(second)
    assert read(first)["Message-ID"] != read(second)["Message-ID"]
    assert b"kim" not in second.content
    assert "lee@example.com" in body_of(second, "text/plain")


def test_the_same_reader_gets_the_same_bytes():
    assert write() == write()


def test_links_of_previews_and_test_sends_are_nobodys_and_their_message_ids_differ_by_address():
    message = write(Reader(subscriber_id=0, address="editor@hanbit.example"), issue_id=0)
    assert read_link(KEY, unsubscribe_url(message).rpartition("/")[2]).subscriber_id == 0
    other = write(Reader(subscriber_id=0, address="chief@hanbit.example"), issue_id=0)
    assert read(message)["Message-ID"] != read(other)["Message-ID"]


def test_the_publishers_own_pages_get_the_token_where_they_want_it():
    site = {
        "unsubscribe_url": "https://hanbit.example/bye?t={token}&lang=ko",
        "preferences_url": "https://hanbit.example/me/{token}",
        "unsubscribe_mailto": "bye@hanbit.example",
    }
    message = write(site=site)
    assert re.fullmatch(r"https://hanbit\.example/bye\?t=[\w-]{40}&lang=ko", unsubscribe_url(message))
    assert "/bye?t=" in body_of(message, "text/html")
    assert "&amp;lang=ko" in body_of(message, "text/html")
    assert read(message)["List-Unsubscribe"].endswith("<mailto:bye@hanbit.example>")


@pytest.mark.parametrize(
    "site",
    [
        {"url": "https://한빛.example"},
        {"public_url": "https://한빛.example/다이제스트"},
        {"public_url": "https://x.kr/a'b"},
    ],
)
def test_an_address_with_hangul_becomes_ascii_in_header_and_body(site):
    message = write(site=site)
    url = unsubscribe_url(message)
    assert url.isascii()
    assert url.startswith(("https://xn--", "https://x.kr/a%27b/"))
    assert url in body_of(message, "text/html")


@pytest.mark.parametrize("name", ["김\r\nBcc: x@y.kr", "김\n하늘", "a\x00b", 'O"Brien, <x@y.kr>', "한" * 300, "\ud800"])
def test_no_name_can_stop_an_issue_or_add_a_header(name):
    message = write(Reader(subscriber_id=7, address="kim@example.com", name=name))
    assert read(message).keys() == read(write()).keys()
    assert [a.addr_spec for a in read(message)["To"].addresses] == ["kim@example.com"]


@pytest.mark.parametrize("breaker", ["\r\n", "\n", "\x0b", "\x00", "\x85"])
def test_an_address_that_could_break_a_line_is_refused(breaker):
    """No address of the store can; this is the last wall."""
    with pytest.raises((RenderError, ValueError), match=r"control character|CR or LF"):
        write(Reader(subscriber_id=7, address=f"kim{breaker}x@example.com"))


def test_answers_go_where_the_newsletter_says():
    assert read(write())["Reply-To"] is None
    message = write(newsletter={"reply_to": "편집국 <editor@hanbit.example>"})
    assert [a.addr_spec for a in read(message)["Reply-To"].addresses] == ["editor@hanbit.example"]
