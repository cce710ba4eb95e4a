"""`[web]` of `digest.toml`: the pages that readers reach, and the figures that operators read."""

import ipaddress
import re

from pydantic import Field, field_validator, model_validator

from digest.settings_tables import Table

_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(?::\d+)?|http://\[[0-9a-f:]+\](?::\d+)?")
_LOOPBACK = ("127.0.0.1", "::1")


class WebSettings(Table):
    """`[web]`: readers' pages. With this table in the file `digest run` serves them too."""

    host: str = Field("127.0.0.1", description="The address to listen on; a web server in front passes requests on.")
    port: int = Field(8025, ge=0, le=65535, description="Its port; 0 takes any that is free.")
    trusted_proxies: tuple[str, ...] = Field(
        _LOOPBACK, description="Addresses or networks whose X-Forwarded-For and -Proto are believed; nobody else's are."
    )
    hsts_days: int = Field(
        0, ge=0, le=3650, description="Days for which browsers insist on https (Strict-Transport-Security); 0 for none."
    )
    cors_origins: tuple[str, ...] = Field(
        (), description='Sites whose own forms may post JSON to /subscribe: ["https://news.example"].'
    )
    double_opt_in: bool = Field(
        default=True, description="Ask each new reader to confirm by a link in a mail. Off only where law allows it."
    )
    confirm_days: int = Field(7, ge=1, le=60, description="How long the link of a confirmation mail works.")
    consent: str = Field(
        "", description="The words people agree to in the form; by default those of each reader's language."
    )
    privacy_url: str = Field("", description="Your privacy policy; the forms link to it.")
    signups_per_hour: int = Field(
        20, ge=1, le=100_000, description="Requests one client may send to the forms in an hour."
    )
    archive_noindex: bool = Field(
        default=False, description="Ask search engines to leave the archive of past issues out."
    )
    operations_port: int | None = Field(
        None, ge=0, le=65535, description="A port of its own for /healthz, /readyz and /metrics; 0 takes any."
    )
    operations_host: str = Field("127.0.0.1", description="The address of that port.")
    operations_token: str = Field(
        "", description="With it they are served beside the pages too, to whoever sends it as a Bearer token."
    )

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies_are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            try:
                ipaddress.ip_network(network)
            except ValueError as error:
                raise ValueError(f"expected an address or network such as 10.0.0.0/8, found {network!r}") from error
        return value

    @field_validator("cors_origins")
    @classmethod
    def _origins_are_exact(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(f"expected origins such as https://news.example, without a path, found {origin!r}")
        return value

    @field_validator("privacy_url")
    @classmethod
    def _policy_is_https(cls, value: str) -> str:
        if value and not value.startswith("https://"):
            raise ValueError("expected an address that begins with https://")
        return value

    @model_validator(mode="after")
    def _token_is_long(self) -> "WebSettings":
        if self.operations_token and len(self.operations_token) < 16:  # noqa: PLR2004 - said in the message
            raise ValueError("operations_token is too short to be a secret; expected 16 characters or more")
        return self
