"""Faults in disguise, one in each mail: encoded, in another place than usual, or just short of what rules look for."""

from email.message import EmailMessage

from faulty_mail import FACT, IN_FOOTER, NFD, header, in_html, in_text, paragraph, raw, subject, with_parts, word
from good_mail import good_text
from mutations import ERROR, WARNING, Mutation


def beginning(markup):
    """Markup behind the heading of the page."""
    return in_html("</h1>", f"</h1>{markup}")


def css(text):
    return in_html(r"</style>(?=\s*</head>)", f"{text}</style>")


def link(address, words="그 밖의 소식"):
    return beginning(f'<p style="margin:0"><a class="ink" style="color:#1d1b18" href="{address}">{words}</a></p>')


def image(attributes):
    return beginning(f'<p style="margin:0"><img alt="A bridge" width="30" height="20" {attributes}></p>')


def quoted_printable(spoil):
    """The plain part as quoted-printable, spoilt in its first line."""
    message = EmailMessage()
    message.set_content(good_text("ko"), cte="quoted-printable")
    lines = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    body = lines + spoil + message.get_payload().encode().replace(b"\n", b"\r\n")
    return with_parts(lambda _text, html: (body, html))


def in_parts(before):
    """A field before the others of the HTML part."""
    return with_parts(lambda text, html: (text, before + html))


MAIL = [
    Mutation("an unclosed quotation mark", "MSG-HDR", ERROR, header(b"From", b'"A <a@b.example>')),
    Mutation("a word that touches letters", "MSG-2047", ERROR, header(b"Subject", b"abc" + word("주간"))),
    Mutation("letters that touch a word", "MSG-2047", ERROR, header(b"Subject", word("주간") + b"abc")),
    Mutation("a word in quotes", "MSG-2047", ERROR, header(b"From", b'"' + word("한빛") + b'" <a@b.example>')),
    Mutation("raw UTF-8 in a part's field", "MSG-2047", ERROR, in_parts("Content-Description: 소식\r\n".encode())),
    Mutation("an empty word", "MSG-SUBJ", ERROR, header(b"Subject", b"=?utf-8?B??=")),
    Mutation("a subject without ink", "MSG-SUBJ", ERROR, header(b"Subject", word("\u200b\u3164"))),
    Mutation("a token in List-Unsubscribe", "MSG-UNSUB", ERROR, raw(rb"<https://[^>]*>", b"<https://a.example/{{x}}>")),
    Mutation("attached HTML", "MSG-ALT", ERROR, in_parts(b"Content-Disposition: attachment; filename=a.html\r\n")),
    Mutation("raw bytes in quoted-printable", "MSG-CTE", ERROR, quoted_printable("가 ".encode())),
    Mutation("a NUL in base64", "MSG-LINE", ERROR, raw(rb"base64\r\n\r\n", b"base64\r\n\r\n\0")),
    Mutation("a lost character in the subject", "CHR-BAD", ERROR, subject("주간 \ufffd 한빛")),
    Mutation("a bell in the subject", "CHR-BAD", ERROR, header(b"Subject", word("주간\a 한빛"))),
    Mutation("an entity in the subject", "CHR-BAD", ERROR, subject("반도체 &quot;R&amp;D&quot;")),
    Mutation("mojibake in the sender", "CHR-BAD", ERROR, header(b"From", word("í•œê¸€") + b" <a@b.example>")),
    Mutation("loose Hangul in the subject", "CHR-NFC", ERROR, subject(NFD)),
    Mutation("a token in the sender", "PH-LEFT", ERROR, header(b"From", b'"{{name}}" <a@b.example>')),
    *(
        Mutation(f"in text: {text[:20]!r}", "TXT-BODY", ERROR, in_text(r"\n\n", f"\n\n{text}\n\n"))
        for text in (
            *("<section>", '<iframe src="x">', "<button>", f'<span style="color:#111;{"x" * 400}">', "A&nbsp B"),
            *("p {\n  color: #222;\n  margin: 0;\n}", '<x style="color:red">', "font-size: 14px; color: #222; x"),
        )
    ),
]
FRAME = [
    Mutation("html in another language", "DOC-LANG", ERROR, in_html('<html lang="ko"', '<html lang="en"')),
    Mutation("a wrapper in another language", "DOC-LANG", ERROR, in_html('(?<=role="article" )', 'lang="en" data-')),
    Mutation("the other direction", "DOC-LANG", WARNING, in_html('(?<=lang="ko" )dir="ltr"', 'dir="rtl"')),
    Mutation(
        "a charset in a comment",
        "DOC-META",
        ERROR,
        in_html('<meta charset="utf-8">', '<!-- <meta charset="utf-8"> -->'),
    ),
    Mutation("a title without ink", "DOC-META", ERROR, in_html("<title>.*?</title>", "<title>&#8203;</title>")),
    Mutation("a paragraph not closed", "DOC-TREE", ERROR, in_html(IN_FOOTER, "")),
    Mutation("the end of no paragraph", "DOC-TREE", ERROR, in_html(IN_FOOTER, "</p></p>")),
    Mutation("a list item not closed", "DOC-TREE", ERROR, beginning('<ul style="margin:0"><li class="ink">a</ul>')),
    Mutation(
        "a style between head and body", "DOC-TREE", ERROR, in_html("</head>", "</head><style>p{margin:0}</style>")
    ),
    Mutation("a style behind body", "DOC-TREE", ERROR, in_html("</body>", "</body><style>p{margin:0}</style>")),
    Mutation("noscript", "EL-FORBID", ERROR, beginning("<noscript></noscript>")),
    Mutation("a script with a tab", "ATTR-JS", ERROR, link("java&#x09;script:x")),
    Mutation("a page in an address", "ATTR-JS", ERROR, link("data:text/html,x")),
    Mutation("a script as an image", "ATTR-JS", ERROR, image('src="javascript:x"')),
    Mutation("a remark like a condition", "SRC-COMMENT", WARNING, beginning("<!-- [if mso] look here -->")),
    *(
        Mutation(f"characters: {text!r}", "CHR-BAD", ERROR, paragraph(text))
        for text in (
            *(
                "가&#xfeff;나",
                "가 \ufeff나",
                "í•œ",
                "Ã©",
                "ï»¿",
                "ðŸŽ‰",
                "â‚¬",
                "â„¢",
                "ã€Œ",
                "R&#38;amp;D",
                "a&#x26;nbsp;b",
            ),
        )
    ),
    *(
        Mutation(f"left: {text}", "PH-LEFT", ERROR, paragraph(text))
        for text in ("&#123;&#123; name }}", "%%First-Name%%", "%%link.url%%")
    ),
    *(
        Mutation(f"missing: {text}", "PH-LEFT", ERROR, in_html(FACT, text))
        for text in ("By None", "조회수 nan", "Author: None", "안녕하세요 None님", "None.", "nan%", "Updated None")
    ),
    Mutation("None as an address", "PH-LEFT", ERROR, link("None")),
    Mutation("None as a file", "PH-LEFT", ERROR, image('src="https://a.example/None.jpg"')),
    Mutation("a token in an image's address", "PH-LEFT", ERROR, image('src="{{ src }}"')),
    *(
        Mutation(f"hidden by {how}", "HID-TEXT", WARNING, beginning(f'<p style="margin:0;{how}">몰래 하는 말</p>'))
        for how in ("font-size:0", "height:0;overflow:hidden", "visibility:collapse", "margin-left:-9999px")
    ),
    Mutation(
        "a preheader that Word alone hides",
        "PRE-HEAD",
        ERROR,
        in_html(r'(?<=<div class="preheader" style=")[^"]*', "mso-hide:all"),
    ),
    Mutation("an old label", "AD-KR", ERROR, subject("(광고성 정보) 한빛뉴스 구독 할인")),
]
DESIGN = [
    Mutation("a font in @media", "CSS-NEST", ERROR, css("@media all { @font-face { font-family: x } }")),
    Mutation("no colour for a border", "CSS-COLOR", ERROR, css(".zz { border-color: blakc }")),
    Mutation(
        "a wide table by style for Word",
        "LAY-WIDTH",
        ERROR,
        in_html(r'(?<=\[if mso\]><table role="presentation" )width="640"', 'style="width:700px"'),
    ),
    Mutation(
        "another image of http",
        "IMG-SRC",
        ERROR,
        image('src="https://a.example/a.jpg" srcset="http://a.example/b.jpg 2x"'),
    ),
    Mutation(
        "another image of webp",
        "IMG-FMT",
        ERROR,
        image('src="https://a.example/a.jpg" srcset="https://a.example/b.webp"'),
    ),
    Mutation(
        "a background of webp",
        "IMG-FMT",
        ERROR,
        beginning('<p style="margin:0;background-image:url(https://a.example/a.webp)"></p>'),
    ),
    Mutation("the whole of a text", "LNK-TEXT", WARNING, link("https://a.example/a", "기사 더보기")),
    Mutation("a shortener's last dot", "LNK-SHORT", ERROR, link("https://bit.ly./x")),
    Mutation("a host in parentheses", "LNK-SPOOF", ERROR, link("https://evil.com/", "(bank.com)")),
    Mutation("a host and where it leads", "LNK-SPOOF", ERROR, link("https://evil.com/", "naver.com 바로가기")),
    Mutation("an address as a folder", "LNK-PII", WARNING, link("https://a.example/u/reader@example.com")),
    Mutation("an address encoded twice", "LNK-PII", WARNING, link("https://a.example/?e=reader%2540example.com")),
    Mutation(
        "a faded text",
        "A11Y-CONTRAST",
        ERROR,
        beginning('<p style="margin:0;color:#000000;background-color:#ffffff;opacity:0.3">a</p>'),
    ),
]
DISGUISED = [*MAIL, *FRAME, *DESIGN]
