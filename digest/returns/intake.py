"""Going through a mailbox: each message is acted upon in a transaction of its own, and put away once that is kept."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from digest.app import App
from digest.errors import DatabaseLockedError, DigestError
from digest.mail.inbound.read import read_message
from digest.mailbox.mailbox import Letter, Mailbox
from digest.returns.act import Act, act_on
from digest.store.returns import get_position, save_position

logger = logging.getLogger("digest")


@dataclass(frozen=True, kw_only=True)
class Handled:
    """One message of a mailbox, and what followed."""

    name: str
    """How logs call it."""
    acts: tuple[Act, ...] = ()
    """One for each of its reports; none for a letter of a person."""
    is_repeated: bool = False
    """The same message was acted upon before: nothing followed."""
    problem: str = ""
    """Why it was passed over, "" where it was not."""


def take_in(
    app: App, mailbox: Mailbox, *, dry_run: bool = False, is_stopped: Callable[[], bool] = lambda: False
) -> Iterator[Handled]:
    """Act upon what waits in a mailbox. A message that cannot be handled is passed over, with its reason in the log.

    Args:
        app: the workspace.
        mailbox: open.
        dry_run: find out what would follow, and change nothing; the mailbox must be one that keeps everything.
        is_stopped: asked before each message.

    Raises:
        MailboxError: it cannot be read, or no longer; what was handled until then is kept.
        DatabaseLockedError: others hold the database; the message comes again.
    """
    for letter in mailbox.letters(get_position(app.database, mailbox.name)):
        if is_stopped():
            return
        handled = _handle(app, letter, dry_run=dry_run)
        if handled.problem:
            logger.warning("%s is passed over: %s", handled.name, handled.problem)
        elif not dry_run:
            mailbox.settle(letter)
        yield handled


def count_in_words(deeds: Counter[str]) -> str:
    """What followed, the most frequent first.

    >>> count_in_words(Counter({"bounced": 2, "counted": 11}))
    '11 counted, 2 bounced'
    """
    return ", ".join(f"{count:,} {deed}" for deed, count in deeds.most_common())


def count_deeds(handled: Handled) -> Counter[str]:
    """What followed from one message."""
    if handled.is_repeated or handled.problem:
        return Counter(["acted upon before" if handled.is_repeated else "passed over"])
    return Counter([str(act.deed) for act in handled.acts] or ["nothing"])


class _DryRunError(Exception):
    """Takes back what was tried."""


@contextmanager
def _transaction(app: App, *, dry_run: bool) -> Iterator[None]:
    with suppress(_DryRunError), app.database.transaction():
        yield
        if dry_run:
            raise _DryRunError


def _handle(app: App, letter: Letter, *, dry_run: bool) -> Handled:
    if letter.problem:
        return Handled(name=letter.name, problem=letter.problem)
    acts: tuple[Act, ...] | None = ()
    try:
        message = read_message(letter.content)
        with _transaction(app, dry_run=dry_run):
            acts = act_on(app, message)
            if letter.position is not None:
                save_position(app.database, letter.position)
    except DatabaseLockedError:
        raise
    except DigestError as error:
        return Handled(name=letter.name, problem=str(error))
    except Exception as error:
        logger.exception("%s cannot be handled", letter.name)
        return Handled(name=letter.name, problem=f"{type(error).__name__}; the log has more")
    return Handled(name=letter.name, acts=acts or (), is_repeated=acts is None)
