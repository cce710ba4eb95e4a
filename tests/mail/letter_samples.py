"""Messages to build, as plain as can be; every value can be replaced."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.headerregistry import Address

from digest.mail.assembly import Masthead
from letters import Letter, build_message

HTML = "<!DOCTYPE html>\n<html><body><h1>주간 한빛</h1></body></html>\n"
TEXT = "주간 한빛\n\nhttps://hanbit.example/1\n"


def make_masthead(**changes):
    return Masthead(
        **{
            "sender": Address("한빛뉴스", "news", "hanbit.example"),
            "reply_to": None,
            "subject": "한강 다리 위에서 본 새벽 · 주간 한빛 2026년 3월 2일",
            "date": datetime(2026, 3, 1, 23, 0, 5, tzinfo=UTC),
            "list_id": "weekly.hanbit.example",
            "list_name": "주간 한빛",
            **changes,
        }
    )


def make_letter(**changes):
    return Letter(
        **{
            "recipient": Address("김하늘", "haneul", "example.com"),
            "message_id": "<0123456789abcdef@hanbit.example>",
            "unsubscribe_url": "https://hanbit.example/digest/unsubscribe/AbC_-123",
            "unsubscribe_mailto": "",
            "html": HTML,
            "text": TEXT,
            **changes,
        }
    )


def make_message(*, letter=None, **masthead):
    return build_message(make_masthead(**masthead), make_letter(**(letter or {})))


def parse(content):
    return message_from_bytes(content, policy=policy.default)


def raw_headers(content):
    """The header lines as they stand, unfolded by the empty line's rule only: name and raw value with its folds."""
    head = content.partition(b"\r\n\r\n")[0].decode("ascii")
    fields = head.replace("\r\n ", "\n ").split("\r\n")
    return [tuple(field.split(": ", 1)) for field in fields]
