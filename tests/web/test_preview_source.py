"""The source: every line has the number findings give it, and each part stands beside its raw lines."""

import base64

from digest_message import write_digest, write_mail

from digest.check.document import parse_html
from digest.web.preview.parts import open_parts
from digest.web.preview.source import read_source


def test_the_raw_lines_are_the_message(tmp_path):
    content = write_digest(tmp_path)
    source = read_source(open_parts(content))
    assert "\r\n".join(line.text for line in source.raw) + "\r\n" == content.decode()
    assert [line.number for line in source.raw] == list(range(1, len(source.raw) + 1))


def test_a_part_says_which_raw_lines_it_decodes(tmp_path):
    parts = open_parts(write_digest(tmp_path))
    source = read_source(parts)
    assert [part.content_type for part in source.parts] == ["text/plain", "text/html"]
    html = source.parts[1]
    raw = "".join(line.text for line in source.raw[html.first_line - 1 : html.last_line])
    assert base64.b64decode(raw).decode().replace("\r\n", "\n") == parts.html


def test_decoded_lines_are_counted_as_findings_count_them():
    html = "<!DOCTYPE html>\n<html>\n<body>\n\n<p>글\u2028자\x0c</p>\n<h1>제목</h1>\n</body></html>\n"
    parts = open_parts(write_mail(html))
    (heading,) = parse_html(parts.html).find("h1")
    lines = read_source(parts).parts[1].lines
    assert lines[heading.sourceline - 1].text == "<h1>제목</h1>"
    assert lines[-1].text == "</body></html>"


def test_a_message_with_two_like_parts_keeps_them_apart():
    source = read_source(open_parts(write_mail("<p>같은 글", text="<p>같은 글")))
    first, second = source.parts
    assert first.last_line < second.first_line
