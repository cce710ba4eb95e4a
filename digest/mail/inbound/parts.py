"""A message taken apart: what a program or person wrote, the fields of reports, and what was returned of our own mail.

Nothing here raises: bounces are made by programs of forty years, and cut, recoded and wrapped on their way.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from itertools import islice

from digest.mail.inbound.markup import text_of_html

_MISTAKES = (RecursionError, ValueError, LookupError, AttributeError, TypeError, AssertionError, MessageError)
"""What the standard library raises at one or another broken message, in spite of what it says."""
LARGEST = 2_000_000
"""Bytes that are looked at; a bounce may return a message of any length behind what it has to say."""
_DEEPEST = 12
"""Levels of parts within parts."""
_MOST_PARTS = 60
_LONGEST_TEXT = 64_000
"""Characters of one text that are looked at: many patterns are tried on them."""
_MOST_BLOCKS = 200
_STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")
_FEEDBACK_TYPE = "message/feedback-report"
_RETURNED_TYPES = ("message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers")
_RETURNED_BEGINS = re.compile(
    r"^(?:"
    r"[-=*_ >]*(?:-{2,}|={2,}|\*{2,}|_{2,})\s*(?:"
    r"(?:this is|below (?:this line )?is|start of|here is|included is|enclosed is).*"
    r"|.*\b(?:original|returned|undelivered|unsent|failed|your)\b.*\b(?:message|mail|headers?)\b.*"
    r"|message (?:headers?|body|follows|text).*|(?:original )?header(?:s)?\b.*|(?:transcript of )?message header.*"
    r")"
    r"|.{0,20}\b(?:original|your|undelivered|returned|included|unsent|copy of)\b.{0,30}\b(?:message|mail|headers?)"
    r"\b.{0,40}"
    r"\b(?:follows?|below|attached here)\b[^\n]{0,40}[:.]?"
    r"|included is a copy of .*|message headers? follow.*|received message follows.*|original message headers?:"
    r"|original message:|the header of the original message.*|content of the original message.*"
    r"|\|-+\s*message header.*|-+\s*forwarded (?:header|message)s?\s*-+|送信(?:メッセージ|内容).{0,20}[:：]?"
    r")\s*$",
    re.IGNORECASE | re.MULTILINE,
)
_HEADERS_BEGIN = re.compile(
    r"^(?:Return-Path:|Received:\s*(?:from|by|\(|at)|X-Received:|(?:Message-ID|From|To|Date|Subject):[^\n]*\n"
    r"(?:(?:[ \t][^\n]*|[A-Z][A-Za-z-]{1,40}:[^\n]*)\n){2})",
    re.MULTILINE | re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """A message taken apart."""

    message: Message
    """Its headers."""
    text: str
    """What its sender wrote, without what was returned; line ends are LF."""
    status: tuple[Message, ...] = ()
    """Groups of fields of delivery status notifications (RFC 3464): of the message, then of each recipient."""
    feedback: Message | None = None
    """Fields of a complaint (RFC 5965)."""
    returned: Message | None = None
    """Headers of our own message, as far as they came back."""
    returned_text: str = ""
    """All that came back of it, for what stands in no header any more."""


def take_apart(raw: bytes) -> Parts:
    """A message in its parts; garbage gives a text and no more."""
    try:
        return _take_apart(message_from_bytes(raw[:LARGEST]))
    except _MISTAKES:
        return Parts(message=Message(), text=_decode(raw[:_LONGEST_TEXT], ""))


def _take_apart(message: Message) -> Parts:
    leaves = list(_walk(message))
    status = tuple(block for leaf in leaves if leaf.get_content_type() in _STATUS_TYPES for block in _blocks(leaf))
    feedback = next((_fields_of(leaf) for leaf in leaves if leaf.get_content_type() == _FEEDBACK_TYPE), None)
    own = next((leaf for leaf in leaves if leaf.get_content_type() in _RETURNED_TYPES), None)
    text, behind = _cut_returned("\n".join(_texts(leaves))[:_LONGEST_TEXT])
    if own is not None:
        returned_text = _content_of(own)
        returned: Message | None = _headers_in(returned_text)
    else:
        returned_text, returned = behind, _headers_in(behind) if behind else None
    if not status:
        status = tuple(islice(_blocks_within(f"{text}\n\n{behind}\n\n{returned_text}"), _MOST_BLOCKS))
    return Parts(
        message=message, text=text, status=status, feedback=feedback, returned=returned, returned_text=returned_text
    )


def header(message: Message | None, name: str) -> str:
    """A header's text, decoded (RFC 2047), on one line; "" where it is not there or cannot be read."""
    values = all_headers(message, name)
    if not values:
        return ""
    try:
        text = str(make_header(decode_header(values[0])))
    except _MISTAKES:
        text = values[0]
    return " ".join(text.split())


def _unescaped(value: str) -> str:
    """What some programs write into fields without saying how: UTF-8, or Japanese with escapes (ISO-2022-JP)."""
    if not value.isascii():
        value = _decode(value.encode("utf-8", "surrogateescape"), "")
    if "\x1b" not in value:
        return value
    try:
        return value.encode("ascii", "ignore").decode("iso-2022-jp")
    except ValueError:
        return value


def all_headers(message: Message | None, name: str) -> list[str]:
    """Every value of a header, as it stands, on one line each."""
    if message is None:
        return []
    # Not get_all: of a value that is not ASCII it would give marks in place of its letters.
    found = [str(value) for key, value in message.raw_items() if key.lower() == name.lower()]
    return [" ".join(_unescaped(value).split()) for value in found]


def _walk(message: Message, depth: int = 0) -> Iterator[Message]:
    """Leaves in order; a returned message is one leaf, whatever is in it."""
    kind = message.get_content_type()
    if kind in _RETURNED_TYPES or kind in _STATUS_TYPES or kind == _FEEDBACK_TYPE or not message.is_multipart():
        yield message
    elif depth < _DEEPEST:
        payload = message.get_payload()
        for part in payload[:_MOST_PARTS] if isinstance(payload, list) else ():
            if isinstance(part, Message):
                yield from _walk(part, depth + 1)


def _blocks(leaf: Message) -> list[Message]:
    """The groups of fields of a status part; the parser has cut it at empty lines, where it could."""
    payload = leaf.get_payload()
    if isinstance(payload, list) and payload:
        blocks = [each for each in payload if isinstance(each, Message)]
        stray = [_headers_in(str(each.get_payload())) for each in blocks if str(each.get_payload() or "").strip()]
        return [one for block in (*blocks, *stray) for one in _one_by_one(block)][:_MOST_BLOCKS]
    return [_headers_in(block) for block in re.split(r"\n\s*\n", _content_of(leaf))][:_MOST_BLOCKS]


def _one_by_one(block: Message) -> Iterator[Message]:
    """A group of fields; the groups of several recipients where the empty lines between them are lost."""
    if len(block.get_all("Final-Recipient", ())) <= 1:
        yield block
        return
    yield from map(
        _headers_in, _groups("\n".join(f"{name}: {' '.join(value.split())}" for name, value in block.items()))
    )


_BLOCK = re.compile(
    r"(?mi)^(?:(?:final|original)-recipient|action|status|diagnostic-code):[^\n]*\n"
    r"(?:(?:[ \t]+[^\n]*|[A-Za-z][A-Za-z-]{1,40}:[^\n]*)(?:\n|\Z)|[ \t]*\n(?=(?:action|status|final-recipient):))+"
)


def _blocks_within(text: str) -> Iterator[Message]:
    """Groups of fields in a text: the parts of the report were lost on its way, or it lies within another."""
    for found in _BLOCK.finditer(text[:_LONGEST_TEXT]):
        for lines in _groups(found[0]):
            block = _headers_in(lines)
            if block.get("Final-Recipient") or block.get("Original-Recipient"):
                yield block


def _groups(text: str) -> Iterator[str]:
    """Fields, cut where one that stood already comes again: the empty line before the next recipient is lost."""
    group: list[str] = []
    for line in filter(str.strip, text.split("\n")):
        name = re.match(r"[A-Za-z][A-Za-z-]*:", line)
        if name and any(each.lower().startswith(name[0].lower()) for each in group):
            yield "\n".join(group)
            group = []
        group.append(line)
    yield "\n".join(group)


def _fields_of(leaf: Message) -> Message:
    payload = leaf.get_payload()
    if isinstance(payload, list) and payload and isinstance(payload[0], Message):
        return payload[0]
    return _headers_in(_content_of(leaf))


def _content_of(leaf: Message) -> str:
    payload = leaf.get_payload()
    if isinstance(payload, list):
        inner = payload[0] if payload and isinstance(payload[0], Message) else None
        if inner is None:
            return ""
        try:
            return inner.as_string()[:_LONGEST_TEXT]
        except _MISTAKES:
            return "\n".join(f"{name}: {value}" for name, value in inner.items())[:_LONGEST_TEXT]
    return _text_of(leaf)[:_LONGEST_TEXT]


def _texts(leaves: Sequence[Message]) -> Iterator[str]:
    """Texts before anything that was returned; HTML only where nobody wrote the same as plain text."""
    # Some forget the semicolon behind it: "text/plain charset=…".
    plain = [leaf for leaf in _before_returned(leaves) if leaf.get_content_type().split()[0] == "text/plain"]
    if any(_text_of(leaf).strip() for leaf in plain):
        yield from (_text_of(leaf) for leaf in plain)
        return
    for leaf in _before_returned(leaves):
        if leaf.get_content_type() == "text/html":
            yield text_of_html(_text_of(leaf))
        elif leaf.get_content_maintype() not in ("image", "application", "audio", "video"):
            yield _text_of(leaf)


def _before_returned(leaves: Sequence[Message]) -> Iterator[Message]:
    for leaf in leaves:
        if leaf.get_content_type() in _RETURNED_TYPES:
            return
        if leaf.get_content_type() not in _STATUS_TYPES and leaf.get_content_type() != _FEEDBACK_TYPE:
            yield leaf


def _text_of(leaf: Message) -> str:
    try:
        payload = leaf.get_payload(decode=True)
    except _MISTAKES:
        payload = None
    if not isinstance(payload, bytes):
        return str(leaf.get_payload() or "") if isinstance(leaf.get_payload(), str) else ""
    try:
        charset = str(leaf.get_content_charset() or "")
    except _MISTAKES:
        charset = ""
    return _decode(payload[:_LONGEST_TEXT], charset)


def _decode(content: bytes, charset: str) -> str:
    """Text by its label, or else as UTF-8, Korean (cp949) or whatever else shows every byte."""
    guesses = ["iso-2022-jp"] if b"\x1b$" in content else []
    for name in (charset, *guesses, "utf-8", "cp949"):
        try:
            return content.decode(name).replace("\r\n", "\n").replace("\r", "\n") if name else _raise()
        except (LookupError, ValueError):
            continue
    return content.decode("latin-1").replace("\r\n", "\n").replace("\r", "\n")


def _raise() -> str:
    raise LookupError


def _headers_in(text: str) -> Message:
    """The first block of header fields in a text."""
    begin = _HEADERS_BEGIN.search(text)
    block = text[begin.start() :] if begin and not re.match(r"\s*[A-Za-z][\w-]*:", text) else text.lstrip()
    try:
        return message_from_bytes(block[:60_000].encode("utf-8", "replace"))
    except _MISTAKES:
        return Message()


def _cut_returned(text: str) -> tuple[str, str]:
    """What was written, and what follows the line that says that our message follows, or looks like its headers."""
    places = [found for found in (_RETURNED_BEGINS.search(text), _HEADERS_BEGIN.search(text)) if found]
    for found in sorted(places, key=lambda each: each.start()):
        if text[: found.start()].strip():
            return text[: found.start()], text[found.end() if found.re is _RETURNED_BEGINS else found.start() :]
    return text, ""
