"""Opening a mail: its fields, parts, sizes and text, from bytes that may be anything."""

from base64 import encodebytes

import pytest
from good_mail import LOCALES, good_html, good_mail, good_text
from hypothesis import given
from hypothesis import strategies as st

from digest.check.fields import read_fields
from digest.check.mail import MOST_READ, decode_base64, open_mail


@pytest.mark.parametrize("locale", LOCALES)
def test_a_good_mail_is_read_as_it_was_written(locale):
    content = good_mail(locale)
    mail = open_mail(content)
    assert [part.content_type for part in mail.root.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert mail.html.source == good_html(locale)
    assert mail.text.split() == good_text(locale).split()
    assert (mail.html_part.charset, mail.html_part.encoding) == ("utf-8", "base64")


def test_the_size_of_the_html_part_is_that_of_its_bytes_as_encoded():
    content = good_mail("ko")
    body = content[content.index(b"\r\n\r\n", content.index(b"text/html")) + 4 : content.rindex(b"\r\n--=_")]
    assert open_mail(content).html_size == len(body)


def test_a_part_knows_its_line_in_the_mail():
    content = good_mail("ko")
    for part in open_mail(content).root.parts:
        assert content.split(b"\r\n")[part.line - 1].startswith(b"Content-Type: text/")


def test_fields_keep_their_lines_and_lose_their_folds():
    fields = read_fields(b"A: one\r\n two\r\nB : three\r\nno field\r\nA: four", line=5)
    assert [(field.name, field.value, field.line) for field in fields.all] == [
        ("a", "one two", 5),
        ("b", "three", 7),
        ("", "no field", 8),
        ("a", "four", 9),
    ]
    assert len(fields.named("a")) == 2
    assert fields.value("c", "none") == "none"


@pytest.mark.parametrize(
    ("value", "content_type", "charset"),
    [
        (b"text/html; charset=utf-8", "text/html", "utf-8"),
        (b'TEXT/HTML ; format=flowed;\r\n CHARSET="utf\\-8"', "text/html", "utf-8"),
        (b"text/html; charset = utf-8 ; x", "text/html", "utf-8"),
        (b"html", "text/plain", None),
        (b"text/html; charset=", "text/html", None),
        (b"text/html, charset=utf-8", "text/plain", None),
        (b"text/html; charset*0*=utf-8''x; charset*=y", "text/html", None),
    ],
)
def test_content_type_is_read_as_mail_programs_do(value, content_type, charset):
    fields = read_fields(b"Content-Type: " + value)
    assert (fields.content_type, fields.parameter("charset")) == (content_type, charset)


@given(st.binary(max_size=300))
def test_base64_is_read_whole_and_with_what_does_not_belong(content):
    assert decode_base64(encodebytes(content)) == content
    assert decode_base64(encodebytes(content).replace(b"\n", b"*\r\n!").rstrip(b"=")) == content


@given(st.binary(max_size=300))
def test_base64_of_anything_can_be_decoded(content):
    assert isinstance(decode_base64(content), bytes)


def test_a_page_too_long_for_a_digest_is_not_parsed():
    assert open_mail(good_mail("ko", html=good_html("ko") + "x" * MOST_READ)).html is None
    assert open_mail(good_mail("ko")).html is not None


def test_a_mail_without_parts_has_the_one_it_is():
    mail = open_mail(b"Content-Type: text/html; charset=utf-8\r\n\r\n<p>x")
    assert (mail.html.source, mail.text, mail.html_size) == ("<p>x", None, 4)
    assert open_mail(b"X: y\r\n\r\nwords").text is None
