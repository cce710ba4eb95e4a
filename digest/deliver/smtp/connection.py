"""Carries messages over one conversation, telling the server of the next while it reads the last (RFC 2920).

What must hold, whatever a server does: no message is lost, and none can be delivered twice. The body leaves without
its dot; until the dot has left nothing can have been delivered, and from then on only the server's answer tells.
"""

import time
from collections import deque
from dataclasses import replace
from math import inf
from typing import NamedTuple

from digest.deliver.smtp.channel import Channel
from digest.deliver.smtp.command import (
    END_OF_MESSAGE,
    UnsendableError,
    envelope_commands,
    require_lines,
    require_size,
    stuff_dots,
)
from digest.deliver.smtp.reply import (
    GO_AHEAD,
    SERVICE_CLOSING,
    ConversationError,
    Extensions,
    Reply,
    judge_final_reply,
    judge_refusal,
)
from digest.deliver.transport import Ending, Outbox, Outcome, Parcel
from digest.errors import DigestError
from digest.model import DeliveryState
from digest.replies.printable import one_line

IDLE_SECONDS = 20.0
"""Without a message for so long we say goodbye, before the server does: some wait for half a minute only."""
_DATA = b"DATA\r\n"
_RESET = b"RSET\r\n"
_BAD_SEQUENCE = 503
_INVITATION = (250, 250, GO_AHEAD)
"""To MAIL, RCPT and DATA, which come in one packet as a rule."""


class _Letter(NamedTuple):
    """A parcel with what is said about it before its body."""

    parcel: Parcel
    mail: bytes
    recipient: bytes


def _end_of_message(ahead: _Letter | None) -> tuple[bytes, int]:
    """The dot, with what is said about the next message behind it, and how many replies are owed for them."""
    return (END_OF_MESSAGE, 1) if ahead is None else (END_OF_MESSAGE + ahead.mail + ahead.recipient + _DATA, 4)


class SmtpConnection:
    """An open conversation; it knows at every moment which messages it still has to account for."""

    def __init__(self, channel: Channel, extensions: Extensions, *, message_limit: int) -> None:
        self._channel = channel
        self._extensions = extensions
        self._is_pipelining = extensions.has_pipelining
        self._left: float = message_limit or inf
        self._carried = 0
        self._held: deque[Parcel] = deque()  # taken, and certainly not delivered: no dot of theirs has left
        self._in_doubt: Parcel | None = None  # its dot has left, and its answer is awaited
        self._ahead: _Letter | None = None  # announced behind the body of the last one
        self._must_reset = False
        self._last_was_refused = False

    async def carry(self, outbox: Outbox) -> Ending:
        """Carry messages until there are no more, or this connection is at its end; see `Connection.carry`.

        Cancelling closes the socket at once.
        """
        try:
            return await self._carry(outbox)
        except ConversationError as error:
            self._channel.abort()
            self._account(outbox, error)
            return Ending.USED_UP if self._carried and error.is_message_limit else Ending.SLOW_DOWN
        except BaseException as error:
            self._channel.abort()
            self._account(outbox, ConversationError(str(error) if isinstance(error, DigestError) else "stopped"))
            raise

    async def _carry(self, outbox: Outbox) -> Ending:
        while True:
            letter = await self._next(outbox)
            if isinstance(letter, Ending):
                return letter
            if not await self._is_invited(letter, outbox):
                continue
            if not await self._is_released(letter.parcel, outbox):
                self._channel.abort()  # a dot now would deliver an empty message
                return Ending.USED_UP
            await self._hand_over(letter.parcel, outbox)

    # Taking

    async def _next(self, outbox: Outbox) -> _Letter | Ending:
        """The message to go on with, announced; an ending where this connection carries no more."""
        letter, self._ahead = self._ahead, None
        idle_until = time.monotonic() + IDLE_SECONDS
        while letter is None and self._channel.is_open and self._left:
            letter = self._take(outbox)
            if letter is not None:
                self._announce(letter)
            elif (seconds := idle_until - time.monotonic()) <= 0:
                break
            elif not await outbox.wait(seconds):
                return Ending.FINISHED
        return letter or Ending.USED_UP

    def _take(self, outbox: Outbox) -> _Letter | None:
        """A message that can be said to this server; those that cannot have failed."""
        while self._left and (parcel := outbox.take()) is not None:
            try:
                require_size(len(parcel.content), self._extensions)
                if not parcel.is_plain:
                    require_lines(parcel.content)
                commands = envelope_commands(parcel.envelope, len(parcel.content), self._extensions)
            except UnsendableError as error:
                outbox.settle(parcel, Outcome(state=DeliveryState.FAILED, reply=one_line(str(error))))
            else:
                self._left -= 1
                self._held.append(parcel)
                return _Letter(parcel, *commands)
        return None

    # Before the body

    def _announce(self, letter: _Letter) -> None:
        """Say everything that comes before the body at once, where the server can bear it."""
        if self._is_pipelining:
            commands = (letter.mail, letter.recipient, _DATA)
            said = (_RESET, *commands) if self._must_reset else commands
            self._channel.write(b"".join(said), replies=len(said))

    async def _answer_to(self, command: bytes) -> Reply:
        """The reply to a command, which is said now unless it was announced."""
        if not self._is_pipelining:
            self._channel.write(command, replies=1)
        return await self._channel.read_reply()

    async def _is_invited(self, letter: _Letter, outbox: Outbox) -> bool:
        """Whether the server waits for the body; a message that it refused is settled."""
        if self._must_reset:
            await self._forget_last()
        elif self._is_pipelining and self._channel.pass_over(_INVITATION):
            return True
        reply = await self._answer_to(letter.mail)
        if not reply.is_positive:
            self._refuse(letter.parcel, reply, outbox, is_before_recipient=True)
            await self._pass_over(2)
            return False
        self._must_reset = True
        reply = await self._answer_to(letter.recipient)
        if not reply.is_positive:
            self._refuse(letter.parcel, reply, outbox)
            await self._pass_over(1)
            return False
        reply = await self._answer_to(_DATA)
        if reply.code != GO_AHEAD:
            self._refuse(letter.parcel, reply, outbox)
            return False
        self._must_reset = False  # the dot will end it
        return True

    async def _forget_last(self) -> None:
        """Undo what a refused message left behind."""
        reply = await self._answer_to(_RESET)
        if not reply.is_positive:
            raise ConversationError(f"RSET refused ({reply})")
        self._must_reset = False

    def _refuse(self, parcel: Parcel, reply: Reply, outbox: Outbox, *, is_before_recipient: bool = False) -> None:
        """Settle a message that the server refused, unless its words are about the conversation."""
        if reply.code == _BAD_SEQUENCE and self._last_was_refused:
            raise ConversationError(f"out of step after a refused message: {reply}")
        outcome = replace(judge_refusal(reply), is_before_recipient=is_before_recipient)
        refusal = ConversationError(reply.words, code=reply.code)
        if self._carried and refusal.is_message_limit:
            raise refusal
        self._held.remove(parcel)
        outbox.settle(parcel, outcome)

    async def _pass_over(self, announced: int) -> None:
        """Read the replies to the rest of what was announced about a refused message."""
        if not self._is_pipelining:
            return
        replies = [await self._channel.read_reply() for _ in range(announced)]
        # A recipient that was taken without a sender must not get what is said with the next one.
        self._must_reset = self._must_reset or any(reply.is_positive for reply in replies[:-1])
        if replies[-1].code == GO_AHEAD:
            await self._send_nothing(replies[:-1])
        elif replies[-1].is_positive or replies[-1].is_go_on:
            raise ConversationError(f"unexpected reply {replies[-1]}")

    async def _send_nothing(self, recipient: list[Reply]) -> None:
        """Answer a 354 that comes all the same: a lone dot delivers nothing while there is no recipient."""
        if any(reply.is_positive for reply in recipient):
            raise ConversationError("out of step: it wants a message whose sender it refused")
        self._channel.write(END_OF_MESSAGE, replies=1)
        await self._channel.read_reply(self._channel.limits.after_dot)
        self._must_reset = False

    # The body

    async def _is_released(self, parcel: Parcel, outbox: Outbox) -> bool:
        """Ask whether it may leave; until the answer the message is the outbox's."""
        self._channel.require_open()
        self._held.remove(parcel)
        is_released = await outbox.release(parcel)
        if is_released:
            self._held.append(parcel)
        return is_released

    async def _hand_over(self, parcel: Parcel, outbox: Outbox) -> None:
        """Send the body and its dot, with the next message's commands behind it, and read what became of it."""
        ahead = self._take(outbox) if self._is_pipelining else None
        await self._send(parcel.content if parcel.is_plain else stuff_dots(parcel.content), ahead)
        outcome = judge_final_reply(await self._channel.read_reply(self._channel.limits.after_dot))
        self._in_doubt = None
        self._carried += 1
        self._last_was_refused = outcome.state is not DeliveryState.SENT
        outbox.settle(parcel, outcome)

    async def _send(self, body: bytes, ahead: _Letter | None) -> None:
        """Say the body and its end; the end leaves only once all of the body has, and then the message is in doubt."""
        end, replies = _end_of_message(ahead)
        taken = self._channel.push(body, end, replies=replies)
        if taken < len(body):
            self._channel.write(body[taken:])
            await self._channel.flush()
        begun = max(taken - len(body), 0)
        if begun:
            self._in_doubt = self._held.popleft()
        if begun < len(end):
            self._channel.write(end[begun:], replies=replies)
        if not begun:
            self._in_doubt = self._held.popleft()
        self._ahead = ahead

    def _account(self, outbox: Outbox, error: ConversationError) -> None:
        """Report every message at hand when the conversation ended."""
        if self._in_doubt is not None and error.code == SERVICE_CLOSING:
            self._held.appendleft(self._in_doubt)  # a 421 in answer to the dot refuses the message
        elif self._in_doubt is not None:
            words = f"{error} after the message was sent; it may or may not have been delivered"
            outbox.settle(self._in_doubt, Outcome(state=DeliveryState.UNCERTAIN, reply=one_line(words)))
        reason = error.said if error.code else one_line(f"{error} before the message was sent")
        self._in_doubt = self._ahead = None
        while self._held:
            outbox.give_back(self._held.popleft(), reason)
