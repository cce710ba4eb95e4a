"""`[inbound]` of `digest.toml`: where bounces, complaints and requests to leave arrive."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from digest.settings_tables import Table

_SHORTEST_SECRET = 16
_TOPIC = "arn:aws"


class InboundSettings(Table):
    """`[inbound]`: the mailbox that returned mail arrives in, and who else may tell of it."""

    type: Literal["none", "maildir", "mbox", "imap"] = Field(
        "none", description="The kind of mailbox; none where a pipe or webhooks bring it."
    )
    path: Path | None = Field(None, description="maildir: its folder; mbox: its file. Beside digest.toml by default.")
    host: str = Field("", description="imap: the server.")
    port: int | None = Field(None, ge=1, le=65535, description="imap: its port; by default 993, without tls 143.")
    security: Literal["tls", "starttls", "none"] = Field("tls", description="imap: how to encrypt.")
    ca_file: Path | None = Field(None, description="imap: certificates to trust instead of the system's.")
    user: str = Field("", description="imap: the login.")
    password: str = Field("", description="imap: its password; better DIGEST_INBOUND_PASSWORD or a file.")
    password_file: Path | None = Field(None, description="imap: a file that holds the password.")
    token_command: tuple[str, ...] = Field(
        (), description="imap: a program that prints an OAuth 2 access token, to log in with XOAUTH2 for `user`."
    )
    folder: str = Field("INBOX", min_length=1, description="imap: the folder to read.")
    timeout: int = Field(30, ge=1, le=600, description="imap: seconds to wait for each answer.")
    after: Literal["mark", "keep", "delete", "move"] = Field(
        "mark",
        description="What becomes of a message that was acted upon: it counts as seen, stays as it is, is deleted, or "
        "goes to the folder `move_to` (imap).",
    )
    move_to: str = Field("", description='imap: where to, with after = "move".')
    poll_minutes: int = Field(5, ge=1, le=1440, description="How often `digest run` looks into the mailbox.")
    trust_addresses: bool = Field(
        default=False,
        description="Believe bounces and complaints that name an address and nothing of ours. Anybody can write such a "
        "mail, and so take readers off your list.",
    )
    sns_topics: tuple[str, ...] = Field(
        (), description="ARNs of the SNS topics that may tell of bounces by POST /webhooks/ses; none by default."
    )
    webhook_token: str = Field(
        "", description="With it POST /webhooks/bounces takes bounces as JSON; better DIGEST_INBOUND_WEBHOOK_TOKEN."
    )
    webhook_token_file: Path | None = Field(None, description="A file that holds the token.")

    @field_validator("sns_topics")
    @classmethod
    def _topics_are_arns(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for topic in value:
            if not topic.startswith(_TOPIC) or topic.count(":") != 5:  # noqa: PLR2004 - an ARN of SNS has six parts
                raise ValueError(f"expected ARNs such as arn:aws:sns:eu-west-1:123456789012:bounces, found {topic!r}")
        return value

    @model_validator(mode="after")
    def _mailbox_is_whole(self) -> Self:
        if self.type in ("maildir", "mbox") and self.path is None:
            raise ValueError(f'type = "{self.type}" needs path, where the mailbox lies')
        if self.type == "imap" and not (self.host and self.user):
            raise ValueError('type = "imap" needs host and user')
        if self.token_command and not self.user:
            raise ValueError("token_command logs in with XOAUTH2 and needs user, the mailbox it is for")
        if self.after == "move" and not (self.type == "imap" and self.move_to):
            raise ValueError('after = "move" needs type = "imap" and move_to, a folder')
        return self

    @model_validator(mode="after")
    def _token_is_long(self) -> Self:
        if self.webhook_token and len(self.webhook_token) < _SHORTEST_SECRET:
            raise ValueError(f"webhook_token is too short to be a secret; expected {_SHORTEST_SECRET} characters")
        return self

    @property
    def has_mailbox(self) -> bool:
        """Whether there is a mailbox to look into."""
        return self.type != "none"

    @property
    def imap_port(self) -> int:
        """The port that is meant (RFC 8314 section 3.2)."""
        return self.port or (993 if self.security == "tls" else 143)
