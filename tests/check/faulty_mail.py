"""Ways to put one fault into a good mail: into its bytes, its page, its text, its parts or its header."""

import re
from base64 import b64encode, encodebytes
from unicodedata import normalize

from good_mail import good_html, good_mail, good_text

IN_FOOTER = r"</p>(?!.*</p>)"
"""The end of the last paragraph."""
FACT = r"(?<=· )조회\s[\d,]+"
NFD = normalize("NFD", "한빛")
PREHEADER = r"<div[^>]*mso-hide:all[^>]*>.*?</div>"
LEGAL_FOOTER = " 전화 02-6012-3456. 수신을 원하지 않으시면 ‘수신거부’를, to stop this mail press “Unsubscribe”.</p>"


def swap(content, found, instead):
    """The content with the first place that a pattern finds replaced by these very characters."""
    changed, count = re.subn(found, lambda _: instead, content, count=1, flags=re.DOTALL)
    assert count, f"{found!r} is not there"
    return changed


def raw(found, instead, locale="ko"):
    return lambda: swap(good_mail(locale), found, instead)


def in_html(found, instead, locale="ko"):
    return lambda: good_mail(locale, html=swap(good_html(locale), found, instead))


def in_text(found, instead, locale="ko"):
    return lambda: good_mail(locale, text=swap(good_text(locale), found, instead))


def subject(text, locale="ko"):
    return lambda: good_mail(locale, subject=text)


def header(name, value):
    return raw(
        rb"%b: [^\r\n]*(?:\r\n[ \t][^\r\n]*)*" % name, b"%b: %b" % (name, value) if value is not None else b"X-Y: z"
    )


def parts_of(content):
    """Head, boundary and the two parts of a good mail."""
    boundary = re.search(rb'boundary="([^"]+)"', content)[1]
    head, text, html, _end = re.split(rb"--" + re.escape(boundary) + rb"(?:--)?\r\n", content)
    return head, boundary, text, html


def with_parts(change):
    def make():
        head, boundary, text, html = parts_of(good_mail("ko"))
        parts = change(text, html)
        body = b"".join(b"--%b\r\n%b" % (boundary, part) for part in parts)
        return head + body + b"--%b--\r\n" % boundary

    return make


def part(kind, content, charset, encoding="base64"):
    """A part whose bytes are `content`."""
    label = f"; charset={charset}" if charset else ""
    body = encodebytes(content).replace(b"\n", b"\r\n") if encoding == "base64" else content
    lines = (f"Content-Type: text/{kind}{label}", f"Content-Transfer-Encoding: {encoding}", "")
    return "\r\n".join((*lines, "")).encode() + body.rstrip(b"\r\n") + b"\r\n"


def text_part(charset="utf-8", encoding="base64", codec="utf-8", text=None):
    content = (text or good_text("ko")).replace("\n", "\r\n").encode(codec, "ignore")
    return with_parts(lambda _text, html: (part("plain", content, charset, encoding), html))


def bare_body():
    """The Korean page with its language on the html element only."""
    head, body, rest = good_html("ko").partition("<body")
    return head + body + rest.replace(' lang="ko"', "")


def word(text, charset="utf-8"):
    return b"=?%b?B?%b?=" % (charset.encode(), b64encode(text.encode(charset)))


def padded(size):
    """Words in the footer until the HTML part has about so many bytes as base64."""

    def make():
        html = good_html("ko")
        missing = size * 76 // 78 * 3 // 4 - len(html.encode())
        last = html.rindex("</p>")
        return good_mail("ko", html=html[:last] + " 새 소식" * (missing // len(" 새 소식".encode())) + html[last:])

    return make


def without_headings():
    """The plain part with every third headline of the HTML part missing."""
    headings = re.findall(r"<h[23][^>]*>(?:<a[^>]*>)?([^<]{12,})<", good_html("en"))
    text = " ".join(good_text("en").split())
    for heading in headings[::3]:
        text = text.replace(heading.replace("&amp;", "&"), "")
    return good_mail("en", text=re.sub(r" (?=https:)", "\n", text.replace(". ", ".\n")))


def without_links():
    """The plain part with only its last three links."""
    text = good_text("ko")
    return good_mail("ko", text=re.sub(r"https://\S+", "", text, count=text.count("https://") - 3))


def paragraph(text):
    """A sentence more in the last paragraph."""
    return in_html(IN_FOOTER, f" {text}</p>")


def advertising(found="", instead="", subject="(광고) 한빛뉴스 구독 할인"):
    """A sound mail of advertising, with one place changed."""

    def make():
        html = swap(good_html("ko"), IN_FOOTER, LEGAL_FOOTER)
        return good_mail("ko", html=swap(html, found, instead) if found else html, subject=subject)

    return make
