"""Header fields in ASCII: RFC 5322 folding and RFC 2047 encoded words.

CPython's own encoder makes encoded words of 76 characters where RFC 2047 (section 2) allows 75, and cuts between the
bytes of a character, so each word here is made to be decodable alone.
"""

import re
from base64 import b64encode
from collections.abc import Iterator

from digest.errors import RenderError

MAX_LINE = 76
"""Characters of a line that holds an encoded word (RFC 2047 section 2); others stay below it as well."""
_PREFIX, _SUFFIX = "=?utf-8?B?", "?="
_PLAIN = re.compile(r"[\x20-\x7e]*")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~ ]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_DIRECTION = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
"""Characters that turn the direction of what follows them, as an address behind a name does."""
_MAILBOX = re.compile(r"[!#-'*+\--9=?A-Z^-~]{1,64}@[A-Za-z0-9.\-]{1,253}")
"""RFC 5322 3.4.1 with a dot-atom before the @, which is all that the store takes."""


def clean_name(text: str) -> str:
    r"""A name on one line: control characters are spaces, spaces collapse, and nothing turns what follows it around.

    >>> clean_name(" Kim\r\nBcc: \u202ex ")
    'Kim Bcc: x'
    """
    if not text.isprintable():
        text = _DIRECTION.sub("", _CONTROL.sub(" ", text)).encode("utf-8", "replace").decode()
    return " ".join(text.split())


def encode_text(name: str, text: str) -> str:
    """An unstructured field such as Subject: its value, folded, without the line end.

    Control characters, line ends among them, become spaces: no value can begin another header.
    """
    text = _CONTROL.sub(" ", text)
    is_plain = _PLAIN.fullmatch(text) and "=?" not in text and text == text.strip()
    if is_plain and len(name) + 2 + len(text) <= MAX_LINE:
        return text
    return "\r\n ".join(_encode_words(text, first=MAX_LINE - len(name) - 2))


def encode_mailbox(name: str, display_name: str, address: str) -> str:
    """A field with one mailbox such as From: display name and address, folded between them where needed.

    Raises:
        RenderError: the address holds what could end it: a space, a control character, a bracket, a comma.
    """
    if not _MAILBOX.fullmatch(address):
        raise RenderError(
            f"{name}: {address!r} cannot be mailed; expected an ASCII address without spaces or control characters"
        )
    phrase = encode_phrase(name, display_name)
    if not phrase:
        return address
    last_line = phrase[phrase.rfind("\n") + 1 :] if "\n" in phrase else f"{name}: {phrase}"
    fits = len(last_line) + len(address) + 3 <= MAX_LINE
    return f"{phrase} <{address}>" if fits else f"{phrase}\r\n <{address}>"


def encode_phrase(name: str, text: str) -> str:
    """The words before an address or an identifier: atoms, a quoted string, or else encoded words, folded.

    The text is cleaned as `clean_name` does.
    """
    text = clean_name(text)
    room = MAX_LINE - len(name) - 2
    if text.isascii() and "=?" not in text:
        phrase = text if _ATOMS.fullmatch(text) else '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'
        if len(phrase) <= room:
            return phrase
    return "\r\n ".join(_encode_words(text, first=room))


def _encode_words(text: str, *, first: int) -> Iterator[str]:
    """Encoded words of whole characters; the first one is shorter as it stands behind the field's name."""
    content = text.encode("utf-8", "replace")
    room = _bytes_that_fit(first)
    while len(content) > room:
        end = room
        while content[end] & 0xC0 == 0x80:  # noqa: PLR2004 - a byte within a character
            end -= 1
        yield _to_word(content[:end])
        content = content[end:]
        room = _bytes_that_fit(MAX_LINE - 1)
    yield _to_word(content)


def _bytes_that_fit(characters: int) -> int:
    return (characters - len(_PREFIX) - len(_SUFFIX)) // 4 * 3


def _to_word(content: bytes) -> str:
    return f"{_PREFIX}{b64encode(content).decode()}{_SUFFIX}"
