"""Certificates for servers on this machine, from an authority made for this run."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme


@dataclass(frozen=True, kw_only=True)
class Certificates:
    server: ssl.SSLContext
    """For 127.0.0.1 and localhost."""
    ca_file: Path
    """What a client must trust to trust it."""


@pytest.fixture(scope="session")
def certificates(tmp_path_factory) -> Certificates:
    authority = trustme.CA()
    ca_file = tmp_path_factory.mktemp("certificates") / "ca.pem"
    authority.cert_pem.write_to_path(ca_file)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(server)
    return Certificates(server=server, ca_file=ca_file)
