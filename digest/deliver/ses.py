"""The way out through Amazon SES's HTTP interface; the calls are in `ses_relay`.

Credentials come from where boto3 looks for them (the environment, ~/.aws, the machine's role), never from
`digest.toml`.
"""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass

from digest.deliver.http_relay import HttpRelayConnection, Relay, connect_relay
from digest.errors import TransportError


@dataclass(frozen=True, kw_only=True)
class SesTransport:
    """Amazon SES in one region."""

    region: str = ""
    """By default that of the environment."""
    configuration_set: str = ""
    """The configuration set of every call, or "" for none."""
    endpoint: str = ""
    """Another address to call; by default Amazon's own, or that of AWS_ENDPOINT_URL."""
    timeout: float = 60
    """Seconds to wait for an answer; after that the message is uncertain."""

    def connect(self) -> AbstractAsyncContextManager[HttpRelayConnection]:
        """Make a client ready; nothing is called yet.

        Raises:
            TransportError: no boto3, no region, or no credentials.
        """
        return connect_relay(self._open_relay)

    @contextmanager
    def _open_relay(self) -> Iterator[Relay]:
        try:
            # It loads boto3, for which every other command, and every other way out, would wait in vain.
            from digest.deliver.ses_relay import open_ses  # noqa: PLC0415
        except ImportError as error:  # the extra `ses` was not asked for
            what = "boto3 is not installed (pip install 'digest-newsletter[ses]')"
            raise TransportError(f"Amazon SES: {what}; check delivery.transport") from error
        with open_ses(self.region, self.configuration_set, endpoint=self.endpoint, timeout=self.timeout) as relay:
            yield relay
