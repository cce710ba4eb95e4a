"""Whole messages: RFC 5322 headers and multipart/alternative that any reader can take apart again, byte for byte."""

import re
from datetime import UTC, datetime, timedelta, timezone
from email.headerregistry import Address

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from letter_samples import HTML, TEXT, make_message, parse, raw_headers

ANY_BODY = st.text(max_size=300) | st.text(st.sampled_from("ab=. \t\r\n\x00\x0c한👪\ud800\u2028-"), max_size=200)
MUST_BE_ONCE = ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "List-Unsubscribe"]


def parts(content):
    text, html = parse(content).iter_parts()
    return text, html


def readable(content):
    """What a reader sees: both bodies with plain line ends."""
    return [part.get_content().replace("\r\n", "\n") for part in parts(content)]


def as_sent(body):
    """Line ends become CRLF, what UTF-8 cannot say a question mark."""
    lines = re.sub(r"\r\n|\r|\n", "\r\n", body)
    return lines.encode("utf-8", "replace")


def check_wire_form(content):
    """MSG-LINE, MSG-HDR: ASCII, CRLF only, no NUL, lines of 998 octets at most (RFC 5322 2.1.1); ours are shorter."""
    assert content.isascii()
    assert b"\0" not in content
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", content)
    assert content.endswith(b"--\r\n")
    head, _, body = content.partition(b"\r\n\r\n")
    assert max(map(len, body.split(b"\r\n"))) <= 76
    assert max(map(len, head.split(b"\r\n"))) <= 998


@given(text=ANY_BODY, html=ANY_BODY)
@example(text="x" * 2000, html="<p>" + "한" * 2000)
@example(text=".\r\n..\n.\n", html="\r\r\n\n\r")
@example(text="no line end, and longer than the seventy-six columns of a quoted-printable line", html="")
@example(text="trailing space \ttab\t\nFrom here\n--=_x\n", html="a\x00b\x0c")
@example(text="=" * 100, html="=\n=20=\r=")
@settings(deadline=None)
def test_any_text_and_html_come_back_from_the_message(text, html):
    content = make_message(letter={"text": text, "html": html})
    check_wire_form(content)
    plain, markup = parts(content)
    assert plain.get_payload(decode=True) == as_sent(text)
    assert markup.get_payload(decode=True) == as_sent(html)


def test_ascii_parts_are_quoted_printable_and_others_base64():
    """Base64 takes 4 bytes a Hangul syllable where quoted-printable takes 9, and Gmail clips at 102,400."""
    content = make_message(letter={"text": "plain\n", "html": "<p>한글</p>\n"})
    assert [part["Content-Transfer-Encoding"] for part in parts(content)] == ["quoted-printable", "base64"]
    content = make_message(letter={"text": "é\n", "html": "<p>plain</p>\n"})
    assert [part["Content-Transfer-Encoding"] for part in parts(content)] == ["base64", "quoted-printable"]


def test_korean_costs_four_bytes_a_syllable_and_its_line_ends():
    html = "한" * 20_000
    _, markup = parts(make_message(letter={"html": html}))
    assert len(markup.get_payload()) < 20_000 * 4 * 1.03


def test_msg_alt_plain_text_comes_first_then_html():
    """RFC 2046 5.1.4: the last part is the richest."""
    message = parse(make_message())
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert not message.defects


@pytest.mark.parametrize("text", ["short \nlines\n-- \nme\n", "짧은 \n줄\n-- \n나\n"])
def test_the_plain_part_is_flowed_and_keeps_the_spaces_at_which_lines_join(text):
    """RFC 3676 section 4: a space at the end of a line counts, whatever the transfer encoding."""
    plain, markup = parts(make_message(letter={"text": text}))
    assert plain.get_param("format") == "flowed"
    assert plain.get_param("delsp") is None
    assert markup.get_param("format") is None
    assert plain.get_content().replace("\r\n", "\n") == text


def test_msg_charset_both_parts_say_utf_8_and_how_they_are_encoded():
    for part in parts(make_message()):
        assert part.get_content_charset() == "utf-8"
        assert part["Content-Transfer-Encoding"] in ("base64", "quoted-printable")
        assert not part.defects
    assert readable(make_message()) == [TEXT, HTML]


def test_msg_hdr_every_required_header_is_there_once_and_valid():
    content = make_message()
    names = [name for name, _ in raw_headers(content)]
    assert all(names.count(name) == 1 for name in MUST_BE_ONCE)
    assert len(names) == len(set(names))
    message = parse(content)
    assert not any(value.defects for value in message.values() if hasattr(value, "defects"))
    assert str(message["Subject"]) == "한강 다리 위에서 본 새벽 · 주간 한빛 2026년 3월 2일"
    assert [(a.display_name, a.addr_spec) for a in message["From"].addresses] == [("한빛뉴스", "news@hanbit.example")]
    assert [(a.display_name, a.addr_spec) for a in message["To"].addresses] == [("김하늘", "haneul@example.com")]
    assert message["Message-ID"] == "<0123456789abcdef@hanbit.example>"
    assert message["MIME-Version"] == "1.0"
    assert message["Reply-To"] is None


@pytest.mark.parametrize(
    ("date", "value"),
    [
        (datetime(2026, 3, 1, 23, 0, 5, 999_999, tzinfo=UTC), "Sun, 01 Mar 2026 23:00:05 +0000"),
        (datetime(2026, 3, 2, 8, 0, tzinfo=timezone(timedelta(hours=9))), "Mon, 02 Mar 2026 08:00:00 +0900"),
    ],
)
def test_msg_hdr_the_date_is_that_of_the_issue_in_rfc_5322_form(date, value):
    message = parse(make_message(date=date))
    assert message["Date"] == value
    assert message["Date"].datetime == date.replace(microsecond=0)


def test_answers_go_to_the_reply_address_where_there_is_one():
    message = parse(make_message(reply_to=Address("편집국", "editor", "hanbit.example")))
    assert [(a.display_name, a.addr_spec) for a in message["Reply-To"].addresses] == [
        ("편집국", "editor@hanbit.example")
    ]


@given(st.text(max_size=90), st.text(st.characters(exclude_characters="\r\n"), max_size=60))
@settings(deadline=None)
def test_msg_2047_headers_are_ascii_in_words_of_75_characters_each_decodable_alone(subject, name):
    content = make_message(
        subject=subject, list_name=name, letter={"recipient": Address(name, "haneul", "example.com")}
    )
    check_wire_form(content)
    for _, value in raw_headers(content):
        for word in re.findall(r"=\?\S*?\?=", value):
            assert len(word) <= 75
            assert parse(f"Subject: {word}\r\n\r\n".encode())["Subject"]
            assert not parse(f"Subject: {word}\r\n\r\n".encode())["Subject"].defects
        assert all(len(line) <= 76 for line in value.split("\n") if "=?" in line)


def test_msg_unsub_one_click_is_offered_by_https_alone_or_with_a_mailbox():
    """RFC 8058 3.1: both headers, an https URI, and List-Unsubscribe=One-Click word for word."""
    message = parse(make_message())
    assert message["List-Unsubscribe"] == "<https://hanbit.example/digest/unsubscribe/AbC_-123>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    message = parse(make_message(letter={"unsubscribe_mailto": "bye@hanbit.example"}))
    assert message["List-Unsubscribe"].split(",") == [
        "<https://hanbit.example/digest/unsubscribe/AbC_-123>",
        " <mailto:bye@hanbit.example>",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("주간 한빛", "=?utf-8?B?7KO86rCEIO2VnOu5mw==?=\n <weekly.hanbit.example>"),
        ("Weekly", "Weekly\n <weekly.hanbit.example>"),
        ("News <evil.example>, (x", '"News <evil.example>, (x"\n <weekly.hanbit.example>'),
    ],
)
def test_the_list_id_is_the_newsletters_however_its_title_looks(name, value):
    """RFC 2919 section 2: a phrase, then one identifier in brackets."""
    assert dict(raw_headers(make_message(list_name=name)))["List-Id"] == value


@pytest.mark.parametrize("breaker", ["\r\n", "\n", "\r", "\x85", "\u2028", "\x0b", "\x00"])
def test_no_value_can_add_a_header_or_end_the_head(breaker):
    evil = f"x{breaker}Bcc: victim@example.com{breaker}{breaker}<script>"
    content = make_message(subject=evil, list_name=evil)
    assert parse(content).keys() == parse(make_message()).keys()
    assert readable(content) == [TEXT, HTML]


def test_the_same_values_give_the_same_bytes():
    assert make_message() == make_message()
    assert make_message(letter={"text": "other"}) != make_message()


@given(ANY_BODY)
@settings(deadline=None)
def test_no_body_can_end_its_part_early(body):
    """The boundary begins with "=_", which neither quoted-printable nor base64 can hold."""
    boundary = parse(make_message()).get_boundary()
    assert boundary.startswith("=_")
    content = make_message(letter={"text": f"{body}\n--{boundary}--\n", "html": f"--{boundary}\n{body}한"})
    plain, markup = parts(content)
    assert plain.get_payload(decode=True) == as_sent(f"{body}\n--{boundary}--\n")
    assert markup.get_payload(decode=True) == as_sent(f"--{boundary}\n{body}한")
