"""The check of a finished message: a right one passes, and each rule finds its own breach by name."""

import re
from datetime import UTC, datetime
from email.headerregistry import Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.check.message import CLIP_BYTES, check_message
from digest.mail.message import Letter, Masthead, build_message

LINK = '<a style="color: #111111" href="https://hanbit.example/u/T0ken">수신거부</a>'
BODY = f"<!DOCTYPE html>\n<html><body><h1>주간 한빛</h1>\n{LINK}</body></html>\n"


def make(html=BODY, text="주간 한빛\n\n수신거부: https://hanbit.example/u/T0ken\n"):
    masthead = Masthead(
        sender=Address("한빛뉴스", "news", "hanbit.example"),
        reply_to=None,
        subject="주간 한빛",
        date=datetime(2026, 3, 2, tzinfo=UTC),
        list_id="weekly.hanbit.example",
        list_name="주간 한빛",
    )
    letter = Letter(
        recipient=Address("", "kim", "example.com"),
        message_id="<1@hanbit.example>",
        unsubscribe_url="https://hanbit.example/u/T0ken",
        unsubscribe_mailto="",
        html=html,
        text=text,
    )
    return build_message(masthead, letter)


def rules(content):
    return [finding.rule for finding in check_message(content)]


def test_a_right_message_has_no_findings():
    assert check_message(make()) == ()


def test_size_clip_the_encoded_html_part_must_stay_below_gmails_limit():
    """Base64 makes 4 bytes of 3, and CRLF after each 76."""
    room = (CLIP_BYTES - 200) * 3 // 4 * 76 // 78 - len(BODY.encode())
    assert rules(make(html=BODY.replace("<h1>", "x" * room + "<h1>"))) == []
    assert rules(make(html=BODY.replace("<h1>", "x" * (room + 400) + "<h1>"))) == ["SIZE-CLIP"]


@pytest.mark.parametrize(
    "breach",
    [
        lambda content: content.replace(b"MIME-Version", b"X-Long: " + b"x" * 991 + b"\r\nMIME-Version"),
        lambda content: content.replace(b"MIME-Version", b"X-Nul: \0\r\nMIME-Version"),
        lambda content: content.replace(b"1.0\r\n", b"1.0\n"),
        lambda content: content.replace(b"MIME-Version", b"X-Cr: a\rb\r\nMIME-Version"),
    ],
)
def test_msg_line_no_long_line_no_nul_and_no_lone_cr_or_lf(breach):
    assert "MSG-LINE" in rules(breach(make()))


def test_a_line_of_998_octets_is_allowed():
    assert rules(make().replace(b"MIME-Version", b"X-Long: " + b"x" * 990 + b"\r\nMIME-Version")) == []


@pytest.mark.parametrize(
    ("found", "instead"),
    [
        (rb"List-Unsubscribe: .*\r\n", b""),
        (rb"List-Unsubscribe-Post: .*\r\n", b""),
        (rb"List-Unsubscribe: <https", b"List-Unsubscribe: <http"),
        (rb"=One-Click", b"=1-Click"),
        (rb"<https://hanbit.example/u/T0ken>", b"<mailto:bye@hanbit.example>"),
    ],
)
def test_msg_unsub_both_one_click_headers_must_be_there(found, instead):
    assert rules(re.sub(found, instead, make(), count=1)) == ["MSG-UNSUB"]


@pytest.mark.parametrize(
    ("found", "instead"),
    [
        (b"text/html", b"text/plain"),
        (b"text/plain", b"text/html"),
        (b"multipart/alternative", b"text/plain"),
        (b'boundary="', b'boundary="x'),
    ],
)
def test_msg_alt_the_parts_are_plain_text_then_html(found, instead):
    assert "MSG-ALT" in rules(make().replace(found, instead))


@pytest.mark.parametrize("start", ["<html>", "<!doctype html>", "\n<!DOCTYPE html>", "\ufeff<!DOCTYPE html>"])
def test_doc_type_must_come_first_and_in_capitals(start):
    """Premailer drops a lower-case one, and anything before it means quirks mode."""
    assert rules(make(html=BODY.replace("<!DOCTYPE html>", start))) == ["DOC-TYPE"]


@pytest.mark.parametrize(
    ("link", "is_found"),
    [
        (LINK, True),
        (LINK.replace("수신거부", "수신 거부"), True),
        (LINK.replace("수신거부", "구독 해지"), True),
        (LINK.replace("수신거부", "Unsubscribe here"), True),
        (LINK.replace("https://", "http://"), False),
        (LINK.replace("수신거부", "여기"), False),
        ("수신거부", False),
        ('<a href="https://hanbit.example/">홈</a> 수신거부', False),
    ],
)
def test_lnk_unsub_the_body_has_an_https_link_that_says_what_it_does(link, is_found):
    assert rules(make(html=BODY.replace(LINK, link))) == ([] if is_found else ["LNK-UNSUB"])


@pytest.mark.parametrize(
    "leftover",
    ["{{ title }}", "{% if x %}", "https://x.kr/%7B%7Btoken", "https://0123456789abcdef.invalid/unsubscribe_url/"],
)
def test_ph_left_no_placeholder_is_left_in_either_part(leftover):
    assert rules(make(html=BODY.replace("주간 한빛", leftover))) == ["PH-LEFT"]
    assert rules(make(text=f"주간 {leftover}")) == ["PH-LEFT"]


@pytest.mark.parametrize("word", ["None", " None ", "nan"])
def test_ph_left_a_value_that_was_not_there_is_a_leftover_where_it_is_all_of_an_element(word):
    assert rules(make(html=BODY.replace("주간 한빛", word))) == ["PH-LEFT"]
    assert rules(make(html=BODY.replace("주간 한빛", f"{word} of them"))) == []


def test_every_breach_is_told_and_each_says_what_was_found():
    content = make(html="<p>{{ x }}</p>").replace(b"One-Click", b"x")
    findings = check_message(content)
    assert [finding.rule for finding in findings] == ["MSG-UNSUB", "DOC-TYPE", "LNK-UNSUB", "PH-LEFT"]
    assert all(finding.message for finding in findings)


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_damage_is_found_and_never_crashes_the_check(data):
    """A message is cut or bytes of it are lost: the check answers with findings, whatever is left."""
    content = make()
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(len(content), start + 200)))
    damaged = content[:start] + data.draw(st.binary(max_size=8)) + content[end:]
    assert isinstance(check_message(damaged), tuple)


def test_nothing_at_all_is_not_a_message():
    assert {"MSG-UNSUB", "MSG-ALT"} <= set(rules(b""))
