"""Rules on the header fields of a message: the six of every mail, encoded words, subject, one-click unsubscribe."""

import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

from digest.check.columns import count_columns
from digest.check.fields import Field, Fields
from digest.check.finding import Finding, Rule, error, warning
from digest.check.mail import Mail
from digest.check.options import CheckOptions
from digest.check.placeholders import find_tokens, is_missing_value
from digest.check.visible import PADDING

SUBJECT_COLUMNS = 70
"""More is cut off in most inboxes."""
RULES = (
    Rule(
        id="MSG-HDR",
        title="From, To, Subject, Date, Message-ID and MIME-Version are there once each, and valid",
        why="RFC 5322 3.6 asks for them; Gmail refuses mail with a doubled From or Subject, and filters distrust the "
        "rest.",
        fix="Write each of them once: one address in From, a date with its offset, a Message-ID in angle brackets.",
    ),
    Rule(
        id="MSG-2047",
        title="Header fields are ASCII; encoded words have at most 75 characters, are UTF-8, and each decodes alone",
        why="Raw bytes are refused or garbled by servers without SMTPUTF8, and a character cut between two words "
        "shows as � in Outlook and Naver (RFC 2047 2 and 5).",
        fix="Encode as `=?utf-8?B?…?=`, whole characters in each word, and put a space between two words.",
    ),
    Rule(
        id="MSG-SUBJ",
        title="The subject is not empty and holds no placeholder; it takes at most 70 columns",
        why="An empty subject or one with `{{ title }}` is seen first of all; more than 70 columns (a Hangul syllable "
        "takes two) is cut off in the inbox row.",
        fix="Write a subject; shorten it to 70 columns.",
    ),
    Rule(
        id="MSG-UNSUB",
        title="List-Unsubscribe has an https address, and List-Unsubscribe-Post says One-Click",
        why="Gmail and Yahoo ask bulk senders for one-click unsubscribe (RFC 8058); without it readers press Spam.",
        fix="Send `List-Unsubscribe: <https://…>` and `List-Unsubscribe-Post: List-Unsubscribe=One-Click`.",
    ),
)
_REQUIRED = {
    "from": "From", "to": "To", "subject": "Subject", "date": "Date", "message-id": "Message-ID",
    "mime-version": "MIME-Version",
}  # fmt: skip
_AT_MOST_ONCE = ("sender", "reply-to", "cc", "content-type", "content-transfer-encoding", "in-reply-to", "references")
_COMMENT = re.compile(r"\([^()]*\)")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_ADDRESS = r"[^\s<>@,;:()\[\]\"]+@(?:\w(?:[\w-]*\w)?(?:\.\w(?:[\w-]*\w)?)*|\[[^\]\s]*\])"
_MAILBOX = re.compile(rf"\s*(?:[^<>@,;:\"]*<{_ADDRESS}>|{_ADDRESS})\s*")
_GROUP = re.compile(r"[^<>@,;:]+:[^:;]*;")
_MESSAGE_ID = re.compile(r"<[^\s<>@]+@[^\s<>@]+>")
_DATE = re.compile(
    r"(?:(Mon|Tue|Wed|Thu|Fri|Sat|Sun),\s*)?\d{1,2}\s+(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\s+\d{4}\s+"
    r"\d{2}:\d{2}(?::\d{2})?\s+(?:[+-]\d{4}|GMT|UT)",
)
_WORD = re.compile(r"=\?([^?\s]*)\?([^?\s]*)\?([^?\s]*)\?=")
_MAY_TOUCH = frozenset(' \t()<>,;:"')
"""What may stand beside an encoded word: RFC 2047 5 asks for spaces, and every program reads the marks of addresses."""
_UNFINISHED = re.compile(r"=\?[\w-]+\?[bq]\?", re.IGNORECASE)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_LONGEST_WORD = 75
_WITH_NAMES = frozenset({"from", "to", "cc", "reply-to", "sender"})
_HTTPS = re.compile(r"<\s*https://[^\s<>/]+\.[^\s<>]+>", re.IGNORECASE)


def check_headers(mail: Mail, _options: CheckOptions) -> Iterator[Finding]:
    """Every breach in the header of a mail."""
    yield from _check_required(mail.fields)
    for part in mail.root.walk():
        for field in part.fields.all:
            yield from _check_words(field)
    yield from _check_subject(mail.fields)
    yield from _check_unsubscribe(mail.fields)


def read_subject(fields: Fields) -> str:
    """The subject with its encoded words decoded, as far as they can be."""
    return decode_words(fields.value("subject"))


def decode_words(value: str) -> str:
    """A field's value with its encoded words decoded (RFC 2047); a gap between two of them is none."""
    joined = re.sub(r"\?=\s+(?==\?)", "?=", value)
    return _WORD.sub(lambda word: word[0] if (words := _decode(word)) is None else words, joined)


def has_sound_words(value: str) -> bool:
    """Whether every encoded word of a field's value can be decoded as it should."""
    return not any(_wrong_word(word) for word in _WORD.finditer(value))


def _check_required(fields: Fields) -> Iterator[Finding]:
    for name, title in _REQUIRED.items():
        found = fields.named(name)
        if len(found) != 1:
            count = f"stands {len(found)} times" if found else "is missing"
            yield error("MSG-HDR", f"{title} {count}, expected once", line=found[1].line if found else None)
        elif name in _CHECKS and (wrong := _CHECKS[name](found[0].value)):
            yield error("MSG-HDR", f"{title}: {wrong}", line=found[0].line, snippet=found[0].value[:80])
    for name in _AT_MOST_ONCE:
        if len(found := fields.named(name)) > 1:
            yield error("MSG-HDR", f"{name} stands {len(found)} times, expected once", line=found[1].line)
    if strays := fields.named(""):
        yield error("MSG-HDR", "a line that is no header field", line=strays[0].line, snippet=strays[0].value[:80])


def _wrong_sender(value: str) -> str:
    return "" if len(_mailboxes(value)) == 1 and _are_mailboxes(value) else "expected one address"


def _wrong_recipients(value: str) -> str:
    return "" if _are_mailboxes(value) or _GROUP.fullmatch(value) else "expected addresses"


def _are_mailboxes(value: str) -> bool:
    return all(map(_MAILBOX.fullmatch, _mailboxes(value)))


def _mailboxes(value: str) -> list[str]:
    """The pieces between commas, without comments and with quoted names as one word."""
    return _COMMENT.sub(" ", _QUOTED.sub("x", value)).split(",")


def _wrong_date(value: str) -> str:
    found = _DATE.fullmatch(_COMMENT.sub("", value).strip())
    moment = _moment(value) if found else None
    if not found or moment is None:
        return "expected a date such as Mon, 06 Apr 2026 08:00:00 +0900"
    day = _DAYS[moment.weekday()]
    return f"that day is a {day}" if found[1] not in {None, day} else ""


def _moment(value: str) -> datetime | None:
    try:
        return parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _wrong_message_id(value: str) -> str:
    return "" if _MESSAGE_ID.fullmatch(value) else "expected <words@domain>"


def _wrong_version(value: str) -> str:
    return "" if _COMMENT.sub("", value).strip() == "1.0" else "expected 1.0"


_CHECKS: Mapping[str, Callable[[str], str]] = {
    "from": _wrong_sender,
    "to": _wrong_recipients,
    "date": _wrong_date,
    "message-id": _wrong_message_id,
    "mime-version": _wrong_version,
}


def _check_words(field: Field) -> Iterator[Finding]:
    if not field.raw.isascii():
        yield _word_error(field, f"{field.name or 'the header'} holds bytes that are not ASCII; encode them")
        return
    value = field.value
    for word in _WORD.finditer(value):
        if wrong := _wrong_word(word):
            yield _word_error(field, f"{field.name}: {wrong}", word[0])
            return
    if field.name in _WITH_NAMES and any(map(_WORD.search, _QUOTED.findall(value))):
        yield _word_error(field, f"{field.name}: an encoded word stands in quotes, where it is not decoded")
    if any(_touches(word) for word in _WORD.finditer(value)) or _UNFINISHED.search(_WORD.sub("", value)):
        yield _word_error(field, f"{field.name}: an encoded word does not end, or touches what is beside it")


def _touches(word: re.Match[str]) -> bool:
    return not _MAY_TOUCH.issuperset(
        word.string[max(word.start() - 1, 0) : word.start()] + word.string[word.end() :][:1]
    )


def _word_error(field: Field, message: str, snippet: str = "") -> Finding:
    return error("MSG-2047", message, line=field.line, snippet=snippet[:80])


def _wrong_word(word: re.Match[str]) -> str:
    if len(word[0]) > _LONGEST_WORD:
        return f"an encoded word has {len(word[0])} characters, {_LONGEST_WORD} are allowed"
    charset = word[1].partition("*")[0].lower()
    if charset != "utf-8":
        return f"an encoded word is in {charset[:20]}, expected utf-8"
    return "" if _decode(word) is not None else "an encoded word cannot be decoded alone"


def _decode(word: re.Match[str]) -> str | None:
    """What an encoded word says; None where it says nothing whole."""
    letters = word[3].encode("ascii", "replace")
    encoding = word[2].lower()
    try:
        if encoding == "b":
            content = binascii.a2b_base64(letters, strict_mode=True) if letters else b""
        elif encoding == "q":
            content = binascii.a2b_qp(letters, header=True)
        else:
            return None
        return content.decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def _check_subject(fields: Fields) -> Iterator[Finding]:
    found = fields.named("subject")
    if len(found) != 1:
        return
    subject, line = read_subject(fields), found[0].line
    if not PADDING.sub("", subject):
        yield error("MSG-SUBJ", "the subject is empty", line=line)
    elif token := next(find_tokens(subject), None):
        yield error("MSG-SUBJ", f"a placeholder was left in the subject: {token[0]}", line=line, snippet=subject[:80])
    elif is_missing_value(subject):
        yield error("MSG-SUBJ", "the subject says that a value was missing", line=line, snippet=subject[:80])
    if (columns := count_columns(subject)) > SUBJECT_COLUMNS:
        message = f"the subject takes {columns} columns, {SUBJECT_COLUMNS} are seen"
        yield warning("MSG-SUBJ", message, line=line, snippet=subject[:80])


def _check_unsubscribe(fields: Fields) -> Iterator[Finding]:
    found, posts = fields.named("list-unsubscribe"), fields.named("list-unsubscribe-post")
    if len(found) != 1 or not _HTTPS.search(found[0].value) or any(find_tokens(found[0].value)):
        message = "List-Unsubscribe is missing, doubled, or has no https address without placeholders"
        yield error("MSG-UNSUB", message, line=found[0].line if found else None)
    if [post.value for post in posts] != ["List-Unsubscribe=One-Click"]:
        message = "List-Unsubscribe-Post is not List-Unsubscribe=One-Click (RFC 8058)"
        yield error("MSG-UNSUB", message, line=posts[0].line if posts else None)
