"""Mails with exactly one fault each, made from the good ones, and the rule that must find it."""

from collections.abc import Callable
from dataclasses import dataclass

from faulty_mail import (
    FACT,
    IN_FOOTER,
    NFD,
    PREHEADER,
    advertising,
    bare_body,
    header,
    in_html,
    in_text,
    padded,
    paragraph,
    raw,
    subject,
    swap,
    text_part,
    with_parts,
    without_headings,
    without_links,
    word,
)
from good_mail import good_html, good_mail, good_text

from digest.check.finding import Severity

ERROR, WARNING = Severity.ERROR, Severity.WARNING


@dataclass(frozen=True)
class Mutation:
    """One fault."""

    name: str
    rule: str
    severity: Severity
    make: Callable[[], bytes]


MOJIBAKE = {
    "a curly quote": "â€™s",
    "Korean in UTF-8 as Windows-1252": "주간 한빛".encode().decode("cp1252"),
    "French in UTF-8 as Latin-1": "cafÃ© au lait",
    "a middle dot": "기사 Â· 조회",
    "Korean in UTF-8 as cp949": "다리 아래 객석".encode().decode("cp949", "ignore"),
    "the well-known lost characters": "占쏙옙",
    "Korean in cp949 as Latin-1": "다리 아래 객석을".encode("cp949").decode("latin-1"),
}


_HEADER_FAULTS = [
    Mutation(f"no {name}", "MSG-HDR", ERROR, header(name.encode(), None))
    for name in ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version")
] + [
    Mutation("From twice", "MSG-HDR", ERROR, raw(rb"To: ", b"From: a@b.example\r\nTo: ")),
    Mutation("Subject twice", "MSG-HDR", ERROR, raw(rb"Date: ", b"Subject: again\r\nDate: ")),
    Mutation(
        "Reply-To twice", "MSG-HDR", ERROR, raw(rb"To: ", b"Reply-To: a@b.example\r\nReply-To: c@d.example\r\nTo: ")
    ),
    Mutation("From without an address", "MSG-HDR", ERROR, header(b"From", b"Hanbit News")),
    Mutation("two senders", "MSG-HDR", ERROR, header(b"From", b"a@b.example, c@d.example")),
    Mutation("To without a domain", "MSG-HDR", ERROR, header(b"To", b"reader@")),
    Mutation("To with a space", "MSG-HDR", ERROR, header(b"To", b"<rea der@example.com>")),
    Mutation("a date in ISO 8601", "MSG-HDR", ERROR, header(b"Date", b"2026-11-23T08:00:00Z")),
    Mutation("a date without an offset", "MSG-HDR", ERROR, header(b"Date", b"Mon, 23 Nov 2026 08:00:00")),
    Mutation("the wrong weekday", "MSG-HDR", ERROR, header(b"Date", b"Tue, 23 Nov 2026 08:00:00 +0900")),
    Mutation("30 February", "MSG-HDR", ERROR, header(b"Date", b"30 Feb 2026 08:00:00 +0900")),
    Mutation("Message-ID without brackets", "MSG-HDR", ERROR, header(b"Message-ID", b"a80c@hanbit-news.example")),
    Mutation("MIME-Version 2.0", "MSG-HDR", ERROR, header(b"MIME-Version", b"2.0")),
    Mutation("a line that is no field", "MSG-HDR", ERROR, raw(rb"Date: ", b"so much for that\r\nDate: ")),
]
MESSAGE = [
    Mutation("an HTML part over Gmail's clip", "SIZE-CLIP", ERROR, padded(103_500)),
    Mutation("an HTML part near Gmail's clip", "SIZE-CLIP", WARNING, padded(95_000)),
    Mutation("a header line of 999 octets", "MSG-LINE", ERROR, raw(rb"MIME-V", b"X-L: " + b"x" * 994 + b"\r\nMIME-V")),
    Mutation("a NUL", "MSG-LINE", ERROR, raw(rb"MIME-V", b"X-Nul: \0\r\nMIME-V")),
    Mutation("a lone CR", "MSG-LINE", ERROR, raw(rb"MIME-V", b"X-Cr: a\rb\r\nMIME-V")),
    Mutation("a lone LF", "MSG-LINE", ERROR, raw(rb"1\.0\r\n", b"1.0\n")),
    *_HEADER_FAULTS,
    Mutation("a subject in raw UTF-8", "MSG-2047", ERROR, header(b"Subject", "주간 한빛".encode())),
    Mutation("a word of 76 characters", "MSG-2047", ERROR, header(b"Subject", word("x" * 47))),
    Mutation("a word in EUC-KR", "MSG-2047", ERROR, header(b"Subject", word("주간 한빛", "euc-kr"))),
    Mutation("a syllable cut in two", "MSG-2047", ERROR, header(b"Subject", b"=?utf-8?B?7KO8?= =?utf-8?B?6rA=?=")),
    Mutation("a word without an end", "MSG-2047", ERROR, header(b"Subject", b"=?utf-8?B?7KO86rCE")),
    Mutation("two words that touch", "MSG-2047", ERROR, header(b"Subject", word("주간") + word("한빛"))),
    Mutation("broken base64", "MSG-2047", ERROR, header(b"Subject", b"=?utf-8?B?7KO86rC?=")),
    Mutation("an unknown encoding", "MSG-2047", ERROR, header(b"Subject", b"=?utf-8?X?abc?=")),
    Mutation("an empty subject", "MSG-SUBJ", ERROR, header(b"Subject", b"")),
    Mutation("a subject of spaces", "MSG-SUBJ", ERROR, header(b"Subject", word(" \u3000 "))),
    Mutation("a subject with a token", "MSG-SUBJ", ERROR, subject("주간 {{ title }}")),
    Mutation("a subject with another token", "MSG-SUBJ", ERROR, subject("주간 %%TITLE%%")),
    Mutation("a subject that is None", "MSG-SUBJ", ERROR, subject("None · 주간 한빛뉴스")),
    Mutation("a subject of 72 columns", "MSG-SUBJ", WARNING, subject("한" * 36)),
    Mutation("no List-Unsubscribe", "MSG-UNSUB", ERROR, header(b"List-Unsubscribe", None)),
    Mutation("no List-Unsubscribe-Post", "MSG-UNSUB", ERROR, header(b"List-Unsubscribe-Post", None)),
    Mutation("an unsubscribe link of http", "MSG-UNSUB", ERROR, raw(rb"<https://", b"<http://")),
    Mutation("unsubscribing by mail only", "MSG-UNSUB", ERROR, header(b"List-Unsubscribe", b"<mailto:a@b.example>")),
    Mutation("another word for one click", "MSG-UNSUB", ERROR, raw(rb"=One-Click", b"=Yes")),
    Mutation("HTML first", "MSG-ALT", ERROR, with_parts(lambda text, html: (html, text))),
    Mutation("HTML alone", "MSG-ALT", ERROR, with_parts(lambda _text, html: (html,))),
    Mutation("text alone", "MSG-ALT", ERROR, with_parts(lambda text, _html: (text,))),
    Mutation("text twice", "MSG-ALT", ERROR, with_parts(lambda text, html: (text, text, html))),
    Mutation("multipart/mixed", "MSG-ALT", ERROR, raw(rb"multipart/alternative", b"multipart/mixed")),
    Mutation("cut off before the end", "MSG-ALT", ERROR, lambda: good_mail("ko")[:-35]),
    Mutation("no charset", "MSG-CHARSET", ERROR, text_part("")),
    Mutation("the wrong charset", "MSG-CHARSET", ERROR, text_part("iso-8859-1")),
    Mutation("an unknown charset", "MSG-CHARSET", ERROR, text_part("x-hangul")),
    Mutation("EUC-KR that says so", "MSG-CHARSET", ERROR, text_part("euc-kr", codec="euc-kr")),
    Mutation("EUC-KR that says UTF-8", "MSG-CHARSET", ERROR, text_part("utf-8", codec="euc-kr")),
    Mutation("8bit", "MSG-CTE", ERROR, text_part(encoding="8bit")),
    Mutation("binary", "MSG-CTE", ERROR, text_part(encoding="binary")),
    Mutation("no base64", "MSG-CTE", ERROR, raw(rb"base64\r\n\r\n", b"base64\r\n\r\n*!*!")),
]
PLAIN = [
    Mutation("a paragraph tag", "TXT-BODY", ERROR, in_text(r"\n\n", "\n<p>\n")),
    Mutation("a link tag", "TXT-BODY", ERROR, in_text(r"\n\n", '\n<a href="https://x.example/">x</a>\n')),
    Mutation("a space as an entity", "TXT-BODY", ERROR, in_text(r"\n\n", "\nA&nbsp;B\n")),
    Mutation("an ampersand as an entity", "TXT-BODY", ERROR, in_text("R&D", "R&amp;D")),
    Mutation("CSS", "TXT-BODY", ERROR, in_text(r"\A", "p { color: #222222; margin: 0 }\n")),
    Mutation("a media rule", "TXT-BODY", ERROR, in_text(r"\A", "@media screen {\n")),
    Mutation("a third of the headlines missing", "TXT-BODY", ERROR, without_headings),
    Mutation("three links of twelve", "TXT-LINKS", ERROR, without_links),
    Mutation("no unsubscribe link", "TXT-LINKS", ERROR, in_text(r"https://\S+/unsubscribe/\S+", "")),
    Mutation("a line of 1,200 octets", "TXT-LINE", ERROR, in_text(r"\A", "한빛 " * 180 + "\n")),
    Mutation("a line of 110 columns", "TXT-LINE", WARNING, text_part(text="한빛 " * 22 + "\n" + good_text("ko"))),
    Mutation("a bell", "CHR-BAD", ERROR, in_text(r"\n\n", "\n\a\n")),
    Mutation("a lost character", "CHR-BAD", ERROR, in_text(r"\n\n", "\n\ufffd\n")),
    Mutation("mojibake", "CHR-BAD", ERROR, in_text(r"\n\n", "\nâ€™s\n")),
    Mutation("loose Hangul in text", "CHR-NFC", ERROR, in_text(r"\n\n", f"\n{NFD}\n")),
    Mutation("a token in text", "PH-LEFT", ERROR, in_text(r"\n\n", "\n{{ article.title }}\n")),
    Mutation("None in text", "PH-LEFT", ERROR, in_text(FACT, "조회 None")),
    Mutation("a slot in text", "PH-LEFT", ERROR, in_text(r"\n\n", "\nhttps://0123456789abcdef.invalid/address/\n")),
]
FRAME = [
    Mutation("no doctype", "DOC-TYPE", ERROR, in_html(r"<!DOCTYPE html>\s*", "")),
    Mutation("a line before it", "DOC-TYPE", ERROR, in_html(r"\A", "\n")),
    Mutation("a comment before it", "DOC-TYPE", ERROR, in_html(r"\A", "<!-- sent by us -->")),
    Mutation(
        "HTML 4", "DOC-TYPE", ERROR, in_html("<!DOCTYPE html>", '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN">')
    ),
    Mutation("no lang", "DOC-LANG", ERROR, in_html('<html lang="ko"', "<html")),
    Mutation("the country's code", "DOC-LANG", ERROR, in_html('<html lang="ko"', '<html lang="kr"')),
    Mutation("a language by name", "DOC-LANG", ERROR, in_html('<html lang="ko"', '<html lang="korean"')),
    Mutation("an underscore", "DOC-LANG", ERROR, in_html('<html lang="ko"', '<html lang="ko_KR"')),
    Mutation(
        "English for Korean",
        "DOC-LANG",
        ERROR,
        lambda: good_mail("ko", html=good_html("ko").replace('lang="ko"', 'lang="en"')),
    ),
    Mutation(
        "Korean for Japanese",
        "DOC-LANG",
        ERROR,
        lambda: good_mail("ko", html=good_html("ko").replace('lang="ko"', 'lang="ja"')),
    ),
    Mutation(
        "no such language inside",
        "DOC-LANG",
        ERROR,
        in_html(r'<td(?=[^>]* lang="en")', '<td xml:lang="en" lang="xx" data'),
    ),
    Mutation("no dir", "DOC-LANG", WARNING, in_html('<html lang="ko" dir="ltr"', '<html lang="ko"')),
    Mutation("lang not repeated", "DOC-LANG", WARNING, lambda: good_mail("ko", html=bare_body())),
    Mutation("no charset in the head", "DOC-META", ERROR, in_html('<meta charset="utf-8">', "")),
    Mutation("another charset", "DOC-META", ERROR, in_html('charset="utf-8"', 'charset="euc-kr"')),
    Mutation(
        "a charset too late",
        "DOC-META",
        ERROR,
        in_html('<meta charset="utf-8">', f'<meta name="description" content="{"x" * 1_000}"><meta charset="utf-8">'),
    ),
    Mutation("no title", "DOC-META", ERROR, in_html("<title>.*?</title>", "")),
    Mutation("an empty title", "DOC-META", ERROR, in_html("<title>.*?</title>", "<title> </title>")),
    Mutation("no viewport", "DOC-META", WARNING, in_html('<meta name="viewport"[^>]*>', "")),
    Mutation("no color-scheme", "DOC-SCHEME", WARNING, in_html('<meta name="color-scheme"[^>]*>', "")),
    Mutation("no supported-color-schemes", "DOC-SCHEME", WARNING, in_html('<meta name="supported-[^>]*>', "")),
    Mutation("a cell not closed", "DOC-TREE", ERROR, in_html(r"</td>(?!.*</td>.*</td>.*</td>)", "")),
    Mutation("a table not closed", "DOC-TREE", ERROR, in_html(r"</table>\s*</td>", "</td>")),
    Mutation("a link not closed", "DOC-TREE", ERROR, in_html(r"수신거부</a>", "수신거부")),
    Mutation("a heading not closed", "DOC-TREE", ERROR, in_html(r"</h3>(?!.*</h3>)", "")),
    Mutation("an end too many", "DOC-TREE", ERROR, in_html(r"</div>\s*</body>", "</div></div></body>")),
    Mutation("bold not closed", "DOC-TREE", ERROR, in_html(IN_FOOTER, " <b>bold</p>")),
    Mutation("crossed tags", "DOC-TREE", ERROR, in_html(IN_FOOTER, " <b><i>so</b></i></p>")),
    Mutation("body not closed", "DOC-TREE", ERROR, in_html("</body>", "")),
    Mutation("cut off", "DOC-TREE", ERROR, in_html(r"</body>\s*</html>\s*", "")),
    Mutation("two bodies", "DOC-TREE", ERROR, in_html("</body>", "</body><body></body>")),
    Mutation("two heads", "DOC-TREE", ERROR, in_html("</head>", "</head><head></head>")),
    Mutation("a style in body", "DOC-TREE", ERROR, in_html("</body>", "<style>.x { color: #111111; }</style></body>")),
    Mutation("a comment without an end", "DOC-TREE", ERROR, in_html(r"</html>\s*\Z", "</html><!-- the end")),
    Mutation("a tag without an end", "DOC-TREE", ERROR, in_html(r"</html>\s*\Z", '</html><a href="')),
    *(
        Mutation(f"an element {name}", "EL-FORBID", ERROR, in_html("</body>", f"{markup}</body>"))
        for name, markup in {
            "script": "<script>1</script>",
            "form": '<form action="https://x.example/"></form>',
            "iframe": '<iframe src="https://x.example/"></iframe>',
            "video": '<video src="https://x.example/v.mp4"></video>',
            "audio": "<audio></audio>",
            "svg": "<svg></svg>",
            "object": "<object></object>",
            "input": '<input type="hidden">',
        }.items()
    ),
    Mutation(
        "a linked style sheet",
        "EL-FORBID",
        ERROR,
        in_html("</head>", '<link rel="stylesheet" href="https://x.example/"></head>'),
    ),
    Mutation(
        "a meta refresh",
        "EL-FORBID",
        ERROR,
        in_html("</head>", '<meta http-equiv="refresh" content="0; url=/"></head>'),
    ),
    Mutation("onclick", "ATTR-JS", ERROR, in_html('<a href="', '<a onclick="x()" href="')),
    Mutation("onload", "ATTR-JS", ERROR, in_html("<body", '<body onload="x()"')),
    Mutation("ONERROR", "ATTR-JS", ERROR, in_html("<img", '<img ONERROR="x()"')),
    Mutation("javascript in an address", "ATTR-JS", ERROR, in_html("<img", '<img dynsrc=" Java\tScript:x()"')),
    Mutation("a remark", "SRC-COMMENT", WARNING, in_html("</h1>", "</h1><!-- the masthead ends here -->")),
]
CHARACTERS = [
    Mutation("a vertical tab", "CHR-BAD", ERROR, paragraph("so\vit is")),
    Mutation("a C1 control", "CHR-BAD", ERROR, paragraph("so\x85it is")),
    Mutation("a control as a reference", "CHR-BAD", ERROR, paragraph("so&#7;it is")),
    Mutation("a lost character in HTML", "CHR-BAD", ERROR, paragraph("so \ufffd it is")),
    Mutation("a lost character as a reference", "CHR-BAD", ERROR, paragraph("so &#xFFFD; it is")),
    Mutation("a byte order mark first", "CHR-BAD", ERROR, in_html(r"\A", "\ufeff")),
    Mutation("a byte order mark inside", "CHR-BAD", ERROR, paragraph("그래서\ufeff 그렇다")),
    Mutation("an ampersand escaped twice", "CHR-BAD", ERROR, in_html("R&amp;D", "R&amp;amp;D")),
    Mutation("a quote escaped twice", "CHR-BAD", ERROR, paragraph("&amp;#39;so&amp;#39;")),
    Mutation("a space escaped twice", "CHR-BAD", ERROR, paragraph("so&amp;nbsp;it")),
    *(Mutation(f"mojibake: {name}", "CHR-BAD", ERROR, paragraph(text)) for name, text in MOJIBAKE.items()),
    Mutation("loose Hangul", "CHR-NFC", ERROR, paragraph(NFD)),
    Mutation("loose Hangul as references", "CHR-NFC", ERROR, paragraph("&#x1112;&#x1161;&#x11ab;")),
    Mutation("a final consonant apart", "CHR-NFC", ERROR, paragraph("하\u11ab")),
    Mutation("a token in HTML", "PH-LEFT", ERROR, paragraph("{{ site.name }}")),
    Mutation("a statement", "PH-LEFT", ERROR, paragraph("{% if site %}")),
    Mutation("a merge field", "PH-LEFT", ERROR, paragraph("%%FIRST_NAME%%")),
    Mutation("an encoded token in a link", "PH-LEFT", ERROR, in_html(r"(?<=/politics/)[^\"]+", "%7B%7B%20id%20%7D%7D")),
    Mutation(
        "an address of nobody",
        "PH-LEFT",
        ERROR,
        in_html(r"https://[^\"]+/preferences/[^\"]+", "https://0123456789abcdef.invalid/preferences_url/"),
    ),
    Mutation("None as a fact", "PH-LEFT", ERROR, in_html(FACT, "조회 None")),
    Mutation("None as an author", "PH-LEFT", ERROR, in_html(r"(?<=>)이지혁 기자(?= ·)", "None")),
    Mutation("nan as a number", "PH-LEFT", ERROR, in_html(FACT, "nan회")),
    Mutation("None in a link", "PH-LEFT", ERROR, in_html(r"(?<=/politics/)[^\"]+", "None")),
    Mutation("a title that is None", "PH-LEFT", ERROR, in_html("<title>.*?</title>", "<title>None</title>")),
]
HIDDEN = [
    Mutation("no preheader", "PRE-HEAD", ERROR, in_html(PREHEADER, "")),
    Mutation(
        "a preheader that is seen",
        "PRE-HEAD",
        ERROR,
        in_html(r'(?<=<div class="preheader" style=")[^"]*', "mso-hide:all", "en"),
    ),
    Mutation(
        "a preheader hidden by a class only",
        "PRE-HEAD",
        ERROR,
        in_html(PREHEADER, f'<div class="preheader" style="mso-hide:all">{"So many words " * 4}</div>', "en"),
    ),
    Mutation("a preheader of one word", "PRE-HEAD", WARNING, in_html(r"(?<=mso-hide:all\">)[^<]*", "한빛뉴스")),
    Mutation(
        "a preheader of 150 characters", "PRE-HEAD", WARNING, in_html(r"(?<=mso-hide:all\">)[^<]*", "한빛뉴스 " * 30)
    ),
    Mutation("no mso-hide", "PRE-HEAD", WARNING, in_html(r";?\s*mso-hide:all", "")),
    *(
        Mutation(
            f"words hidden by {name}", "HID-TEXT", WARNING, in_html(IN_FOOTER, f" <span {how}>몰래 하는 말</span></p>")
        )
        for name, how in {
            "display": 'style="display:none"',
            "visibility": 'style="visibility: hidden"',
            "opacity": 'style="opacity:0"',
            "indent": 'style="text-indent:-9999px"',
            "the attribute": "hidden",
        }.items()
    ),
    Mutation(
        "words hidden by a class",
        "HID-TEXT",
        WARNING,
        lambda: good_mail(
            "ko",
            html=swap(
                swap(good_html("ko"), r"</style>(?!.*</style>)", ".secret { display: none; }</style>"),
                IN_FOOTER,
                ' <span class="secret">몰래 하는 말</span></p>',
            ),
        ),
    ),
    Mutation("unsubscribing by http", "LNK-UNSUB", ERROR, in_html(r'https(?=[^"]+/unsubscribe/)', "http")),
    Mutation("unsubscribing without saying so", "LNK-UNSUB", ERROR, in_html("수신거부</a>", "설정</a>")),
    Mutation(
        "no way to leave", "LNK-UNSUB", ERROR, in_html(r'<a href="[^"]*/unsubscribe/[^>]*>수신거부</a>', "안녕히")
    ),
    Mutation(
        "a way to leave that is hidden", "LNK-UNSUB", ERROR, in_html(r'<a (?=href="[^"]*/unsubscribe/)', "<a hidden ")
    ),
]
LAW = [
    Mutation("another label", "AD-KR", ERROR, advertising(subject="[광고] 한빛뉴스 구독 할인")),
    Mutation("a label with a space", "AD-KR", ERROR, advertising(subject="( 광 고 ) 한빛뉴스 구독 할인")),
    Mutation("no phone", "AD-KR", ERROR, advertising("전화 02-6012-3456.", "")),
    Mutation("no English way out", "AD-KR", ERROR, advertising("“Unsubscribe”", "“Bye”")),
    Mutation("no address", "AD-KR", ERROR, advertising(r"서울특별시 중구 한빛길 12, ", "")),
]
MUTATIONS = [*MESSAGE, *PLAIN, *FRAME, *CHARACTERS, *HIDDEN, *LAW]
