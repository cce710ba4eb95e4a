"""Issues to render: invented articles, clean and dirty, in any number."""

from datetime import UTC, date, datetime, timedelta
from email.headerregistry import Address

from digest.mail.assembly import Masthead
from digest.model import Article, Choice, Reason, ReasonCode, ViewCount, Window
from digest.render import Rendering, RenderRequest, SlottedText, SlotValues, as_line, escape_html
from digest.settings import NewsletterSettings, SiteSettings
from letters import Letter, build_message

NONCE = "0f1e2d3c4b5a69788796"
VALUES = SlotValues(
    unsubscribe_url="https://news.example/u/s3cr3t?a=1&b=2",
    preferences_url="https://news.example/p/s3cr3t",
    address="reader@example.com",
)
PICTURE = {"image": "https://img.example/photo.jpg?w=1200", "image_width": 1200, "image_height": 800}

TITLES = (
    "한강 다리 위에서 본 새벽, 출근길 풍경이 달라졌다",
    "시내버스 요금 3년 만에 조정… 청소년은 그대로",
    "작은 도서관 열 곳, 올봄 문을 연다",
    "Night trains return to the coast after nine years",
    "“빵값이 먼저 올랐다” 동네 가게들의 겨울",
)
DIRTY_TITLES = (
    "<script>alert('x')</script> & \"따옴표\" 'quotes' <b>굵게</b>",
    "{{ lead.title }} {% if x %} %%NAME%% 자리표",
    "👨‍👩‍👧‍👦 가족과 🇰🇷 깃발 ❤️‍🔥 이모지 제목",
    "العربية في العنوان \u202eمقلوب\u202c שלום 제목",
    "끝없이 긴 제목 " + "가나다라마바사아자차카타파하" * 20 + " https://example.com/" + "x" * 200,
    " 앞뒤\u00a0공백\u200b과 \x00제어\x1b문자\ufeff\r\n줄바꿈 ",
    "\u1112\u1161\u11ab\u1100\u1173\u11af 조합형과 豈 호환 한자",
    "a" * 600,
)
EXCERPT = "다리 위 보행로가 넓어지면서 걸어서 강을 건너는 사람이 두 배로 늘었다. 아침마다 풍경이 바뀐다. " * 3
SUBHEADS = ("보행로 4m로 넓혀", "자전거와 사람 길 나눠", "‘걷는 도시’ 첫걸음")


def make_choice(position=1, *, title=None, pinned=False, views=184_220, **fields) -> Choice:
    title = TITLES[position % len(TITLES)] if title is None else title
    article = Article(
        id=str(position),
        title=title,
        **{
            "url": f"https://news.example/articles/{position}?from=a&to=b",
            "published_at": datetime(2019, 4, 3, 5, 20, tzinfo=UTC) + timedelta(hours=position),
            "excerpt": EXCERPT,
            "section": "society",
            "section_name": "사회",
            "source": "한빛신문",
            "author": "이도담 기자",
            **fields,
        },
    )
    code = ReasonCode.PINNED if pinned else ReasonCode.RANK
    return Choice(
        article=article,
        count=ViewCount(article_id=article.id, views=views),
        rank=position,
        position=position,
        reasons=(Reason(code=code, facts=(("position", position),)),),
    )


def make_shown(count=10, *, image=False, dirty=False, pinned=()) -> tuple[Choice, ...]:
    titles = DIRTY_TITLES if dirty else TITLES
    lead = {
        **(PICTURE if image else {}),
        "image_caption": f"새벽의 다리 {titles[0]}",
        "subheads": (*SUBHEADS, titles[0]),
    }
    return tuple(
        make_choice(
            position,
            title=titles[(position - 1) % len(titles)],
            pinned=position in pinned,
            **(lead if position == 1 else {}),
        )
        for position in range(1, count + 1)
    )


def make_request(shown=None, *, locale="ko", site=None, window=None, **newsletter) -> RenderRequest:
    return RenderRequest(
        site=SiteSettings(
            **{
                "name": "한빛뉴스",
                "url": "https://news.example",
                "postal_address": "서울특별시 중구 세종대로 1, 한빛뉴스",
                **(site or {}),
            }
        ),
        newsletter=NewsletterSettings(
            **{"slug": "weekly", "title": "주간 한빛", "from": "한빛뉴스 <news@news.example>", **newsletter}
        ),
        edition=date(2019, 4, 8),
        window=window
        or Window(
            start=datetime(2019, 3, 31, 15, tzinfo=UTC),
            end=datetime(2019, 4, 7, 15, tzinfo=UTC),
            timezone="Asia/Seoul",
        ),
        shown=make_shown() if shown is None else shown,
        locale=locale,
        nonce=NONCE,
    )


def html_of(rendering: Rendering) -> str:
    return SlottedText.split(rendering.html, NONCE, escape_html).fill(VALUES)


def text_of(rendering: Rendering) -> str:
    return SlottedText.split(rendering.text, NONCE, as_line).fill(VALUES)


def mail_of(rendering: Rendering, request: RenderRequest) -> bytes:
    """The message a reader of the sample address gets."""
    masthead = Masthead(
        sender=request.newsletter.mailbox,
        reply_to=None,
        subject=rendering.subject,
        date=datetime(2019, 4, 8, tzinfo=UTC),
        list_id="weekly.news.example",
        list_name=request.newsletter.title,
    )
    letter = Letter(
        recipient=Address(addr_spec=VALUES.address),
        message_id="<a80c1be61c76ff0f@news.example>",
        unsubscribe_url=VALUES.unsubscribe_url,
        unsubscribe_mailto="",
        html=html_of(rendering),
        text=text_of(rendering),
    )
    return build_message(masthead, letter)
