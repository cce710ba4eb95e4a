"""Who asks: a person's program, one that loads ahead of anybody, or one that only looks at what mails lead to.

Nothing here is certain. User-Agent headers are what a program says of itself; the ones here are as their makers
document them or as they stand in server logs. What no header shows, the timing does: see `digest.store.readings`.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

SOON = timedelta(seconds=10)
"""Within so short a time after a mail was handed over a scanner asks, and hardly a person."""
APPLE_PROXY = "Mozilla/5.0"
"""All that Apple's Mail Privacy Protection says of itself: it loads pictures when a mail arrives, read or not."""
_MACHINES = re.compile(
    # Mail security: they follow links before or while a mail is delivered.
    r"barracuda|proofpoint|mimecast|trend ?micro|symantec|messagelabs|mcafee|trellix|fireeye|sophos|forcepoint|websense"
    r"|fortinet|fortiguard|checkpoint|cloudmark|bitdefender|kaspersky|\beset\b|ahnlab|estsecurity|jiran|google-safety"
    r"|safe ?browsing|virustotal|urlscan|phishtank|netcraft|palo ?alto|zscaler|\bvade"
    # Those that show what a link leads to, in chats and social networks.
    r"|facebookexternalhit|facebookcatalog|kakaotalk-scrap|kakaostory-og-reader|whatsapp/|slackbot|telegrambot"
    r"|skypeuripreview|bingpreview|link ?preview|iframely|embedly|outbrain|flipboardproxy|google-pagerenderer"
    # Robots and libraries; Cubot makes telephones.
    r"|(?<!cu)bots?\b|crawl|spider|scrap(?:er|y)|scan(?:ner)?\b|yeti/|daumoa|headless|phantomjs|puppeteer|playwright"
    r"|selenium|curl/|wget/|python[-/]|aiohttp|httpx|urllib|go-http-client|java/|libwww|lwp::|\bperl|apache-httpclient"
    r"|node-fetch|undici|axios/|\bgot\b|\bruby|php/|guzzle|powershell|winhttp|postman|\bdigest/",
    re.IGNORECASE,
)
_ASKED_AHEAD = ("sec-purpose", "purpose", "x-purpose", "x-moz")
"""Headers of browsers that load a page before anybody wants it."""
_AHEAD = ("prefetch", "prerender", "preview")


def is_machine(headers: Mapping[str, str]) -> bool:
    """Whether a program says of itself that nobody need be looking.

    The proxies of Gmail ("via ggpht.com GoogleImageProxy") and Yahoo are not among them: they ask when a person opens
    a mail.

    >>> is_machine({"user-agent": "Mozilla/5.0 (compatible; Barracuda Sentinel)"}), is_machine({})
    (True, True)
    """
    agent = headers.get("user-agent", "").strip()
    ahead = any(word in headers.get(name, "").lower() for name in _ASKED_AHEAD for word in _AHEAD)
    return agent in ("", APPLE_PROXY) or ahead or _MACHINES.search(agent[:500]) is not None


def is_too_soon(sent_at: datetime | None, now: datetime) -> bool:
    """Whether a mail has hardly arrived, or is not known to have left yet."""
    return sent_at is None or now - sent_at < SOON
