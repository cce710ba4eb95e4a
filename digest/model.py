"""The words of `digest` as frozen values: articles, view counts, rankings, issues, subscribers, deliveries."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


@dataclass(frozen=True, kw_only=True)
class Article:
    """One article of the publisher, as clean text."""

    id: str
    """The publisher's own id, always text: "007" stays "007"."""
    url: str
    """Absolute http(s) address of the article."""
    title: str
    """The headline, without markup; `<` and `>` are characters like any other."""
    published_at: datetime
    """When it was published, aware, in UTC."""
    subheads: tuple[str, ...] = ()
    """The bullet lines a Korean news page shows under its title."""
    excerpt: str = ""
    """The opening of the text, without markup; shortened only when rendered."""
    image: str = ""
    """Absolute address of its picture, or ""."""
    image_caption: str = ""
    """The line under the picture."""
    image_width: int | None = None
    """Pixels, where the publisher says so."""
    image_height: int | None = None
    """Pixels, where the publisher says so."""
    section: str = ""
    """The section's key ("society"), or "" for none."""
    section_name: str = ""
    """The section as readers know it ("사회"); the key where the publisher gives only one of them."""
    author: str = ""
    """Who wrote it (기자)."""
    source: str = ""
    """Which press it comes from, for sites that gather from several."""
    language: str = ""
    """BCP 47 tag, or "" where unknown."""


@dataclass(frozen=True, kw_only=True)
class DatedCount:
    """The views of one article on one calendar day of the site."""

    article_id: str
    date: date
    views: int
    """Zero or more; a later count for the same day replaces this one."""


@dataclass(frozen=True, kw_only=True)
class ViewEvent:
    """One view at one moment, as found in a log."""

    article_id: str
    viewed_at: datetime
    """Aware, in UTC, whole seconds."""


@dataclass(frozen=True, kw_only=True)
class RunningTotal:
    """What an article's all-time counter showed at one moment: a snapshot."""

    article_id: str
    total: int
    """Zero or more."""
    taken_at: datetime
    """Aware, in UTC, whole seconds."""


class CountKind(StrEnum):
    """How an article's views inside a window are known."""

    EXACT = "exact"
    """Summed from dated counts or events, or from totals with a snapshot at the window's start."""
    RESET = "reset"
    """As exact, but the counter started again from zero inside the window."""
    NEW = "new"
    """Published in the window without a snapshot before it: its total counts whole."""
    PARTIAL = "partial"
    """Older than the window and first seen inside it: only what came since is known, so it is not ranked."""

    @property
    def can_be_ranked(self) -> bool:
        """Whether the figure may be compared with others."""
        return self is not CountKind.PARTIAL


@dataclass(frozen=True, kw_only=True)
class ViewCount:
    """The views of one article inside one window."""

    article_id: str
    views: int
    kind: CountKind = CountKind.EXACT
    since: datetime | None = None
    """Counted since this moment, where the kind is partial."""
    as_of: datetime | None = None
    """The moment of the total that was used, where the kind is new."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """The time an issue covers: start included, end excluded."""

    start: datetime
    """Aware, in UTC."""
    end: datetime
    """Aware, in UTC."""
    timezone: str
    """IANA name of the newsletter's timezone, in which its days are counted."""


@dataclass(frozen=True, kw_only=True)
class RankedArticle:
    """An article with its place by views alone, before any choice was made."""

    rank: int
    """1 for the most viewed."""
    article: Article
    count: ViewCount


class ReasonCode(StrEnum):
    """Why an article stands where it does."""

    RANK = "rank"
    """Its place by views. Facts: rank, views, days (of the window; 0 for since-last)."""
    PINNED = "pinned"
    """The editor put it first. Facts: position."""
    EXCLUDED = "excluded"
    """The editor took it out."""
    REPEATED = "repeated"
    """A recent issue of this newsletter had it. Facts: edition."""
    SECTION_LIMIT = "section_limit"
    """Its section already fills its share. Facts: section, place (within the section), limit."""
    OTHER_SECTION = "other_section"
    """Not one of the sections asked for. Facts: section."""
    BELOW_LIMIT = "below_limit"
    """The issue was full. Facts: limit."""
    TOO_LONG = "too_long"
    """With it the mail would be clipped. Facts: limit (how many articles fit)."""
    TOTAL_AS_OF = "total_as_of"
    """The article's whole total counts, as read at a moment. Facts: as_of (ISO 8601)."""
    COUNTER_RESET = "counter_reset"
    """The counter started again inside the window."""


@dataclass(frozen=True, kw_only=True)
class Reason:
    """One reason as data; `rank.explain` puts it in words."""

    code: ReasonCode
    facts: tuple[tuple[str, str | int], ...] = ()
    """Names and values, as the code documents."""

    def fact(self, name: str) -> str | int:
        """The value of one fact; KeyError where the code has no such fact."""
        return dict(self.facts)[name]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One candidate and what was decided about it."""

    article: Article
    count: ViewCount
    rank: int | None
    """Place by views, or None for a pinned article that has no rank in this window."""
    position: int | None
    """1-based place in the issue, or None where it is not shown."""
    reasons: tuple[Reason, ...]

    @property
    def is_shown(self) -> bool:
        """Whether the issue shows it."""
        return self.position is not None


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What an issue shows, and what it passed over near the top."""

    shown: tuple[Choice, ...]
    """In the order of the issue."""
    passed_over: tuple[Choice, ...]
    """In ranking order: excluded, repeated, over a limit, runners-up."""
    candidates: int
    """How many articles were ranked at all."""
    views_total: int
    """The sum of their views."""


class SubscriberState(StrEnum):
    """Whether a person may be mailed."""

    PENDING = "pending"
    """Asked to subscribe and has not confirmed."""
    ACTIVE = "active"
    """May be mailed; the only state that is."""
    UNSUBSCRIBED = "unsubscribed"
    """Left. Only the person's own wish brings them back."""
    BOUNCED = "bounced"
    """Their mailbox refuses mail for good."""
    COMPLAINED = "complained"
    """Marked a mail as spam."""


@dataclass(frozen=True, kw_only=True)
class Subscriber:
    """One person who reads, or read, one or more newsletters."""

    id: int
    address: str
    """Normalised and ASCII: the domain lower-cased and in its IDNA form."""
    name: str = ""
    locale: str = ""
    """"" means the newsletter's own."""
    timezone: str = ""
    """"" means the newsletter's own."""
    state: SubscriberState
    created_at: datetime
    consent_source: str = ""
    """Where the person agreed ("import of members.csv", "form at /subscribe")."""
    consent_at: datetime | None = None
    """When the person agreed, where known."""
    consent_wording: str = ""
    """The version of the words the person agreed to, where a page showed them."""
    left_at: datetime | None = None
    """When the person left or was taken out."""
    paused_until: datetime | None = None
    """The person wants nothing until then; None for no pause."""
    subscriptions: tuple["Subscription", ...] = ()


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """A subscriber's choice of one newsletter."""

    newsletter: str
    sections: tuple[str, ...] = ()
    """Section keys the person wants; empty means all."""


class IssueState(StrEnum):
    """Where an issue stands."""

    SENDING = "sending"
    """Claimed by a process, or waiting for one to resume it."""
    PAUSED = "paused"
    """Stopped by hand; `resume` goes on."""
    HELD = "held"
    """Stopped before anyone was mailed: the check found errors in what would go out. The reason is kept."""
    SENT = "sent"
    """Every delivery has ended."""
    SKIPPED = "skipped"
    """Never sent: too late, or too few articles. The reason is kept."""
    CANCELLED = "cancelled"
    """Stopped by hand for good."""
    FAILED = "failed"
    """Could not be finished before the catch-up limit. The reason is kept."""


class DeliveryState(StrEnum):
    """Where one message to one subscriber stands."""

    QUEUED = "queued"
    """Waiting."""
    CLAIMED = "claimed"
    """Taken by a sender; nothing has left. Safe to put back."""
    WIRE = "wire"
    """Committed before the first byte that could deliver it; after a crash it becomes uncertain."""
    SENT = "sent"
    """The server took responsibility for it."""
    DEFERRED = "deferred"
    """The server asked to try later."""
    FAILED = "failed"
    """The server refused it for good, or it ran out of time."""
    UNCERTAIN = "uncertain"
    """It may or may not have been delivered. Never sent again by itself; `issues resolve` decides."""
    CANCELLED = "cancelled"
    """Taken out of the queue: the issue was cancelled, or the subscriber left."""


def count_in_words(counts: Mapping[DeliveryState, int] | Mapping[str, int]) -> str:
    """Deliveries by state, without the states that have none.

    >>> count_in_words({DeliveryState.QUEUED: 0, DeliveryState.SENT: 1200, DeliveryState.DEFERRED: 3})
    '1,200 sent, 3 deferred'
    """
    return ", ".join(f"{count:,} {state}" for state, count in counts.items() if count)


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One row of the ledger, with what a message needs."""

    id: int
    issue_id: int
    subscriber_id: int
    address: str
    name: str
    variant: str
    """Which rendering of the issue this person gets."""
    attempts: int
    """How often it was handed to a transport before."""
