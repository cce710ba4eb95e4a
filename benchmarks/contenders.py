"""Everything that can send the same messages to a sink, each called in the same way."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from importlib.util import find_spec
from itertools import count as count_up
from pathlib import Path

from delay_proxy import DelayProxy
from measuring import Cost, FailedRunError, measure
from peer_setup import PROGRAMS, Peers, Postfix
from publication import CONNECTIONS, Newsroom
from sink import HOST, Sink

OURS, OURS_UVLOOP, OURS_DKIM = "digest, asyncio", "digest, uvloop", "digest + DKIM RSA-2048"
SOURCE, NODEMAILER, AIOSMTPLIB, DJANGO = "smtp-source", "nodemailer, pool", "aiosmtplib", "Django, one connection"
_COPIED_HEADERS = ("Reply-To", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post")


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where one run sends to."""

    port: int
    connections: int = CONNECTIONS


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One way to send."""

    label: str
    send: Callable[[int, Target], Cost]
    """Sends so many messages to a target."""
    share: float = 1.0
    """The part of a round's messages it sends: a slow one would take minutes with all of them."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """One run, and one of a single message, which is what it costs to start."""

    messages: int
    whole: Cost
    start: Cost

    @property
    def rate(self) -> float:
        """Messages a second, starting aside."""
        return (self.messages - 1) / self.whole.over(self.start).wall

    @property
    def whole_rate(self) -> float:
        """Messages a second of the whole run."""
        return self.messages / self.whole.wall

    @property
    def cpu(self) -> float:
        """µs of CPU a message, starting aside."""
        return self.whole.over(self.start).cpu / (self.messages - 1) * 1e6

    @property
    def whole_cpu(self) -> float:
        """µs of CPU a message of the whole run."""
        return self.whole.cpu / self.messages * 1e6


def run(
    contender: Contender,
    messages: int,
    postfix: Postfix,
    *,
    connections: int = CONNECTIONS,
    round_trip_ms: float = 0,
) -> Result:
    """Send one message, then all of them, each to a sink of its own that counts, and is as far away as is said.

    Raises:
        FailedRunError: the program failed, or the sink's count is another one.
    """

    def send(number: int) -> Cost:
        with Sink(postfix.sink, environment=postfix.environment) as sink, _distance(sink, round_trip_ms) as port:
            cost = contender.send(number, Target(port=port, connections=connections))
            require_count(sink, number)
            return cost

    start = send(1)
    return Result(messages=messages, whole=send(messages), start=start)


@contextmanager
def _distance(sink: Sink, round_trip_ms: float) -> Iterator[int]:
    """The port by which a sink is reached."""
    if not round_trip_ms:
        yield sink.port
        return
    with DelayProxy(sink.port, round_trip_ms=round_trip_ms) as proxy:
        yield proxy.port


def require_count(sink: Sink, messages: int) -> None:
    """Fail where the sink did not take exactly so many."""
    if sink.count != messages:
        raise FailedRunError(f"the sink counted {sink.count:,} of {messages:,} messages")


class Field:
    """Makes the contenders that this machine has, and says which it lacks."""

    def __init__(self, newsroom: Newsroom, peers: Peers, folder: Path) -> None:
        self._newsroom = newsroom
        self._peers = peers
        self._folder = folder
        self._runs = count_up()
        self.message = newsroom.sample()
        """One of our messages as it leaves."""
        self._eml, self._parts = folder / "message.eml", folder / "parts.json"
        # smtp-source ends lines itself.
        self._eml.write_bytes(self.message.replace(b"\r\n", b"\n"))
        self._parts.write_text(json.dumps(_parts_of(self.message), ensure_ascii=False), encoding="utf-8")

    def contenders(self) -> Iterator[Contender]:
        """All that can run here, ours first."""
        yield self.ours(OURS, env=self._without_uvloop())
        if find_spec("uvloop"):
            yield self.ours(OURS_UVLOOP)
        else:
            print("could not find uvloop: pip install 'digest-newsletter[speed]'")
        yield self.ours(OURS_DKIM, dkim=True)
        yield self.source(self._peers.postfix)
        if self._peers.node:
            yield self.peer(NODEMAILER, self._peers.node, "nodemailer.js", env=self._peers.node_environment, share=0.3)
        if self._peers.python:
            yield self.peer(AIOSMTPLIB, self._peers.python, "aiosmtplib_mail.py", share=0.3)
            yield self.peer(DJANGO, self._peers.python, "django_mail.py", share=0.15)

    def ours(self, label: str, *, env: Mapping[str, str] | None = None, dkim: bool = False) -> Contender:
        """`digest send`, with its ledger."""

        def send(messages: int, target: Target) -> Cost:
            copy = self._newsroom.publication(messages).copy(self._folder / f"run-{next(self._runs)}")
            copy.deliver_to(target.port, connections=target.connections, dkim=dkim)
            cost = copy.send(env=env)
            copy.require_sent()
            copy.remove()
            return cost

        return Contender(label=label, send=send)

    def source(self, postfix: Postfix) -> Contender:
        """smtp-source, with our message."""

        def send(messages: int, target: Target) -> Cost:
            return measure(
                postfix.source,
                *("-d", "-s", str(min(target.connections, messages)), "-m", str(messages), "-F", self._eml),
                *("-f", "news@hanbit-news.example", "-t", "reader@example.com", f"{HOST}:{target.port}"),
                cwd=self._folder,
                env=postfix.environment,
            )

        return Contender(label=SOURCE, send=send)

    def peer(
        self, label: str, program: Path, script: str, *, env: Mapping[str, str] | None = None, share: float
    ) -> Contender:
        """A script of benchmarks/peers/."""

        def send(messages: int, target: Target) -> Cost:
            values = (HOST, target.port, target.connections, messages, self._parts)
            return measure(program, PROGRAMS / script, *map(str, values), cwd=self._folder, env=env)

        return Contender(label=label, send=send, share=share)

    def _without_uvloop(self) -> dict[str, str]:
        """An environment in which uvloop cannot be imported."""
        folder = self._folder / "without-uvloop"
        folder.mkdir(exist_ok=True)
        (folder / "uvloop.py").write_text('raise ImportError("left out for this run")\n', encoding="utf-8")
        return put_on_path(folder)


def put_on_path(folder: Path) -> dict[str, str]:
    """An environment in which Python finds the modules of a folder first."""
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH", "")]))}


def _parts_of(content: bytes) -> dict[str, object]:
    message = message_from_bytes(content, policy=policy.default)
    text, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    return {
        "from": str(message["From"]),
        "subject": str(message["Subject"]),
        "text": text.get_content() if text else "",
        "html": html.get_content() if html else "",
        "headers": {name: str(message[name]) for name in _COPIED_HEADERS if message[name]},
        "message": content.decode("ascii"),
    }
