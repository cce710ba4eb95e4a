"""A frozen issue's values as plain JSON and back; what comes back equals what went in."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from digest.model import Article, Choice, CountKind, Reason, ReasonCode, ViewCount, Window


def choice_to_json(choice: Choice) -> dict[str, Any]:
    """A choice with its whole article, so that an issue can be rendered again when the article has changed."""
    return {
        "article": {**asdict(choice.article), "published_at": choice.article.published_at.isoformat()},
        "views": choice.count.views,
        "count": str(choice.count.kind),
        "since": choice.count.since and choice.count.since.isoformat(),
        "as_of": choice.count.as_of and choice.count.as_of.isoformat(),
        "rank": choice.rank,
        "position": choice.position,
        "reasons": [{"code": str(reason.code), "facts": list(reason.facts)} for reason in choice.reasons],
    }


def choice_from_json(values: dict[str, Any]) -> Choice:
    """The choice that `choice_to_json` wrote."""
    article = Article(
        **{
            **values["article"],
            "published_at": datetime.fromisoformat(values["article"]["published_at"]),
            "subheads": tuple(values["article"]["subheads"]),
        }
    )
    count = ViewCount(
        article_id=article.id,
        views=values["views"],
        kind=CountKind(values["count"]),
        since=datetime.fromisoformat(values["since"]) if values.get("since") else None,
        as_of=datetime.fromisoformat(values["as_of"]) if values["as_of"] else None,
    )
    reasons = tuple(
        Reason(code=ReasonCode(reason["code"]), facts=tuple((name, value) for name, value in reason["facts"]))
        for reason in values["reasons"]
    )
    return Choice(article=article, count=count, rank=values["rank"], position=values["position"], reasons=reasons)


def window_to_json(window: Window) -> dict[str, str]:
    """A window with its moments in ISO 8601."""
    return {"start": window.start.isoformat(), "end": window.end.isoformat(), "timezone": window.timezone}


def window_from_json(values: dict[str, str]) -> Window:
    """The window that `window_to_json` wrote."""
    return Window(
        start=datetime.fromisoformat(values["start"]),
        end=datetime.fromisoformat(values["end"]),
        timezone=values["timezone"],
    )
