"""From what the settings or a command name to a mailbox."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from digest.errors import MailboxError
from digest.mailbox.imap import open_imap
from digest.mailbox.mailbox import Mailbox
from digest.mailbox.maildir import MaildirMailbox
from digest.mailbox.mbox import MboxMailbox
from digest.mailbox.single import SingleMessage
from digest.settings import InboundSettings

_BEGIN_OF_MBOX = b"From "


@contextmanager
def open_mailbox(settings: InboundSettings, folder: Path) -> Iterator[Mailbox]:
    """The mailbox of `[inbound]`.

    Args:
        settings: the table.
        folder: the workspace: paths count from there.

    Raises:
        MailboxError: there is none.
    """
    if settings.type == "imap":
        with open_imap(settings) as box:
            yield box
    elif settings.type == "none" or settings.path is None:
        raise MailboxError("[inbound] names no mailbox: set type, and path or host; or name a file or -")
    elif settings.type == "maildir":
        yield MaildirMailbox(folder / settings.path, after=settings.after)
    else:
        yield MboxMailbox(folder / settings.path, after=settings.after)


def open_path(path: Path) -> Mailbox:
    """A Maildir, an mbox or a file with one message: it stays as it is, and is read from its beginning.

    Raises:
        MailboxError: it is neither.
    """
    if path.is_dir():
        return MaildirMailbox(path, after="keep")
    try:
        with path.open("rb") as file:
            is_mbox = file.read(len(_BEGIN_OF_MBOX)) == _BEGIN_OF_MBOX
    except OSError as error:
        raise MailboxError(f"{path} cannot be read ({error.strerror or error})") from error
    if is_mbox:
        return MboxMailbox(path, after="keep", remembers=False)
    return SingleMessage(name=str(path), content=path.read_bytes())
