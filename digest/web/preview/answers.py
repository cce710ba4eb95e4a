"""What the page is told, as plain JSON values."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from digest.check.contract import RULES
from digest.check.finding import Finding
from digest.check.size import CLIP_BYTES
from digest.frozen import choice_from_json
from digest.language import Language
from digest.model import Choice, Reason, Subscriber
from digest.rank.explain import explain_reason
from digest.render.inbox import SUBJECT_COLUMNS
from digest.render.width import display_width
from digest.schedule import next_edition
from digest.store.articles import Decisions, get_articles, list_decisions
from digest.store.database import Database
from digest.store.editions import get_words
from digest.store.issues import Issue, get_issue, list_choices, list_editions
from digest.web.preview.desk import Desk, Query
from digest.web.preview.edits import DecisionStep, Step
from digest.web.preview.inbox import inbox_rows
from digest.web.preview.links import compare_links, list_links
from digest.web.preview.picture import Picture
from digest.web.preview.source import SourceLine, read_source

_LOOK_BACK = timedelta(days=400)
"""How far before an edition the one before it is looked for: a schedule may be yearly at most by hand."""
_EXCLUDED_SHOWN = 20
"""How many of the articles that were left out and are not in sight are offered; exclusions add up over the years."""


def page_to_json(desk: Desk, query: Query) -> dict[str, Any]:
    """What can be chosen on the page, whether or not there is anything to show."""
    settings, newsletter, edition = desk.app.settings, desk.newsletter(query), desk.edition(query)
    timezone = settings.timezone_of(newsletter)
    language = desk.app.workshop.templates.language(settings.locale_of(newsletter))
    steps = desk.history.steps(newsletter.slug)
    return {
        "locale": language.code,
        "newsletters": [{"slug": each.slug, "title": each.title} for each in settings.newsletters],
        "newsletter": newsletter.slug,
        "edition": edition.isoformat(),
        "earlier": _earlier(desk, query).isoformat(),
        "later": next_edition(newsletter.due, timezone, _noon(edition + timedelta(days=1), timezone)).isoformat(),
        "undo": step_to_json(desk.app.database, steps[-1]) if steps else None,
    }


def _earlier(desk: Desk, query: Query) -> date:
    """The edition date before the one shown, by the newsletter's schedule."""
    schedule, edition = desk.newsletter(query).due, desk.edition(query)
    days = (edition - timedelta(days=back) for back in range(1, _LOOK_BACK.days))
    return next((day for day in days if schedule.falls_on(day)), edition)


def _noon(day: date, timezone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(12), timezone)


def step_to_json(database: Database, step: Step) -> dict[str, Any]:
    """A step that can be undone, or was."""
    article = get_articles(database, [step.edit.article]).get(step.edit.article)
    is_words = not isinstance(step, DecisionStep)
    return {"kind": str(step.edit.kind), "title": "" if is_words or article is None else article.title}


def reader_to_json(reader: Subscriber, newsletter: str) -> dict[str, Any]:
    """A subscriber whose view was chosen."""
    wishes = {subscription.newsletter: subscription.sections for subscription in reader.subscriptions}
    return {
        "id": reader.id,
        "address": reader.address,
        "name": reader.name,
        "locale": reader.locale,
        "sections": list(wishes.get(newsletter, ())),
    }


def picture_to_json(desk: Desk, picture: Picture) -> dict[str, Any]:
    """A picture with everything around it but the panes."""
    database, proof, parts = desk.app.database, picture.proof, picture.parts
    newsletter = picture.edition.newsletter
    issue = get_issue(database, newsletter.slug, picture.edition.date)
    delivery = desk.app.settings.delivery
    language = desk.app.workshop.templates.language(desk.app.settings.locale_of(newsletter))
    return {
        "id": picture.id,
        "frozen": proof.is_frozen,
        "state": "" if issue is None else str(issue.state),
        "reader": picture.reader and reader_to_json(picture.reader, newsletter.slug),
        "sender": {"name": parts.sender_name, "address": parts.sender_address},
        "preheader": proof.preheader,
        "words": _words_to_json(database, picture, issue),
        "size": {
            "html": parts.html_bytes,
            "limit": CLIP_BYTES,
            "encoding": parts.html_encoding,
            "total": parts.total_bytes,
        },
        "notes": list(proof.notes),
        "ranking": ranking_to_json(desk, picture, language),
        "previous": previous_to_json(database, picture, language),
        "test_address": delivery.operator or newsletter.sender_address,
    }


def _words_to_json(database: Database, picture: Picture, issue: Issue | None) -> dict[str, Any]:
    newsletter, subject = picture.edition.newsletter, picture.proof.subject
    own = get_words(database, newsletter.slug, picture.edition.date)
    intro = newsletter.intro if own.intro is None else own.intro
    if picture.proof.is_frozen and issue is not None:
        intro = issue.frozen.get("intro", "")
    return {
        "subject": subject,
        "subject_columns": display_width(subject),
        "subject_limit": SUBJECT_COLUMNS,
        "subject_is_own": own.subject is not None and not picture.proof.is_frozen,
        "intro": intro,
        "intro_is_own": own.intro is not None and not picture.proof.is_frozen,
    }


def ranking_to_json(desk: Desk, picture: Picture, language: Language) -> dict[str, Any]:
    """The articles shown and passed over, with their views, reasons and what the editor decided."""
    proof, newsletter = picture.proof, picture.edition.newsletter
    timezone = picture.edition.timezone
    decisions = list_decisions(desk.app.database, newsletter.slug)
    rows = [_choice_to_json(choice, decisions, language, timezone) for choice in (*proof.shown, *proof.passed_over)]
    present = {row["id"] for row in rows}
    excluded = get_articles(desk.app.database, [each for each in decisions.excluded if each not in present])
    newest = sorted(excluded.values(), key=lambda article: article.published_at, reverse=True)[:_EXCLUDED_SHOWN]
    return {
        "candidates": language.number(proof.candidates),
        "views_total": language.number(proof.views_total),
        "most_views": max((row["views"] for row in rows), default=0),
        "shown": rows[: len(proof.shown)],
        "passed_over": rows[len(proof.shown) :],
        "excluded_elsewhere": [{"id": article.id, "title": article.title} for article in newest],
    }


def _choice_to_json(choice: Choice, decisions: Decisions, language: Language, timezone: ZoneInfo) -> dict[str, Any]:
    article = choice.article
    return {
        "id": article.id,
        "title": article.title,
        "url": article.url,
        "section": article.section_name or article.section,
        "views": choice.count.views,
        "views_words": language.number(choice.count.views),
        "position": choice.position,
        "reasons": [_in_words(reason, language, timezone) for reason in choice.reasons],
        "because": "" if choice.is_shown else str(choice.reasons[-1].code),
        "is_pinned": article.id in decisions.pinned,
        "is_excluded": article.id in decisions.excluded,
    }


def _in_words(reason: Reason, language: Language, timezone: ZoneInfo) -> dict[str, str]:
    return {"code": str(reason.code), "words": explain_reason(reason, language, timezone)}


def previous_to_json(database: Database, picture: Picture, language: Language) -> dict[str, Any] | None:
    """What the issue before this one had; None where there is none."""
    editions, _ = list_editions(database, picture.edition.newsletter.slug)
    earlier = sorted((day for day in editions if day < picture.edition.date), reverse=True)
    issues = (get_issue(database, picture.edition.newsletter.slug, day) for day in earlier)
    issue = next((issue for issue in issues if issue is not None and issue.frozen_at is not None), None)
    if issue is None:
        return None
    choices = [choice_from_json(dict(frozen.choice)) for frozen in list_choices(database, issue.id)]
    return {
        "edition": issue.edition.isoformat(),
        "state": str(issue.state),
        "shown": [
            {"title": choice.article.title, "views_words": language.number(choice.count.views)}
            for choice in choices
            if choice.is_shown
        ],
    }


def findings_to_json(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """What the check found, each with its rule in words."""
    return [
        {
            "rule": finding.rule,
            "severity": str(finding.severity),
            "message": finding.message,
            "part": str(finding.part),
            "line": finding.line,
            "element": finding.element,
            "why": RULES[finding.rule].why if finding.rule in RULES else "",
            "fix": RULES[finding.rule].fix if finding.rule in RULES else "",
        }
        for finding in findings
    ]


def inbox_to_json(picture: Picture) -> list[dict[str, Any]]:
    """The rows of inboxes."""
    return [
        {
            "client": row.client.name,
            "screen": row.client.screen,
            "basis": row.client.basis,
            "shares_line": row.client.shares_line,
            "sender": row.sender,
            "subject": row.subject,
            "preheader": row.preheader,
            "cut": list(row.cut),
        }
        for row in inbox_rows(picture.parts)
    ]


def text_to_json(picture: Picture) -> dict[str, Any]:
    """The plain part, and how its links differ from those of the HTML part."""
    parts, links = picture.parts, compare_links(picture.parts)
    return {
        "text": parts.text,
        "is_flowed": parts.text_is_flowed,
        "unfolded": parts.unfolded_text,
        "both": list(links.both),
        "only_in_html": list(links.only_in_html),
        "only_in_text": list(links.only_in_text),
    }


def links_to_json(picture: Picture) -> list[dict[str, Any]]:
    """Every link of the HTML part."""
    return [
        {
            "url": link.url,
            "text": link.text,
            "element": link.element,
            "kind": str(link.kind),
            "may_be_fetched": link.may_be_fetched,
        }
        for link in list_links(picture.parts)
    ]


def source_to_json(picture: Picture) -> dict[str, Any]:
    """Headers, the raw lines, and each part decoded."""
    source = read_source(picture.parts)
    return {
        "headers": [{"name": header.name, "value": header.value, "raw": header.raw} for header in source.headers],
        "raw": _texts(source.raw),
        "parts": [
            {
                "type": part.content_type,
                "encoding": part.encoding,
                "first_line": part.first_line,
                "last_line": part.last_line,
                "lines": _texts(part.lines),
            }
            for part in source.parts
        ],
    }


def _texts(lines: Iterable[SourceLine]) -> list[str]:
    """The texts of lines; their numbers are their places."""
    return [line.text for line in lines]
