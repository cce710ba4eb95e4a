"""The rule on the size of the HTML part."""

from collections.abc import Iterator

from digest.check.finding import Finding, Part, Rule, error, warning
from digest.check.mail import MOST_READ, Mail
from digest.check.options import CheckOptions

CLIP_BYTES = 102_400
"""Gmail clips a longer HTML part, and the unsubscribe link with it. Counted as encoded."""
NEAR_CLIP_BYTES = 92_160
"""From here on a longer link or one more article may be too much."""
RULES = (
    Rule(
        id="SIZE-CLIP",
        title=f"The encoded HTML part stays below {CLIP_BYTES:,} bytes; {NEAR_CLIP_BYTES:,} are near",
        why="Gmail clips a longer mail at `[Message clipped]` and hides the rest, the unsubscribe link with it. Base64 "
        "makes four bytes of three, so about 75 KB of source is the limit.",
        fix="Show fewer articles or shorter excerpts.",
    ),
)
_LINE = 76
"""Characters of base64 in a line (RFC 2045 6.8)."""


def check_size(mail: Mail, _options: CheckOptions) -> Iterator[Finding]:
    """The size of the HTML part as it travels."""
    is_read = mail.html_part is None or len(mail.html_part.text) <= MOST_READ
    yield from _judge(mail.html_size, "encoded", is_read=is_read)


def check_source_size(source: str) -> Iterator[Finding]:
    """The size that a page would have in a mail, as base64."""
    letters = -(-len(source.encode("utf-8", "replace")) // 3) * 4
    yield from _judge(letters + 2 * (letters // _LINE), "as base64", is_read=len(source) <= MOST_READ)


def _judge(size: int, how: str, *, is_read: bool) -> Iterator[Finding]:
    rest = "" if is_read else "; it is too long to be a digest, and nothing else of it was checked"
    message = f"the HTML part has {size:,} bytes {how}; Gmail clips at {CLIP_BYTES:,}{rest}"
    if size >= CLIP_BYTES:
        yield error("SIZE-CLIP", message, part=Part.HTML)
    elif size >= NEAR_CLIP_BYTES:
        yield warning("SIZE-CLIP", message, part=Part.HTML)
