"""A folder of an IMAP server as mailbox (RFC 3501), with the standard library's client.

Messages are known by UID. A connection that is lost on the way is opened again, as long as each one carries something.
"""

import binascii
import imaplib
import logging
import re
import ssl
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from digest.deliver.smtp.login import TokenError, read_token
from digest.errors import MailboxError
from digest.mailbox.mailbox import LARGEST, Letter
from digest.replies.printable import one_line
from digest.settings import InboundSettings
from digest.store.returns import Position

logger = logging.getLogger("digest")

_UID = re.compile(rb"\bUID (\d+)")
_TAKES_OUT = ("delete", "move")


class ImapMailbox:
    """One folder. Use it within `open_imap`."""

    def __init__(self, settings: InboundSettings) -> None:
        self._settings = settings
        self._connection: imaplib.IMAP4 | None = None
        self._validity = 0

    @property
    def name(self) -> str:
        """Host, user and folder."""
        settings = self._settings
        return f"imap://{settings.user}@{settings.host}:{settings.imap_port}/{settings.folder}"

    def letters(self, position: Position | None) -> Iterator[Letter]:
        """See `Mailbox`."""
        last, begun_with = 0, -1
        while True:
            try:
                with self._failures_in_words():
                    uids = self._find(position, behind=last)
                for uid in uids:
                    with self._failures_in_words():
                        letter = self._fetch(uid)
                    last = uid
                    if letter is not None:
                        yield letter
            except _ConnectionLostError as error:
                self.close()
                if last == begun_with:  # the last connection carried nothing
                    raise MailboxError(str(error)) from error
                logger.warning("%s; connecting again", error)
                begun_with = last
            else:
                return

    def settle(self, letter: Letter) -> None:
        """See `Mailbox`. What cannot be done is logged: a letter that comes again changes nothing."""
        place = letter.position
        if self._connection is None or place is None or place.validity != self._validity:
            return
        try:
            with self._failures_in_words():
                self._put_away(self._connection, str(place.last))
        except _ConnectionLostError as error:
            logger.warning("%s is still there: %s", letter.name, error)
            self.close()
        except MailboxError as error:
            logger.warning("%s is still there: %s", letter.name, error)

    def close(self) -> None:
        """Say goodbye."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(imaplib.IMAP4.error, OSError):
                connection.logout()
            with suppress(imaplib.IMAP4.error, OSError, ValueError):
                connection.shutdown()  # a goodbye that fails leaves the socket open

    def _find(self, position: Position | None, *, behind: int) -> list[int]:
        """The UIDs to read. Where messages are taken out, what is still there was not taken out, whatever its UID."""
        self._connect()
        takes_out = self._settings.after in _TAKES_OUT
        is_known = position is not None and position.validity == self._validity and not takes_out
        behind = max(behind, position.last if position is not None and is_known else 0)
        found = self._say("SEARCH", "UID", f"{behind + 1}:*", "UNDELETED")
        uids = sorted(int(uid) for line in found if isinstance(line, bytes) for uid in line.split())
        return [uid for uid in uids if uid > behind]  # `n:*` is the last message also where it has a lower UID

    def _fetch(self, uid: int) -> Letter | None:
        """One message without marking it as seen; None where it is gone."""
        name = f"message {uid} in {self._settings.folder}"
        place = Position(mailbox=self.name, validity=self._validity, last=uid)
        try:
            found = self._say("FETCH", str(uid), f"(UID BODY.PEEK[]<0.{LARGEST}>)")
        except _RefusedError as error:
            return Letter(name=name, content=b"", problem=str(error), position=place)
        for part in found:
            if isinstance(part, tuple) and (told := _UID.search(part[0])) and int(told[1]) == uid:
                return Letter(name=name, content=part[1], position=place)
        return None

    def _put_away(self, connection: imaplib.IMAP4, uid: str) -> None:
        """Moving is RFC 6851, or what servers without it can do."""
        after, folder = self._settings.after, _quote(self._settings.move_to)
        if after == "mark":
            self._say("STORE", uid, "+FLAGS.SILENT", r"(\Seen)")
        elif after == "move" and "MOVE" in connection.capabilities:
            self._say("MOVE", uid, folder)
        elif after in _TAKES_OUT:
            if after == "move":
                self._say("COPY", uid, folder)
            self._delete(connection, uid)

    def _delete(self, connection: imaplib.IMAP4, uid: str) -> None:
        """For good where the server can expunge one message (RFC 4315); else it is only marked as deleted."""
        self._say("STORE", uid, "+FLAGS.SILENT", r"(\Deleted)")
        if "UIDPLUS" in connection.capabilities:
            self._say("EXPUNGE", uid)

    def _connect(self) -> None:
        if self._connection is not None:
            return
        connection = _open(self._settings)
        self._connection = connection
        _log_in(connection, self._settings)
        with suppress(imaplib.IMAP4.error):  # many tell what they can do only now
            connection.capabilities = tuple(connection.capability()[1][0].decode("ascii", "replace").upper().split())
        answer, words = connection.select(_quote(self._settings.folder), readonly=self._settings.after == "keep")
        if answer != "OK":
            raise MailboxError(f"{self.name} cannot be opened: {_words(words)}; check inbound.folder")
        told: Any = connection.response("UIDVALIDITY")[1]
        validity = int(told[0] or 0) if told else 0
        if self._validity not in (0, validity):
            raise MailboxError(f"{self.name} was made anew meanwhile; the next time reads it from its beginning")
        self._validity = validity

    def _say(self, command: str, *arguments: str) -> list[Any]:
        """One command with UIDs.

        Raises:
            _RefusedError: the server says no.
        """
        if self._connection is None:
            raise _ConnectionLostError(f"{self.name}: not connected")
        answer, found = self._connection.uid(command, *arguments)
        if answer != "OK":
            raise _RefusedError(f"the server refuses {command}: {_words(found)}")
        return found

    @contextmanager
    def _failures_in_words(self) -> Iterator[None]:
        try:
            yield
        except MailboxError:
            raise
        except TokenError as error:
            raise MailboxError(f"{self.name}: inbound.token_command: {error}") from error
        except (imaplib.IMAP4.abort, OSError, EOFError, ssl.SSLError) as error:
            words = getattr(error, "strerror", None) or error
            raise _ConnectionLostError(f"{self.name}: the connection failed ({words})") from error
        except (imaplib.IMAP4.error, ValueError) as error:
            raise MailboxError(f"{self.name}: {_hide(one_line(str(error)), self._settings)}") from error


class _ConnectionLostError(MailboxError):
    """A connection ended; the next one may not."""


class _RefusedError(MailboxError):
    """The server refuses one command and serves on."""


@contextmanager
def open_imap(settings: InboundSettings) -> Iterator[ImapMailbox]:
    """A folder, connected to when it is first asked."""
    box = ImapMailbox(settings)
    try:
        yield box
    finally:
        box.close()


def encode_folder(name: str) -> str:
    """A folder's name as IMAP spells it: modified UTF-7 (RFC 3501 5.1.3).

    >>> encode_folder("반송 & Bounces")
    '&vBjBoQ- &- Bounces'
    """

    def encode(run: re.Match[str]) -> str:
        text = binascii.b2a_base64(run[0].encode("utf-16-be"), newline=False).decode("ascii")
        return f"&{text.rstrip('=').replace('/', ',')}-"

    return re.sub(r"[^\x20-\x7e]+", encode, name.replace("&", "&-"))


def _quote(name: str) -> str:
    text = encode_folder(name).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _open(settings: InboundSettings) -> imaplib.IMAP4:
    host, port, timeout = settings.host, settings.imap_port, settings.timeout
    if settings.security == "none":
        return imaplib.IMAP4(host, port, timeout)
    context = ssl.create_default_context(cafile=settings.ca_file)
    if settings.security == "tls":
        return imaplib.IMAP4_SSL(host, port, ssl_context=context, timeout=timeout)
    connection = imaplib.IMAP4(host, port, timeout)
    try:
        connection.starttls(context)
    except BaseException:
        connection.shutdown()
        raise
    return connection


def _log_in(connection: imaplib.IMAP4, settings: InboundSettings) -> None:
    if settings.token_command:
        said = f"user={settings.user}\x01auth=Bearer {read_token(settings.token_command)}\x01\x01".encode()
        answers: Callable[[bytes], bytes] = lambda challenge: b"" if challenge else said  # noqa: E731
        connection.authenticate("XOAUTH2", answers)
    elif "AUTH=PLAIN" in connection.capabilities:  # takes any characters
        connection.authenticate("PLAIN", lambda _: f"\0{settings.user}\0{settings.password}".encode())
    else:
        connection.login(settings.user, settings.password)


def _hide(words: str, settings: InboundSettings) -> str:
    """Without the password, which a server may repeat."""
    secrets = (settings.password, b64encode(f"\0{settings.user}\0{settings.password}".encode()).decode())
    for secret in secrets:
        words = words.replace(secret, "***") if settings.password else words
    return words


def _words(answer: list[Any]) -> str:
    said = b" ".join(each for each in answer if isinstance(each, bytes))
    return one_line(said.decode("utf-8", "replace")) or "it says no more"
