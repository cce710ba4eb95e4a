"""The server that misbehaves by script leaves nothing behind that breaks a later test."""

import gc
import socket
import sys
from contextlib import ExitStack

import pytest

from digest.testing import ScriptedServer


@pytest.fixture
def broken(monkeypatch):
    """What Python could raise nowhere, as in a finalizer."""
    found = []
    monkeypatch.setattr(sys, "unraisablehook", lambda failure: found.append(failure.exc_value))
    return found


def test_the_end_of_a_server_in_the_middle_of_a_handshake_breaks_nothing(certificates, broken, capfd):
    with ExitStack() as clients, ScriptedServer(extensions=("STARTTLS",), tls_context=certificates.server) as server:
        client = clients.enter_context(socket.create_connection((server.host, server.port)))
        said = clients.enter_context(client.makefile("rb"))
        said.readline()
        client.sendall(b"STARTTLS\r\n")
        said.readline()
    gc.collect()
    assert (broken, capfd.readouterr().err) == ([], "")
