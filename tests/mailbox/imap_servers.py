"""A real IMAP server, Dovecot, in a folder of its own; and one that answers by script, for what Dovecot never does."""

import getpass
import grp
import os
import shutil
import socket
import subprocess
import threading
import time
from base64 import b64decode
from contextlib import contextmanager
from dataclasses import dataclass
from imaplib import IMAP4
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import trustme

from web_servers import free_port

USER, PASSWORD = "bounces", 'pass "word\\ 암호'
_READY_SECONDS = 10
_NOBODY = 65534
_CONFIG = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap
listen = 127.0.0.1
{owners}
mail_location = maildir:{folder}/mail
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = 0
first_valid_gid = 0
ssl = yes
ssl_cert = <{folder}/server.pem
ssl_key = <{folder}/server.pem
disable_plaintext_auth = no
auth_failure_delay = 0
auth_mechanisms = plain login
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {folder}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail
}}
service anvil {{
  {chroot}
}}
service imap-login {{
  {chroot}
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
"""


@dataclass
class ImapServer:
    folder: Path
    port: int
    tls_port: int
    ca_file: Path

    def settings(self, **changes):
        """The lines of [inbound]."""
        return {
            "type": "imap",
            "host": "localhost",
            "port": self.tls_port,
            "ca_file": str(self.ca_file),
            "user": USER,
            "password": PASSWORD,
            "timeout": 10,
            **changes,
        }

    @contextmanager
    def log_in(self, folder="INBOX"):
        """As a person's mail program."""
        client = IMAP4("127.0.0.1", self.port, timeout=10)
        client.authenticate("PLAIN", lambda _: f"\0{USER}\0{PASSWORD}".encode())
        try:
            if folder:
                client.select(folder)
            yield client
        finally:
            client.logout()

    def deliver(self, *messages, folder="INBOX"):
        with self.log_in("") as client:
            for message in messages:
                assert client.append(folder, None, None, message.replace(b"\n", b"\r\n"))[0] == "OK"

    def flags(self, folder="INBOX"):
        """The flags of each message, in their order."""
        with self.log_in(folder) as client:
            found = client.uid("FETCH", "1:*", "(FLAGS)")[1]
        return [line.decode().partition("FLAGS (")[2].rstrip(")") for line in found if line]

    def make_folder(self, name):
        with self.log_in("") as client:
            assert client.create(name)[0] == "OK"

    def make_anew(self):
        """The inbox with other UIDs, as after a restored backup."""
        for name in ("dovecot-uidlist", "dovecot.index", "dovecot.index.log", "dovecot.index.cache"):
            (self.folder / "mail" / name).unlink(missing_ok=True)


@contextmanager
def run_dovecot():
    """The server; run by root it takes the users of its package, else it is all one user."""
    program = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin")
    if program is None:
        pytest.skip("no Dovecot: install dovecot-imapd")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    if not version.startswith("2.3"):
        pytest.skip(f"Dovecot {version.split()[0]} has another form of settings than 2.3")
    with TemporaryDirectory(prefix="dovecot-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield from _run(program, folder)


def _run(program, folder):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    authority.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    (folder / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
    for name in ("run", "state", "mail"):
        (folder / name).mkdir()
    is_root = os.getuid() == 0
    uid, gid = (_NOBODY, _NOBODY) if is_root else (os.getuid(), os.getgid())
    os.chown(folder / "mail", uid, gid)
    user = getpass.getuser()
    owners = f"default_internal_user = {user}\ndefault_login_user = {user}\n"
    owners += f"default_internal_group = {grp.getgrgid(gid).gr_name}"
    port, tls_port = free_port(), free_port()
    config = folder / "dovecot.conf"
    values = {"owners": "" if is_root else owners, "chroot": "" if is_root else "chroot =", "uid": uid, "gid": gid}
    config.write_text(_CONFIG.format(folder=folder, port=port, tls_port=tls_port, **values))
    process = subprocess.Popen([program, "-F", "-c", config], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    try:
        _wait_for(port, process, folder / "dovecot.log")
        yield ImapServer(folder=folder, port=port, tls_port=tls_port, ca_file=folder / "ca.pem")
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait_for(port, process, log):
    give_up_at = time.monotonic() + _READY_SECONDS
    while time.monotonic() < give_up_at and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"Dovecot did not start: {log.read_text() if log.exists() else process.poll()}")


class ScriptedImap:
    """Speaks just enough IMAP; `drop` names commands at which it hangs up, so many times each."""

    def __init__(self, messages, *, drop=None, refuse=(), validity=1, capabilities="IMAP4rev1"):
        self.messages = dict(enumerate(messages, 1))
        self.drop = dict(drop or {})
        self.refuse = set(refuse)
        self.validity = validity
        self.capabilities = capabilities
        self.said = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self._listener.close()

    def settings(self, **changes):
        return {
            "type": "imap",
            "host": "127.0.0.1",
            "port": self.port,
            "security": "none",
            "user": USER,
            "password": "secret-of-the-box",
            "timeout": 5,
            **changes,
        }

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection, connection.makefile("rwb") as stream:
                self._talk(stream)

    def _talk(self, stream):
        stream.write(b"* OK ready\r\n")
        stream.flush()
        while line := stream.readline():
            tag, _, command = line.decode().strip().partition(" ")
            self.said.append(command)
            words = command.split()
            name = words[1] if words[0] == "UID" else words[0]
            if self.drop.get(name, 0):
                self.drop[name] -= 1
                return
            if name == "AUTHENTICATE":
                stream.write(b"+ \r\n")
                stream.flush()
                self.said.append(b64decode(stream.readline()).decode())
            for answer in self._answer(name, words):
                stream.write(answer)
            refused = name in self.refuse or " ".join(words[:3]) in self.refuse
            stream.write(f"{tag} {'NO not today, secret-of-the-box' if refused else 'OK'} done\r\n".encode())
            stream.flush()
            if name == "LOGOUT":
                return

    def _answer(self, name, words):
        if name == "CAPABILITY":
            yield f"* CAPABILITY {self.capabilities}\r\n".encode()
        elif name in ("SELECT", "EXAMINE"):
            yield f"* OK [UIDVALIDITY {self.validity}] ok\r\n* {len(self.messages)} EXISTS\r\n".encode()
        elif name == "SEARCH":
            yield f"* SEARCH {' '.join(map(str, self.messages))}\r\n".encode()
        elif name == "FETCH" and " ".join(words[:3]) not in self.refuse and int(words[2]) in self.messages:
            content = self.messages[int(words[2])]
            yield f"* 1 FETCH (UID {words[2]} BODY[]<0> {{{len(content)}}}\r\n".encode() + content + b")\r\n"
