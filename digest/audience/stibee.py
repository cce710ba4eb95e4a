"""Stibee (스티비): one file of an address book, with a column for each of the book's own fields.

Its help lists the columns of an export, and no state among them; a filter chooses one state before exporting. So a file
without a column for it is taken only where the operator says which state it is of.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from digest.audience.cells import from_cell, split_words
from digest.audience.shape import LeftOut, Person, Shape, Sheet, is_yes, name_state, read_name, read_text
from digest.audience.wishes import Wishes
from digest.errors import SourceError
from digest.model import SubscriberState
from digest.source.files import Row
from digest.source.moments import parse_moment

AD_CONSENT = "광고성 정보 수신 동의"
"""A column there, and the tag of those who agreed: advertising may go to nobody else (정보통신망법, article 50)."""
_STATUS = {
    SubscriberState.ACTIVE: "구독 중",
    SubscriberState.UNSUBSCRIBED: "수신거부",
    SubscriberState.BOUNCED: "자동삭제",
    SubscriberState.COMPLAINED: "수신거부",
}
_HALF_DAY = re.compile(r"(?P<half>오전|오후)\s*(?P<hour>\d{1,2}):")
_AGREED = ("동의", "동의함", "y")


def read_stibee(row: Row, sheet: Sheet) -> Wishes | LeftOut:
    """A row of Stibee's.

    Raises:
        SourceError: neither the file nor the operator says who has left.
    """
    if not ({"state", "unsubscribed"} & sheet.columns or sheet.state):
        raise SourceError(
            "an export of Stibee that does not say who has left; export one state at a time and name it: "
            "--state active for 구독 중, --state unsubscribed for 수신거부, --state bounced for 자동삭제"
        )
    status = "수신거부" if is_yes(row.text("unsubscribed")) and not row.text("state") else row.text("state")
    state = name_state(row, sheet, status)
    if isinstance(state, LeftOut):
        return state
    agreed = row.text("ad_consent").strip().lower() in _AGREED
    return Wishes(
        address=read_text(row, "address"),
        name=read_name(row),
        state=state,
        status=status.strip(),
        tags=(*split_words(from_cell(row.text("tags").strip())), *((AD_CONSENT,) if agreed else ())),
        consent_source=sheet.consent_source,
        consent_at=_moment(row, sheet.timezone),
    )


def _moment(row: Row, timezone: ZoneInfo) -> datetime | None:
    text = _HALF_DAY.sub(_with_24_hours, row.text("consent_at").strip())
    try:
        return parse_moment(text, timezone) if text else None
    except ValueError as error:
        raise row.error("consent_at", str(error)) from error


def _with_24_hours(match: re.Match[str]) -> str:
    """Korean says the half of the day before the hour: 오후 3:00 is 15:00."""
    hour = int(match["hour"]) % 12
    return f"{hour + 12 if match['half'] == '오후' else hour}:"


def write_stibee(person: Person, timezone: ZoneInfo) -> Sequence[str]:
    """A person in the columns of Stibee's export, and the one that its import reads of who has left."""
    subscriber = person.subscriber
    agreed = f"{(subscriber.consent_at or subscriber.created_at).astimezone(timezone):%Y-%m-%d %H:%M:%S}"
    groups = ", ".join(tag.replace(",", " ") for tag in person.tags if tag != AD_CONSENT)
    has_left = "" if subscriber.state is SubscriberState.ACTIVE else "Y"
    ads = "Y" if AD_CONSENT in person.tags else ""
    return (subscriber.address, subscriber.name, _STATUS[subscriber.state], has_left, groups, ads, agreed)


STIBEE = Shape(
    name="stibee",
    title="Stibee",
    columns={
        "address": ("이메일 주소", "이메일주소", "이메일", "email"),
        "name": ("이름", "name"),
        "state": ("구독 상태", "구독상태", "상태"),
        "unsubscribed": ("이메일 수신거부", "수신거부"),
        "tags": ("그룹",),
        "ad_consent": (AD_CONSENT,),
        "consent_at": ("구독일",),
    },
    marks=tuple(
        frozenset({address, column})
        for address in ("이메일 주소", "이메일주소", "이메일")
        for column in (
            "구독일",
            "추가 경로",
            "구독 상태",
            "구독상태",
            "구독 해지 사유",
            "마지막 업데이트일",
            AD_CONSENT,
        )
    ),
    read=read_stibee,
    exported=("이메일 주소", "이름", "구독 상태", "이메일 수신거부", "그룹", AD_CONSENT, "구독일"),
    write=write_stibee,
)
