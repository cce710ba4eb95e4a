"""Key files: made for their owner only, never overwritten, and refused in words where they cannot sign."""

import re
import stat
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from dkim_samples import ED25519, RSA

from digest.errors import SettingsError
from digest.mail.dkim_keys import KeyType, SigningKey, load_signing_key, make_key_file
from digest.settings import DkimSettings

PEM, PKCS8, PLAIN = (
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
)
LOCKED = serialization.BestAvailableEncryption(b"secret")


def pem_of(key, encryption=PLAIN, form=PKCS8):
    return key.private_bytes(PEM, form, encryption)


def public_pem(key):
    return key.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def write_key(folder, content, mode=0o600):
    path = folder / "key.pem"
    path.write_bytes(content)
    path.chmod(mode)
    return path


def load(folder, **changes):
    table = DkimSettings(**{"selector": "s2026", "key_file": Path("key.pem"), **changes})
    return load_signing_key(table, folder / "digest.toml", "hanbit.example")


@pytest.mark.parametrize("key_type", KeyType)
def test_a_new_key_is_its_owners_alone_and_can_be_loaded(tmp_path, key_type):
    make_key_file(tmp_path / "dkim" / "key.pem", key_type)
    assert stat.S_IMODE((tmp_path / "dkim").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "dkim" / "key.pem").stat().st_mode) == 0o600
    key = load(tmp_path, key_file=Path("dkim/key.pem"))
    assert (key.selector, key.domain, key.type, key.weakness) == ("s2026", "hanbit.example", key_type, "")


def test_a_key_file_is_never_overwritten(tmp_path):
    path = write_key(tmp_path, b"precious")
    with pytest.raises(SettingsError, match=r"key\.pem is there already and was not changed"):
        make_key_file(path, KeyType.ED25519)
    assert path.read_bytes() == b"precious"


def test_openssl_reads_a_new_key(tmp_path):
    make_key_file(tmp_path / "key.pem", KeyType.RSA, bits=2048)
    done = subprocess.run(
        ["openssl", "pkey", "-in", tmp_path / "key.pem", "-noout", "-text"], capture_output=True, text=True, check=True
    )
    assert "2048 bit" in done.stdout


def test_the_old_form_of_rsa_keys_is_read(tmp_path):
    """BEGIN RSA PRIVATE KEY, as opendkim-genkey writes it."""
    write_key(tmp_path, pem_of(RSA.private_key, form=serialization.PrivateFormat.TraditionalOpenSSL))
    assert load(tmp_path).public_value == RSA.public_value


def test_the_tables_own_domain_wins(tmp_path):
    write_key(tmp_path, pem_of(ED25519.private_key))
    assert load(tmp_path, domain="mail.example.com").domain == "mail.example.com"


def test_an_absolute_path_counts_from_the_root(tmp_path):
    path = write_key(tmp_path, pem_of(ED25519.private_key))
    assert load(tmp_path / "elsewhere", key_file=path).public_value == ED25519.public_value


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", r"is no private key in PEM .*`digest dkim new` makes one"),
        (b"hello\n", r"is no private key in PEM"),
        (b"\xff\xfe\x00", r"is no private key in PEM"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", r"holds a private key that cannot be read"),
        (public_pem(RSA.private_key), r"holds a public key, not a private key"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", r"holds a certificate"),
        (pem_of(RSA.private_key, LOCKED), r"is encrypted, .* store it without one"),
        (pem_of(ec.generate_private_key(ec.SECP256R1())), r"holds a key of the kind EC; DKIM knows RSA and Ed25519"),
    ],
    ids=["empty", "text", "binary", "broken", "public", "certificate", "encrypted", "another kind"],
)
def test_what_cannot_sign_is_refused_with_the_file_the_reason_and_the_remedy(tmp_path, content, words):
    write_key(tmp_path, content)
    where = re.escape(f"{tmp_path / 'digest.toml'}: delivery.dkim: key_file: {tmp_path / 'key.pem'} ")
    with pytest.raises(SettingsError, match=rf"^{where}{words}"):
        load(tmp_path)


@pytest.mark.parametrize("bits", [512, 1023])
def test_an_rsa_key_that_receivers_ignore_is_refused(tmp_path, bits):
    """RFC 8301 section 3.2: less than 1024 bits."""
    made = subprocess.run(["openssl", "genrsa", str(bits)], capture_output=True, check=True)
    write_key(tmp_path, made.stdout)
    with pytest.raises(SettingsError, match=rf"RSA key of {bits} bits, which receivers ignore .* make one with 2048"):
        load(tmp_path)


@pytest.mark.parametrize(("bits", "weakness"), [(1024, "RSA with 1024 bits is weak"), (4104, "need not verify more")])
def test_a_key_that_works_badly_is_taken_and_says_so(bits, weakness):
    key = SigningKey(selector="s", domain="example.com", private_key=generate_private_key(65537, bits))
    assert weakness in key.weakness


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_key_that_others_can_read_or_change_is_refused(tmp_path, mode):
    path = write_key(tmp_path, pem_of(ED25519.private_key), mode)
    with pytest.raises(SettingsError, match=rf"\(mode {mode:04o}\), who could sign as you: chmod 600 {path}"):
        load(tmp_path)


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_key_that_its_owner_alone_can_read_is_taken(tmp_path, mode):
    write_key(tmp_path, pem_of(ED25519.private_key), mode)
    load(tmp_path)


def test_a_file_that_is_not_there_says_how_to_make_it(tmp_path):
    with pytest.raises(SettingsError, match=r"key\.pem is not there; `digest dkim new --selector s2026` makes a key"):
        load(tmp_path)


def test_a_folder_is_no_key(tmp_path):
    (tmp_path / "key.pem").mkdir()
    with pytest.raises(SettingsError, match=r"key\.pem cannot be read: Is a directory"):
        load(tmp_path)
