"""The way out through Amazon SES's HTTP interface (API v2, SendEmail with a raw message), by boto3.

Credentials come from where boto3 looks for them (the environment, ~/.aws, the machine's role), never from
`digest.toml`.
"""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from digest.deliver.carry import NotTaken
from digest.deliver.http_relay import HttpRelayConnection, connect_relay
from digest.deliver.ses_answer import Judgement, Verdict, act_on, judge_answer
from digest.deliver.transport import Outcome, Parcel
from digest.errors import TransportError
from digest.model import DeliveryState

try:
    import boto3
    from botocore import exceptions as aws
    from botocore.config import Config
except ImportError:  # the extra `ses` was not asked for; no other way out needs it
    boto3 = None

_CONNECT_SECONDS = 10


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
    def _open_relay(self) -> Iterator["SesRelay"]:
        if boto3 is None:
            what = "boto3 is not installed (pip install 'digest-newsletter[ses]')"
            raise TransportError(f"Amazon SES: {what}; check delivery.transport")
        try:
            client = self._make_client()
        except (aws.BotoCoreError, ValueError) as error:
            raise _unusable(error) from error
        try:
            yield SesRelay(client=client, configuration_set=self.configuration_set)
        finally:
            client.close()

    def _make_client(self) -> Any:
        session = boto3.Session(region_name=self.region or None)
        if session.get_credentials() is None:
            raise aws.NoCredentialsError
        # The library repeats no call by itself: a second POST could be a second mail.
        config = Config(retries={"total_max_attempts": 1}, connect_timeout=_CONNECT_SECONDS, read_timeout=self.timeout)
        return session.client("sesv2", endpoint_url=self.endpoint or None, config=config)


@dataclass(frozen=True, kw_only=True)
class SesRelay:
    """A client of SES as a `Relay`."""

    client: Any
    configuration_set: str

    def post(self, parcel: Parcel) -> Outcome | NotTaken:
        """Send one raw message; see `Relay.post`."""
        try:
            answer = self.client.send_email(**self._request(parcel))
        except aws.ClientError as error:
            return act_on(judge_answer(error.response))
        except (aws.BotoCoreError, OSError) as error:
            return act_on(Judgement(verdict=_judge_silence(error), words=" ".join(str(error).split())))
        if not answer.get("MessageId"):  # something on the way answered, such as a proxy's own page
            return act_on(Judgement(verdict=Verdict.UNKNOWN, words="an answer without a MessageId"))
        return Outcome(state=DeliveryState.SENT, reply=f"taken by SES as {answer['MessageId']}")

    def _request(self, parcel: Parcel) -> dict[str, Any]:
        """The arguments of SendEmail; FromEmailAddress is not among them, as it would replace the message's From."""
        request: dict[str, Any] = {
            "FeedbackForwardingEmailAddress": parcel.envelope.sender,
            "Destination": {"ToAddresses": [parcel.envelope.recipient]},
            "Content": {"Raw": {"Data": parcel.content}},
        }
        return request | ({"ConfigurationSetName": self.configuration_set} if self.configuration_set else {})


def _judge_silence(error: Exception) -> Verdict:
    """What a call without an answer means: whether its message can have left before it went wrong.

    A refused certificate ends TLS before anything is said; any other fault of TLS may come after the message. What is
    left is a stall, a lost connection, or an answer that makes no sense.
    """
    if isinstance(error, aws.ParamValidationError):
        return Verdict.REFUSED
    never_sent = (
        aws.EndpointConnectionError,
        aws.ConnectTimeoutError,
        aws.ProxyConnectionError,
        aws.NoCredentialsError,
        aws.PartialCredentialsError,
        aws.CredentialRetrievalError,
        aws.TokenRetrievalError,
    )
    certificate_refused = isinstance(error, aws.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error)
    return Verdict.UNUSABLE if certificate_refused or isinstance(error, never_sent) else Verdict.UNKNOWN


def _unusable(error: Exception) -> TransportError:
    return TransportError(f"Amazon SES: {error}; check delivery.region and the credentials of AWS")
