"""Sound mails that look like faulty ones: no rule may find anything in them."""

from email import policy
from email.message import EmailMessage
from html import escape

from faulty_mail import (
    IN_FOOTER,
    PREHEADER,
    advertising,
    header,
    in_html,
    paragraph,
    raw,
    subject,
    swap,
    text_part,
    with_parts,
)
from good_mail import UNSUBSCRIBE, good_html, good_mail, good_text

HEADLINE = "다리 아래 객석을 놓았다… 강바람이 지휘한 90분"


def headline(title, locale="ko"):
    """The good mail with another headline, in both parts and rightly escaped."""

    def make():
        html = good_html("ko").replace(HEADLINE, escape(title))
        assert html != good_html("ko")
        return good_mail("ko", html=html, text=good_text("ko").replace(HEADLINE, title))

    return make


def by_the_standard_library():
    """As Python's own email package would send it; folded at 76 characters it would break a long address."""
    message = EmailMessage(policy=policy.SMTP.clone(max_line_length=200))
    message["From"] = "Harbour News <news@harbour-news.example>"
    message["To"] = '"Reader, A." <reader@example.com>'
    message["Subject"] = "Twelve Streets Wake Earlier - Harbour News Weekly"
    message["Date"] = "Mon, 23 Nov 2026 08:00:00 -0000"
    message["Message-ID"] = "<a80c1be6@harbour-news.example>"
    message["List-Unsubscribe"] = f"<mailto:leave@harbour-news.example>, <{UNSUBSCRIBE['en']}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(good_text("en"), cte="quoted-printable")
    message.add_alternative(good_html("en"), subtype="html", cte="quoted-printable")
    return message.as_bytes()


def within_mixed():
    """An alternative with a calendar beside it."""
    boundary = b"outer"
    content = good_mail("ko")
    start = content.index(b"Content-Type: multipart/alternative")
    inner = b"--outer\r\n" + content[start:]
    calendar = b'--outer\r\nContent-Type: text/calendar; charset="utf-8"\r\n\r\nBEGIN:VCALENDAR\r\n--outer--\r\n'
    head = content[:start] + b'Content-Type: multipart/mixed; boundary="%b"\r\n\r\n' % boundary
    return head + inner + calendar


NEAR_MISSES = {
    # words of articles
    "None of us": headline("None of us: 아무도 몰랐다"),
    "None alone at the start of a fact": headline("None Too Soon · 이제야 온 봄"),
    "NaN in a headline": headline("왜 NaN은 자기 자신과 다른가"),
    "nan bread": headline("난(nan) 한 장에 담긴 이야기"),
    "a null result": headline("null 결과도 결과다"),
    "100 % and %%": headline("출석률 100%… 100%% 아닌 까닭"),
    "one brace": headline("{서울} 그리고 } 부산"),
    "spaced braces": headline("자바 { { 두 겹 } } 괄호"),
    "an escaped ampersand in a headline about HTML": headline("&amp;와 &nbsp;는 무엇인가"),
    "a tag in a headline about HTML": headline("<b>와 <strong>은 무엇이 다른가"),
    "angle brackets": headline("항만 물동량 <최대> … a < b > c"),
    "CSS in a headline": headline("p { color: red } 한 줄의 역사"),
    "compatibility Hanja": headline("樂\uf914山 李\uf9e1朝 \uf9e4"),
    "old Hangul": headline("나랏말ᄊᆞ미 듕귁에 달아"),
    "rare syllables": headline("펲시와 뷁, 쀍의 나라"),
    "middle dots and degrees": headline("······ 36.5°C °°°°°° ㆍㆍㆍ"),
    "Portuguese capitals": headline("SÃO PAULO, «MAÇÃ» e «Â»"),
    "French guillemets and accents": headline("« É » : l’été… fut beau, né…”"),
    "Vietnamese": headline("Hà Nội: Cà phê sữa đá"),
    "emoji and rare planes": headline("🎉 축하 👩‍👩‍👧 𠮷野家"),
    "an article on an unsubscribe law": headline("‘수신거부’ 버튼, 왜 숨기나"),
    "code that is quoted": paragraph("<code>{{ title }} &amp;amp; {% if x %} %%X%%</code>"),
    "an unescaped-looking address": paragraph("전화 &#8470; 5 &copy; 2026 &middot; 끝"),
    "a long address in the plain part": text_part(
        text=good_text("ko") + "\nhttps://hanbit-news.example/" + "x" * 200 + "\n"
    ),
    # the subject
    "a subject of 70 columns": subject("한" * 35),
    "news about advertising": subject("광고 시장 3% 성장… 주간 한빛"),
    "news about the label": subject("총선 앞 ‘(광고)’ 표시 의무 논란"),
    "a subject with a question mark and an equals sign": subject("x =? y =?= z?", "en"),
    "advertising with all that the law asks": advertising(),
    # header fields
    "a folded Message-ID": raw(rb"Message-ID: ", b"Message-ID:\r\n "),
    "a date with a comment": header(b"Date", b"Mon, 23 Nov 2026 17:00:00 +0900 (KST)"),
    "a date without a weekday": header(b"Date", b"23 Nov 2026 17:00 +0900"),
    "a quoted name with a comma": header(b"From", b'"Hanbit, News" <news@hanbit-news.example>'),
    "undisclosed recipients": header(b"To", b"undisclosed-recipients:;"),
    "a version with a comment": header(b"MIME-Version", b"1.0 (made by hand)"),
    "field names in capitals": raw(rb"\r\nList-Unsubscribe: ", b"\r\nLIST-UNSUBSCRIBE: "),
    "a word in Q": header(b"Subject", b"=?UTF-8?Q?=EC=A3=BC=EA=B0=84_?= =?utf-8*ko?q?=ED=95=9C=EB=B9=9B?="),
    "a header line of 998 octets": raw(rb"MIME-V", b"X-L: " + b"x" * 993 + b"\r\nMIME-V"),
    "charset in capitals and quotes": raw(rb"charset=utf-8", b'charset="UTF-8"'),
    "Python's own message": by_the_standard_library,
    "an alternative within multipart/mixed": within_mixed,
    "AMP between the two": with_parts(
        lambda text, html: (text, b"Content-Type: text/x-amp-html; charset=utf-8\r\n\r\n<html amp4email>\r\n", html)
    ),
    "pictures beside the HTML part": with_parts(
        lambda text, html: (
            text,
            b"Content-Type: multipart/related; boundary=in\r\n\r\n--in\r\n"
            + html
            + b"--in\r\nContent-Type: image/png\r\n"
            b"Content-Transfer-Encoding: base64\r\n\r\nQUJD\r\n--in--\r\n",
        )
    ),
    "a word before an address": header(b"From", b"=?utf-8?B?7ZWc67mb?=<news@hanbit-news.example>"),
    "a file's name as a word": raw(rb"(?<=charset=utf-8)\r\n", b';\r\n name="=?utf-8?B?7ZWc67mb?="\r\n'),
    # markup
    "list items that are closed": in_html("</h1>", '</h1><ul style="margin:0"><li class="ink">a</li></ul>'),
    "a filler with zero-width spaces as references": in_html(
        r"(?<=mso-hide:all\">)([^<]*)", "스무 글자는 넘는 미리보기 한 줄입니다" + "&#8199;&#65279;&#847; " * 30
    ),
    "an entity in words of the subject that the page has": lambda: good_mail(
        "ko",
        subject="&amp;는 무엇인가",
        html=swap(good_html("ko"), IN_FOOTER, " &amp;amp;는</p>"),
        text=good_text("ko") + "&amp;는\n",
    ),
    "a passage in Japanese": paragraph(
        '<span lang="ja">今週の最も読まれた記事をお届けしますので、どうぞお楽しみに。</span>'
    ),
    "an address with an image's size": paragraph(
        '<a class="muted" style="color:#6b655c" href="https://a.example/a@2x.html">두 배 크기</a>'
    ),
    "an English passage with much Korean in it": paragraph(
        '<span lang="en">Kim Bo-ra wrote it, 조회 이만 번 · 스포츠 분야 · 김보라 기자 · 십일월 이십일 금요일</span>'
    ),
    "words with None in them": paragraph("A second to none. None of us knew."),
    "a doctype in small letters": in_html("<!DOCTYPE html>", "<!doctype html>"),
    "the charset by http-equiv": in_html(
        '<meta charset="utf-8">', '<meta http-equiv="Content-Type" content="text/html; charset=UTF-8">'
    ),
    "lang with a region": lambda: good_mail("ko", html=good_html("ko").replace('lang="ko"', 'lang="ko-KR"')),
    "void elements with a slash": in_html(r"<br>|(?<=</p>)(?!.*</p>)", "<br/>"),
    "a comment shown to all but Word": in_html(
        r"(?<=</p>)(?!.*</p>)", "<!--[if !mso]><!-->&nbsp;<!--<![endif]--><!--[if mso]>&nbsp;<![endif]-->"
    ),
    "an attribute with a bracket": in_html("<img ", '<img title="a > b </td>" '),
    "a word that begins with on": in_html("<img ", '<img title="javascript: the good parts" data-one="1" '),
    "padding behind the preheader": lambda: good_mail(
        "ko",
        html=swap(
            good_html("ko"),
            f"(?<={PREHEADER[-6:]})",
            '<div style="display:none; max-height:0">&#847;&zwnj;&nbsp;\u034f\ufeff&#8199;</div>',
        ),
    ),
    "padding within the preheader": in_html(
        r"(?<=mso-hide:all\">)([^<]*)", "스무 글자는 넘는 미리보기 한 줄입니다" + "&#847;&zwnj;&nbsp;" * 60
    ),
    "words that a phone alone hides": lambda: good_mail(
        "ko",
        html=swap(
            swap(
                good_html("ko"),
                r"</style>(?!.*</style>)",
                "@media (max-width: 480px) { .wide { display: none !important; } }</style>",
            ),
            IN_FOOTER,
            ' <span class="wide">넓은 화면에서만</span></p>',
        ),
    ),
    "an unsubscribe link in another language": lambda: good_mail(
        "en", html=good_html("en").replace(">Unsubscribe</a>", ">Se désabonner</a>")
    ),
    "two ways to say unsubscribe": lambda: good_mail(
        "ko", html=good_html("ko").replace(">수신거부</a>", ">구독 해지</a>")
    ),
}
