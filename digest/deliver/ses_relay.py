"""Calls of Amazon SES (API v2, SendEmail with a raw message), by boto3: an extra, loaded only where SES is opened."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from botocore import exceptions as aws
from botocore.config import Config

from digest.deliver.carry import NotTaken
from digest.deliver.ses_answer import Judgement, Verdict, act_on, judge_answer
from digest.deliver.transport import Outcome, Parcel
from digest.errors import TransportError
from digest.model import DeliveryState

_CONNECT_SECONDS = 10


@contextmanager
def open_ses(region: str, configuration_set: str, *, endpoint: str, timeout: float) -> Iterator["SesRelay"]:
    """Make a client ready, and close it at the end; nothing is called yet. The arguments are `SesTransport`'s.

    Raises:
        TransportError: no region, or no credentials.
    """
    try:
        client = _make_client(region, endpoint, timeout)
    except (aws.BotoCoreError, ValueError) as error:
        raise _unusable(error) from error
    try:
        yield SesRelay(client=client, configuration_set=configuration_set)
    finally:
        client.close()


def _make_client(region: str, endpoint: str, timeout: float) -> Any:
    session = boto3.Session(region_name=region or None)
    if session.get_credentials() is None:
        raise aws.NoCredentialsError
    # The library repeats no call by itself: a second POST could be a second mail.
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=_CONNECT_SECONDS, read_timeout=timeout)
    return session.client("sesv2", endpoint_url=endpoint or None, config=config)


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
