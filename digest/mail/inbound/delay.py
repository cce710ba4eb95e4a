"""Warnings that a message is late: its server still tries, and mostly it arrives (RFC 3464 2.3.3: "delayed")."""

import re

from digest.mail.inbound.parts import Parts, header

_LATE = "delayed"
_STILL_TRIES = re.compile(
    r"warning message only|(?:do|need) not (?:need to )?resend your message|will (?:be retried|keep trying|try again)"
    r"|will continue (?:to try|trying)|attempts? (?:to deliver|will continue)|still being retried"
    r"|not yet been delivered|no action is required on your part",
    re.IGNORECASE,
)
_GIVEN_UP = re.compile(
    r"giv(?:en|ing) up|gave up|permanent|fatal|returned to sender|could not be delivered", re.IGNORECASE
)
_READ = 20_000


def tells_of_delay(parts: Parts) -> bool:
    """Whether a report says no more than that a message is late; the words count where no field says it."""
    actions = [action for block in parts.status if (action := header(block, "Action").lower().split(" ")[0])]
    if actions:
        return all(action == _LATE for action in actions)
    text = parts.text[:_READ]
    return bool(_STILL_TRIES.search(text)) and not _GIVEN_UP.search(text)
