"""Reasons in words, in the newsletter's language."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from digest.language import Language
from digest.model import Choice, Reason, ReasonCode

DAYS_OF_A_WEEK = 7
_PLACEMENTS = frozenset(
    {
        ReasonCode.EXCLUDED,
        ReasonCode.REPEATED,
        ReasonCode.SECTION_LIMIT,
        ReasonCode.OTHER_SECTION,
        ReasonCode.BELOW_LIMIT,
        ReasonCode.TOO_LONG,
    }
)
"""Reasons for not being shown."""


def explain_choice(choice: Choice, language: Language, timezone: ZoneInfo) -> str:
    """All reasons of a choice as one sentence: "3rd by views (184,220 in the week); not shown: …"."""
    parts = [explain_reason(reason, language, timezone) for reason in choice.reasons]
    return "; ".join(parts)


def explain_reason(reason: Reason, language: Language, timezone: ZoneInfo) -> str:
    """One reason in words."""
    words = _WORDS[reason.code](reason, language).format_map(_speak(reason, language, timezone))
    return language.gettext("not shown: {why}").format(why=words) if reason.code in _PLACEMENTS else words


def _rank_words(reason: Reason, language: Language) -> str:
    days = reason.fact("days")
    if days == DAYS_OF_A_WEEK:
        return language.gettext("{rank_ordinal} by views ({views} this week)")
    if days == 1:
        return language.gettext("{rank_ordinal} by views ({views} that day)")
    return language.gettext("{rank_ordinal} by views ({views} in the window)")


def _section_words(reason: Reason, language: Language) -> str:
    if not reason.fact("section"):
        return language.gettext("it has no section")
    return language.gettext("{section} is not one of the sections asked for")


_WORDS: Mapping[ReasonCode, Callable[[Reason, Language], str]] = {
    ReasonCode.RANK: _rank_words,
    ReasonCode.PINNED: lambda _, language: language.gettext("pinned by the editor to place {position}"),
    ReasonCode.EXCLUDED: lambda _, language: language.gettext("taken out by the editor"),
    ReasonCode.REPEATED: lambda _, language: language.gettext("the issue of {edition} had it"),
    ReasonCode.SECTION_LIMIT: lambda _, language: language.gettext(
        "{place_ordinal} from {section}, the limit is {limit}"
    ),
    ReasonCode.OTHER_SECTION: _section_words,
    ReasonCode.BELOW_LIMIT: lambda _, language: language.gettext("the issue shows {limit} articles"),
    ReasonCode.TOO_LONG: lambda _, language: language.gettext(
        "with more than {limit} articles Gmail would cut the mail off"
    ),
    ReasonCode.TOTAL_AS_OF: lambda _, language: language.gettext("totals as of {as_of}"),
    ReasonCode.COUNTER_RESET: lambda _, language: language.gettext("its counter started again in the window"),
}


def _speak(reason: Reason, language: Language, timezone: ZoneInfo) -> dict[str, str]:
    """The facts of a reason as words; a number is there also as an English ordinal, for languages that want it."""
    spoken: dict[str, str] = {}
    for name, value in reason.facts:
        if isinstance(value, int):
            spoken[name] = language.number(value)
            spoken[f"{name}_ordinal"] = english_ordinal(value)
        else:
            spoken[name] = _speak_text(name, value, language, timezone)
    return spoken


def _speak_text(name: str, value: str, language: Language, timezone: ZoneInfo) -> str:
    if name == "edition":
        return language.date(date.fromisoformat(value))
    if name == "as_of":
        return language.moment(datetime.fromisoformat(value).astimezone(timezone))
    return value


def english_ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th … 11th, 21st.

    >>> [english_ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 102, 1011)]
    ['1st', '2nd', '3rd', '4th', '11th', '12th', '13th', '21st', '102nd', '1,011th']
    """
    endings = {1: "st", 2: "nd", 3: "rd"}
    is_teen = number % 100 in (11, 12, 13)
    return f"{number:,}{'th' if is_teen else endings.get(number % 10, 'th')}"


def choice_to_json(choice: Choice, language: Language, timezone: ZoneInfo) -> dict[str, Any]:
    """A choice as data with its words, for `--json` and for the frozen issue."""
    return {
        "position": choice.position,
        "rank": choice.rank,
        "id": choice.article.id,
        "title": choice.article.title,
        "section": choice.article.section,
        "views": choice.count.views,
        "count": str(choice.count.kind),
        "shown": choice.is_shown,
        "why": explain_choice(choice, language, timezone),
        "reasons": [{"code": str(reason.code), **dict(reason.facts)} for reason in choice.reasons],
    }
