"""One message by itself: what a mail server hands to a program, or a file."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from digest.mailbox.mailbox import LARGEST, Letter
from digest.store.returns import Position

_ENVELOPE_LINE = re.compile(rb"\A>?From [^\n]*\n")
"""Mail servers write it before a message that they hand to a program (Postfix's local(8))."""
_CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class SingleMessage:
    """A mailbox of one message. Nothing becomes of it."""

    name: str
    content: bytes

    def letters(self, position: Position | None) -> Iterator[Letter]:  # noqa: ARG002 - as Mailbox asks
        """See `Mailbox`."""
        if self.content.strip():
            yield Letter(name=self.name, content=_ENVELOPE_LINE.sub(b"", self.content[:LARGEST], count=1))

    def settle(self, letter: Letter) -> None:
        """See `Mailbox`."""


def read_pipe(stream: IO[bytes]) -> bytes:
    """The first `LARGEST` bytes of a stream, which is read to its end: whoever writes must not meet a closed pipe."""
    content = stream.read(LARGEST)
    while stream.read(_CHUNK):
        pass
    return content
