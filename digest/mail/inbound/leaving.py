"""Mails that ask to be taken off the list: what `mailto:` of List-Unsubscribe makes (RFC 2369), or a person writes."""

import re

from digest.mail.inbound.parts import Parts, header

TOKEN = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{40}(?![A-Za-z0-9_-])")
_WORDS = (
    r"(?:un-?subscribe|opt[- ]?out"
    r"|수신 ?거부|구독 ?(?:취소|해지|중단)|수신 ?(?:해지|취소)|배달 ?중지)"
)
_SUBJECT = re.compile(
    rf"^\W*{_WORDS}\b[\s\w.@:<>+=-]{{0,80}}$|^\W*{_WORDS}\W*(?:합니다|해 ?주세요|요청|신청|please)?\W*$", re.IGNORECASE
)
_ALONE = re.compile(r"^\W*(?:stop|remove(?: me)?|leave)\W*$", re.IGNORECASE)
_ADDRESSED = re.compile(r"\bunsub(?:scribe)?\b|\boptout\b|\bleave\b", re.IGNORECASE)
_QUOTED = re.compile(
    r"^(?:>|\||-----|_____|on .{5,200} wrote:|.{0,80}(?:님이|wrote|작성)[^\n]{0,20}:\s*$|from:|보낸 ?사람)",
    re.IGNORECASE,
)


def find_tokens(parts: Parts) -> tuple[str, ...]:
    """What may be tokens of our links: in the subject, or in the mailbox the mail was sent to."""
    places = [header(parts.message, name) for name in ("Subject", "To", "Delivered-To", "X-Original-To")]
    return tuple(dict.fromkeys(found for place in places for found in TOKEN.findall(place)))


def asks_to_leave(parts: Parts) -> bool:
    """Whether somebody asks to get no more: in the subject alone, or in the first line they wrote themselves.

    A person who answers a digest quotes it, and with it its footer: what is quoted asks for nothing.
    """
    subject = header(parts.message, "Subject")
    if _SUBJECT.match(subject) or _ALONE.match(subject):
        return True
    if find_tokens(parts) and _ADDRESSED.search(f"{subject} {header(parts.message, 'To')}"):
        return True
    return bool(_SUBJECT.match(_first_line(parts.text)))


def _first_line(text: str) -> str:
    for line in text.split("\n"):
        if line.strip():
            return "" if _QUOTED.match(line.strip()) else line.strip()[:120]
    return ""
