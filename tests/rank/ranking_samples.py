"""Articles, snapshots and rankings to rank, select and explain; times are minutes or hours around one window."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from digest.model import Article, RankedArticle, RunningTotal, ViewCount
from digest.rank.window import whole_days_before

SEOUL = ZoneInfo("Asia/Seoul")
WINDOW = whole_days_before(date(2019, 4, 8), 7, SEOUL)
START, END = WINDOW.start, WINDOW.end


def make_article(article_id="1", *, at=START + timedelta(days=1), section="society", **fields):
    return Article(
        id=article_id,
        url=f"https://news.example/{article_id}",
        title=f"Title {article_id}",
        published_at=at,
        section=section,
        section_name=fields.pop("section_name", section),
        **fields,
    )


def snapshots(*pairs, article_id="1"):
    """Running totals from pairs of hours after the window's start and the total then."""
    return tuple(
        RunningTotal(article_id=article_id, total=total, taken_at=START + timedelta(hours=hours))
        for hours, total in pairs
    )


def make_ranking(*sections, views=1000):
    """A ranking of articles "1", "2", … with these sections, each with one view less than the one before."""
    return tuple(
        RankedArticle(
            rank=rank,
            article=make_article(str(rank), section=section),
            count=ViewCount(article_id=str(rank), views=views - rank),
        )
        for rank, section in enumerate(sections, 1)
    )


NOON = datetime(2019, 4, 10, 12, tzinfo=UTC)
