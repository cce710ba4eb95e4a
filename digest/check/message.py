"""Rules on the final bytes of a message that must hold before anyone is mailed."""

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart

from digest.check.finding import Finding

CLIP_BYTES = 102_400
"""Gmail clips a longer HTML part, and the unsubscribe link with it. Counted as encoded."""
MAX_LINE = 998
"""RFC 5322 2.1.1."""
_LEFTOVER = re.compile(r"\{\{|\{%|%7B%7B|[0-9a-f]{16}\.invalid|>\s*(?:None|nan)\s*<", re.IGNORECASE)
_STRAY = re.compile(rb"\0|\r(?!\n)|(?<!\r)\n")
_UNSUBSCRIBE = re.compile(
    r'<a\s[^>]*href="https://[^"]+"[^>]*>[^<]*(?:unsubscribe|수신\s*거부|구독\s*(?:해지|취소))', re.IGNORECASE
)


def check_message(content: bytes) -> tuple[Finding, ...]:
    """Check a whole message; nothing found is an empty tuple."""
    message = message_from_bytes(content, policy=policy.default)
    return tuple(_find(content, message))


def _find(content: bytes, message: EmailMessage) -> Iterator[Finding]:
    longest = max(map(len, content.split(b"\r\n")))
    if longest > MAX_LINE:
        yield Finding(rule="MSG-LINE", message=f"a line has {longest} octets, {MAX_LINE} are allowed")
    if stray := _STRAY.search(content):
        yield Finding(rule="MSG-LINE", message=f"a stray {stray[0]!r} at octet {stray.start()}; lines end in CRLF")
    one_click = message.get("List-Unsubscribe-Post") == "List-Unsubscribe=One-Click"
    if "<https://" not in message.get("List-Unsubscribe", "") or not one_click:
        yield Finding(rule="MSG-UNSUB", message="no one-click unsubscribe in the headers (RFC 8058)")
    kinds = [part.get_content_type() for part in message.iter_parts()]
    if kinds != ["text/plain", "text/html"]:
        yield Finding(rule="MSG-ALT", message=f"parts are {kinds}, expected text/plain, then text/html")
        return
    text, html = message.iter_parts()
    try:
        yield from _find_in_parts(text, html)
    except LookupError as error:
        yield Finding(rule="MSG-CHARSET", message=f"a part cannot be decoded: {error}")


def _find_in_parts(text: MIMEPart, html: MIMEPart) -> Iterator[Finding]:
    size = len(html.get_payload())
    if size >= CLIP_BYTES:
        yield Finding(
            rule="SIZE-CLIP", message=f"the HTML part has {size:,} encoded bytes; Gmail clips at {CLIP_BYTES:,}"
        )
    markup = html.get_content()
    if not markup.startswith("<!DOCTYPE html>"):
        yield Finding(rule="DOC-TYPE", message="the HTML part does not begin with <!DOCTYPE html>")
    if not _UNSUBSCRIBE.search(markup):
        yield Finding(rule="LNK-UNSUB", message="the HTML part has no https unsubscribe link")
    for part in (markup, text.get_content()):
        if leftover := _LEFTOVER.search(part):
            yield Finding(rule="PH-LEFT", message=f"a placeholder was left: {leftover[0]!r}")
