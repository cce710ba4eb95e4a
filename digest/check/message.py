"""Rules on the lines and the parts of a message: what a mail server or a mail program could trip over."""

import re
from collections.abc import Iterator

from digest.check.fields import Field
from digest.check.finding import Finding, Rule, error
from digest.check.mail import Mail, MimePart, is_text_in
from digest.check.options import CheckOptions

MAX_LINE = 998
"""Octets of a line without its end (RFC 5322 2.1.1)."""
RULES = (
    Rule(
        id="MSG-LINE",
        title="Raw lines have at most 998 octets and end in CRLF; there is no NUL",
        why="Mail servers cut longer lines or refuse the mail (RFC 5322 2.1.1), and a lone CR or LF lets a second "
        "message be smuggled in, so that servers refuse it as well.",
        fix="Encode the parts as base64 or quoted-printable, fold long header fields, and end each line in CRLF.",
    ),
    Rule(
        id="MSG-ALT",
        title="The mail is multipart/alternative: text/plain first, then text/html",
        why="Mail programs show the last alternative that they can (RFC 2046 5.1.4): in another order readers get "
        "plain text, and without it screen readers, watches and spam filters have nothing to go by.",
        fix="Send both parts, plain text first, and close the multipart with its last boundary.",
    ),
    Rule(
        id="MSG-CHARSET",
        title="Both parts are in UTF-8 and say so",
        why="A label that does not fit its bytes garbles Hangul, and Gmail clips a mail whose charset is wrong.",
        fix="Write `charset=utf-8` into the Content-Type of each part and encode it so.",
    ),
    Rule(
        id="MSG-CTE",
        title="Both parts travel as base64 or quoted-printable",
        why="Anything else is changed on its way by servers that know seven bits or short lines only (RFC 2045 6.2), "
        "which also breaks its DKIM signature.",
        fix="Use base64 for Korean, which is half as long as quoted-printable; either for English.",
    ),
)
_STRAY = re.compile(rb"\0|\r(?!\n)|(?<!\r)\n")
_STRAY_NAMES = {b"\0": "a NUL", b"\r": "a CR without LF", b"\n": "an LF without CR"}
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=\s\0]|=[^=\s]|=\s*[A-Za-z0-9+/]")
_NOT_QUOTED = re.compile(rb"=(?![0-9A-Fa-f]{2}|[ \t]*\r?\n|[ \t]*\Z)|[\x80-\xff]")
_WRAPPERS = ("multipart/mixed", "multipart/related", "multipart/signed")


def check_message(mail: Mail, _options: CheckOptions) -> Iterator[Finding]:
    """Every breach in the lines and parts of a mail."""
    yield from _check_lines(mail.raw)
    yield from _check_alternatives(mail)
    for part in (mail.text_part, mail.html_part):
        if part is not None:
            yield from _check_charset(part)
            yield from _check_encoding(part)


def _check_lines(raw: bytes) -> Iterator[Finding]:
    lengths = [len(line.rstrip(b"\r")) for line in raw.split(b"\n")]
    if too_long := [number for number, length in enumerate(lengths, 1) if length > MAX_LINE]:
        line = too_long[0]
        yield error(
            "MSG-LINE",
            f"a line has {lengths[line - 1]:,} octets, {MAX_LINE} are allowed{_times(len(too_long))}",
            line=line,
        )
    if stray := _STRAY.search(raw):
        count = sum(1 for _ in _STRAY.finditer(raw))
        line = raw.count(b"\n", 0, stray.start()) + 1
        yield error("MSG-LINE", f"{_STRAY_NAMES[stray[0]]}; lines end in CRLF{_times(count)}", line=line)


def _check_alternatives(mail: Mail) -> Iterator[Finding]:
    part = mail.root
    while part.content_type in _WRAPPERS and part.parts:
        part = part.parts[0]
    kinds = [_shown_kind(inner) for inner in part.parts]
    if part.content_type != "multipart/alternative":
        yield _wrong(part, f"it is {part.content_type}, expected multipart/alternative")
    elif not kinds or kinds[0] != "text/plain" or kinds[-1] != "text/html" or len(set(kinds)) != len(kinds):
        yield _wrong(part, f"it holds {', '.join(kinds) or 'no part'}; expected text/plain, then text/html")
    elif not all(inner.is_closed for inner in mail.root.walk()):
        yield _wrong(part, "the last boundary is not there: the mail was cut off")


def _shown_kind(part: MimePart) -> str:
    """What it shows: multipart/related shows its first part, with pictures in the others; an attachment nothing."""
    while part.content_type == "multipart/related" and part.parts:
        part = part.parts[0]
    is_attached = part.fields.value("content-disposition").lower().startswith("attachment")
    return f"attached {part.content_type}" if is_attached else part.content_type


def _wrong(part: MimePart, message: str) -> Finding:
    return error("MSG-ALT", message, line=_line_of(part, "content-type"))


def _check_charset(part: MimePart) -> Iterator[Finding]:
    line = _line_of(part, "content-type")
    if part.charset != "utf-8":
        found = f"says charset={part.charset}" if part.charset else "names no charset"
        yield error("MSG-CHARSET", f"the {part.content_type} part {found}, expected utf-8", line=line)
    elif not is_text_in(part.content, "utf-8"):
        yield error("MSG-CHARSET", f"the {part.content_type} part says utf-8 and its bytes are not", line=line)


def _check_encoding(part: MimePart) -> Iterator[Finding]:
    line = _line_of(part, "content-transfer-encoding")
    if part.encoding not in {"base64", "quoted-printable"}:
        message = f"the {part.content_type} part is {part.encoding[:40]}, expected base64 or quoted-printable"
        yield error("MSG-CTE", message, line=line)
    elif spoilt := _spoilt(part):
        yield error("MSG-CTE", f"the {part.content_type} part is no {part.encoding}: {spoilt[0]!r} in it", line=line)


def _spoilt(part: MimePart) -> re.Match[bytes] | None:
    pattern = _NOT_BASE64 if part.encoding == "base64" else _NOT_QUOTED
    return pattern.search(part.body)


def _line_of(part: MimePart, name: str) -> int:
    fields: tuple[Field, ...] = part.fields.named(name)
    return fields[0].line if fields else part.line


def _times(count: int) -> str:
    return f" ({count:,} times)" if count > 1 else ""
