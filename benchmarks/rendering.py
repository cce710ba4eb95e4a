"""Print what rendering, filling and checking an issue costs: medians of interleaved rounds on this machine.

    python benchmarks/rendering.py [--rounds 30]

The issue is the demo's, with 10 articles, made by the script itself in a temporary folder; nothing is sent.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path

from digest.app import App, open_app
from digest.check.contract import check_mail
from digest.compose import Draft, compose_edition
from digest.deliver.letters import Letterhead, Reader, write_message
from digest.store.groups import VariantKey, make_variant_key
from digest.variants import Printing, letterhead_of_draft

KOREAN = make_variant_key("ko", ())
ENGLISH = make_variant_key("en", ())
READER = Reader(subscriber_id=12_345, address="reader@example.com", name="독자")
LARGE = 75 * 1024
"""Bytes of HTML, decoded, as the contract's budget has it."""


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    label: str
    unit: str
    allowed: float | None
    work: Callable[[], object]
    repeat: int = 1
    scale: float = 1000.0


def write_variant(app: App, draft: Draft, key: VariantKey) -> bytes:
    """Context → jinja2 → premailer → text → MIME, for one group of readers."""
    variants = {variant.key: variant for variant in Printing(draft, [key], app.workshop).variants()}
    return write_message(letterhead_of_draft(draft, variants, app.workshop), key.key, READER).content


def make_letterhead(app: App, draft: Draft) -> Letterhead:
    """The Korean variant, rendered once."""
    variants = {variant.key: variant for variant in Printing(draft, [KOREAN], app.workshop).variants()}
    return letterhead_of_draft(draft, variants, app.workshop)


def enlarge(content: bytes) -> bytes:
    """The message with its list repeated until the HTML part has 75 KB, as plain 8-bit text."""
    message = message_from_bytes(content, policy=policy.SMTP)
    html = message.get_body(("html",))
    markup = html.get_content()
    begin, end = markup.rindex("<tr"), markup.rindex("</table>")
    row = markup[begin : markup.index("</tr>", begin) + 5]
    missing = max(0, LARGE - len(markup.encode()))
    html.set_content(
        markup[:end] + row * (missing // len(row.encode()) + 1) + markup[end:], subtype="html", cte="base64"
    )
    return message.as_bytes()


def figures(app: App) -> list[Figure]:
    """What is measured."""
    draft = compose_edition(app.database, app.open_edition(app.settings.newsletter(None), edition_of(app))[0])
    letterhead = make_letterhead(app, draft)
    large = enlarge(write_variant(app, draft, KOREAN))
    return [
        Figure("full render of the issue to MIME", "ms", 60, lambda: write_variant(app, draft, KOREAN)),
        Figure("a second variant of it, English", "ms", 30, lambda: write_variant(app, draft, ENGLISH)),
        Figure(
            "one subscriber's message, filled in",
            "µs",
            None,
            lambda: [write_message(letterhead, KOREAN.key, READER) for _ in range(100)],
            repeat=100,
            scale=1e6,
        ),
        Figure("the contract on a digest of 75 KB", "ms", 300, lambda: check_mail(large)),
    ]


def edition_of(app: App):
    """The demo's issue to come."""
    return app.default_edition(app.settings.newsletter(None))


def main() -> None:
    """Measure in rounds, one of each kind after the other, and print medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "demo"
        subprocess.run([sys.executable, "-m", "digest", "demo", str(folder)], check=True, stdout=subprocess.DEVNULL)
        with open_app(folder / "digest.toml") as app:
            measured = figures(app)
            times: dict[str, list[float]] = {figure.label: [] for figure in measured}
            for number in range(rounds + 3):
                for figure in measured:
                    start = time.perf_counter()
                    figure.work()
                    if number >= 3:  # warm
                        times[figure.label].append((time.perf_counter() - start) / figure.repeat * figure.scale)
    print(f"{'figure':<44} {'median':>10} {'least':>10} {'most':>10} {'allowed':>10}")
    for figure in measured:
        values = times[figure.label]
        allowed = f"{figure.allowed:g} {figure.unit}" if figure.allowed else "–"
        print(
            f"{figure.label:<44} {statistics.median(values):>7.1f} {figure.unit} {min(values):>7.1f} {figure.unit} "
            f"{max(values):>7.1f} {figure.unit} {allowed:>10}"
        )


if __name__ == "__main__":
    main()
