"""A Maildir as mailbox: https://cr.yp.to/proto/maildir.html.

Read is what a mail program has not shown yet: files in `new`, and those in `cur` without the flag S, as IMAP servers
move files on before anybody has seen them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from digest.errors import MailboxError
from digest.mailbox.mailbox import LARGEST, After, Letter
from digest.store.returns import Position

_INFO = ":2,"
_SEEN = "S"


class MaildirMailbox:
    """A folder with `new`, `cur` and `tmp`. It remembers itself what was read: by the flag, or by its absence."""

    def __init__(self, path: Path, *, after: After) -> None:
        self._path = path
        self._after = after
        self._files: dict[str, Path] = {}

    @property
    def name(self) -> str:
        """The folder."""
        return str(self._path)

    def letters(self, position: Position | None) -> Iterator[Letter]:  # noqa: ARG002 - as Mailbox asks
        """See `Mailbox`."""
        with _failures_in_words(self._path):
            files = [*(self._path / "new").iterdir(), *(self._path / "cur").iterdir()]
        for file in sorted(filter(_is_unseen, files), key=lambda file: file.name):
            try:
                with file.open("rb") as opened:
                    content = opened.read(LARGEST)
            except FileNotFoundError:  # a mail program was quicker
                continue
            except OSError as error:
                yield Letter(name=file.name, content=b"", problem=error.strerror or str(error))
                continue
            self._files[file.name] = file
            yield Letter(name=file.name, content=content)

    def settle(self, letter: Letter) -> None:
        """See `Mailbox`."""
        file = self._files.pop(letter.name)
        with _failures_in_words(self._path):
            if self._after == "delete":
                file.unlink(missing_ok=True)
            elif self._after == "mark":
                _mark_seen(file, self._path / "cur")


def _is_unseen(file: Path) -> bool:
    _, _, flags = file.name.partition(_INFO)
    return _SEEN not in flags and not file.name.startswith(".")


def _mark_seen(file: Path, folder: Path) -> None:
    name, _, flags = file.name.partition(_INFO)
    try:
        file.rename(folder / f"{name}{_INFO}{''.join(sorted({*flags, _SEEN}))}")
    except FileNotFoundError:
        return  # a mail program was quicker


@contextmanager
def _failures_in_words(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MailboxError(
            f"{path} is no Maildir that can be used ({error.strerror or error}); it needs new, cur and tmp, and a user "
            "who may write there"
        ) from error
