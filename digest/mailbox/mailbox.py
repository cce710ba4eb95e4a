"""What acting upon returned mail needs of the place where it arrives: a Protocol, and a message in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from digest.store.returns import Position

LARGEST = 10_485_760
"""Bytes that are read of a message; a report with the whole of a returned mail has a tenth of it."""
After = Literal["mark", "keep", "delete", "move"]
"""What becomes of a message that was acted upon, as `[inbound] after` says it."""


@dataclass(frozen=True, kw_only=True)
class Letter:
    """One message that waits in a mailbox."""

    name: str
    """How logs call it: "12 in INBOX"."""
    content: bytes
    """As it arrived, cut at `LARGEST` bytes."""
    problem: str = ""
    """Why it could not be read, "" where it could: it is passed over, and the next ones are read."""
    position: Position | None = None
    """Where the mailbox has been read to once it is acted upon; None where the mailbox itself remembers."""


class Mailbox(Protocol):
    """Where returned mail arrives. It is open within a `with`."""

    @property
    def name(self) -> str:
        """Names it among others, always the same."""
        ...  # pragma: no cover

    def letters(self, position: Position | None) -> Iterator[Letter]:
        """What waits, one by one, oldest first.

        Args:
            position: where it was read to, if it ever was.

        Raises:
            MailboxError: it cannot be read, or no longer.
        """
        ...  # pragma: no cover

    def settle(self, letter: Letter) -> None:
        """Mark, delete or move a letter. What follows from it has been committed by now, and never before.

        Raises:
            MailboxError: it cannot be done; the letter may come again, and changes nothing then.
        """
        ...  # pragma: no cover
