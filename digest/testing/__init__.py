"""Mail servers for tests: a real one that records (aiosmtpd), one that answers by script and misbehaves, a quick one.

All listen on a free port of 127.0.0.1 in a thread of their own, so that any test can use them with `with`.
Needs the `test` extra.
"""

from digest.testing.recording import RecordingServer
from digest.testing.scripted import Answer, Fault, OnceMoreCame, ScriptedServer, Slowly
from digest.testing.server import ReceivedMessage, ServerThread
from digest.testing.sink import SinkServer

__all__ = [
    "Answer",
    "Fault",
    "OnceMoreCame",
    "ReceivedMessage",
    "RecordingServer",
    "ScriptedServer",
    "ServerThread",
    "SinkServer",
    "Slowly",
]
