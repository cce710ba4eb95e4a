"""A message in its parts: what is said of it is what its bytes say."""

import pytest
from digest_message import write_digest, write_mail
from hypothesis import example, given
from hypothesis import strategies as st

from digest.check.mail import open_mail
from digest.errors import DigestError
from digest.web.preview.parts import open_parts


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    return write_digest(tmp_path_factory.mktemp("parts"))


def test_a_digest_opens_into_its_parts(content):
    parts = open_parts(content)
    assert (parts.sender_name, parts.sender_address) == ("한빛뉴스", "news@hanbit.example")
    assert "소식" in parts.subject
    assert parts.html.startswith("<!DOCTYPE html>")
    assert "수신거부" in parts.text
    assert parts.total_bytes == len(content)
    assert parts.html_encoding == "base64"


def test_the_size_of_the_html_part_is_that_of_its_encoded_bytes(content):
    body = content.rpartition(b"Content-Transfer-Encoding: base64\r\n\r\n")[2]
    assert open_parts(content).html_bytes == len(body.partition(b"\r\n--")[0])


def test_headers_are_told_decoded_and_as_they_stand(content):
    headers = {header.name: header for header in open_parts(content).headers}
    assert list(headers)[:3] == ["From", "To", "Subject"]
    assert headers["From"].value == "한빛뉴스 <news@hanbit.example>"
    assert headers["From"].raw.startswith("=?utf-8?B?")
    assert "\n" not in headers["Subject"].value
    assert f"Subject: {headers['Subject'].raw}\r\n".encode() in content


@pytest.mark.parametrize(
    ("body", "preheader"),
    [
        ('<div style="display:none">첫 줄</div><p>글</p>', "첫 줄"),
        ('<div style="max-height:0;overflow:hidden">첫 <b>줄</b>&#847;&zwnj;&nbsp;&#847;</div><p>글</p>', "첫 줄"),
        ('<div style="visibility:hidden"><span>첫</span> <span>줄</span></div>글', "첫 줄"),
        ('<p>글</p><div style="display:none">늦은 줄</div>', ""),
        ("<style>p{}</style><p>글</p>", ""),
        ("", ""),
    ],
)
def test_the_preheader_is_the_hidden_text_the_body_begins_with(body, preheader):
    assert open_parts(write_mail(f"<!DOCTYPE html><html><body>{body}</body></html>")).preheader == preheader


def test_the_snippet_goes_on_from_the_preheader_into_the_body():
    html = '<body><div style="display:none">첫 줄</div><table><tr><td>하나</td><td>둘<b>셋</b></td></tr></table></body>'
    assert open_parts(write_mail(html)).snippet == "첫 줄 하나 둘 셋"


def test_a_message_without_html_is_refused_with_what_it_holds():
    with pytest.raises(DigestError, match="the message of 39 bytes has no text/html part to show; it holds text/plain"):
        open_parts(b"Subject: x\r\nMIME-Version: 1.0\r\n\r\ntext\r\n")


@given(st.binary(max_size=300))
@example(b"From: @\r\nContent-Type: text/html\r\n\r\n<p>x")
@example(b"Content-Type: text/html; charset=\r\nSubject: =?x?q??=\r\n\r\n<")
def test_any_bytes_open_or_are_refused(junk):
    for content in (
        junk,
        b"Content-Type: text/html\r\n" + junk,
        b"From: " + junk + b"\r\nContent-Type: text/html\r\n\r\n",
    ):
        try:
            open_parts(content)
        except DigestError:
            continue


@pytest.mark.parametrize(
    ("parameter", "is_flowed"), [("; format=flowed", True), ("; format=FLOWED", True), ("", False)]
)
def test_a_flowed_part_says_so(parameter, is_flowed):
    text = f"Content-Type: text/plain; charset=utf-8{parameter}\r\n\r\nx\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>x"
    content = f"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n{text}\r\n--b--\r\n".encode()
    assert open_parts(content).text_is_flowed is is_flowed


def test_findings_and_panes_read_the_same_page(content):
    mail = open_mail(content)
    assert open_parts(content).html == mail.html.source
    assert open_parts(content).html_bytes == mail.html_size
