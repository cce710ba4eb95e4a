"""What the editor changes from the page: pins, exclusions, the order, subject and intro; and taking it back.

Every change is written to the database at once, in one transaction. A step remembers what was there before and what
it left, so that undoing it never takes back what somebody else has decided since.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import TypeAlias

from digest.errors import IssueError
from digest.store.articles import Decisions, change_decisions
from digest.store.database import Database
from digest.store.editions import EditionWords, get_words, save_words

MOST_STEPS = 200
"""How many steps can be undone."""


class EditKind(StrEnum):
    """What can be changed."""

    PIN = "pin"
    UNPIN = "unpin"
    EXCLUDE = "exclude"
    INCLUDE = "include"
    UP = "up"
    DOWN = "down"
    SUBJECT = "subject"
    INTRO = "intro"


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One change as the page asks for it."""

    kind: EditKind
    article: str = ""
    """The article's id, for all but words."""
    words: str | None = None
    """The new subject or intro; None goes back to what the settings say."""


@dataclass(frozen=True, kw_only=True)
class DecisionStep:
    """A change of pins and exclusions that was made."""

    newsletter: str
    edit: Edit
    before: Decisions
    after: Decisions


@dataclass(frozen=True, kw_only=True)
class WordsStep:
    """A change of an edition's words that was made."""

    newsletter: str
    edit: Edit
    edition: date
    before: EditionWords
    after: EditionWords


Step: TypeAlias = DecisionStep | WordsStep


class History:
    """The steps that can be undone, each newsletter's for itself, since the server was started."""

    def __init__(self) -> None:
        self._steps: dict[str, deque[Step]] = {}

    def steps(self, newsletter: str) -> Sequence[Step]:
        """The steps of a newsletter, the last one last."""
        return self._steps.get(newsletter, ())

    def record(self, step: Step) -> None:
        """Remember a step, unless it changed nothing."""
        if step.before != step.after:
            self._steps.setdefault(step.newsletter, deque(maxlen=MOST_STEPS)).append(step)

    def undo(self, database: Database, newsletter: str, *, now: datetime) -> Step:
        """Take the last step back.

        Raises:
            IssueError: there is none, or what it changed was changed elsewhere since; then it is forgotten.
        """
        if not self.steps(newsletter):
            raise IssueError("there is nothing to undo")
        step = self._steps[newsletter].pop()
        _undo(database, step, now=now)
        return step


def edit_decisions(
    database: Database, newsletter: str, edit: Edit, *, shown: Sequence[str], now: datetime
) -> DecisionStep:
    """Pin, unpin, exclude, include or move an article.

    Args:
        database: the workspace's database.
        newsletter: its slug.
        edit: any kind but words.
        shown: ids of the articles shown, in order, as the editor sees them.
        now: the present moment.
    """
    before, after = change_decisions(database, newsletter, lambda decisions: decide(decisions, edit, shown), now=now)
    return DecisionStep(newsletter=newsletter, edit=edit, before=before, after=after)


def decide(decisions: Decisions, edit: Edit, shown: Sequence[str]) -> Decisions:
    """The decisions after an edit."""
    article, excluded = edit.article, decisions.excluded - {edit.article}
    pinned = tuple(other for other in decisions.pinned if other != article)
    if edit.kind is EditKind.PIN:
        return Decisions(pinned=(*pinned, article), excluded=excluded)
    if edit.kind is EditKind.EXCLUDE:
        return Decisions(pinned=pinned, excluded=excluded | {article})
    if edit.kind in (EditKind.UP, EditKind.DOWN):
        return replace(decisions, pinned=move(decisions.pinned, shown, article, up=edit.kind is EditKind.UP))
    if edit.kind is EditKind.UNPIN:
        return replace(decisions, pinned=pinned)
    return replace(decisions, excluded=excluded)


def move(pinned: Sequence[str], shown: Sequence[str], article: str, *, up: bool) -> tuple[str, ...]:
    """The pins that put an article one place higher or lower.

    Pins come first, so everything above a place that is chosen by hand has to be pinned too; what stands below goes
    on by views.

    >>> move((), ("a", "b", "c", "d"), "c", up=True)
    ('a', 'c')
    >>> move(("a",), ("a", "b", "c"), "a", up=False)
    ('b', 'a')
    """
    if article not in shown:
        return tuple(pinned)
    order, place = list(shown), shown.index(article)
    other = place - 1 if up else place + 1
    if not 0 <= other < len(order):
        return tuple(pinned)
    order[place], order[other] = order[other], order[place]
    still_pinned = [number for number, shown_id in enumerate(order, 1) if shown_id in pinned]
    length = max(min(place, other) + 1, *still_pinned, 0)
    # Pins that this edition cannot show keep their turn behind it.
    return (*order[:length], *(waiting for waiting in pinned if waiting not in shown))


def edit_words(database: Database, newsletter: str, edition: date, edit: Edit, *, now: datetime) -> WordsStep:
    """Write the subject or the intro of an edition; an empty subject is none."""
    before = get_words(database, newsletter, edition)
    is_subject = edit.kind is EditKind.SUBJECT
    after = replace(before, subject=edit.words or None) if is_subject else replace(before, intro=edit.words)
    if after != before:
        save_words(database, newsletter, edition, after, now=now)
    return WordsStep(newsletter=newsletter, edit=edit, edition=edition, before=before, after=after)


def _undo(database: Database, step: Step, *, now: datetime) -> None:
    if isinstance(step, DecisionStep):
        change_decisions(database, step.newsletter, _back(step), now=now)
        return
    if get_words(database, step.newsletter, step.edition) != step.after:
        raise IssueError(_CHANGED_SINCE)
    save_words(database, step.newsletter, step.edition, step.before, now=now)


def _back(step: DecisionStep) -> Callable[[Decisions], Decisions]:
    def restore(decisions: Decisions) -> Decisions:
        if decisions != step.after:
            raise IssueError(_CHANGED_SINCE)
        return step.before

    return restore


_CHANGED_SINCE = "it was changed elsewhere since, so it was not undone"
