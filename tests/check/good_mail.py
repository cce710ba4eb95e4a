"""Mails with nothing wrong in them, built from the pages beside this file: in Korean and in English."""

from datetime import UTC, datetime
from email.headerregistry import Address
from pathlib import Path

from digest.mail.assembly import Masthead
from letters import Letter, build_message

FOLDER = Path(__file__).parent
LOCALES = ("ko", "en")
SENDERS = {
    "ko": Address("한빛뉴스", "news", "hanbit-news.example"),
    "en": Address("Harbour News", "news", "harbour-news.example"),
}
SUBJECTS = {
    "ko": "새벽 4시, 시장에 먼저 불 켜는 사람들… '천원 아침'… · 주간 한빛뉴스",
    "en": "Twelve Streets Wake Earlier: How a Harbour Town… · Harbour News Weekly",
}
UNSUBSCRIBE = {
    "ko": "https://hanbit-news.example/digest/unsubscribe/AXoAAAAAAAAAAAAAAAH12FcKyOfEykBNxUTdNCGR",
    "en": "https://harbour-news.example/digest/unsubscribe/AaQAAAAAAAAAAAAAAACqHrBxz88DyTkS18vlmW4i",
}


def good_html(locale: str) -> str:
    return (FOLDER / f"good_{locale}.html").read_text(encoding="utf-8")


def good_text(locale: str) -> str:
    return (FOLDER / f"good_{locale}.txt").read_text(encoding="utf-8")


def good_mail(locale: str = "ko", *, html: str | None = None, text: str | None = None, subject: str = "") -> bytes:
    """A sound mail; what is given takes the place of its own part."""
    sender = SENDERS[locale]
    masthead = Masthead(
        sender=sender,
        reply_to=None,
        subject=subject or SUBJECTS[locale],
        date=datetime(2026, 11, 23, 8, tzinfo=UTC),
        list_id=f"weekly.{sender.domain}",
        list_name=sender.display_name,
    )
    letter = Letter(
        recipient=Address("", "reader", "example.com"),
        message_id=f"<a80c1be61c76ff0f@{sender.domain}>",
        unsubscribe_url=UNSUBSCRIBE[locale],
        unsubscribe_mailto="",
        html=good_html(locale) if html is None else html,
        text=good_text(locale) if text is None else text,
    )
    return build_message(masthead, letter)
