"""Whatever bytes come, the check answers with findings: it neither fails nor takes long."""

import encodings.aliases
import re
import time

import pytest
from faulty_mail import part, with_parts
from good_mail import LOCALES, good_html, good_mail
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.check.contract import check_html, check_mail
from digest.check.mail import open_mail

MEGABYTES_5 = 5 * 1024 * 1024
LONG = 400_000
SECONDS = 20.0
"""Generous: machines that test are busy. Quadratic time would take hours."""
CODECS = sorted({name for pair in encodings.aliases.aliases.items() for name in pair})


def rules(content):
    return {finding.rule for finding in check_mail(content)}


@given(st.binary(max_size=2_000))
@settings(deadline=None)
def test_any_bytes_can_be_checked(content):
    assert {"MSG-ALT", "MSG-HDR"} <= rules(content)


@given(st.text(max_size=500))
@settings(deadline=None)
def test_any_text_can_be_checked_as_html(source):
    assert check_html(source)


MARKUP = """
< > </ <!-- --> <![endif]--> <!--[if~mso]> <table> </td> <a~href= " ' = /> <style> </style> <title> <html~lang=ko>
{{ ; } <body~style=' &#0; &amp;amp; \0 \ufeff 가 <img~src=x~alt= <h1> </h1> <pre> <svg> <script> display:none @media{
"""
PIECES = st.sampled_from(["\ud800", *MARKUP.split()]).map(lambda piece: piece.replace("~", " "))


@given(st.lists(PIECES, max_size=60).map("".join))
@settings(deadline=None)
def test_any_row_of_markup_can_be_checked(source):
    assert check_html(source)


@pytest.mark.parametrize("locale", LOCALES)
@given(st.data())
@settings(deadline=None, max_examples=40)
def test_a_mail_that_was_cut_off_is_found_out(locale, data):
    """Anywhere before its last boundary."""
    content = good_mail(locale)
    boundary = re.search(rb'boundary="([^"]+)"', content)[1]
    end = data.draw(st.integers(0, len(content) - len(boundary) - len("----\r\n")))
    assert any(finding.severity == "error" for finding in check_mail(content[:end]))


@given(st.data())
@settings(deadline=None, max_examples=40)
def test_a_mail_with_bytes_changed_can_be_checked(data):
    content = good_mail("ko")
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(len(content), start + 200)))
    assert isinstance(check_mail(content[:start] + data.draw(st.binary(max_size=80)) + content[end:]), tuple)


def mail_in(codec, content):
    """A mail whose two parts are these bytes and say that they are in this charset."""
    return with_parts(lambda _text, _html: (part("plain", content, codec), part("html", content, codec)))()


@pytest.mark.parametrize("codec", [*CODECS, "x-unknown", "utf-8\0", "", '"', "../etc/passwd", "0" * 300])
def test_any_charset_can_be_named(codec):
    """Whether Python knows it as text, as something else, or not at all."""
    found = rules(mail_in(codec, "주간 한빛 Weekly ÀÉ\r\n".encode()))
    assert ("MSG-CHARSET" in found) == (codec != "utf-8")


@pytest.mark.parametrize("codec", [codec for codec in CODECS if codec not in {"mbcs", "oem"}])
def test_text_in_any_encoding_can_be_read(codec):
    try:
        content = "주간 한빛 Weekly ÀÉ\r\n".encode(codec, "ignore")
    except (LookupError, UnicodeError, ValueError, AssertionError):
        content = b"\xff\xfe\0weekly"
    assert "TXT-LINKS" in rules(mail_in(codec, content))


def test_nothing_at_all_is_not_a_mail():
    assert {"MSG-HDR", "MSG-UNSUB", "MSG-ALT"} <= rules(b"")


LARGE = {
    "zeros": b"\0" * MEGABYTES_5,
    "random": bytes(range(256)) * (MEGABYTES_5 // 256),
    "lines": b"\r\n" * (MEGABYTES_5 // 2),
    "headers": b"X: y\r\n" * (MEGABYTES_5 // 6),
    "one header": b"Content-Type: " + b";" * MEGABYTES_5,
    "From": b"From: " + b'"' * MEGABYTES_5,
    "words": b"Subject: " + b"=?utf-8?B?" * (MEGABYTES_5 // 10),
    "parts": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n" * (MEGABYTES_5 // 7),
    "nested parts": b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(90_000)
    ),
    "base64": b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b"A" * MEGABYTES_5,
    "equals": b"Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=" * MEGABYTES_5,
    "punycode": b"Content-Type: text/plain; charset=punycode\r\n\r\n" + b"a-b" * (MEGABYTES_5 // 3),
    "Hangul": b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + "한".encode() * (MEGABYTES_5 // 3),
    "wide lines": b"Content-Type: text/plain; charset=utf-8\r\n\r\n"
    + ("한" * 200 + "\r\n").encode() * (MEGABYTES_5 // 602),
    "addresses": b"Content-Type: text/plain\r\n\r\n" + b"http://a" * (MEGABYTES_5 // 8),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_five_megabytes_of_mail_end_in_seconds(name):
    before = time.process_time()
    check_mail(LARGE[name])
    assert time.process_time() - before < SECONDS


UNITS = {
    "opening brackets": "<",
    "unfinished tags": '<a "',
    "comments": "<!--",
    "divs": "<div>",
    "hidden divs": '<div style="display:none">가',
    "links": '<a href="https://x.example/">수신거부</a>',
    "headings": "<h2>제목",
    "ends": "</div>",
    "code": "<code>",
    "styles": "<style>",
    "pictures": "<img alt=x>",
    "entities": "&amp;amp;",
    "tokens": "{{",
    "loose letters": "\u1112\u1161",
    "mojibake": "â€™",
    "middle dots": "·°",
    "attributes": " onclick=x",
    "colons": "{a:",
    "spaces": " ",
    "semicolons": "<p style='" + ";" * 50 + "'>",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", UNITS)
def test_long_html_ends_in_seconds(name):
    start = "<!DOCTYPE html><html lang=ko><body><p "
    source = start + UNITS[name] * (LONG // len(UNITS[name].encode()))
    before = time.process_time()
    check_html(source)
    assert time.process_time() - before < SECONDS


@pytest.mark.slow
def test_five_megabytes_of_html_are_too_long_to_be_a_digest():
    source = good_html("ko") + "<div>" * MEGABYTES_5
    for findings in (check_html(source), check_mail(good_mail("ko", html=source))):
        (finding,) = [finding for finding in findings if finding.part == "html"]
        assert finding.rule == "SIZE-CLIP"
        assert "nothing else of it was checked" in finding.message


def test_a_digest_of_75_kilobytes_is_checked_within_300_ms():
    """Times two, as machines that test are busy."""
    html = good_html("ko")
    row = html[
        html.index('<tr>\n<td class="rank') : html.index("</tr>", html.index('<tr>\n<td class="rank')) + len("</tr>")
    ]
    html = html.replace(row, row * ((75_000 - len(html.encode())) // len(row.encode())))
    content = good_mail("ko", html=html)
    assert 70_000 < len(html.encode()) < 80_000
    check_mail(content)
    before = time.process_time()
    for _ in range(3):
        check_mail(content)
    assert (time.process_time() - before) / 3 < 2 * 0.300


def test_parts_are_read_to_a_depth_that_mail_has():
    nested = open_mail(LARGE["nested parts"])
    assert sum(1 for _ in nested.root.walk()) < 20
