"""Strangers at readers' pages: 100,000 made-up links, and whatever the description of the JSON endpoints allows."""

import random
import secrets
import subprocess
import sys
from base64 import urlsafe_b64decode, urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from public_site import READER, make_workspace, run_public

from digest.mail.links import Purpose
from digest.testing import RecordingServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
TOKEN = "a-secret-of-some-length"
TRIES = 100_000
THROUGH_THE_DOOR = 20_000
"""So many of them are asked of the running server; all of them of what reads them."""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with RecordingServer() as mail:
        file = make_workspace(tmp_path_factory.mktemp("attacks") / "site", mail)
        inbound = f'[inbound]\nwebhook_token = "{TOKEN}"\n'
        file.write_text(file.read_text("utf-8") + inbound, encoding="utf-8")
        with run_public(file, mail) as running:
            yield running


def forgeries(tokens, chance):
    """Without end: guesses, real ones with a bit, a byte or a character changed, cut, spliced and lengthened."""
    while True:
        token = chance.choice(tokens)
        raw = bytearray(urlsafe_b64decode(token))
        place = chance.randrange(len(raw))
        flipped = bytearray(raw)
        flipped[place] ^= 1 << chance.randrange(8)
        other = urlsafe_b64decode(chance.choice(tokens))
        spliced = bytes(raw[:14]) + other[14:]
        yield from (
            secrets.token_urlsafe(30),
            urlsafe_b64encode(flipped).decode(),
            urlsafe_b64encode(spliced).decode() if spliced != bytes(raw) and spliced != other else "A" * 40,
            token[: chance.randrange(40)] or "x",
            token + chance.choice("Aa_-="),
            token.swapcase(),
            urlsafe_b64encode(bytes((chance.randrange(256),)) + bytes(raw[1:])).decode()
            if raw[0] != (guess := 0)
            else str(guess),
        )


def real_tokens(site):
    purposes = (Purpose.UNSUBSCRIBE, Purpose.PREFERENCES, Purpose.CONFIRM, Purpose.COUNT)
    return [site.token(purpose, READER) for purpose in purposes]


def test_a_hundred_thousand_made_up_tokens_say_nothing(site):
    tokens = real_tokens(site)
    made = forgeries(tokens, random.Random(5))
    tried = 0
    with site.open() as app:
        keyring = app.keyring
    while tried < TRIES:
        forged = next(made)
        if forged in tokens:
            continue
        assert keyring.read_link(forged) is None, forged
        tried += 1


def test_made_up_links_all_get_the_neutral_page_and_change_nothing(site):
    tokens = real_tokens(site)
    before = site.snapshot()
    address = urlsplit(site.url)

    def knock(seed):
        chance, connection = random.Random(seed), HTTPConnection(address.hostname, address.port, timeout=20)
        made, seen = forgeries(tokens, chance), set()
        for _ in range(THROUGH_THE_DOOR // 4):
            forged = next(made)
            if forged in tokens:
                continue
            page = chance.choice(("unsubscribe/{}", "preferences/{}", "confirm/{}", "c/{}/1"))
            connection.request(chance.choice(("GET", "POST")), f"/digest/{page.format(forged)}")
            with connection.getresponse() as answer:
                body = answer.read()
                seen.add((answer.status, body if answer.status == 404 else b""))
        connection.close()
        return seen

    with ThreadPoolExecutor(4) as pool:
        answers = set().union(*pool.map(knock, range(4)))
    # 405: a POST to the page of preferences itself, or to a counted link, whatever the token.
    assert {status for status, _ in answers} <= {404, 405}
    assert len({body for status, body in answers if status == 404}) == 1
    assert site.snapshot() == before


def test_schemathesis_finds_nothing(site, tmp_path):
    """Against the served description: wrong statuses, undocumented answers, crashes, schema breaches."""
    config = Path(__file__).with_name("schemathesis.toml")
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config)),
        *("run", f"{site.url}/digest/openapi.json"),
        *("--url", f"{site.url}/digest", "--max-examples", "300", "--seed", "5", "--no-color"),
        *("--phases", "examples,coverage,fuzzing,stateful", "--header", f"Authorization: Bearer {TOKEN}"),
    ]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=500, cwd=tmp_path)
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]
