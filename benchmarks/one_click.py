"""Print how fast readers leave with one click while an issue is sent: requests a second, percentiles, none lost.

    python benchmarks/one_click.py [--rate 500] [--seconds 30] [--readers 400000]

`digest serve` answers wrk's POSTs (RFC 8058), each with the token of another reader, while `digest send` hands the
demo's digest to postfix's smtp-sink over 10 connections: four processes on one machine. Needs wrk
(https://github.com/wg/wrk; Debian has it). Every request must be answered with 200, and the database must have as many
readers less. Takes about two minutes.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from peer_setup import set_up_postfix
from publication import DATABASE, Newsroom, Publication
from sink import HOST, Sink, free_port, wait_for_port

from digest.app import open_app
from digest.mail.links import Purpose, TokenSigner
from digest.store.database import open_database

CONNECTIONS = 50
MOST_P99 = 50.0
"""Milliseconds."""
SCRIPT = """
local tokens, place, delay_ms = {}, 0, 0
function init(args)
  delay_ms = tonumber(args[2])
  for line in io.lines(args[1]) do tokens[#tokens + 1] = line end
  wrk.method, wrk.body = "POST", "List-Unsubscribe=One-Click"
  wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
end
function delay() return math.random(0, 2 * delay_ms) end
function request()
  place = place % #tokens + 1
  return wrk.format(nil, "/digest/unsubscribe/" .. tokens[place])
end
"""


def main() -> None:
    """Measure once and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=500)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--readers", type=int, default=400_000)
    options = parser.parse_args()
    wrk = shutil.which("wrk")
    if wrk is None:
        sys.exit("wrk is not here; install it (apt install wrk)")
    postfix = set_up_postfix()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        publication = Newsroom(folder).publication(options.readers)
        with Sink(postfix.sink, environment=postfix.environment) as sink, serve(publication) as port:
            publication.deliver_to(sink.port)
            with sending(publication):
                wait_until_sent(sink)
                tokens = write_tokens(publication, folder, options.rate * options.seconds * 2)
                before = sink.count
                said = ask(wrk, tokens, port=port, rate=options.rate, seconds=options.seconds)
                rate = (sink.count - before) / options.seconds
        judge(said, publication, rate, options.rate)


@contextmanager
def serve(publication: Publication):
    """`digest serve`, on a free port."""
    port = free_port()
    command = [sys.executable, "-m", "digest", "serve", "--port", str(port)]
    process = subprocess.Popen(command, cwd=publication.folder, stderr=subprocess.DEVNULL)
    try:
        wait_for_port(port)
        yield port
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def sending(publication: Publication):
    """`digest send`, until it is no longer needed."""
    command = [sys.executable, "-m", "digest", "send", "weekly", "--date", publication.edition, "--yes"]
    process = subprocess.Popen(command, cwd=publication.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
        if process.poll() is not None:
            sys.exit("the issue was through before the requests were; ask for more --readers")
    finally:
        process.terminate()
        process.wait(60)


def wait_until_sent(sink: Sink) -> None:
    """Return once messages leave."""
    for _ in range(600):
        if sink.count > 1000:
            return
        time.sleep(0.1)
    sys.exit("nothing was sent within a minute")


def write_tokens(publication: Publication, folder: Path, count: int) -> Path:
    """The tokens of the readers who are mailed last, one a line."""
    with open_app(publication.folder / "digest.toml") as app:
        issue = app.database.value("SELECT max(id) FROM issue")
        last = app.database.value("SELECT max(id) FROM subscriber")
        signer = TokenSigner(app.keyring.signing, issue)
    file = folder / "tokens"
    lines = (signer.sign_link(int(Purpose.UNSUBSCRIBE), last - number) for number in range(count))
    file.write_text("\n".join(lines), encoding="ascii")
    return file


def ask(wrk: str, tokens: Path, *, port: int, rate: int, seconds: int) -> str:
    """What wrk says of so many requests a second."""
    script = tokens.with_name("one_click.lua")
    script.write_text(SCRIPT, encoding="utf-8")
    # Pauses of one length keep the connections in step, and all of them ask in one moment: no readers do that. What
    # an answer takes comes on top.
    delay = 1000 * CONNECTIONS / rate - 2
    command = [wrk, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-s", script, f"http://{HOST}:{port}"]
    return subprocess.run([*command, "--", tokens, f"{delay:.0f}"], capture_output=True, text=True, check=True).stdout


def judge(said: str, publication: Publication, sent_rate: float, wanted: int) -> None:
    """Print the figures, and whether they are reached."""
    requests = int(re.search(r"(\d+) requests in", said)[1])
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1])
    percentiles = {name: to_milliseconds(value) for name, value in re.findall(r"(\d+)%\s+([\d.]+\w+)", said)}
    failed = "\n".join(re.findall(r".*(?:Non-2xx|Socket errors).*", said)).strip()
    with open_database(publication.folder / DATABASE) as database:
        left = database.value("SELECT count(*) FROM subscriber WHERE state = 'unsubscribed'")
    print(
        f"one-click requests      {requests:,} at {rate:,.0f} a second, while {sent_rate:,.0f} mails a second were sent"
    )
    print("milliseconds            " + ", ".join(f"p{name} {value:.1f}" for name, value in percentiles.items()))
    print(f"answered with an error  {failed or 'none'}")
    print(f"readers who left        {left:,}, lost {max(requests - left, 0):,}")
    missed = [
        words
        for words, holds in (
            (f"{wanted} requests a second", rate >= wanted * 0.98),
            ("every request answered with 200", not failed),
            # wrk stops with requests on their way, which it does not count.
            ("every reader who asked has left", 0 <= left - requests <= CONNECTIONS),
            (f"p99 below {MOST_P99:g} ms", percentiles["99"] < MOST_P99),
        )
        if not holds
    ]
    print(f"missed: {'; '.join(missed)}" if missed else "all reached")


def to_milliseconds(text: str) -> float:
    """wrk's "1.25ms", "830.00us", "1.02s"."""
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


if __name__ == "__main__":
    main()
