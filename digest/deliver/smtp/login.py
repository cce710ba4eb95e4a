"""Logging in: what each mechanism says, the token that a program hands us, and keeping both out of every text."""

import base64
import binascii
import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field

from digest.deliver.smtp.reply import Reply
from digest.replies.printable import one_line

_TOKEN_SECONDS = 60.0
"""How long a program may take to get a token, a question to a far server included."""


class TokenError(Exception):
    """The program gave no token; says why, without anything it printed as its result."""


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """Who logs in, and by what."""

    user: str
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    """An OAuth 2 access token; with one, the password is not used."""

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """What may be used, best first."""
        return ("XOAUTH2",) if self.token else ("PLAIN", "LOGIN")

    def choose_mechanism(self, offered: Sequence[str]) -> str | None:
        """The best one that is offered, in capitals; all send the secret as it is, so only inside TLS."""
        return next((mechanism for mechanism in self.mechanisms if mechanism in offered), None)

    def commands(self, mechanism: str) -> tuple[str, ...]:
        """What to say in turn, each but the first in answer to a 334 (RFC 4954; LOGIN and XOAUTH2 have no RFC).

        PLAIN comes with its initial response; it is said again to a server that asks all the same. XOAUTH2 answers a
        334, which is an error told as JSON, with an empty line, upon which the refusal comes
        (https://developers.google.com/gmail/imap/xoauth2-protocol).
        """
        if mechanism == "XOAUTH2":
            return f"AUTH XOAUTH2 {_encode(_bearer(self.user, self.token))}", ""
        if mechanism == "PLAIN":
            response = _encode(_plain(self.user, self.password))
            return f"AUTH PLAIN {response}", response
        return "AUTH LOGIN", _encode(self.user), _encode(self.password)

    def hide(self, text: str) -> str:
        """The text without the secrets, plain or as a login says them: a server may repeat what it was told."""
        for secret in self._secrets():
            text = text.replace(secret, "***")
        return text

    def _secrets(self) -> list[str]:
        """Longest first: a short one may be part of a longer one."""
        secrets = []
        if self.password:
            secrets += [self.password, _encode(self.password), _encode(_plain(self.user, self.password))]
        if self.token:
            secrets += [self.token, _encode(self.token), _encode(_bearer(self.user, self.token))]
        return sorted(secrets, key=len, reverse=True)


def read_token(command: Sequence[str]) -> str:
    """The access token that a program prints, alone on its first line. Blocks.

    Raises:
        TokenError: it could not be run, failed, took too long, or printed no token.
    """
    try:
        done = subprocess.run(  # noqa: S603 - the operator's own program, from the settings
            command, capture_output=True, timeout=_TOKEN_SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        raise TokenError(f"{command[0]} took longer than {_TOKEN_SECONDS:g} s") from None
    except (OSError, ValueError) as error:
        raise TokenError(f"{command[0]} cannot be run ({getattr(error, 'strerror', None) or error})") from None
    if done.returncode:
        raise TokenError(f"{command[0]} ended with exit code {done.returncode}")
    token = done.stdout.decode("ascii", errors="replace").strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise TokenError(f"{command[0]} printed no token; expected one line with nothing else")
    return token


def explain_challenge(reply: Reply) -> str:
    """The words of an error that came as a challenge: base64 of JSON; "" where it is none.

    >>> explain_challenge(Reply(334, (b"eyJzdGF0dXMiOiI0MDAiLCJzY2hlbWVzIjoiQmVhcmVyIn0=",)))
    'status 400, schemes Bearer'
    """
    try:
        told = json.loads(base64.b64decode(reply.texts[-1], validate=True))
    except (binascii.Error, ValueError):
        return ""
    return one_line(", ".join(f"{name} {value}" for name, value in told.items())) if isinstance(told, dict) else ""


def _plain(user: str, password: str) -> str:
    return f"\0{user}\0{password}"


def _bearer(user: str, token: str) -> str:
    return f"user={user}\x01auth=Bearer {token}\x01\x01"


def _encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")
