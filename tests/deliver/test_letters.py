"""From a rendering with slots to one reader's message: their own links, their own headers, and no one else's."""

import html as html_library
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.check.contract import check_mail
from digest.deliver.letters import (
    NAME_COLUMNS,
    Letterhead,
    Reader,
    html_size,
    name_to_show,
    slot_values,
    split_body,
    write_message,
)
from digest.errors import RenderError, SettingsError
from digest.mail.headers import clean_name
from digest.mail.links import Purpose, SignedLink, read_bounce_token, read_link
from digest.render.cut import Passing
from digest.render.cut import Slot as PageSlot
from digest.render.pages import Leaves
from digest.render.slots import cut_slots, frame_markers, slot_marker
from digest.render.width import display_width
from digest.settings import NewsletterSettings, SiteSettings
from digest.variants import WORST_READER

KEY, NONCE = b"k" * 32, "0123456789abcdef"
HTML = (
    "<!DOCTYPE html>\n<p>주간 한빛</p>\n"
    f'<a href="https://{NONCE}.invalid/preferences_url/">설정</a> '
    f'<a href="https://{NONCE}.invalid/unsubscribe_url/">수신거부</a> https://{NONCE}.invalid/address/\n'
)
TEXT = f"주간 한빛\n\n수신거부: https://{NONCE}.invalid/unsubscribe_url/\nhttps://{NONCE}.invalid/address/\n"
READER = Reader(subscriber_id=7, address="kim@example.com", name="김하늘")


def make_letterhead(*, issue_id=3, site=None, newsletter=None, **fields):
    return Letterhead(
        **fields,
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
    assert (write().envelope, write().content) == (write().envelope, write().content)


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


def test_a_mail_program_that_leaves_by_mail_names_the_reader_in_its_subject():
    """RFC 6068: the mailto of List-Unsubscribe carries what the https link carries, and no address of a reader."""
    message = write(site={"unsubscribe_mailto": "bye@hanbit.example"})
    found = re.search(
        r"<mailto:bye@hanbit\.example\?subject=unsubscribe%20([\w-]{40})>$", read(message)["List-Unsubscribe"]
    )
    link = read_link(KEY, found[1])
    assert (link.purpose, link.subscriber_id, link.issue_id) == (Purpose.UNSUBSCRIBE, READER.subscriber_id, 3)
    assert found[1] in unsubscribe_url(message)


def test_signs_with_a_meaning_in_a_mailto_are_escaped():
    message = write(site={"unsubscribe_mailto": "bye+a?b%c@hanbit.example"})
    assert "<mailto:bye+a%3Fb%25c@hanbit.example?subject=unsubscribe%20" in read(message)["List-Unsubscribe"]


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
    with pytest.raises(RenderError, match="control character"):
        write(Reader(subscriber_id=7, address=f"kim{breaker}x@example.com"))


def test_a_bounce_is_known_by_its_mark_and_by_its_return_path():
    message = write(verp=True, return_path="Bounces@mail.hanbit.example")
    mark = read(message)["X-Digest-Delivery"]
    assert message.envelope.sender == f"Bounces+{mark}@mail.hanbit.example"
    assert len(message.envelope.sender.rpartition("@")[0]) <= 64
    for spelling in (mark, mark.upper()):
        link = read_bounce_token(KEY, spelling)
        assert (link.purpose, link.subscriber_id, link.issue_id) == (Purpose.BOUNCE, 7, 3)


def test_bounces_go_to_the_sender_or_where_the_settings_say():
    assert write().envelope.sender == "news@hanbit.example"
    assert write(return_path="bounces@hanbit.example").envelope.sender == "bounces@hanbit.example"
    assert write().envelope.recipient == "kim@example.com"


def test_previews_and_test_sends_have_no_mark():
    """They belong to no delivery; a bounce of theirs must not be taken for one."""
    message = write(Reader(subscriber_id=0, address="editor@hanbit.example"), verp=True, return_path="b@hanbit.example")
    assert read(message)["X-Digest-Delivery"] is None
    assert message.envelope.sender == "b@hanbit.example"


def test_a_return_path_without_room_for_marks_is_refused_in_words():
    """RFC 5321 4.5.3.1.1: 64 octets before the @."""
    longest = f"{'b' * 23}@hanbit.example"
    assert len(write(verp=True, return_path=longest).envelope.sender.partition("@")[0]) == 64
    with pytest.raises(SettingsError, match=r"delivery\.return_path.*24 characters.*23 are allowed"):
        write(verp=True, return_path=f"b{longest}")
    assert write(return_path=f"b{longest}").envelope.sender == f"b{longest}"


@pytest.mark.parametrize(
    ("domain", "name"),
    [
        ("example.com", "example-com"),
        ("x.kr", "x-kr-mail"),
        ("News.Hanbit.example", "hanbit-example"),
        ("mail.newsletter.hanbitnews.co.kr", "nbitnews-co-kr"),
    ],
)
def test_complaints_at_gmail_are_counted_for_edition_newsletter_and_sender_but_no_reader(domain, name):
    """At most four names, the last of 5 to 15 characters; the others tell nothing of the person."""
    headers = [
        read(
            write(Reader(subscriber_id=number, address=f"k{number}@example.com"), newsletter={"from": f"news@{domain}"})
        )
        for number in (7, 8)
    ]
    assert headers[0]["Feedback-ID"] == headers[1]["Feedback-ID"]
    *others, sender = headers[0]["Feedback-ID"].split(":")
    assert others == ["2026-03-02", "weekly", "digest"]
    assert sender.endswith(name)
    assert 5 <= len(sender) <= 15


def test_an_issue_of_the_schedule_says_that_no_person_sent_it():
    assert read(write(is_automatic=True))["Auto-Submitted"] == "auto-generated"
    assert read(write())["Auto-Submitted"] is None
    assert read(write(precedence="bulk"))["Precedence"] == "bulk"


@given(name=st.text(max_size=60) | st.text(st.characters(), max_size=30), number=st.integers(1, 2**40 - 1))
@settings(deadline=None)
def test_a_message_says_what_filling_its_texts_says(name, number):
    """The preview shows filled texts; the message is joined from encoded ones."""
    letterhead = make_letterhead()
    reader = Reader(subscriber_id=number, address="kim@example.com", name=name)
    body, values = letterhead.bodies["all"], slot_values(letterhead, reader)
    message = write_message(letterhead, "all", reader)
    assert body_of(message, "text/html").replace("\r\n", "\n") == body.html.fill(values)
    assert body_of(message, "text/plain").replace("\r\n", "\n") == body.text.fill(values)
    assert body.html.fill(values).count(values.unsubscribe_url) == 1


SIGNS = "김a ,.-=>&<'\"{}%\r\n\t\x00\x85\u2028\u202e\u2066\u200f\u200d\u0301\ud800👪"
ANY_NAME = st.text(max_size=60) | st.lists(st.sampled_from([*SIGNS, "From ", "{{", "--=_"]), max_size=120).map("".join)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=40)


def make_parts(words, *, names, unsubscribe_url, address, framed):
    """Both parts of an issue that shows a name in every place there is; `names` as HTML and as text have it."""
    html, text = names
    first, second = framed(f'<p title="{html}">Hello {html},</p>\n'), framed(f"\n{text} 님, 안녕하세요.\n")
    page = f"<!DOCTYPE html>\n{words}\n{first}<a href=\"{unsubscribe_url}\" title='{html}'>{html}</a>{address}\n"
    return page, f"{words}\n{second}\n{unsubscribe_url}\n{text} {address}\n-- \n{words}\n"


def make_naive(reader, words, unsubscribe_url):
    """A message as anybody would build it, one reader at a time."""
    name = name_to_show(reader.name)
    stuffed = f" {name}" if name.startswith((">", "From ")) else name
    page, text = make_parts(
        words,
        names=(html_library.escape(name), stuffed),
        unsubscribe_url=unsubscribe_url,
        address=reader.address,
        framed=lambda framed: framed if name else "",
    )
    message = EmailMessage()
    message.set_content(text)
    message.add_alternative(page, subtype="html")
    return {part.get_content_type(): part.get_content() for part in message.iter_parts()}


@given(name=ANY_NAME, words=WORDS, number=st.integers(1, 2**40 - 1))
@settings(deadline=None, max_examples=60)
def test_a_message_with_a_name_in_it_is_what_a_naive_build_says_and_no_name_breaks_out(name, words, number):
    """Of a group's variant, and of a selection of the reader's own."""
    marker, (begin, end) = slot_marker("name", NONCE), frame_markers(NONCE)
    page, text = make_parts(
        words,
        names=(marker, marker),
        unsubscribe_url=slot_marker("unsubscribe_url", NONCE),
        address=slot_marker("address", NONCE),
        framed=lambda framed: f"{begin}{framed}{end}",
    )
    own = Leaves(subject="새벽", preheader="", html=cut_slots(page, NONCE), text=cut_slots(text, NONCE))
    letterhead = make_letterhead(own=lambda _: own)
    letterhead = replace(letterhead, bodies={"all": split_body("새벽", page, text, NONCE)})
    reader = Reader(subscriber_id=number, address="kim@example.com", name=name)
    expected = make_naive(reader, words, slot_values(letterhead, reader).unsubscribe_url)
    headers = read(write()).keys()
    for variant in ("all", "own"):
        message = write_message(letterhead, variant, reader)
        assert {kind: body_of(message, kind).replace("\r\n", "\n") for kind in expected} == expected
        assert read(message).keys() == headers
        assert [a.addr_spec for a in read(message)["To"].addresses] == ["kim@example.com"]
        assert message.content.isascii()
        assert max(map(len, message.content.split(b"\r\n"))) <= 998


@given(ANY_NAME)
@settings(deadline=None)
def test_a_name_in_a_body_is_the_headers_cut_to_a_line_of_a_greeting(name):
    shown, whole = name_to_show(name), clean_name(name)
    assert shown == clean_name(shown)
    assert display_width(shown) <= NAME_COLUMNS
    assert whole.startswith(shown.removesuffix("…"))
    assert shown.endswith("…") or shown in ("", whole)
    assert bool(shown) is any(map(str.isalnum, name))


@given(ANY_NAME)
@settings(deadline=None)
def test_no_name_makes_a_page_longer_than_that_of_the_worst_reader(name):
    """By whom it is judged whether Gmail clips a mail."""
    letterhead, marker = make_letterhead(), slot_marker("name", NONCE)
    body = split_body("새벽", f"<p>{marker} 님</p>{'가' * 2000}\n", "", NONCE)
    sizes = [
        html_size(letterhead, body, replace(WORST_READER, name=each)) for each in (name, WORST_READER.name, "a" * 500)
    ]
    assert max(sizes) == sizes[1]


def test_the_size_of_the_html_is_that_of_its_bytes_in_the_message():
    letterhead = make_letterhead()
    html = write_message(letterhead, "all", READER).content.partition(b"Content-Type: text/html")[2]
    encoded = html.partition(b"\r\n\r\n")[2].rpartition(b"\r\n--=_")[0]
    assert html_size(letterhead, letterhead.bodies["all"], READER) == len(encoded)


STORIES = [f"<p>기사 {number}</p>\n" for number in range(6)]


def make_leaves(order, *, tail="</body>\n"):
    """A reader's own choice of stories, as a page gives it."""
    links = ('<a href="', PageSlot("unsubscribe_url"), '">수신거부</a> ', PageSlot("address"), tail)
    return Leaves(
        subject=f"기사 {order[0]} · {len(order)}",
        preheader="",
        html=("<!DOCTYPE html>\n", Passing(f"<b>{len(order)}</b>"), *(STORIES[number] for number in order), *links),
        text=(Passing(f"{len(order)}\n"), "stories\n", PageSlot("unsubscribe_url"), "\n"),
    )


@given(orders=st.lists(st.permutations(range(6)).flatmap(lambda p: st.sampled_from([p, p[:2], p[3:]])), max_size=5))
@settings(deadline=None, max_examples=40)
def test_readers_own_choices_in_their_own_order_say_what_was_chosen(orders):
    choices = {str(number): make_leaves(order) for number, order in enumerate(orders)}
    letterhead = make_letterhead(own=choices.__getitem__)
    for variant, leaves in choices.items():
        message = write_message(letterhead, variant, READER)
        values = slot_values(letterhead, READER)
        filled = [getattr(values, part.name) if isinstance(part, PageSlot) else part for part in leaves.html]
        assert body_of(message, "text/html").replace("\r\n", "\n") == "".join(filled)
        assert body_of(message, "text/plain").split() == [str(len(leaves.html) - 7), "stories", values.unsubscribe_url]
        assert str(read(message)["Subject"]) == leaves.subject
        assert unsubscribe_url(message) == values.unsubscribe_url
    assert str(read(write_message(letterhead, "all", READER))["Subject"]) == "다리 위의 새벽"


def test_what_hardly_another_reader_has_is_not_kept():
    letterhead = make_letterhead(own=lambda variant: make_leaves([0], tail=Passing(f"{variant}\n")))
    for number in range(50):
        write_message(letterhead, f"own {number}", READER)
    shared = letterhead.stationery._shared.values()
    assert sum(len(each._known) for each in shared) < 20
    assert not letterhead.stationery._templates


def test_answers_go_where_the_newsletter_says():
    assert read(write())["Reply-To"] is None
    message = write(newsletter={"reply_to": "편집국 <editor@hanbit.example>"})
    assert [a.addr_spec for a in read(message)["Reply-To"].addresses] == ["editor@hanbit.example"]
